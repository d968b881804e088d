/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random system calls on a tmpfs and on shmfs, by two processes of two users each; every
 * result, all data and the resulting trees have to be the same.
 *
 *   differential [--capped] [--round N] [--keep-going] [--without KIND,...]
 *                [--counts] [--list]
 *
 * The calls come in rounds of 1000, each on empty mounts and made from the seed and its number
 * alone; --round repeats one. A round that shows a difference is reduced to the calls that are
 * needed for it. --capped mounts with the default of grow= and compares with a model of its rules;
 * without it, grow=*.
 *
 * Environment: SHMFS_TEST_SEED, SHMFS_TEST_STEPS (200000 calls), and those of mounts.h.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>

#include "allowed.h"
#include "compare.h"
#include "counts.h"
#include "generate.h"
#include "launch.h"
#include "mounts.h"
#include "print.h"
#include "shrink.h"

enum { USUAL_STEPS = 200000, BEFORE = 30, ALL_ROUNDS = -1 };

struct test {
	struct plan plan;
	struct terms terms;
	struct side sides[2];
	bool capped, keep_going, counts;
	bool without[256];
	const char *excluded; /* the same as names, or NULL */
	long round;	      /* the only one, or ALL_ROUNDS */
	uint64_t steps;
	const char *sought; /* while shrinking: the difference */
	unsigned sought_kind;
};

static uint64_t environment_number(const char *name, uint64_t usual)
{
	const char *given = getenv(name);

	return given != NULL && given[0] != '\0' ? strtoull(given, NULL, 0) : usual;
}

/* Runs calls on both sides. What is left of them after their end counts as well. */
static void run_calls(
    struct test *test, const struct call *calls, unsigned count, struct difference *difference)
{
	const char *wrong, *left[2];

	for (unsigned i = 0; i < 2; i++)
		side_start(&test->sides[i], calls, count);
	wrong = sides_wait(test->sides, 2);
	for (unsigned i = 0; i < 2; i++)
		left[i] = daemon_has_ended() ? "the daemon has ended" : side_clear(&test->sides[i]);
	compare_round(&test->terms, test->sides, calls, count, difference);
	if (difference->what != NULL)
		return;
	difference->step = count - 1;
	difference->what = wrong != NULL ? wrong : left[0] != NULL ? left[0] : left[1];
}

static bool shows_sought(void *context, const struct call *calls, unsigned count)
{
	struct test *test = context;
	struct difference difference;

	run_calls(test, calls, count, &difference);
	return difference.what != NULL && difference.step == count - 1 &&
	       strcmp(difference.what, test->sought) == 0 &&
	       calls[difference.step].kind == test->sought_kind;
}

static const char *tier_of(const struct test *test)
{
	return test->terms.native ? "passthrough" : "cached";
}

static void print_step(const struct test *test, const struct call *calls, unsigned step, bool both)
{
	printf("%5u ", step);
	print_call(stdout, &calls[step]);
	for (unsigned i = 0; i < (both ? 2 : 1); i++) {
		if (both)
			printf("\n    %s:", test->sides[i].name);
		fputs(" = ", stdout);
		print_result(stdout, &test->sides[i].shared->results[step]);
	}
	putchar('\n');
}

static void print_difference(const struct test *test, const struct call *calls,
    const struct difference *difference, unsigned from)
{
	const struct result *const results[] = {
	    &test->sides[0].shared->results[difference->step],
	    &test->sides[1].shared->results[difference->step],
	};

	for (unsigned step = from; step < difference->step; step++)
		print_step(test, calls, step, false);
	print_step(test, calls, difference->step, true);
	printf("    differ in %s\n", difference->what);
	for (unsigned i = 0; i < 2 && difference->views[0] != NULL; i++) {
		printf("    %s: ", test->sides[i].name);
		print_view(stdout, difference->views[i]);
		putchar('\n');
	}
	print_text_difference(stdout, test->sides, results);
}

static void report(struct test *test, uint64_t round, struct call *calls,
    struct difference *difference, unsigned count)
{
	unsigned from = difference->step > BEFORE ? difference->step - BEFORE : 0;

	printf("--- SHMFS_TEST_SEED=%" PRIu64
	       " SHMFS_TEST_IO=%s differential%s%s%s --round %" PRIu64 ", call %u: a difference\n",
	    test->plan.seed, tier_of(test), test->capped ? " --capped" : "",
	    test->excluded != NULL ? " --without " : "",
	    test->excluded != NULL ? test->excluded : "", round, difference->step);
	print_difference(test, calls, difference, from);
	fflush(stdout);
	if (daemon_has_ended())
		return;
	test->sought = strdup(difference->what);
	test->sought_kind = calls[difference->step].kind;
	if (difference->step + 1 < count)
		count = difference->step + 1;
	count = shrink(calls, count, shows_sought, test);
	run_calls(test, calls, count, difference);
	printf("--- the calls that are needed for it:%s\n",
	    difference->what == NULL ? " (not every time)" : "");
	if (difference->what == NULL)
		difference->what = "nothing this time";
	print_difference(test, calls, difference, 0);
	fflush(stdout);
}

/* True if the sides agreed. */
static bool run_round(struct test *test, uint64_t round, unsigned count)
{
	static struct call calls[ROUND_CALLS];
	struct difference difference;

	generate_round(&test->plan, round, calls, count);
	run_calls(test, calls, count, &difference);
	counts_add(calls, test->sides[1].shared->results, count);
	if (difference.what == NULL)
		return true;
	report(test, round, calls, &difference, count);
	return false;
}

/* All rounds have the same number of calls, so that each can be had again without the others. */
static bool run_rounds(struct test *test)
{
	unsigned count = test->steps < ROUND_CALLS ? (unsigned)test->steps : ROUND_CALLS;
	uint64_t round = test->round == ALL_ROUNDS ? 0 : (uint64_t)test->round;
	uint64_t end =
	    test->round == ALL_ROUNDS ? (test->steps + ROUND_CALLS - 1) / ROUND_CALLS : round + 1;
	unsigned passed = 0, failed = 0;
	bool well;

	for (; round < end && (failed == 0 || test->keep_going) && !daemon_has_ended(); round++) {
		if (run_round(test, round, count))
			passed++;
		else
			failed++;
	}
	well = mounts_end();
	if (test->counts)
		counts_print();
	if (test->terms.allow_differences)
		allowed_print();
	printf("differential: %u passed, %u failed\n", passed, failed);
	return failed == 0 && well;
}

static void exclude(struct test *test, char *names)
{
	char *name;

	while ((name = strsep(&names, ",")) != NULL) {
		bool known = false;

		for (unsigned i = 0; i < kind_count; i++)
			if (strcmp(kinds[i].name, name) == 0)
				test->without[i] = known = true;
		if (!known) {
			fprintf(stderr, "differential: no kind of call is named %s\n", name);
			exit(2);
		}
	}
}

static void parse(struct test *test, int argc, char **argv)
{
	static const struct option options[] = {{"capped", no_argument, NULL, 'c'},
	    {"round", required_argument, NULL, 'r'}, {"keep-going", no_argument, NULL, 'k'},
	    {"without", required_argument, NULL, 'w'}, {"counts", no_argument, NULL, 'n'},
	    {"list", no_argument, NULL, 'l'}, {0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (letter) {
		case 'c':
			test->capped = true;
			break;
		case 'r':
			test->round = strtol(optarg, NULL, 0);
			break;
		case 'k':
			test->keep_going = true;
			break;
		case 'w':
			test->excluded = strdup(optarg);
			exclude(test, optarg);
			break;
		case 'n':
			test->counts = true;
			break;
		case 'l':
			for (unsigned i = 0; i < kind_count; i++)
				puts(kinds[i].name);
			exit(0);
		default:
			fprintf(stderr, "usage: differential [--capped] [--round N] [--keep-going] "
					"[--without KIND,...] [--counts] [--list]\n");
			exit(2);
		}
	}
}

static void mount_both(struct test *test)
{
	const char *filesystem = getenv("SHMFS_TEST_FS");
	bool second_tmpfs = filesystem != NULL && strcmp(filesystem, "tmpfs") == 0;
	/* Pages are compared where they are, so that both have huge ones, or none. */
	const char *huge = launch_huge() != NULL ? launch_huge() : "never";
	char options[256];

	side_init(&test->sides[0], "tmpfs", true);
	side_init(&test->sides[1], second_tmpfs ? "other" : "shmfs", false);
	mount_tmpfs(test->sides[0].dir, huge);
	if (second_tmpfs) {
		mount_tmpfs(test->sides[1].dir, huge);
	} else {
		snprintf(options, sizeof options,
		    "io=%s,size=64g,nr_inodes=1000000,mode=1777,huge=%s%s", launch_io(), huge,
		    test->capped ? "" : ",grow=*");
		mount_shmfs(test->sides[1].dir, options);
	}
	test->terms = (struct terms){!second_tmpfs, daemon_log_mentions("io=passthrough"),
	    daemon_log_mentions("io=cached"), strcmp(huge, "never") != 0,
	    strcmp(huge, "always") == 0};
	for (unsigned i = 0; i < 2; i++)
		test->sides[i].rules = (struct rules){!second_tmpfs, test->capped,
		    test->terms.native, test->terms.cached, test->terms.huge};
}

static bool is_failure(int status)
{
	return status != STATUS_SKIP;
}

/* Linux before 6.6 has no attributes in user.* on tmpfs, and its access control lists can be left
 * out. True if that is a failure. */
static bool skip_what_tmpfs_lacks(struct test *test)
{
	static char xattrs[] = "setxattr,getxattr,listxattr,removexattr", acls[] = "setacl";
	const char *dir = test->sides[0].dir;
	bool failure = false;

	if (setxattr(dir, "user.probe", "", 0, 0) != 0) {
		failure |= is_failure(skip_test(xattrs, "tmpfs has no attributes in user.*"));
		exclude(test, xattrs);
	}
	if (getxattr(dir, "system.posix_acl_access", NULL, 0) < 0 && errno == EOPNOTSUPP) {
		failure |= is_failure(skip_test(acls, "tmpfs has no access control lists"));
		exclude(test, acls);
	}
	removexattr(dir, "user.probe");
	return failure;
}

int main(int argc, char **argv)
{
	static struct test test = {.round = ALL_ROUNDS};
	const char *reason;
	uint64_t seed = 0;
	bool failure;

	parse(&test, argc, argv);
	reason = mounts_begin();
	if (reason != NULL)
		return skip_test("differential", reason);
	mount_both(&test);
	failure = skip_what_tmpfs_lacks(&test);
	if (getrandom(&seed, sizeof(uint32_t), 0) < 0)
		seed = 1;
	test.plan.seed = environment_number("SHMFS_TEST_SEED", seed);
	test.plan.without = test.without;
	test.steps = environment_number("SHMFS_TEST_STEPS", USUAL_STEPS);
	printf("differential: SHMFS_TEST_SEED=%" PRIu64 ", %" PRIu64 " calls of %u kinds, %s%s%s\n",
	    test.plan.seed, test.steps, kind_count,
	    test.terms.allow_differences ? "io=" : "a second tmpfs",
	    test.terms.allow_differences ? tier_of(&test) : "", test.capped ? ", capped" : "");
	fflush(stdout);
	return run_rounds(&test) && !failure ? 0 : 1;
}

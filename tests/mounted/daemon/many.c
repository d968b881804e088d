/* SPDX-License-Identifier: BSD-2-Clause */
/* Many objects: what one costs does not depend on how many there are. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum {
	FEW = 1000,
	MANY = 100000,
	SAMPLES = 4000,
	LISTINGS = 5,
	MOST_BYTES = 1024, /* of the daemon's own memory for an object */
	TRIES = 4,
};

#define MOST_GROWTH 1.3

/* Nanoseconds: medians for one object. */
struct cost {
	double create, stat, remove, list;
};

static uint64_t now(void)
{
	struct timespec ts;

	OK(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double median(uint64_t *samples, size_t count)
{
	qsort(samples, count, sizeof *samples, compare);
	return (double)samples[count / 2];
}

static const char *numbered(const char *prefix, int number)
{
	static char name[32];

	snprintf(name, sizeof name, "%s-%012d", prefix, number);
	return name;
}

static void make_empty(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	OK(close(fd));
}

static int count_entries(void)
{
	DIR *dir = opendir(".");
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	OK(closedir(dir));
	return count - 2;
}

/* With this many objects beside it, makes, looks at and removes one more, again and again. */
static struct cost measure(int beside)
{
	static uint64_t create[SAMPLES], look[SAMPLES], removal[SAMPLES], list[LISTINGS];
	struct stat st;

	for (int i = 0; i < SAMPLES; i++) {
		const char *name = numbered("sample", i);
		uint64_t start = now(), created, looked;

		make_empty(name);
		created = now();
		OK(stat(name, &st));
		looked = now();
		OK(unlink(name));
		removal[i] = now() - looked;
		look[i] = looked - created;
		create[i] = created - start;
	}
	for (int i = 0; i < LISTINGS; i++) {
		uint64_t start;

		/* The kernel's own copy of the listing is not what is measured. */
		make_empty("another");
		OK(unlink("another"));
		start = now();
		ck_assert_int_eq(count_entries(), beside);
		list[i] = (now() - start) / (uint64_t)beside;
	}
	return (struct cost){
	    .create = median(create, SAMPLES),
	    .stat = median(look, SAMPLES),
	    .remove = median(removal, SAMPLES),
	    .list = median(list, LISTINGS),
	};
}

static double growth_of(const struct cost *few, const struct cost *many)
{
	const double ratios[] = {many->create / few->create, many->stat / few->stat,
	    many->remove / few->remove, many->list / few->list};
	double worst = 0;

	for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
		worst = ratios[i] > worst ? ratios[i] : worst;
	return worst;
}

static void report(const struct cost *cost, int beside)
{
	printf("with %6d objects, ns for one: create %.0f, stat %.0f, remove %.0f, list %.0f\n",
	    beside, cost->create, cost->stat, cost->remove, cost->list);
	fflush(stdout);
}

static void fill(int from, int to)
{
	for (int i = from; i < to; i++)
		make_empty(numbered("object", i));
}

static void empty(int from, int to)
{
	for (int i = from; i < to; i++)
		OK(unlink(numbered("object", i)));
}

/*
 * Costs move with the machine's other work by more than what is looked for. So both sizes are
 * measured anew, one right after the other, when the bound is missed: a cost that grows with the
 * number of objects misses it every time.
 */
START_TEST(an_object_among_100000_costs_at_most_1_3_of_one_among_1000)
{
	struct cost few, many;
	double growth = 0;

	for (int i = 0; i < TRIES; i++) {
		fill(0, FEW);
		few = measure(FEW);
		fill(FEW, MANY);
		many = measure(MANY);
		empty(0, MANY);
		ck_assert_int_eq(count_entries(), 0);
		report(&few, FEW);
		report(&many, MANY);
		growth = growth_of(&few, &many);
		if (growth <= MOST_GROWTH)
			return;
	}
	ck_abort_msg("cost grew by a factor of %.2f, bound %.2f", growth, MOST_GROWTH);
}
END_TEST

/* Resident memory of the daemon, shared with the arena, in bytes. */
static long resident(void)
{
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)shared_mount->pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	OK(fclose(file));
	ck_assert_int_gt(kib, 0);
	return kib * 1024;
}

/* All of them stay open to view until the end; twice, so that what is kept for later counts once.
 */
START_TEST(an_object_takes_at_most_1_kib_of_the_daemon)
{
	long before = resident(), full;

	fill(0, MANY);
	ck_assert_int_eq(count_entries(), MANY);
	full = resident();
	empty(0, MANY);
	printf("the daemon's memory for one of %d objects: %ld bytes; %ld KiB in all stay behind\n",
	    MANY, (full - before) / MANY, (resident() - before) / 1024);
	fflush(stdout);
	ck_assert_int_le((full - before) / MANY, MOST_BYTES);
}
END_TEST

static void start_with_room(void)
{
	shared_mount = mount_start("size=64m,nr_inodes=1m");
}

void add_many_cases(Suite *suite)
{
	TCase *many = case_on_mount(suite, "many", start_with_room);

	/* For the runner, which needs them in one tier only. */
	tcase_set_tags(many, "many");
	tcase_set_timeout(many, 300);
	tcase_add_test(many, an_object_takes_at_most_1_kib_of_the_daemon);
	tcase_add_test(many, an_object_among_100000_costs_at_most_1_3_of_one_among_1000);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Many more objects with memory than descriptors: what one costs, and a kill among all of them. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "random.h"
#include "suites.h"

enum { FEW = 1000, SAMPLES = 2000, TRIES = 4, KILLS = 40, RESTART_MS = 50 };

/* The long form takes 4 GiB. */
struct scale {
	int many;
	unsigned descriptors;
};

#define MOST_GROWTH 1.3

/* Medians, in microseconds. */
struct cost {
	double create, open, remove;
};

static struct scale scale(void)
{
	const char *text = getenv("SHMFS_TEST_LONG");

	return text != NULL && strcmp(text, "1") == 0 ? (struct scale){1000000, 20000}
						      : (struct scale){40000, 1024};
}

static double now(void)
{
	struct timespec ts;

	OK(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double *samples, size_t count, double part)
{
	qsort(samples, count, sizeof *samples, compare);
	return samples[(size_t)((double)count * part)];
}

static double median(double *samples, size_t count)
{
	return quantile(samples, count, 0.5);
}

static const char *numbered(const char *prefix, int number)
{
	static char name[32];

	snprintf(name, sizeof name, "%s-%07d", prefix, number);
	return name;
}

/* One page, in which the number stands. */
static void make_touched(const char *name, int number)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	int *map;

	ck_assert_int_ge(fd, 0);
	OK(ftruncate(fd, PAGE));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	*map = number;
	OK(munmap(map, PAGE));
	OK(close(fd));
}

static void expect_number(int number)
{
	int fd = OK(open(numbered("object", number), O_RDWR)), found = -1;

	GIVES((long)sizeof found, pread(fd, &found, sizeof found, 0));
	ck_assert_int_eq(found, number);
	OK(close(fd));
}

/* Of so many objects, in a random order, none twice. */
static int *some_objects(int of, struct random *random)
{
	int *all = malloc((size_t)of * sizeof *all);

	ck_assert_ptr_nonnull(all);
	for (int i = 0; i < of; i++)
		all[i] = i;
	for (int i = 0; i < FEW; i++) {
		int other = i + (int)random_below(random, (unsigned)(of - i)), first = all[i];

		all[i] = all[other];
		all[other] = first;
	}
	return all;
}

/*
 * The kernel asks for the attributes of an object again after a second, which is a request more. So
 * each is opened once: of few, most openings would be of those that were asked for just then.
 */
static double opening_cost(int beside, struct random *random)
{
	static double samples[FEW];
	int *objects = some_objects(beside, random);

	pause_ms(1100);
	for (int i = 0; i < FEW; i++) {
		const char *name = numbered("object", objects[i]);
		double start = now();

		OK(close(OK(open(name, O_RDWR))));
		samples[i] = now() - start;
	}
	free(objects);
	return median(samples, FEW);
}

static struct cost measure(int beside, struct random *random)
{
	static double create[SAMPLES], removal[SAMPLES];
	double opening;

	for (int i = 0; i < SAMPLES; i++) {
		double start = now();

		make_touched(numbered("sample", i), i);
		create[i] = now() - start;
	}
	opening = opening_cost(beside, random);
	for (int i = 0; i < SAMPLES; i++) {
		const char *name = numbered("sample", i);
		double start = now();

		OK(unlink(name));
		removal[i] = now() - start;
	}
	return (struct cost){median(create, SAMPLES), opening, median(removal, SAMPLES)};
}

static double growth_of(const struct cost *few, const struct cost *many)
{
	const double ratios[] = {
	    many->create / few->create, many->open / few->open, many->remove / few->remove};
	double worst = 0;

	for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
		worst = ratios[i] > worst ? ratios[i] : worst;
	return worst;
}

static void report(const struct cost *cost, int beside)
{
	printf("with %7d memories, us for one: create %.1f, open %.1f, remove %.1f\n", beside,
	    cost->create, cost->open, cost->remove);
	fflush(stdout);
}

static void fill(int from, int to)
{
	for (int i = from; i < to; i++)
		make_touched(numbered("object", i), i);
}

static void empty(int to)
{
	for (int i = 0; i < to; i++)
		OK(unlink(numbered("object", i)));
}

static bool is_another(void *context)
{
	pid_t server = server_of(shared_mount->pid);

	return server != 0 && server != *(pid_t *)context;
}

/* The time from a kill to an answer, which nine of ten do not exceed; the call waits for it. */
static double restart_ms(int many)
{
	static double samples[KILLS];
	struct stat st;

	for (int i = 0; i < KILLS; i++) {
		pid_t server = server_of(shared_mount->pid);
		double start = now();

		OK(kill(server, SIGKILL));
		OK(stat(numbered("object", i * (many / KILLS)), &st));
		expect_number(i);
		samples[i] = (now() - start) / 1e3;
		ck_assert(within_a_second(is_another, &server));
	}
	printf("after a kill, an answer within %.1f ms, of ten kills nine within %.1f ms\n",
	    quantile(samples, KILLS, 0.5), quantile(samples, KILLS, 0.9));
	fflush(stdout);
	return quantile(samples, KILLS, 0.9);
}

/* As in many.c: what costs more misses the bound each time. */
START_TEST(one_of_many_memories_costs_at_most_1_3_of_one_of_few)
{
	int many = scale().many;
	struct random random = random_begin(__func__);
	struct cost before, after;
	double growth = 0, restart = 0;

	for (int i = 0; i < TRIES; i++) {
		fill(0, FEW);
		before = measure(FEW, &random);
		fill(FEW, many);
		after = measure(many, &random);
		report(&before, FEW);
		report(&after, many);
		for (int look = 0; look < FEW; look++)
			expect_number((int)random_below(&random, (unsigned)many));
		restart = restart_ms(many);
		empty(many);
		growth = growth_of(&before, &after);
		if (growth <= MOST_GROWTH && restart <= RESTART_MS * launch_slowness())
			return;
	}
	ck_abort_msg("cost grew by a factor of %.2f, bound %.2f; an answer after %.1f ms", growth,
	    MOST_GROWTH, restart);
}
END_TEST

static void limit_descriptors(void)
{
	if (!launch_with_descriptors(scale().descriptors))
		_exit(126);
}

static void start_with_few_descriptors(void)
{
	shared_mount = mount_start_prepared("size=8g,nr_inodes=2m", limit_descriptors);
}

void add_many_memories_cases(Suite *suite)
{
	TCase *many;

	if (launch_has_memfds())
		return;
	many = case_on_mount(suite, "many_memories", start_with_few_descriptors);
	tcase_set_tags(many, "many");
	tcase_set_timeout(many, 3600);
	tcase_add_test(many, one_of_many_memories_costs_at_most_1_3_of_one_of_few);
}

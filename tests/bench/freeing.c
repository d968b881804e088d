/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client's round trips while another frees a large object: requests are due at fixed times, and
 * each is measured from when it was due, so that one that waits long counts for all that wait
 * behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "operation.h"

#define MIB ((size_t)1024 * 1024)

enum {
	SPACING = 100000, /* nanoseconds from one request to the next */
	MOST_SAMPLES = 200000,
	ROUNDS = 3,
};

static const char BIG[] = "big";

/* In memory that both processes share: when each request was due, and how late it was served. */
struct record {
	volatile bool ready, end;
	volatile int count;
	double due[MOST_SAMPLES];
	double late[MOST_SAMPLES];
};

static struct record *record;

static void free_by_unlink(const struct side *side, int fd, size_t size)
{
	(void)size;
	/* In this order the daemon is the last one to know the object. */
	if (close(fd) != 0)
		fail(side, "close");
	if (unlinkat(side->dir, BIG, 0) != 0)
		fail(side, "unlinkat");
}

static void free_by_truncate(const struct side *side, int fd, size_t size)
{
	(void)size;
	if (ftruncate(fd, 0) != 0)
		fail(side, "ftruncate");
	free_by_unlink(side, fd, 0);
}

static void free_by_punch(const struct side *side, int fd, size_t size)
{
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) != 0)
		fail(side, "fallocate");
	free_by_unlink(side, fd, 0);
}

static const struct {
	const char *name, *worst;
	void (*free)(const struct side *side, int fd, size_t size);
} ways[] = {
    {"freeing-unlink", "freeing-unlink-worst", free_by_unlink},
    {"freeing-truncate", "freeing-truncate-worst", free_by_truncate},
    {"freeing-punch", "freeing-punch-worst", free_by_punch},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void sleep_until(double when)
{
	struct timespec time = {.tv_sec = (time_t)(when / 1e9), .tv_nsec = (long)fmod(when, 1e9)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static _Noreturn void be_other_client(const struct side *side, int big)
{
	const struct operation *operation = operation_find("roundtrip");
	struct object object = operation_prepare(operation, side, 1);
	double due;

	/* Inherited, and would keep the object. */
	close(big);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	record->ready = true;
	due = now();
	while (!record->end && record->count < MOST_SAMPLES) {
		due += SPACING;
		if (now() < due)
			sleep_until(due);
		operation->run(&object, 1);
		record->due[record->count] = due;
		record->late[record->count] = now() - due;
		record->count++;
	}
	operation_dispose(operation, &object);
	exit(EXIT_SUCCESS);
}

static int make_big(const struct side *side, size_t size)
{
	int fd = openat(side->dir, BIG, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		fail(side, "making a large object");
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		fail(side, "mmap");
	for (size_t at = 0; at < size; at += 4096)
		map[at] = 1;
	if (munmap(map, size) != 0)
		fail(side, "munmap");
	return fd;
}

static pid_t start_other_client(const struct side *side, int big)
{
	pid_t pid;

	fflush(NULL);
	record->ready = record->end = false;
	record->count = 0;
	pid = fork();
	if (pid < 0) {
		perror("bench: fork");
		exit(EXIT_ERROR);
	}
	if (pid == 0)
		be_other_client(side, big);
	while (!record->ready && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(1000);
	return pid;
}

struct figures {
	double ratio;	/* p99 while the object is freed over p99 before */
	double worst;	/* the latest request meanwhile, in ms */
	double elapsed; /* of the call that frees */
};

static struct figures figures_of(double start, double end)
{
	struct series quiet = {0}, during = {0};
	struct figures figures = {0};

	for (int i = 0; i < record->count; i++) {
		/* One that was due before and waits is held up as well. */
		bool later = record->due[i] + record->late[i] > start;

		if (!later)
			series_add(&quiet, record->late[i]);
		else if (record->due[i] < end) {
			series_add(&during, record->late[i]);
			figures.worst = fmax(figures.worst, record->late[i] / 1e6);
		}
	}
	figures.ratio = series_percentile(&during, 0.99) / series_percentile(&quiet, 0.99);
	series_release(&quiet);
	series_release(&during);
	return figures;
}

/* The memory may go after the call: the time that tmpfs takes is looked at in any case. */
static struct figures free_once(size_t way, const struct side *side, size_t size, double least)
{
	int fd = make_big(side, size), status;
	pid_t pid = start_other_client(side, fd);
	double start, elapsed;

	usleep(500000);
	start = now();
	ways[way].free(side, fd, size);
	elapsed = now() - start;
	sleep_until(start + fmax(elapsed, least) + 20e6);
	record->end = true;
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail(side, "the other client");

	struct figures figures = figures_of(start, start + fmax(elapsed, least));

	figures.elapsed = elapsed;
	return figures;
}

/* Medians of the rounds. */
static struct figures measure_way(
    size_t way, const struct options *options, const struct side *side, double least)
{
	struct series ratio = {0}, worst = {0}, elapsed = {0};
	int rounds = options->quick ? 1 : ROUNDS;

	for (int round = 0; round < rounds; round++) {
		struct figures one = free_once(way, side, (size_t)options->freed * MIB, least);

		series_add(&ratio, one.ratio);
		series_add(&worst, one.worst);
		series_add(&elapsed, one.elapsed);
	}

	struct figures figures = {series_percentile(&ratio, 0.5), series_percentile(&worst, 0.5),
	    series_percentile(&elapsed, 0.5)};

	series_release(&ratio);
	series_release(&worst);
	series_release(&elapsed);
	return figures;
}

bool freeing_has(const struct options *options, const char *name)
{
	for (size_t way = 0; way < WAYS; way++)
		if (strcmp(ways[way].name, name) == 0 || strcmp(ways[way].worst, name) == 0)
			return options_want(options, name);
	return false;
}

/* The plain server's page cache is not freed by it. */
void freeing_run(const struct options *options, const struct side *sides, struct results *results)
{
	for (size_t way = 0; way < WAYS; way++) {
		double ratio[SIDES] = {NAN, NAN, NAN}, worst[SIDES] = {NAN, NAN, NAN};

		if (!freeing_has(options, ways[way].name) && !freeing_has(options, ways[way].worst))
			continue;
		if (record == NULL)
			record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (record == MAP_FAILED)
			fail(&sides[TMPFS], "mmap");
		double least = 0;

		for (int i = TMPFS; i <= SHMFS; i++) {
			struct figures figures = measure_way(way, options, &sides[i], least);

			ratio[i] = figures.ratio;
			worst[i] = figures.worst;
			least = fmax(least, 1.5 * figures.elapsed);
		}
		if (freeing_has(options, ways[way].name))
			add_value(results, ways[way].name, "p99/quiet", ratio);
		if (freeing_has(options, ways[way].worst))
			add_value(results, ways[way].worst, "ms", worst);
	}
}

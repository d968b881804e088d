/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, medians, and the way out when a system call fails. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) {
		perror("bench: clock_gettime");
		exit(EXIT_ERROR);
	}
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void series_add(struct series *series, double value)
{
	if (series->count == series->capacity) {
		size_t capacity = series->capacity == 0 ? 64 : 2 * series->capacity;
		double *values = reallocarray(series->values, capacity, sizeof(*values));

		if (values == NULL) {
			perror("bench: reallocarray");
			exit(EXIT_ERROR);
		}
		series->values = values;
		series->capacity = capacity;
	}
	series->values[series->count++] = value;
}

static int compare(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;

	return (*a > *b) - (*a < *b);
}

static double series_median(struct series *series)
{
	size_t middle = series->count / 2;

	if (series->count == 0)
		return 0;
	qsort(series->values, series->count, sizeof(*series->values), compare);
	if (series->count % 2 == 1)
		return series->values[middle];
	return (series->values[middle - 1] + series->values[middle]) / 2;
}

static void series_release(struct series *series)
{
	free(series->values);
	*series = (struct series){0};
}

void pair_add(struct pair *pair, int side, double value)
{
	series_add(&pair->side[side], value);
}

void pair_finish(struct pair *pair, double cost[SIDES], double *ratio)
{
	const struct series *tmpfs = &pair->side[TMPFS];
	const struct series *shmfs = &pair->side[SHMFS];
	struct series ratios = {0};

	for (size_t i = 0; i < tmpfs->count && i < shmfs->count; i++)
		series_add(&ratios, shmfs->values[i] / tmpfs->values[i]);
	*ratio = series_median(&ratios);
	series_release(&ratios);
	for (int i = 0; i < SIDES; i++) {
		cost[i] = series_median(&pair->side[i]);
		series_release(&pair->side[i]);
	}
}

void fail(const struct side *side, const char *call)
{
	fprintf(stderr, "bench: %s (%s): %s: %s\n", side->label, side->path, call, strerror(errno));
	exit(EXIT_ERROR);
}

void fail_count(const struct side *side, const char *call, long got, long wanted)
{
	if (got < 0)
		fail(side, call);
	fprintf(stderr, "bench: %s (%s): %s: %ld instead of %ld\n", side->label, side->path, call,
	    got, wanted);
	exit(EXIT_ERROR);
}

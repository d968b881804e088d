/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, medians, and the way out when a system call fails. */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double read_clock(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time) != 0) {
		perror("bench: clock_gettime");
		exit(EXIT_ERROR);
	}
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double processor_time(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void series_add(struct series *series, double value)
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

/* Between two samples, by their distance. An empty series has none. */
double series_percentile(struct series *series, double part)
{
	if (series->count == 0)
		return NAN;
	qsort(series->values, series->count, sizeof(*series->values), compare);

	double place = part * (double)(series->count - 1);
	size_t below = (size_t)place;
	size_t above = below + 1 < series->count ? below + 1 : below;

	return series->values[below] +
	       (place - (double)below) * (series->values[above] - series->values[below]);
}

void series_release(struct series *series)
{
	free(series->values);
	*series = (struct series){0};
}

/* The median of the rounds' quotients; NAN without a round in which both were measured. */
double series_quotient(const struct series *over, const struct series *under)
{
	struct series quotients = {0};

	for (size_t i = 0; i < over->count && i < under->count; i++)
		series_add(&quotients, over->values[i] / under->values[i]);

	double median = series_percentile(&quotients, 0.5);

	series_release(&quotients);
	return median;
}

void samples_finish(struct samples *samples, struct result *result)
{
	const struct series *shmfs = &samples->side[SHMFS];

	result->ratio = series_quotient(shmfs, &samples->side[TMPFS]);
	result->plain = series_quotient(shmfs, &samples->side[PLAIN]);
	for (int i = 0; i < SIDES; i++) {
		result->cost[i] = series_percentile(&samples->side[i], 0.5);
		result->p99[i] = series_percentile(&samples->single[i], 0.99);
		series_release(&samples->side[i]);
		series_release(&samples->single[i]);
	}
}

void add_value(struct results *results, const char *name, const char *unit, const double *of)
{
	struct value *value = &results->value[results->value_count++];

	snprintf(value->name, sizeof(value->name), "%s", name);
	value->unit = unit;
	memcpy(value->of, of, sizeof(value->of));
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

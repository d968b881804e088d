/* SPDX-License-Identifier: BSD-2-Clause */
/* Single operations by one client: samples of a few milliseconds, each on an object of its own. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "operation.h"
#include "server.h"
#include "situation.h"

enum {
	WARM_UP = 16, /* one iteration without the clock for so many with it */
	SINGLES = 48, /* iterations of a round that are timed one by one */
	SETTLE = 200, /* microseconds */
	MOST_ITERATIONS = 1000000,
};

static double timed(const struct operation *operation, struct object *object, long iterations)
{
	double start = now();

	operation->run(object, iterations);
	return now() - start;
}

struct found {
	double cost;
	double single[SINGLES];
	long singles;
};

/* The untimed part brings back into the caches what the other sides have displaced. */
static void sample(const struct operation *operation, const struct side *side, long iterations,
    struct found *found)
{
	struct object object = operation_prepare(operation, side, 0);

	operation->run(&object, (iterations + WARM_UP - 1) / WARM_UP);
	found->cost = timed(operation, &object, iterations) / (double)iterations;
	found->singles = iterations < SINGLES ? iterations : SINGLES;
	for (long i = 0; i < found->singles; i++)
		found->single[i] = timed(operation, &object, 1);
	operation_dispose(operation, &object);
}

static double fastest_of_three(const struct operation *operation, struct object *object, long count)
{
	double fastest = timed(operation, object, count);

	for (int i = 0; i < 2; i++)
		fastest = fmin(fastest, timed(operation, object, count));
	return fastest;
}

/*
 * A single slow try must not decide: a side with too few iterations would pay more for every one of
 * them in all its samples.
 */
static long calibrate(const struct operation *operation, const struct side *side, double target)
{
	struct object object = operation_prepare(operation, side, 0);
	double elapsed = fastest_of_three(operation, &object, 1);
	long iterations = 1;

	while (elapsed < target / 4 && iterations < MOST_ITERATIONS) {
		iterations *= 2;
		elapsed = fastest_of_three(operation, &object, iterations);
	}
	operation_dispose(operation, &object);
	return (long)fmin(MOST_ITERATIONS, fmax(1, (double)iterations * target / elapsed));
}

/* Threads that run or want to, of the whole machine, this one included. */
static long running(void)
{
	long count = 0;

	/* What the daemon does after the last call is no disturbance. */
	usleep(SETTLE);

	FILE *stream = fopen("/proc/loadavg", "re");

	if (stream == NULL)
		return 0;
	if (fscanf(stream, "%*f %*f %*f %ld/", &count) != 1)
		count = 0;
	fclose(stream);
	return count;
}

/* One sample of each side; false if somebody else ran before or after one of them. */
static bool one_round(const struct operation *operation, const struct situation *situation,
    const struct side *sides, const long iterations[SIDES], long round, struct found found[SIDES])
{
	long own = 1 + situation_running(situation);
	bool quiet = running() <= own;

	for (int turn = 0; turn < SIDES; turn++) {
		int i = side_in_turn(round, turn);

		if (!side_is_there(&sides[i]))
			continue;
		sample(operation, &sides[i], iterations[i], &found[i]);
		quiet = quiet && running() <= own;
	}
	return quiet;
}

/* A round that was disturbed is taken again, as long as there is patience for it. */
static bool quiet_round(const struct operation *operation, const struct situation *situation,
    const struct side *sides, const long iterations[SIDES], long round, double *patience,
    struct samples *samples)
{
	static struct found found[SIDES];
	double start = now();

	bool quiet;

	while (!(quiet = one_round(operation, situation, sides, iterations, round, found)) &&
	       now() - start < *patience)
		usleep(1000);
	*patience -= now() - start;
	for (int i = 0; i < SIDES; i++) {
		if (!side_is_there(&sides[i]))
			continue;
		series_add(&samples->side[i], found[i].cost);
		for (long k = 0; k < found[i].singles; k++)
			series_add(&samples->single[i], found[i].single[k]);
	}
	return quiet;
}

static void measure(const struct operation *operation, const struct situation *situation,
    const struct options *options, const struct side *sides, struct result *result)
{
	struct samples samples = {0};
	double target = options->quick ? situation->quick : situation->target;
	long rounds = (options->rounds + situation->fewer - 1) / situation->fewer;
	long disturbed = 0;
	double patience = (double)options->patience * 1e9;
	long iterations[SIDES];

	for (int i = 0; i < SIDES; i++)
		if (side_is_there(&sides[i]))
			iterations[i] = calibrate(operation, &sides[i], target);
	for (long round = 0; round < rounds; round++)
		disturbed += !quiet_round(
		    operation, situation, sides, iterations, round, &patience, &samples);
	samples_finish(&samples, result);
	result->disturbed = disturbed;
}

static void name_of(
    const struct operation *operation, const struct situation *situation, char *out, size_t size)
{
	snprintf(out, size, "%s%s", operation->name, situation->suffix);
}

static bool is_measured(const struct operation *operation, const struct situation *situation,
    const struct options *options)
{
	char name[40];

	name_of(operation, situation, name, sizeof(name));
	return (situation == situations || (operation->traits & SITUATIONS)) &&
	       situation_possible(situation, options) && options_want(options, name);
}

/* Microseconds of processor time per round trip, of the client and of the server. */
static const char *const time_names[] = {"cpu-client", "cpu-server"};

static bool times_are_measured(const struct options *options, int which)
{
	return options->servers[SHMFS] != 0 && options_want(options, time_names[which]);
}

static void measure_times(
    const struct options *options, const struct side *side, double *client, double *server)
{
	const struct operation *operation = operation_find("roundtrip");
	struct object object = operation_prepare(operation, side, 0);
	long iterations = options->quick ? 5000 : 30000;
	double before_client = processor_time();
	double before_server = side->started == 0 ? NAN : server_time(side->started);

	operation->run(&object, iterations);
	*client = (processor_time() - before_client) / (double)iterations / 1e3;
	*server = side->started == 0
		      ? NAN
		      : (server_time(side->started) - before_server) / (double)iterations / 1e3;
	operation_dispose(operation, &object);
}

static void run_times(
    const struct options *options, const struct side *sides, struct results *results)
{
	double spent[2][SIDES];

	if (!times_are_measured(options, 0) && !times_are_measured(options, 1))
		return;
	for (int i = 0; i < SIDES; i++) {
		spent[0][i] = spent[1][i] = NAN;
		if (side_is_there(&sides[i]))
			measure_times(options, &sides[i], &spent[0][i], &spent[1][i]);
	}
	for (int which = 0; which < 2; which++)
		if (times_are_measured(options, which))
			add_value(results, time_names[which], "us", spent[which]);
}

bool micro_has(const struct options *options, const char *name)
{
	char candidate[40];

	for (size_t s = 0; s < situation_count; s++)
		for (size_t i = 0; i < operation_count; i++) {
			name_of(&operations[i], &situations[s], candidate, sizeof(candidate));
			if (strcmp(candidate, name) == 0)
				return is_measured(&operations[i], &situations[s], options);
		}
	for (int which = 0; which < 2; which++)
		if (strcmp(time_names[which], name) == 0)
			return times_are_measured(options, which);
	return false;
}

static void run_situation(const struct situation *situation, const struct options *options,
    const struct side *sides, struct results *results)
{
	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		struct result *result = &results->single[results->single_count];

		if (!is_measured(operation, situation, options))
			continue;
		name_of(operation, situation, result->name, sizeof(result->name));
		measure(operation, situation, options, sides, result);
		results->single_count++;
	}
}

void micro_run(const struct options *options, const struct side *sides, struct results *results)
{
	for (size_t s = 0; s < situation_count; s++) {
		const struct situation *situation = &situations[s];

		if (!situation_possible(situation, options))
			continue;
		situation->enter(sides);
		run_situation(situation, options, sides, results);
		situation->leave(sides);
	}
	run_times(options, sides, results);
}

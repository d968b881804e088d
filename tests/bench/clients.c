/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several client processes at once, each on an object of its own for the same time: what an
 * operation costs each of two, and how unequal the shares of many are.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "operation.h"

enum {
	BATCH = 15, /* iterations between two looks at the clock, beside one that is timed alone */
	SINGLES = 256, /* of those, as many are kept */
};

static const int crowds[] = {2, 8, 64};

#define CROWDS (sizeof(crowds) / sizeof(crowds[0]))

struct client {
	long count;
	double elapsed;
	int singles;
	double single[SINGLES];
};

/* In memory that the clients share. */
static struct client *clients;

static void share_clients(void)
{
	size_t size = MAX_CLIENTS * sizeof(*clients);

	if (clients == NULL)
		clients =
		    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (clients == MAP_FAILED) {
		perror("bench: mmap");
		exit(EXIT_ERROR);
	}
	memset(clients, 0, size);
}

static void sleep_until(double when)
{
	struct timespec time = {.tv_sec = (time_t)(when / 1e9), .tv_nsec = (long)fmod(when, 1e9)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static void be_client(const struct operation *operation, const struct side *side, int number,
    double start, double duration)
{
	struct client *client = &clients[number];
	struct object object = operation_prepare(operation, side, number + 1);

	operation->run(&object, BATCH);
	sleep_until(start);
	start = now();
	do {
		operation->run(&object, BATCH);

		double before = now();

		operation->run(&object, 1);
		client->single[client->singles++ % SINGLES] = now() - before;
		client->count += BATCH + 1;
		client->elapsed = now() - start;
	} while (client->elapsed < duration);
	operation_dispose(operation, &object);
}

static void wait_for(int count)
{
	int status;

	for (int i = 0; i < count; i++) {
		if (wait(&status) < 0) {
			perror("bench: wait");
			exit(EXIT_ERROR);
		}
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			fprintf(stderr, "bench: a client failed\n");
			exit(EXIT_ERROR);
		}
	}
}

/* Gives the clients a moment to get ready, so that all begin together. */
static void run_clients(
    const struct operation *operation, const struct side *side, int count, double duration)
{
	double start = now() + 5e6 + count * 1e6;

	share_clients();
	fflush(NULL);
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("bench: fork");
			exit(EXIT_ERROR);
		}
		if (pid == 0) {
			be_client(operation, side, i, start, duration);
			exit(EXIT_SUCCESS);
		}
	}
	wait_for(count);
}

static void two_once(const struct operation *operation, const struct side *side, int i,
    double duration, struct samples *samples)
{
	double cost = 0;

	run_clients(operation, side, 2, duration);
	for (int c = 0; c < 2; c++) {
		const struct client *client = &clients[c];
		int kept = client->singles < SINGLES ? client->singles : SINGLES;

		cost += client->elapsed / (double)client->count / 2;
		for (int k = 0; k < kept; k++)
			series_add(&samples->single[i], client->single[k]);
	}
	series_add(&samples->side[i], cost);
}

static void measure_two(const struct operation *operation, const struct options *options,
    const struct side *sides, struct result *result)
{
	double duration = options->quick ? 10e6 : 20e6;
	long rounds = (options->rounds + 2) / 3;
	struct samples samples = {0};

	for (long round = 0; round < rounds; round++)
		for (int turn = 0; turn < SIDES; turn++) {
			int i = side_in_turn(round, turn);

			if (side_is_there(&sides[i]))
				two_once(operation, &sides[i], i, duration, &samples);
		}
	samples_finish(&samples, result);
}

/* The mean of the clients' counts over the smallest. */
static double inequality(int count)
{
	double sum = 0, least = INFINITY;

	for (int i = 0; i < count; i++) {
		sum += (double)clients[i].count;
		least = fmin(least, (double)clients[i].count);
	}
	return sum / count / least;
}

static void measure_shares(
    int count, const struct options *options, const struct side *sides, double *shares)
{
	const struct operation *operation = operation_find("roundtrip");
	double duration = options->quick ? 100e6 : 1000e6;
	int rounds = options->quick ? 1 : 3;

	for (int i = 0; i < SIDES; i++) {
		struct series found = {0};

		for (int round = 0; round < rounds && side_is_there(&sides[i]); round++) {
			run_clients(operation, &sides[i], count, duration);
			series_add(&found, inequality(count));
		}
		shares[i] = series_percentile(&found, 0.5);
		series_release(&found);
	}
}

static void name_two(const struct operation *operation, char *out, size_t size)
{
	snprintf(out, size, "%s-two", operation->name);
}

static void name_shares(int count, char *out, size_t size)
{
	snprintf(out, size, "unfairness-%d", count);
}

bool clients_has(const struct options *options, const char *name)
{
	char candidate[40];

	for (size_t i = 0; i < operation_count; i++) {
		name_two(&operations[i], candidate, sizeof(candidate));
		if ((operations[i].traits & SITUATIONS) && strcmp(candidate, name) == 0)
			return options_want(options, name);
	}
	for (size_t i = 0; i < CROWDS; i++) {
		name_shares(crowds[i], candidate, sizeof(candidate));
		if (strcmp(candidate, name) == 0)
			return options_want(options, name);
	}
	return false;
}

void clients_run(const struct options *options, const struct side *sides, struct results *results)
{
	for (size_t i = 0; i < operation_count; i++) {
		struct result *result = &results->single[results->single_count];

		name_two(&operations[i], result->name, sizeof(result->name));
		if (!clients_has(options, result->name))
			continue;
		measure_two(&operations[i], options, sides, result);
		results->single_count++;
	}
	for (size_t i = 0; i < CROWDS; i++) {
		char name[40];
		double shares[SIDES];

		name_shares(crowds[i], name, sizeof(name));
		if (!clients_has(options, name))
			continue;
		measure_shares(crowds[i], options, sides, shares);
		add_value(results, name, "mean/least", shares);
	}
}

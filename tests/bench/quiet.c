/* SPDX-License-Identifier: BSD-2-Clause */
/* What a daemon costs that has nothing to do: memory, and wake-ups in a quiet second. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "server.h"

static double wake_ups(pid_t started)
{
	usleep(300000);

	double before = server_switches(started);

	sleep(1);
	return server_switches(started) - before;
}

static double resident(pid_t started)
{
	return server_memory(started, "Rss:");
}

static double proportional(pid_t started)
{
	return server_memory(started, "Pss:");
}

/* Wake-ups come last, as the others are reads of /proc. */
static const struct {
	const char *name;
	const char *unit;
	double (*measure)(pid_t started);
} figures[] = {
    {"memory-rss", "MiB", resident},
    {"memory-pss", "MiB", proportional},
    {"quiet-wakeups", "a second", wake_ups},
};

#define FIGURES (sizeof(figures) / sizeof(figures[0]))

bool quiet_has(const struct options *options, const char *name)
{
	for (size_t f = 0; f < FIGURES; f++)
		if (strcmp(figures[f].name, name) == 0)
			return options->servers[SHMFS] != 0 && options_want(options, name);
	return false;
}

void quiet_run(const struct options *options, const struct side *sides, struct results *results)
{
	for (size_t f = 0; f < FIGURES; f++) {
		double of[SIDES];

		if (!quiet_has(options, figures[f].name))
			continue;
		for (int i = 0; i < SIDES; i++)
			of[i] = sides[i].started == 0 ? NAN : figures[f].measure(sides[i].started);
		add_value(results, figures[f].name, figures[f].unit, of);
	}
}

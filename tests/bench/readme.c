/* SPDX-License-Identifier: BSD-2-Clause */
/* README's table, as markdown. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

enum { TIME, RATE };

static const struct line {
	const char *name, *text;
	int shown;
} lines[] = {
    {"walk-fault", "first touch of a page through a mapping", TIME},
    {"walk-memset", "memset through a mapping", RATE},
    {"walk-pread-ro-4k", "pread 4 KiB, object opened for reading", TIME},
    {"walk-pread-ro-1m", "pread 1 MiB, object opened for reading", RATE},
    {"stat", "stat", TIME},
    {"list-50", "listing 50 names", TIME},
    {"roundtrip", "pread of one byte, object opened for writing", TIME},
    {"roundtrip-two", "the same by two clients", TIME},
    {"walk-pread-4k", "pread 4 KiB, object opened for writing", TIME},
    {"walk-pread-64k", "pread 64 KiB", RATE},
    {"random-pread-64k", "the same at random offsets", RATE},
    {"walk-pread-256k", "pread 256 KiB", RATE},
    {"walk-pread-1m", "pread 1 MiB", RATE},
    {"walk-pwrite-4k", "pwrite 4 KiB", TIME},
    {"walk-pwrite-64k", "pwrite 64 KiB", RATE},
    {"walk-pwrite-256k", "pwrite 256 KiB", RATE},
    {"walk-pwrite-1m", "pwrite 1 MiB", RATE},
    {"open-close", "open and close", TIME},
    {"cycle", "create, ftruncate, mmap, touch, munmap, close, unlink", TIME},
    {"cycle-two", "the same by two clients", TIME},
};

static void print_cost(double cost, size_t bytes, int shown)
{
	double rate = (double)bytes / (1024.0 * 1024 * 1024) / (cost / 1e9);

	if (isnan(cost))
		printf(" |");
	else if (shown == RATE)
		printf(" %.*f GiB/s |", rate >= 10 ? 1 : 2, rate);
	else
		printf(" %.*f us |", cost >= 100e3 ? 0 : cost >= 10e3 ? 1 : 2, cost / 1e3);
}

static void print_ratio(double ratio)
{
	if (isnan(ratio))
		printf(" |");
	else
		printf(" %.*f |", ratio >= 10 ? 0 : 2, ratio);
}

static void print_line(const struct line *line, const struct results *results)
{
	for (size_t i = 0; i < results->walk_count; i++) {
		const struct walk *walk = &results->walk[i];

		if (strcmp(walk->name, line->name) != 0)
			continue;
		printf("| %s |", line->text);
		for (int side = 0; side < SIDES; side++)
			print_cost(walk->cost[side], walk->bytes, line->shown);
		print_ratio(walk->ratio);
		print_ratio(walk->floor);
		putchar('\n');
	}
	for (size_t i = 0; i < results->single_count; i++) {
		const struct result *result = &results->single[i];

		if (strcmp(result->name, line->name) != 0)
			continue;
		printf("| %s |", line->text);
		for (int side = 0; side < SIDES; side++)
			print_cost(result->cost[side], result->bytes, line->shown);
		print_ratio(result->ratio);
		printf(" |\n");
	}
}

void report_readme(const struct results *results)
{
	const struct machine machine = describe_machine();

	printf("%ld x %s, Linux %s\n\n", machine.processors, machine.processor, machine.system);
	printf("| operation | tmpfs | shmfs | plain | shmfs/tmpfs | shmfs/floor |\n"
	       "|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		print_line(&lines[i], results);
}

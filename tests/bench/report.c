/* SPDX-License-Identifier: BSD-2-Clause */
/* The table, and the bounds. */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *report_unit(const struct result *result)
{
	return result->bytes == 0 ? "us" : "GiB/s";
}

double report_shown(const struct result *result, int side)
{
	double cost = result->cost[side];

	if (result->bytes == 0)
		return cost / 1e3;
	return (double)result->bytes / (1024.0 * 1024 * 1024) / (cost / 1e9);
}

double report_growth(const struct growth *growth, int side)
{
	return growth->many[side] / growth->few[side];
}

/* Digits that say something, whatever the magnitude; "-" for what was not measured. */
static void print_number(int width, double number)
{
	if (isnan(number))
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, number >= 1000 ? 0 : number >= 10 ? 1 : 3, number);
}

static void result_table(const char *third, const struct results *results)
{
	if (results->single_count == 0)
		return;
	printf("%-22s %-5s %8s %8s %8s %8s %8s %9s %9s %9s %9s\n", "operation", "unit", "tmpfs",
	    "shmfs", third, "/tmpfs", "/other", "p99 tmpfs", "p99 shmfs", "p99 other", "disturbed");
	for (size_t i = 0; i < results->single_count; i++) {
		const struct result *result = &results->single[i];

		printf("%-22s %-5s", result->name, report_unit(result));
		for (int side = 0; side < SIDES; side++)
			print_number(8, report_shown(result, side));
		print_number(8, result->ratio);
		print_number(8, result->plain);
		for (int side = 0; side < SIDES; side++)
			print_number(9, result->p99[side] / 1e3);
		printf(" %9ld\n", result->disturbed);
	}
}

/* The last columns: floor programs and memfds, and shmfs over the cheapest of them. */
static void walk_table(
    const char *third, const struct options *options, const struct results *results)
{
	if (results->walk_count == 0)
		return;
	printf("\n%-22s %8s %8s %8s %8s", "us per call", "tmpfs", "shmfs", third, "/tmpfs");
	for (size_t i = 0; i < options->rival_count; i++)
		printf(" %8s", options->rivals[i].label);
	printf(" %8s\n", "/floor");
	for (size_t i = 0; i < results->walk_count; i++) {
		const struct walk *walk = &results->walk[i];

		printf("%-22s", walk->name);
		for (int side = 0; side < SIDES; side++)
			print_number(8, walk->cost[side] / 1e3);
		print_number(8, walk->ratio);
		for (size_t k = 0; k < options->rival_count; k++)
			print_number(8, walk->rival[k] / 1e3);
		print_number(8, walk->floor);
		putchar('\n');
	}
}

static void value_table(const char *third, const struct results *results)
{
	if (results->value_count == 0)
		return;
	printf("\n%-22s %-10s %9s %9s %9s\n", "figure", "unit", "tmpfs", "shmfs", third);
	for (size_t i = 0; i < results->value_count; i++) {
		const struct value *value = &results->value[i];

		printf("%-22s %-10s", value->name, value->unit);
		for (int side = 0; side < SIDES; side++)
			print_number(9, value->of[side]);
		putchar('\n');
	}
}

static void growth_table(const struct options *options, const struct results *results)
{
	if (results->growth_count == 0)
		return;
	printf("\n%-19s  %26s  %26s\n", "us per object", "tmpfs", "shmfs");
	printf("%-19s", "");
	for (int side = TMPFS; side <= SHMFS; side++)
		printf("  %8d %8ld  growth", FEW_OBJECTS, options->objects);
	putchar('\n');
	for (size_t i = 0; i < results->growth_count; i++) {
		const struct growth *growth = &results->growth[i];

		printf("%-19s", growth->name);
		for (int side = TMPFS; side <= SHMFS; side++)
			printf("  %8.3f %8.3f %7.3f", growth->few[side] / 1e3,
			    growth->many[side] / 1e3, report_growth(growth, side));
		putchar('\n');
	}
}

void report_table(const struct options *options, const struct results *results)
{
	struct machine machine = describe_machine();
	const char *third = options->paths[PLAIN] == NULL ? "-" : options->plain_label;

	printf("Linux %s %s, %ld x %s\n", machine.system, machine.architecture, machine.processors,
	    machine.processor);
	printf("medians of %ld rounds, %ld objects%s%s; p99 of single calls in us\n\n",
	    options->rounds, options->objects, options->note == NULL ? "" : ", ",
	    options->note == NULL ? "" : options->note);
	result_table(third, results);
	walk_table(third, options, results);
	value_table(third, results);
	growth_table(options, results);
}

/* What a bound of this name and suffix is on; NAN where there is no such thing. */
static double measured(const struct results *results, const char *name, const char *suffix)
{
	for (size_t i = 0; i < results->single_count; i++) {
		const struct result *result = &results->single[i];

		if (strcmp(result->name, name) != 0)
			continue;
		if (*suffix == '\0')
			return result->ratio;
		return strcmp(suffix, "/plain") == 0 ? result->plain
						     : result->p99[SHMFS] / result->cost[SHMFS];
	}
	for (size_t i = 0; i < results->walk_count; i++)
		if (strcmp(results->walk[i].name, name) == 0)
			return *suffix == '\0'		       ? results->walk[i].ratio
			       : strcmp(suffix, "/floor") == 0 ? results->walk[i].floor
							       : NAN;
	for (size_t i = 0; i < results->growth_count && *suffix == '\0'; i++)
		if (strcmp(results->growth[i].name, name) == 0)
			return report_growth(&results->growth[i], SHMFS);
	for (size_t i = 0; i < results->value_count && *suffix == '\0'; i++)
		if (strcmp(results->value[i].name, name) == 0)
			return results->value[i].of[SHMFS];
	return NAN;
}

size_t report_bounds(const struct options *options, const struct results *results)
{
	size_t exceeded = 0;

	for (size_t i = 0; i < options->bound_count; i++) {
		const struct bound *bound = &options->bounds[i];
		double value = measured(results, bound->name, bound->suffix);

		/* NAN is within no bound. */
		if (value <= bound->most)
			continue;
		fprintf(stderr, "bench: %s%s: %.3f is above the bound %.3f\n", bound->name,
		    bound->suffix, value, bound->most);
		exceeded++;
	}
	return exceeded;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The table, the JSON object, and the bounds on ratios. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct machine {
	struct utsname system;
	char processor[128];
	long processors;
};

/* The name is decoration and not on every architecture: without it the table is as good. */
static void read_processor(char *name, size_t size)
{
	static const char key[] = "model name";
	FILE *stream = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(name, size, "unknown processor");
	if (stream == NULL)
		return;
	while (fgets(line, sizeof(line), stream) != NULL) {
		const char *value = strchr(line, ':');

		if (strncmp(line, key, sizeof(key) - 1) != 0 || value == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(name, size, "%.*s", (int)size - 1, value + 1 + strspn(value + 1, " \t"));
		break;
	}
	fclose(stream);
}

static struct machine describe_machine(void)
{
	struct machine machine;

	if (uname(&machine.system) != 0) {
		perror("bench: uname");
		exit(EXIT_ERROR);
	}
	read_processor(machine.processor, sizeof(machine.processor));
	machine.processors = sysconf(_SC_NPROCESSORS_ONLN);
	return machine;
}

static const char *unit(const struct result *result)
{
	return result->bytes == 0 ? "us" : "GiB/s";
}

static double shown(const struct result *result, int side)
{
	double cost = result->cost[side];

	if (result->bytes == 0)
		return cost / 1e3;
	return (double)result->bytes / (1024.0 * 1024 * 1024) / (cost / 1e9);
}

static double growth_of(const struct growth *growth, int side)
{
	return growth->many[side] / growth->few[side];
}

static void growth_table(const struct options *options, const struct results *results)
{
	if (results->growth_count == 0)
		return;
	printf("\nus per object with few and with many objects\n");
	printf("%-18s  %26s  %26s\n", "", "tmpfs", "shmfs");
	printf("%-18s", "");
	for (int side = 0; side < SIDES; side++)
		printf("  %8d %8ld  growth", FEW_OBJECTS, options->objects);
	putchar('\n');
	for (size_t i = 0; i < results->growth_count; i++) {
		const struct growth *growth = &results->growth[i];

		printf("%-18s", growth->name);
		for (int side = 0; side < SIDES; side++)
			printf("  %8.3f %8.3f %7.3f", growth->few[side] / 1e3,
			    growth->many[side] / 1e3, growth_of(growth, side));
		putchar('\n');
	}
}

void report_table(const struct options *options, const struct results *results)
{
	struct machine machine = describe_machine();

	printf("Linux %s %s, %ld x %s\n", machine.system.release, machine.system.machine,
	    machine.processors, machine.processor);
	printf("medians of %ld rounds, %ld objects%s%s\n\n", options->rounds, options->objects,
	    options->note == NULL ? "" : ", ", options->note == NULL ? "" : options->note);
	if (results->single_count > 0)
		printf(
		    "%-18s %-6s %10s %10s %7s\n", "operation", "unit", "tmpfs", "shmfs", "ratio");
	for (size_t i = 0; i < results->single_count; i++) {
		const struct result *result = &results->single[i];

		printf("%-18s %-6s %10.3f %10.3f %7.3f\n", result->name, unit(result),
		    shown(result, TMPFS), shown(result, SHMFS), result->ratio);
	}
	growth_table(options, results);
}

static void json_string(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void json_head(const struct options *options)
{
	struct machine machine = describe_machine();

	fputs("{\n  \"machine\": {\"architecture\": ", stdout);
	json_string(machine.system.machine);
	fputs(", \"processor\": ", stdout);
	json_string(machine.processor);
	printf(", \"processors\": %ld},\n  \"kernel\": ", machine.processors);
	json_string(machine.system.release);
	printf(",\n  \"rounds\": %ld,\n  \"objects\": %ld,\n  \"note\": ", options->rounds,
	    options->objects);
	json_string(options->note == NULL ? "" : options->note);
	fputs(",\n", stdout);
}

void report_json(const struct options *options, const struct results *results)
{
	json_head(options);
	fputs("  \"results\": [", stdout);
	for (size_t i = 0; i < results->single_count; i++) {
		const struct result *result = &results->single[i];

		printf("%s\n    {\"name\": \"%s\", \"unit\": \"%s\", \"tmpfs\": %.4f, \"shmfs\": "
		       "%.4f, "
		       "\"ratio\": %.4f}",
		    i == 0 ? "" : ",", result->name, unit(result), shown(result, TMPFS),
		    shown(result, SHMFS), result->ratio);
	}
	fputs("\n  ],\n  \"growth\": [", stdout);
	for (size_t i = 0; i < results->growth_count; i++) {
		const struct growth *growth = &results->growth[i];

		printf("%s\n    {\"name\": \"%s\", \"few\": %d, \"many\": %ld, \"tmpfs\": %.4f, "
		       "\"shmfs\": %.4f}",
		    i == 0 ? "" : ",", growth->name, FEW_OBJECTS, options->objects,
		    growth_of(growth, TMPFS), growth_of(growth, SHMFS));
	}
	fputs("\n  ]\n}\n", stdout);
}

static double measured(const struct results *results, const char *name)
{
	for (size_t i = 0; i < results->single_count; i++)
		if (strcmp(results->single[i].name, name) == 0)
			return results->single[i].ratio;
	for (size_t i = 0; i < results->growth_count; i++)
		if (strcmp(results->growth[i].name, name) == 0)
			return growth_of(&results->growth[i], SHMFS);
	fprintf(stderr, "bench: no result is named %s\n", name);
	exit(EXIT_ERROR);
}

size_t report_bounds(const struct options *options, const struct results *results)
{
	size_t exceeded = 0;

	for (size_t i = 0; i < options->bound_count; i++) {
		const struct bound *bound = &options->bounds[i];
		double value = measured(results, bound->name);

		if (value <= bound->ratio)
			continue;
		fprintf(stderr, "bench: %s: ratio %.3f is above the bound %.3f\n", bound->name,
		    value, bound->ratio);
		exceeded++;
	}
	return exceeded;
}

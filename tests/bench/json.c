/* SPDX-License-Identifier: BSD-2-Clause */
/* A run as a JSON object; what was not measured is null. */
#include <math.h>
#include <stdio.h>

#include "report.h"

static const char *const sides[] = {"tmpfs", "shmfs", "plain"};

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

static void json_number(const char *name, double number)
{
	if (isfinite(number))
		printf(", \"%s\": %.4f", name, number);
	else
		printf(", \"%s\": null", name);
}

static void json_head(const struct options *options)
{
	struct machine machine = describe_machine();

	fputs("{\n  \"machine\": {\"architecture\": ", stdout);
	json_string(machine.architecture);
	fputs(", \"processor\": ", stdout);
	json_string(machine.processor);
	printf(", \"processors\": %ld},\n  \"kernel\": ", machine.processors);
	json_string(machine.system);
	printf(",\n  \"rounds\": %ld,\n  \"objects\": %ld,\n  \"note\": ", options->rounds,
	    options->objects);
	json_string(options->note == NULL ? "" : options->note);
	if (options->paths[PLAIN] != NULL) {
		fputs(",\n  \"plain\": ", stdout);
		json_string(options->plain_label);
	}
	fputs(",\n", stdout);
}

static void json_result(const struct result *result)
{
	static const char *const p99[] = {"tmpfs_p99_us", "shmfs_p99_us", "plain_p99_us"};

	printf("{\"name\": \"%s\", \"unit\": \"%s\"", result->name, report_unit(result));
	for (int side = 0; side < SIDES; side++)
		json_number(sides[side], report_shown(result, side));
	json_number("ratio", result->ratio);
	json_number("ratio_to_plain", result->plain);
	for (int side = 0; side < SIDES; side++)
		json_number(p99[side], result->p99[side] / 1e3);
	printf(", \"disturbed\": %ld}", result->disturbed);
}

static void json_walk(const struct options *options, const struct walk *walk)
{
	printf("{\"name\": \"%s\", \"unit\": \"us\", \"bytes\": %zu", walk->name, walk->bytes);
	for (int side = 0; side < SIDES; side++)
		json_number(sides[side], walk->cost[side] / 1e3);
	for (size_t i = 0; i < options->rival_count; i++)
		json_number(options->rivals[i].label, walk->rival[i] / 1e3);
	json_number("ratio", walk->ratio);
	json_number("ratio_to_floor", walk->floor);
	putchar('}');
}

void report_json(const struct options *options, const struct results *results)
{
	json_head(options);
	fputs("  \"results\": [", stdout);
	for (size_t i = 0; i < results->single_count; i++) {
		fputs(i == 0 ? "\n    " : ",\n    ", stdout);
		json_result(&results->single[i]);
	}
	fputs("\n  ],\n  \"walks\": [", stdout);
	for (size_t i = 0; i < results->walk_count; i++) {
		fputs(i == 0 ? "\n    " : ",\n    ", stdout);
		json_walk(options, &results->walk[i]);
	}
	fputs("\n  ],\n  \"values\": [", stdout);
	for (size_t i = 0; i < results->value_count; i++) {
		const struct value *value = &results->value[i];

		printf("%s\n    {\"name\": \"%s\", \"unit\": \"%s\"", i == 0 ? "" : ",",
		    value->name, value->unit);
		for (int side = 0; side < SIDES; side++)
			json_number(sides[side], value->of[side]);
		putchar('}');
	}
	fputs("\n  ],\n  \"growth\": [", stdout);
	for (size_t i = 0; i < results->growth_count; i++) {
		const struct growth *growth = &results->growth[i];

		printf("%s\n    {\"name\": \"%s\", \"few\": %d, \"many\": %ld", i == 0 ? "" : ",",
		    growth->name, FEW_OBJECTS, options->objects);
		for (int side = TMPFS; side <= SHMFS; side++)
			json_number(sides[side], report_growth(growth, side));
		putchar('}');
	}
	fputs("\n  ]\n}\n", stdout);
}

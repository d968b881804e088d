/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's entry: the same operations on a tmpfs, on shmfs and on a reference server,
 * interleaved in one run. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	bool (*has)(const struct options *options, const char *name);
	void (*run)(
	    const struct options *options, const struct side *sides, struct results *results);
};

/* In this order: the first one measures what nothing was done to. */
static const struct part parts[] = {
    {quiet_has, quiet_run},
    {micro_has, micro_run},
    {walk_has, walk_run},
    {clients_has, clients_run},
    {objects_has, objects_run},
    {freeing_has, freeing_run},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* A bound on something that is not measured would be a gate that never closes. */
static void require_bounds_are_measured(const struct options *options)
{
	for (size_t i = 0; i < options->bound_count; i++) {
		const struct bound *bound = &options->bounds[i];
		bool has = false;

		for (size_t part = 0; part < PARTS; part++)
			has = has || parts[part].has(options, bound->name);
		if (!has || (strcmp(bound->suffix, "/floor") == 0 && options->rival_count == 0) ||
		    (strcmp(bound->suffix, "/plain") == 0 && options->paths[PLAIN] == NULL)) {
			fprintf(stderr, "bench: --max %s%s: not measured in this run\n",
			    bound->name, bound->suffix);
			exit(EXIT_ERROR);
		}
	}
}

static void require_output_was_written(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	perror("bench: standard output");
	exit(EXIT_ERROR);
}

int main(int argc, char **argv)
{
	static struct options options;
	static struct side sides[SIDES];
	static struct results results;

	options_parse(&options, argc, argv);
	require_bounds_are_measured(&options);
	sides_open(sides, &options);
	for (size_t part = 0; part < PARTS; part++)
		parts[part].run(&options, sides, &results);
	if (results.single_count == 0 && results.walk_count == 0 && results.growth_count == 0 &&
	    results.value_count == 0) {
		fprintf(stderr, "bench: --only matches no figure\n");
		return EXIT_ERROR;
	}
	if (options.readme)
		report_readme(&results);
	else if (options.json)
		report_json(&options, &results);
	else
		report_table(&options, &results);
	require_output_was_written();
	size_t exceeded = report_bounds(&options, &results);
	options_release(&options);
	return exceeded == 0 ? EXIT_SUCCESS : EXIT_BOUND;
}

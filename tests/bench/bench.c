/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's entry: the same operations on a tmpfs and on shmfs, interleaved in one run. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

/* A bound on something that is not measured would be a gate that never closes. */
static void require_bounds_are_measured(const struct options *options)
{
	for (size_t i = 0; i < options->bound_count; i++) {
		const char *name = options->bounds[i].name;

		if (!micro_has(options, name) && !objects_has(options, name)) {
			fprintf(stderr, "bench: --max %s: not measured in this run\n", name);
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
	micro_run(&options, sides, &results);
	objects_run(&options, sides, &results);
	if (results.single_count == 0 && results.growth_count == 0) {
		fprintf(stderr, "bench: --only matches no operation\n");
		return EXIT_ERROR;
	}
	if (options.json)
		report_json(&options, &results);
	else
		report_table(&options, &results);
	require_output_was_written();
	size_t exceeded = report_bounds(&options, &results);
	options_release(&options);
	return exceeded == 0 ? EXIT_SUCCESS : EXIT_BOUND;
}

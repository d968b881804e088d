/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the benchmark share: options, the two sides, samples and results. */
#ifndef SHMFS_BENCH_H
#define SHMFS_BENCH_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	TMPFS,
	SHMFS,
	SIDES,
};

enum {
	MAX_BOUNDS = 64,
	MAX_RESULTS = 32,
	MAX_GROWTHS = 8,
	FEW_OBJECTS = 1000,
	EXIT_BOUND = 1,
	EXIT_ERROR = 2,
};

struct bound {
	char name[32];
	double ratio;
};

struct options {
	long rounds;
	long objects;
	bool quick;
	bool json;
	bool has_pattern;
	regex_t pattern;
	const char *note;
	const char *paths[SIDES];
	struct bound bounds[MAX_BOUNDS];
	size_t bound_count;
};

/* One of the two filesystems. All objects live in a directory of the benchmark's own. */
struct side {
	const char *label;
	const char *path;
	char name[32];
	int root;
	int dir;
};

/*
 * Costs are nanoseconds per iteration. bytes is 0 where a rate makes no sense. ratio is the median
 * of the rounds' ratios: where the machine is slow for some rounds, each side's median may come
 * from another state of the machine, and their quotient says nothing.
 */
struct result {
	const char *name;
	size_t bytes;
	double cost[SIDES];
	double ratio;
};

struct growth {
	const char *name;
	double few[SIDES];
	double many[SIDES];
};

struct results {
	struct result single[MAX_RESULTS];
	size_t single_count;
	struct growth growth[MAX_GROWTHS];
	size_t growth_count;
};

struct series {
	double *values;
	size_t count;
	size_t capacity;
};

/* The samples of one operation: those with the same index were taken in the same round. */
struct pair {
	struct series side[SIDES];
};

/* options.c. Wrong usage ends the program with EXIT_ERROR, --help with 0. */
void options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);
bool options_want(const struct options *options, const char *name);

/* side.c. The directories are removed again at exit, whatever the exit is. */
void sides_open(struct side *sides, const struct options *options);

/* sample.c. The medians of an empty pair are 0. pair_finish empties it. */
double now(void);
void pair_add(struct pair *pair, int side, double value);
void pair_finish(struct pair *pair, double cost[SIDES], double *ratio);
_Noreturn void fail(const struct side *side, const char *call);
_Noreturn void fail_count(const struct side *side, const char *call, long got, long wanted);

/*
 * Which of the two sides is measured when: in one round the first goes first, in the next the
 * second, so that neither always runs on what the other left in the caches.
 */
static inline int side_in_turn(long round, int turn)
{
	return (int)((round + turn) % SIDES);
}

/* micro.c and objects.c: *_has tells whether a run with these options yields a result of this name.
 */
bool micro_has(const struct options *options, const char *name);
void micro_run(const struct options *options, const struct side *sides, struct results *results);
bool objects_has(const struct options *options, const char *name);
void objects_run(const struct options *options, const struct side *sides, struct results *results);

/* report.c. report_bounds says on stderr which bounds are exceeded and returns their number. */
void report_table(const struct options *options, const struct results *results);
void report_json(const struct options *options, const struct results *results);
size_t report_bounds(const struct options *options, const struct results *results);

#endif

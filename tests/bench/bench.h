/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the benchmark share: options, the sides, samples and results. */
#ifndef SHMFS_BENCH_H
#define SHMFS_BENCH_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* PLAIN is the reference server (servers/plain.c), or another shmfs; it may be absent. */
enum {
	TMPFS,
	SHMFS,
	PLAIN,
	SIDES,
};

enum {
	MAX_BOUNDS = 64,
	MAX_RESULTS = 64,
	MAX_GROWTHS = 16,
	MAX_VALUES = 32,
	MAX_CLIENTS = 64,
	MAX_RIVALS = 6,
	MAX_WALKS = 32,
	FEW_OBJECTS = 1000,
	EXIT_BOUND = 1,
	EXIT_ERROR = 2,
};

struct bound {
	char name[40];
	char suffix[8]; /* "", "/plain", "/p99" or "/floor" */
	double most;
};

/*
 * One that a walk is compared with: a floor program's mount, or a memfd (no path). Of those that
 * differ in how they read, one is enough for writes: the cheapest of several that do the same is
 * the luckiest.
 */
struct rival {
	const char *label;
	const char *path;
	bool reads_only;
};

struct options {
	long rounds;
	long objects;
	long freed;  /* MiB */
	long walked; /* MiB */
	struct rival rivals[MAX_RIVALS];
	size_t rival_count;
	long patience; /* seconds */
	bool quick;
	bool json;
	bool readme;
	bool has_pattern;
	regex_t pattern;
	const char *note;
	const char *plain_label;
	const char *paths[SIDES]; /* NULL: absent */
	pid_t servers[SIDES];	  /* as started; 0: none, or unknown */
	struct bound bounds[MAX_BOUNDS];
	size_t bound_count;
};

/* One of the filesystems. All objects live in a directory of the benchmark's own. */
struct side {
	const char *label;
	const char *path; /* NULL: absent, and nothing is measured */
	char name[32];
	int root;
	int dir;
	pid_t started; /* the daemon's first process, 0 if not known */
};

/*
 * Costs are nanoseconds per iteration, NAN where a side was not measured. bytes is 0 where a rate
 * makes no sense. A ratio is the median of the rounds' ratios: where the machine is slow for some
 * rounds, each side's median may come from another state of the machine, and their quotient says
 * nothing. p99 is that of single iterations.
 */
struct result {
	char name[40];
	size_t bytes;
	double cost[SIDES];
	double p99[SIDES];
	double ratio;	/* shmfs / tmpfs */
	double plain;	/* shmfs / plain */
	long disturbed; /* rounds in which something else ran too */
};

struct growth {
	const char *name;
	double few[SIDES];
	double many[SIDES];
};

/* Something that is no cost of an operation; NAN where it was not measured. */
struct value {
	char name[40];
	const char *unit;
	double of[SIDES];
};

/* Bytes moved on a walk through an object: cost per call, as of struct result. */
struct walk {
	char name[40];
	size_t bytes;
	double cost[SIDES];
	double rival[MAX_RIVALS];
	double ratio; /* shmfs / tmpfs */
	double floor; /* shmfs / the rival that is cheapest; NAN: there is none */
	int best;     /* which that is, or -1 */
};

struct results {
	struct walk walk[MAX_WALKS];
	size_t walk_count;
	struct result single[MAX_RESULTS];
	size_t single_count;
	struct growth growth[MAX_GROWTHS];
	size_t growth_count;
	struct value value[MAX_VALUES];
	size_t value_count;
};

struct series {
	double *values;
	size_t count;
	size_t capacity;
};

/* The samples of one operation: those with the same index were taken in the same round. */
struct samples {
	struct series side[SIDES];   /* cost per iteration of a batch */
	struct series single[SIDES]; /* cost of one iteration */
};

/* options.c. Wrong usage ends the program with EXIT_ERROR, --help with 0. */
void options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);
bool options_want(const struct options *options, const char *name);

/* side.c. The directories are removed again at exit, whatever the exit is. */
void sides_open(struct side *sides, const struct options *options);

/* sample.c. samples_finish fills costs and ratios of result and empties the samples. */
double now(void);
double processor_time(void);
void series_add(struct series *series, double value);
double series_percentile(struct series *series, double part);
double series_quotient(const struct series *over, const struct series *under);
void series_release(struct series *series);
void samples_finish(struct samples *samples, struct result *result);
void add_value(struct results *results, const char *name, const char *unit, const double *of);
_Noreturn void fail(const struct side *side, const char *call);
_Noreturn void fail_count(const struct side *side, const char *call, long got, long wanted);

/*
 * Which of the sides is measured when: in each round another one goes first, so that none always
 * runs on what the same other left in the caches.
 */
static inline int side_in_turn(long round, int turn)
{
	return (int)((round + turn) % SIDES);
}

static inline bool side_is_there(const struct side *side)
{
	return side->path != NULL;
}

/* The parts of a run. *_has tells whether a run with these options yields a figure of this name. */
bool micro_has(const struct options *options, const char *name);
void micro_run(const struct options *options, const struct side *sides, struct results *results);
bool clients_has(const struct options *options, const char *name);
void clients_run(const struct options *options, const struct side *sides, struct results *results);
bool objects_has(const struct options *options, const char *name);
void objects_run(const struct options *options, const struct side *sides, struct results *results);
bool freeing_has(const struct options *options, const char *name);
void freeing_run(const struct options *options, const struct side *sides, struct results *results);
bool walk_has(const struct options *options, const char *name);
void walk_run(const struct options *options, const struct side *sides, struct results *results);
/* quiet_run comes first: what it measures is an empty mount. */
bool quiet_has(const struct options *options, const char *name);
void quiet_run(const struct options *options, const struct side *sides, struct results *results);

/* report.c. report_bounds says on stderr which bounds are exceeded and returns their number. */
void report_table(const struct options *options, const struct results *results);
size_t report_bounds(const struct options *options, const struct results *results);
/* readme.c: the rows of README's table, as it has them. */
void report_readme(const struct results *results);
/* json.c */
void report_json(const struct options *options, const struct results *results);

/* machine.c */
struct machine {
	char system[80];
	char architecture[80];
	char processor[128];
	long processors;
};

struct machine describe_machine(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where client and server run, and who else does. */
#ifndef SHMFS_BENCH_SITUATION_H
#define SHMFS_BENCH_SITUATION_H

#include "bench.h"

struct situation {
	const char *suffix; /* of a figure's name */
	double target;	    /* nanoseconds that a sample shall take */
	double quick;	    /* the same for --quick */
	int fewer;	    /* a part of the rounds */
	bool needs_servers;
	void (*enter)(const struct side *sides);
	void (*leave)(const struct side *sides);
};

extern const struct situation situations[];
extern const size_t situation_count;

/* Situation 0 is the machine as it is; the others are for these sides only if their servers are
 * known. */
bool situation_possible(const struct situation *situation, const struct options *options);

/* How many threads it keeps running while it is entered. */
int situation_running(const struct situation *situation);

#endif

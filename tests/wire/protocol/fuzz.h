/* SPDX-License-Identifier: BSD-2-Clause */
/* Random messages that are mostly well-formed, of live nodes, handles and names. */
#ifndef SHMFS_TESTS_WIRE_FUZZ_H
#define SHMFS_TESTS_WIRE_FUZZ_H

#include "model.h"
#include "random.h"
#include "wire.h"

/* Small enough that the limits are reached all the time. */
#define NODES 300
#define BYTES (256 * 1024)
#define NAMES 24

struct fuzz {
	struct random random;
	struct wire *w;
	struct model *model;
	unsigned served, succeeded;
};

static inline uint32_t below(struct fuzz *f, uint32_t bound)
{
	return random_below(&f->random, bound);
}

static inline bool percent(struct fuzz *f, unsigned chance)
{
	return random_percent(&f->random, chance);
}

/* Mostly of the last few hundred nodes. */
uint64_t any_node(struct fuzz *f);
/* Makes one, in f->w. */
void any_message(struct fuzz *f);

#endif

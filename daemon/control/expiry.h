/* SPDX-License-Identifier: BSD-2-Clause */
/* Expiry: names of objects that go when nobody holds them any more, looked for from time to time.
 */
#ifndef SHMFS_CONTROL_EXPIRY_H
#define SHMFS_CONTROL_EXPIRY_H

#include <stdint.h>

#include "common/counters.h"
#include "common/log.h"

struct expiry {
	struct shmfs *fs;
	struct counters *counters;
	struct log_budget *removals;
	/* A name goes, or an object without one is to be forgotten by the kernel. Called before
	 * that is committed. */
	void (*removed)(void *arg, const struct shmfs_removal *removal);
	void *arg;

	uint64_t from; /* the object at which the round goes on; 0: at the first */
};

/*
 * Looks at some of the objects and removes what is over, with log lines. Returns the
 * milliseconds after which to go on: few within a round, a second between two of them, 0 if there
 * is nothing to watch.
 */
unsigned expiry_run(struct expiry *expiry);

#endif

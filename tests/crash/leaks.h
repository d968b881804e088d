/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be the same after a test as before it: the namespace, its accounts, descriptors,
 * backing ids, memory. */
#ifndef SHMFS_TESTS_CRASH_LEAKS_H
#define SHMFS_TESTS_CRASH_LEAKS_H

#include <stdbool.h>

struct state;

/* To be taken while nobody uses the mount. */
struct state *state_take(void);
void state_free(struct state *state);

/*
 * Takes the state until it is as before, as the kernel gives back at its leisure what it knows, and
 * for at most ten seconds. Returns the number of differences that stay, each of which is printed.
 */
unsigned state_compare(const struct state *before);

/* Memory of the system, which others use as well, may differ by so many MiB. */
extern unsigned state_memory_slack;

/* Closes every backing id that there is (none may be in use any more) and returns how many. */
unsigned backing_ids_left(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole state of the namespace under test, read from its arena while the server is stopped:
 * what a restart must leave alone, as text that two runs have in common.
 */
#ifndef SHMFS_TESTS_CRASH_ARENA_VIEW_H
#define SHMFS_TESTS_CRASH_ARENA_VIEW_H

#include <stdbool.h>

/* Maps the arena of the daemon that runs. Exits when it is not there. */
void view_open(void);
void view_close(void);

/*
 * One line for every node, by its path, and what is counted; without times, ids and whatever else
 * depends on the order of earlier things. To be freed. NULL: a transaction is going on, or nobody
 * serves.
 */
char *view_dump(void);

/* Violated invariants of the namespace, each of which is printed. */
unsigned view_verify(void);

/* Memories that are kept for the next objects: each has a descriptor, and maybe a backing id. */
unsigned view_kept(void);

/* Whether the namespace registers memory with the kernel (io=passthrough). */
bool view_has_backing(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling a server that does not answer from one that has nothing to do.
 *
 * Nobody's heart beats for this: whether requests wait, the descriptor tells, and what is served is
 * counted anyway. A server that has a request before it and takes none, at so many looks in a row,
 * does not answer. What takes the longest takes a second.
 */
#ifndef SHMFS_PROCESS_WATCHDOG_H
#define SHMFS_PROCESS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/server.h"

#define WATCHDOG_LOOK_MS 2500
#define WATCHDOG_MISSES 4
#define WATCHDOG_MS (WATCHDOG_LOOK_MS * WATCHDOG_MISSES)

/* Zeros for a new server. */
struct watchdog {
	uint64_t served; /* requests, at the last look */
	unsigned misses; /* in a row */
};

/* Every WATCHDOG_LOOK_MS. True: it does not answer; that is said once in WATCHDOG_MS. */
bool watchdog_look(struct watchdog *watchdog, const struct server *server);

/* What others have done to a process; that it runs, where nobody can tell. */
enum fate { FATE_RUNS, FATE_STOPPED, FATE_TRACED };
enum fate watchdog_fate_of(pid_t pid);

#endif

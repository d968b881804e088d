/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc tells of a daemon: of the process that was started, and of all that descend from it.
 */
#ifndef SHMFS_BENCH_SERVER_H
#define SHMFS_BENCH_SERVER_H

#include <sys/types.h>

/* Processor time in nanoseconds that all processes of the daemon have used. */
double server_time(pid_t started);

/* How often threads of the daemon have left a processor. */
double server_switches(pid_t started);

/* MiB of all processes of the daemon, by a line of smaps_rollup: "Rss:" or "Pss:". */
double server_memory(pid_t started, const char *key);

/* Lets all threads of the daemon run on one processor, or, with -1, on every one. */
void server_pin(pid_t started, int processor);

#endif

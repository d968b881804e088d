/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc tells of a daemon. It is known by the process that was started; where that has a child
 * of the same program, the child is the one that serves.
 */
#ifndef SHMFS_BENCH_SERVER_H
#define SHMFS_BENCH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/* The process that serves; 0 for 0. */
pid_t server_serving(pid_t started);

/* Processor time in nanoseconds that all processes of the daemon have used. */
double server_time(pid_t started);

/* How often threads of the daemon have left a processor. */
double server_switches(pid_t started);

/* MiB of all processes of the daemon, by a line of smaps_rollup: "Rss:" or "Pss:". */
double server_memory(pid_t started, const char *key);

/* Lets all threads of the daemon run on one processor, or, with -1, on every one. */
void server_pin(pid_t started, int processor);

#endif

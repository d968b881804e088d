/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that outlive the one that started them: a daemon in the background, or one too many. */
#ifndef SHMFS_TESTS_MOUNTED_LEFT_OVER_H
#define SHMFS_TESTS_MOUNTED_LEFT_OVER_H

#include <stdbool.h>
#include <sys/types.h>

/* From here on an orphan of this process or below becomes a child of this process. */
bool adopt_orphans(void);
/* The children of this process except `known` (0 for none); returns how many, at most `size`. */
int list_children(pid_t *children, int size, pid_t known);
int list_children_of(pid_t parent, pid_t *children, int size, pid_t known);
/* The server of a daemon, by its name among the children; 0: there is none at this moment. */
pid_t server_of(pid_t supervisor);
/*
 * Reaps every child, and what comes up to this process by that. Those that still ran are killed;
 * returns their number.
 */
int kill_left_over(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory control group of this process, in either version of control groups. */
#ifndef SHMFS_SYSTEM_MEMORY_GROUP_H
#define SHMFS_SYSTEM_MEMORY_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* root: where /proc and /sys are, "" for the system's own. */

/* Its name: "/a/b", or "" for the root. False: it cannot be told. */
bool memory_group_of_self(const char *root, char *out, size_t size);

/* The limit of one group alone; each group on the way to the root has its own. False: none. */
bool memory_group_limit(const char *root, const char *group, uint64_t *out);

/* A descriptor of the file that tells how much is used, by it and those below. -1: there is none.
 */
int memory_group_open_usage(const char *root, const char *group);

/* Bytes of pages of files, which the kernel takes back when memory runs short. */
uint64_t memory_group_files(const char *root, const char *group);

/* How much more may be swapped out. False: as much as there is. */
bool memory_group_swap_left(const char *root, const char *group, uint64_t *out);

/* The group above, in place. False: there is none. */
bool memory_group_up(char *group);

#endif

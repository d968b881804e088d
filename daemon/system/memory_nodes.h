/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes that a machine's memory comes from. */
#ifndef SHMFS_SYSTEM_MEMORY_NODES_H
#define SHMFS_SYSTEM_MEMORY_NODES_H

#include <stdbool.h>

/* Whether there is one alone, so that no policy of mbind(2) makes any difference; false also where
 * that cannot be told. root: where /sys is, "" for the system's own. */
bool memory_nodes_is_one(const char *root);

#endif

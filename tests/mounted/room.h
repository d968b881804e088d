/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left of the limits of the shared mount, which may take the daemon a moment to give back.
 */
#ifndef SHMFS_TESTS_MOUNTED_ROOM_H
#define SHMFS_TESTS_MOUNTED_ROOM_H

/* Nodes that statfs says are left in the shared mount. */
unsigned long nodes_left(void);

/* Within a second this many are left. */
void expect_pages_left_soon(unsigned long want);
void expect_nodes_left_soon(unsigned long want);

/* What objects have in memory by their descriptors, in pages, and so does what is not freed yet. */
unsigned long pages_in_memory(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Charges: how many pages and nodes the namespace holds, and how many it may.
 *
 * A page is charged when an object's size comes to cover it, not when it is first touched: a full
 * namespace is an error for whoever asks for more, and never a SIGBUS for whoever was granted it.
 * A node is charged for itself and its first name; each further name counts as another.
 */
#ifndef SHMFS_CHARGE_H
#define SHMFS_CHARGE_H

#include <stdint.h>

struct shmfs;

struct charge {
	uint64_t limit_pages; /* 0 = none */
	uint64_t used_pages;
	uint64_t limit_nodes; /* 0 = none */
	uint64_t used_nodes;
};

/* Pages that an object of this size covers. */
uint64_t charge_pages_of(uint64_t size);

/* Moves an object's charge from one size to another. -ENOSPC: the limit, or 2^64 pages. */
int charge_resize(struct shmfs *fs, uint64_t from, uint64_t to);

/* One more node or name. -ENOSPC. */
int charge_node(struct shmfs *fs);

/* One node or name less. */
void charge_node_end(struct shmfs *fs);

#endif

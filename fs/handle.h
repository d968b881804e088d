/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles: one opening of an object, with what it may do. */
#ifndef SHMFS_HANDLE_H
#define SHMFS_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

struct shmfs;
struct node;
struct shmfs_opened;

struct handle {
	uint64_t id;
	struct node *node;
	bool reads, writes;
	bool quiet;	/* reads leave no access time: O_NOATIME */
	uint8_t rights; /* of enum shmfs_right, what was not given up */
};

/* NULL: there is no such handle. */
struct handle *handle_get(const struct shmfs *fs, uint64_t id);

/* Opens an object for the access mode in flags. -ENFILE, -ENOMEM. */
int handle_create(struct shmfs *fs, struct node *node, int flags, struct shmfs_opened *out);

#endif

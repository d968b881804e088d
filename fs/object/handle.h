/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles of open objects. */
#ifndef SHMFS_HANDLE_H
#define SHMFS_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/state/state.h"

/* NULL: there is no such handle. */
struct handle *handle_get(const struct shmfs *fs, uint64_t id);

/* Opens an object for the access mode in flags. -ENFILE, -ENOMEM. */
int handle_create(struct shmfs *fs, struct node *node, int flags, struct shmfs_opened *out);

#endif

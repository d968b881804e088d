/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles of open objects. */
#ifndef SHMFS_HANDLE_H
#define SHMFS_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/state/state.h"

/* NULL: there is no such handle. */
struct handle *handle_get(const struct shmfs *fs, uint64_t id);

/* NULL: there is none that may write. */
struct handle *handle_get_writing(const struct shmfs *fs, uint64_t id);

/* The flags of an open file may have changed by fcntl(F_SETFL): O_NOATIME counts. */
void handle_set_flags(struct shmfs *fs, struct handle *handle, int flags);

/* Opens an object for the access mode in flags. -ENFILE, -ENOMEM. */
int handle_create(struct shmfs *fs, struct node *node, int flags, struct shmfs_opened *out);

#endif

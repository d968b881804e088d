/* SPDX-License-Identifier: BSD-2-Clause */
/* Permissions, for those whom the kernel did not check. */
#ifndef SHMFS_ACCESS_H
#define SHMFS_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/state/state.h"

/* Whether a node's mode or list grants all that is wanted, of 4, 2 and 1 (read, write, search). */
bool access_grants(const struct node *node, const struct shmfs_subject *by, unsigned want);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Permissions, for those whom the kernel did not check. */
#ifndef SHMFS_ACCESS_H
#define SHMFS_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/state/state.h"

/* Whether a node's mode or list grants all that is wanted, of 4, 2 and 1 (read, write, search). */
bool access_grants(const struct node *node, const struct shmfs_subject *by, unsigned want);

/* Whether permissions and policies let the subject look for names in a directory, and, if it lists,
 * see all of them. */
bool access_searches(
    const struct shmfs *fs, const struct node *dir, const struct shmfs_subject *by, bool lists);

/* The subject as the policies see it. */
struct shmfs_cred access_cred(const struct shmfs_subject *by);

/* Whether a node grants all that is wanted to the caller of a request, whose further groups are
 * asked for where they decide. */
bool access_grants_caller(
    const struct shmfs *fs, const struct node *node, const struct shmfs_cred *cred, unsigned want);

#endif

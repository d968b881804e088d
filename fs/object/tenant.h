/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Borders of tenants, whose accounts are charge.h's.
 *
 * Whatever is made in a tenant's directory, or below, belongs to the tenant for as long as it
 * lives, as does the directory itself. No name leads across the border: a node's tenant is that of
 * each directory that names it, but for the tenant's own directory, which stands among what belongs
 * to none. So no tenant is in another, and what is charged to it is all that can be reached below.
 */
#ifndef SHMFS_TENANT_H
#define SHMFS_TENANT_H

#include <stdbool.h>

#include "fs/state/state.h"

/* Whether a node may have a name in this directory. */
bool tenant_admits(const struct shmfs *fs, const struct node *dir, const struct node *node);

/* A node has got this name in a directory that admits it. A tenant's directory is known by its last
 * name when it has none any more. */
void tenant_note_name(
    struct shmfs *fs, const struct node *dir, const struct node *node, const char *name);

#endif

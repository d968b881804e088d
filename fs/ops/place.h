/* SPDX-License-Identifier: BSD-2-Clause */
/* What operations on names begin and end with. */
#ifndef SHMFS_PLACE_H
#define SHMFS_PLACE_H

#include "fs/mac/mac.h"
#include "fs/object/directory.h"

/* A place that the caller wants for something, which is the directory's to allow. */
int place_find(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, uint64_t dir,
    const char *name, struct place *out);

/* A place whose name must be free. */
int place_find_free(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t dir, const char *name, struct place *out);

/* A place whose name must be taken, by a node that also allows it. */
int place_find_taken(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t dir, const char *name, struct place *out);

/* One more reference of the caller, who learns the node's attributes. */
void place_give(struct shmfs *fs, struct node *node, struct shmfs_attr *out);

/*
 * Whether the caller has the permission to open an object so. The kernel checks permissions against
 * attributes that it has asked for, but not those of a name that came up since.
 */
bool place_may_open(
    const struct shmfs *fs, const struct node *node, const struct shmfs_cred *cred, int flags);

#endif

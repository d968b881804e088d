/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes as they are stored: a list at the node, each value in chunks of at most a
 * page.
 *
 * What a name means is decided in fs/ops; here a name is bytes. The bytes of names and values of
 * one node are charged together, in whole pages.
 */
#ifndef SHMFS_XATTR_H
#define SHMFS_XATTR_H

#include <stddef.h>
#include <stdint.h>

#include "state.h"

/* NULL: there is none of this name. */
const struct xattr *xattr_find(const struct node *node, const char *name);

/* Copies a value to a buffer that is large enough. */
void xattr_copy(const struct xattr *xattr, char *out);

/*
 * Sets or replaces one, as a user asks. The node is saved here. -ENOSPC: the bound of the node, or
 * the limit on bytes; -ENOMEM.
 */
int xattr_set(struct shmfs *fs, struct node *node, uint32_t by, const char *name, const void *value,
    size_t size);

/* Removes one, if it is there. */
void xattr_drop(struct shmfs *fs, struct node *node, const char *name);

/* Removes one that is there. */
void xattr_remove(struct shmfs *fs, struct node *node, const char *name);

/* Removes all when the node goes. */
void xattr_end(struct shmfs *fs, struct node *node);

/* What the attributes of a node take in bytes, for verify. */
uint64_t xattr_bytes(const struct node *node);

#endif

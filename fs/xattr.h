/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes as they are stored: a list at the node, each value in chunks of at most a
 * page.
 *
 * What a name means is decided in xattrs.c; here a name is bytes. The bytes of names and values of
 * one node are charged together, in whole pages.
 */
#ifndef SHMFS_XATTR_H
#define SHMFS_XATTR_H

#include <stdint.h>
#include <sys/types.h>

struct arena;
struct shmfs;
struct node;

/* Part of a value. */
struct chunk {
	struct chunk *next;
	uint32_t size;
	char data[];
};

struct xattr {
	struct xattr *next;
	struct chunk *value;
	uint32_t size; /* of the value */
	uint32_t name_length;
	char name[];
};

/* Bounds of one value, as the kernel has them, and of all names and values of one node. */
#define XATTR_VALUE_MAX 65536
#define XATTR_NODE_MAX (2 * XATTR_VALUE_MAX)

/* Attributes of one node. All of them go in the transaction that ends it, and its log is bounded:
 * each takes at most half a kilobyte of it. */
#define XATTR_COUNT_MAX 256

/* NULL: there is none of this name. */
const struct xattr *xattr_find(const struct node *node, const char *name);

/* Copies a value to a buffer that is large enough. */
void xattr_copy(const struct xattr *xattr, char *out);

/*
 * Sets or replaces one. The node is saved here. -ENOSPC: the bound of the node, or the limit on
 * bytes; -ENOMEM.
 */
int xattr_set(
    struct shmfs *fs, struct node *node, const char *name, const void *value, size_t size);

/* Removes one that is there. */
void xattr_remove(struct shmfs *fs, struct node *node, const char *name);

/* Removes all when the node goes. */
void xattr_end(struct shmfs *fs, struct node *node);

/* What the attributes of a node take in bytes, for verify. */
uint64_t xattr_bytes(const struct node *node);

#endif

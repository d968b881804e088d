/* SPDX-License-Identifier: BSD-2-Clause */
/* Storage of extended attributes; see xattr.h. */
#include "xattr.h"

#include <errno.h>
#include <string.h>

#include "charge.h"

#define CHUNK_MAX (ARENA_PAGE_SIZE - sizeof(struct chunk))

static inline uint64_t bytes_of(size_t name_length, size_t size)
{
	return name_length + size;
}

const struct xattr *xattr_find(const struct node *node, const char *name)
{
	const struct xattr *xattr = node->xattrs;
	size_t length;

	/* As most have none, which is asked of each request. */
	if (xattr == NULL)
		return NULL;
	length = strlen(name);
	while (xattr != NULL &&
	       (xattr->name_length != length || memcmp(xattr->name, name, length) != 0))
		xattr = xattr->next;
	return xattr;
}

void xattr_copy(const struct xattr *xattr, char *out)
{
	for (const struct chunk *chunk = xattr->value; chunk != NULL; chunk = chunk->next) {
		memcpy(out, chunk->data, chunk->size);
		out += chunk->size;
	}
}

static int store(struct shmfs *fs, struct xattr *xattr, const char *value, size_t size)
{
	struct chunk **link = &xattr->value;

	xattr->size = (uint32_t)size;
	while (size > 0) {
		size_t part = size < CHUNK_MAX ? size : CHUNK_MAX;
		struct chunk *chunk = arena_alloc(fs->arena, sizeof *chunk + part);

		if (chunk == NULL)
			return -ENOMEM;
		chunk->size = (uint32_t)part;
		memcpy(chunk->data, value, part);
		*link = chunk;
		link = &chunk->next;
		value += part;
		size -= part;
	}
	return 0;
}

/* Lets go of an attribute's memory. */
static void discard(struct shmfs *fs, struct xattr *xattr)
{
	struct chunk *chunk = xattr->value;

	while (chunk != NULL) {
		struct chunk *next = chunk->next;

		arena_free(fs->arena, chunk);
		chunk = next;
	}
	arena_free(fs->arena, xattr);
}

/* Changes what a saved node's attributes take, and its charge. */
static int recharge(struct shmfs *fs, struct node *node, uint32_t by, uint64_t bytes)
{
	int rc = charge_resize(fs, node, by, node->xattr_bytes, bytes);

	if (rc == 0)
		node->xattr_bytes = (uint32_t)bytes;
	return rc;
}

static void reduce(struct shmfs *fs, struct node *node, uint64_t bytes)
{
	charge_reduce(fs, node, node->xattr_bytes, bytes);
	node->xattr_bytes = (uint32_t)bytes;
}

/* Takes one out of a node, which is saved, and leaves its charge: how much that is for. */
static uint64_t take_out(struct shmfs *fs, struct node *node, const char *name)
{
	struct xattr **link = &node->xattrs, *xattr;
	uint64_t bytes;

	while (strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	xattr = *link;
	save(fs, link, sizeof *link);
	*link = xattr->next;
	bytes = bytes_of(xattr->name_length, xattr->size);
	discard(fs, xattr);
	return bytes;
}

void xattr_remove(struct shmfs *fs, struct node *node, const char *name)
{
	node_change(fs, node);
	reduce(fs, node, node->xattr_bytes - take_out(fs, node, name));
}

void xattr_drop(struct shmfs *fs, struct node *node, const char *name)
{
	if (xattr_find(node, name) != NULL)
		xattr_remove(fs, node, name);
}

static unsigned count_of(const struct node *node)
{
	unsigned count = 0;

	for (const struct xattr *xattr = node->xattrs; xattr != NULL; xattr = xattr->next)
		count++;
	return count;
}

int xattr_set(struct shmfs *fs, struct node *node, uint32_t by, const char *name, const void *value,
    size_t size)
{
	size_t length = strlen(name);
	uint64_t bytes = node->xattr_bytes + bytes_of(length, size);
	struct xattr *xattr;
	int rc;

	node_change(fs, node);
	/* What is lost if there turns out to be no room comes back with the rollback. */
	if (xattr_find(node, name) != NULL)
		bytes -= take_out(fs, node, name);
	if (bytes > XATTR_NODE_MAX || count_of(node) == XATTR_COUNT_MAX)
		return -ENOSPC;
	rc = recharge(fs, node, by, bytes);
	if (rc < 0)
		return rc;
	xattr = arena_alloc(fs->arena, sizeof *xattr + length + 1);
	if (xattr == NULL)
		return -ENOMEM;
	xattr->name_length = (uint32_t)length;
	memcpy(xattr->name, name, length);
	rc = store(fs, xattr, value, size);
	if (rc < 0)
		return rc;
	xattr->next = node->xattrs;
	node->xattrs = xattr;
	return 0;
}

void xattr_end(struct shmfs *fs, struct node *node)
{
	struct xattr *xattr = node->xattrs;

	if (xattr == NULL)
		return;
	node_change(fs, node);
	node->xattrs = NULL;
	reduce(fs, node, 0);
	while (xattr != NULL) {
		struct xattr *next = xattr->next;

		discard(fs, xattr);
		xattr = next;
	}
}

uint64_t xattr_bytes(const struct node *node)
{
	uint64_t bytes = 0;

	for (const struct xattr *xattr = node->xattrs; xattr != NULL; xattr = xattr->next)
		bytes += bytes_of(xattr->name_length, xattr->size);
	return bytes;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and size of objects; see object.h. */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "fs/state/charge.h"
#include "fs/state/deferred_free.h"
#include "fs/state/descriptor.h"
#include "fs/state/idle_memory.h"
#include "fs/state/memory_use.h"
#include "fs/state/rules.h"
#include "memory.h"
#include "node.h"
#include "seal.h"
#include "spare_memory.h"

int object_need_backing(struct shmfs *fs, struct node *node)
{
	int fd, backing;

	if (node->object.backing != 0)
		return 0;
	fd = memory_need(fs, node);
	if (fd < 0)
		return fd;
	if (node->object.backing != 0)
		return 0;
	backing = fs->os->backing_open(fs->os->arg, fd);
	if (backing < 0)
		return backing;
	txn_effect(&fs->arena->txn, TXN_UNBACK_ON_ROLLBACK, backing, 0);
	node_change(fs, node);
	node->object.backing = backing;
	save(fs, &fs->super->last_backing, sizeof fs->super->last_backing);
	fs->super->last_backing = backing;
	return 0;
}

enum resize {
	RESIZE_AT_ONCE,
	RESIZE_FREES_LATER, /* if it shrinks by much */
	RESIZE_BY_WRITE,    /* it grows, by a write that follows */
};

/*
 * Makes the memory larger, with the way back noted first: it may have grown when that fails. A
 * write does it itself, each page after its bytes are there: whoever reads past the server would
 * else find zeros between the old end and the new one.
 */
static int extend_memory(struct shmfs *fs, struct node *node, uint64_t size, enum resize how)
{
	int fd = memory_need(fs, node);

	if (fd < 0)
		return fd;
	txn_effect(&fs->arena->txn, TXN_SIZE_ON_ROLLBACK, fd, node->object.size);
	memory_name_large(fs, node, size);
	return how == RESIZE_BY_WRITE ? 0 : fs->os->truncate(fs->os->arg, fd, size);
}

/* Cuts the memory off, once the change is final. */
static int cut_memory(struct shmfs *fs, struct node *node, uint64_t size, enum resize how)
{
	uint64_t from = charge_bytes_of(fs, size), to = charge_bytes_of(fs, node->object.size);
	int fd = memory_need(fs, node);

	if (fd < 0)
		return fd;
	if (how != RESIZE_FREES_LATER || !deferred_wants(fs, to - from) ||
	    deferred_add_range(fs, node, FREE_SHRINK, from, to) < 0)
		txn_effect(&fs->arena->txn, TXN_SIZE_ON_COMMIT, fd, size);
	return 0;
}

static int resize(struct shmfs *fs, struct node *node, uint32_t by, uint64_t size, enum resize how)
{
	uint64_t old = node->object.size;
	int rc;

	if (size > OBJECT_SIZE_MAX)
		return -EFBIG;
	if (size == old)
		return 0;
	if (node->object.seals & (size > old ? SEAL_GROW : SEAL_SHRINK))
		return -EPERM;
	if (deferred_keeps_waiting(fs, node))
		return -EAGAIN;
	rc = charge_resize(fs, node, by, old, size);
	if (rc < 0)
		return rc;
	node_change(fs, node);
	deferred_finish(fs, node);
	rc = size > old ? extend_memory(fs, node, size, how) : cut_memory(fs, node, size, how);
	if (rc < 0)
		return rc;
	node->object.size = size;
	node->ctime = node->mtime = node_now(fs);
	node->object.follows = false;
	return 0;
}

int object_resize(struct shmfs *fs, struct node *node, uint32_t by, uint64_t size)
{
	return resize(fs, node, by, size, RESIZE_AT_ONCE);
}

int object_extend_for_write(struct shmfs *fs, struct node *node, uint32_t by, uint64_t end)
{
	return end > node->object.size ? resize(fs, node, by, end, RESIZE_BY_WRITE) : 0;
}

int object_truncate(struct shmfs *fs, struct node *node, uint32_t by, uint64_t size, bool can_wait)
{
	bool shrinks = size < node->object.size;
	int rc;

	if (shrinks && node->object.pins > 0 && !(node->object.seals & SEAL_SHRINK))
		return -EBUSY;
	rc = resize(fs, node, by, size, can_wait ? RESIZE_FREES_LATER : RESIZE_AT_ONCE);
	if (rc == -ENOSPC)
		return -rules_of(fs)->no_room;
	if (rc < 0)
		return rc;
	node_change(fs, node);
	node_touch_mtime(fs, node);
	return 0;
}

bool object_is_open(const struct node *node)
{
	return node->object.opens > 0 || node->object.pins > 0;
}

uint64_t object_age(const struct shmfs *fs, const struct node *node)
{
	return (fs->os->uptime(fs->os->arg) - node->object.made) / 1000000000;
}

bool object_is_unused(const struct shmfs *fs, const struct node *node)
{
	bool unused;
	int fd;

	if (!memory_exists(node))
		return true;
	fd = memory_borrow(fs, node);
	if (fd < 0)
		return false;
	unused = memory_is_unused(fs, fd);
	memory_return(fs, node, fd);
	return unused;
}

/* Memory that somebody else has open or mapped is not freed by closing it, and must not be emptied.
 */
static bool ends_later(struct shmfs *fs, struct node *node, uint64_t size)
{
	int fd = deferred_wants(fs, size) ? memory_need(fs, node) : -1;

	return fd >= 0 && memory_is_unused(fs, fd) && deferred_add_end(fs, fd, node->creator) == 0;
}

static void end_memory(struct shmfs *fs, struct node *node)
{
	uint64_t size = deferred_forget(fs, node);

	if (node->object.named)
		txn_effect(&fs->arena->txn, TXN_UNNAME_ON_COMMIT, node->object.pages, node->id);
	if (ends_later(fs, node, size) || node->object.fd < 0)
		return;
	txn_effect(&fs->arena->txn, TXN_CLOSE_ON_COMMIT, node->object.fd, 0);
	descriptor_give_back(fs, node->object.fd);
}

/* The backing id goes first, as it refers to the descriptor's file. */
static void drop_memory(struct shmfs *fs, struct node *node)
{
	struct object *object = &node->object;

	idle_memory_remove(fs, node);
	node_change(fs, node);
	if (spare_memory_keep(fs, node))
		return;
	if (object->backing != 0)
		txn_effect(&fs->arena->txn, TXN_UNBACK_ON_COMMIT, object->backing, 0);
	if (memory_exists(node))
		end_memory(fs, node);
	object->fd = -1;
	object->named = 0;
	object->backing = 0;
}

int object_set_pages(struct shmfs *fs, struct node *node, enum shmfs_pages pages)
{
	int rc = fs->os->pages(fs->os->arg, pages);

	if (rc < 0 || node->object.pages == pages)
		return rc < 0 ? rc : 0;
	if (node->object.size > 0 || object_is_open(node) || !object_is_unused(fs, node))
		return -EBUSY;
	drop_memory(fs, node);
	node->object.pages = pages & 0xf;
	return 0;
}

static void drop_if_empty(struct shmfs *fs, struct node *node)
{
	const struct object *object = &node->object;

	if (object->size > 0 || !memory_exists(node) || object->opens > 0)
		return;
	if (object_is_unused(fs, node))
		drop_memory(fs, node);
	else
		idle_memory_add(fs, node);
}

void object_drop_empty(struct shmfs *fs, struct node *node)
{
	struct node *earlier = idle_memory_take(fs);

	if (earlier != NULL && earlier != node)
		drop_if_empty(fs, earlier);
	drop_if_empty(fs, node);
}

void object_end(struct shmfs *fs, struct node *node)
{
	drop_memory(fs, node);
	charge_reduce(fs, node, node->object.size, 0);
	node->object.size = 0;
}

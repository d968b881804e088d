/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and its descriptors; see memory.h. */
#include "memory.h"

#include <errno.h>

#include "fs/state/descriptor.h"
#include "spare_memory.h"

/* What one transaction opens: two objects, and what those that end need to be freed later. */
#define ROOM 8

/* Descriptors that are looked at before one transaction; and how many of them may go on because
 * they were used since they were last looked at. */
#define LOOKS_MAX 64
#define USED_MAX 16

/* Naming memory takes as long as touching a few of its pages. */
#define LARGE (1024 * 1024)

/* The daemon's table is what the caller sees of the system's. */
static int as_seen(int rc)
{
	return rc == -EMFILE ? -ENFILE : rc;
}

static inline enum shmfs_pages pages_of(const struct node *node)
{
	return (enum shmfs_pages)node->object.pages;
}

static inline void note_use(struct shmfs *fs, struct node *node)
{
	if (node->object.used)
		return;
	save(fs, &node->object.used, sizeof node->object.used);
	node->object.used = true;
}

int memory_need(struct shmfs *fs, struct node *node)
{
	const struct shmfs_os *os = fs->os;
	int fd, rc;

	note_use(fs, node);
	if (node->object.fd >= 0)
		return node->object.fd;
	if (!node->object.named && pages_of(node) == SHMFS_PAGES_OF_MOUNT &&
	    spare_memory_take(fs, node))
		return node->object.fd;
	rc = descriptor_take(fs, node->id, &fd);
	if (rc < 0)
		return rc;
	txn_effect(&fs->arena->txn, TXN_CLOSE_ON_ROLLBACK, fd, 0);
	rc = node->object.named ? os->memory_open(os->arg, fd, pages_of(node), node->id)
				: os->memory_create(os->arg, fd, pages_of(node));
	if (rc < 0)
		return as_seen(rc);
	node_change(fs, node);
	node->object.fd = fd;
	return fd;
}

int memory_borrow(const struct shmfs *fs, const struct node *node)
{
	if (node->object.fd >= 0)
		return node->object.fd;
	return as_seen(fs->os->memory_open(fs->os->arg, -1, pages_of(node), node->id));
}

void memory_return(const struct shmfs *fs, const struct node *node, int fd)
{
	if (fd != node->object.fd)
		fs->os->close(fs->os->arg, fd);
}

/* --- names ------------------------------------------------------------------------------------ */

static int give_name(struct shmfs *fs, struct node *node)
{
	int rc;

	txn_effect(&fs->arena->txn, TXN_UNNAME_ON_ROLLBACK, node->object.pages, node->id);
	rc = fs->os->memory_name(fs->os->arg, node->object.fd, pages_of(node), node->id);
	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.named = 1;
	return 0;
}

void memory_name_large(struct shmfs *fs, struct node *node, uint64_t size)
{
	if (size >= LARGE && !node->object.named)
		(void)give_name(fs, node);
}

/* --- room ------------------------------------------------------------------------------------- */

/* The object that has the next descriptor; NULL: none has, as far as is known. */
static struct node *next_holder(struct shmfs *fs)
{
	int fd;
	uint64_t id = descriptor_next_holder(fs, &fd);
	struct node *node = id != 0 ? node_get(fs, id) : NULL;

	return node != NULL && is_object(node) && node->object.fd == fd ? node : NULL;
}

/* Memory that is asked for as long as others are stays, the first time round. What is being freed
 * is freed by its descriptor. */
static bool may_close(struct node *node, unsigned *used)
{
	bool was_used = node->object.used != 0;

	node->object.used = false;
	if (was_used)
		++*used;
	return node->object.deferred == 0 && (!was_used || *used > USED_MAX);
}

static int close_named(struct shmfs *fs, struct node *node)
{
	int fd = node->object.fd, rc = 0;

	if (!node->object.named)
		rc = give_name(fs, node);
	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.fd = -1;
	txn_effect(&fs->arena->txn, TXN_CLOSE_ON_COMMIT, fd, 0);
	descriptor_give_back(fs, fd);
	return 0;
}

/* Where memory cannot have a name, it is not asked for one again. */
static void close_memory(struct shmfs *fs, struct node *node)
{
	struct txn *txn = &fs->arena->txn;
	int fd = node->object.fd;

	txn_begin(txn);
	if (close_named(fs, node) < 0) {
		txn_rollback(txn, fs->os);
		txn_begin(txn);
		(void)descriptor_note_holder(fs, fd, 0);
	}
	txn_commit(txn, fs->os);
}

void memory_make_room(struct shmfs *fs)
{
	unsigned used = 0;

	while (!descriptor_has_room(fs, ROOM) && spare_memory_close(fs))
		;
	for (unsigned looks = 0; looks < LOOKS_MAX && !descriptor_has_room(fs, ROOM); looks++) {
		struct node *node = next_holder(fs);

		if (node != NULL && may_close(node, &used))
			close_memory(fs, node);
	}
}

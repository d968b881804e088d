/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory between two objects; see spare_memory.h. */
#include "spare_memory.h"

#include "fs/state/descriptor.h"
#include "fs/state/memory_use.h"

/* The pages of larger memory are freed beside the loop, or it has a name. */
#define SIZE_MAX_KEPT (256 * 1024)

static bool may_be_kept(const struct shmfs *fs, const struct object *object)
{
	const struct spare_memories *spares = &fs->super->spares;

	return spares->count < spares->most && object->fd >= 0 && !object->named &&
	       !object->exported && object->seals == 0 && object->deferred == 0 &&
	       object->pages == SHMFS_PAGES_OF_MOUNT && object->size <= SIZE_MAX_KEPT &&
	       (object->backing != 0) == fs->super->backing && memory_is_unused(fs, object->fd);
}

bool spare_memory_keep(struct shmfs *fs, struct node *node)
{
	struct spare_memories *spares = &fs->super->spares;
	struct object *object = &node->object;

	if (!may_be_kept(fs, object))
		return false;
	txn_effect(&fs->arena->txn, TXN_EMPTY_ON_COMMIT, object->fd, 0);
	save(fs, spares, sizeof *spares);
	spares->list[spares->count++] =
	    (struct spare_memory){.fd = object->fd, .backing = object->backing};
	object->fd = -1;
	object->backing = 0;
	return true;
}

/* Nobody sees bytes of another's object, even if the system should fail to have emptied it. */
static bool is_empty(const struct shmfs *fs, int fd)
{
	const struct shmfs_os *os = fs->os;
	struct shmfs_memory_state state;

	if (os->look(os->arg, fd, &state) < 0)
		return false;
	return (state.size == 0 && state.blocks == 0) || os->truncate(os->arg, fd, 0) == 0;
}

static struct spare_memory take_last(struct shmfs *fs)
{
	struct spare_memories *spares = &fs->super->spares;

	save(fs, spares, sizeof *spares);
	return spares->list[--spares->count];
}

bool spare_memory_take(struct shmfs *fs, struct node *node)
{
	const struct spare_memories *spares = &fs->super->spares;
	struct spare_memory spare;

	if (spares->count == 0 || !is_empty(fs, spares->list[spares->count - 1].fd))
		return false;
	spare = take_last(fs);
	node_change(fs, node);
	node->object.fd = spare.fd;
	node->object.backing = spare.backing;
	/* Where that is noted was made when the number was taken. */
	(void)descriptor_note_holder(fs, spare.fd, node->id);
	return true;
}

bool spare_memory_close(struct shmfs *fs)
{
	struct txn *txn = &fs->arena->txn;
	struct spare_memory spare;

	if (fs->super->spares.count == 0)
		return false;
	txn_begin(txn);
	spare = take_last(fs);
	if (spare.backing != 0)
		txn_effect(txn, TXN_UNBACK_ON_COMMIT, spare.backing, 0);
	txn_effect(txn, TXN_CLOSE_ON_COMMIT, spare.fd, 0);
	descriptor_give_back(fs, spare.fd);
	txn_commit(txn, fs->os);
	return true;
}

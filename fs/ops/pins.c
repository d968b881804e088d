/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins: parts of objects whose memory is handed out. */
#include <assert.h>
#include <errno.h>

#include "fs/object/life.h"
#include "fs/object/memory.h"
#include "fs/object/seal.h"
#include "fs/state/deferred_free.h"
#include "fs/state/expiry.h"

static int check_part(const struct node *node, const struct shmfs_part *part)
{
	uint64_t end;

	if (!is_object(node) || part->length == 0 ||
	    __builtin_add_overflow(part->offset, part->length, &end) || end > node->object.size)
		return -EINVAL;
	return 0;
}

int shmfs_pin(
    struct shmfs *fs, uint64_t id, const struct shmfs_part *part, int owner, uint64_t *out)
{
	struct node *node = node_get(fs, id);
	struct super *super = fs->super;
	struct pin *pin;
	int rc;

	if (node == NULL || node->ended != NODE_ENDED_NOT)
		return -ESTALE;
	rc = check_part(node, part);
	if (rc < 0)
		return rc;
	if (part->writes && (node->object.seals & SEAL_WRITE))
		return -EPERM;
	pin = arena_alloc(fs->arena, sizeof *pin);
	if (pin == NULL)
		return -ENOMEM;
	save(fs, &super->next_pin, sizeof super->next_pin);
	*pin = (struct pin){.id = super->next_pin++, .node = node, .owner = owner};
	rc = index_insert(fs->arena, &super->pins, pin->id, pin);
	if (rc == 0)
		rc = expiry_export(fs, node);
	if (rc < 0)
		return rc;
	node_change(fs, node);
	/* Whoever is handed the memory must find its size. */
	deferred_finish(fs, node);
	node->object.pins++;
	*out = pin->id;
	return 0;
}

void shmfs_unpin(struct shmfs *fs, uint64_t id)
{
	struct pin *pin = index_get(&fs->super->pins, id);
	struct node *node;

	if (pin == NULL)
		return;
	node = pin->node;
	index_remove(fs->arena, &fs->super->pins, id);
	arena_free(fs->arena, pin);
	node_change(fs, node);
	assert(node->object.pins > 0);
	node->object.pins--;
	life_drop_unused(fs, node);
}

bool shmfs_next_pin(const struct shmfs *fs, uint64_t from, struct shmfs_pin *out)
{
	const struct pin *pin = index_next(&fs->super->pins, &from);

	if (pin == NULL)
		return false;
	*out = (struct shmfs_pin){.id = pin->id, .object = pin->node->id, .owner = pin->owner};
	return true;
}

int shmfs_open_pinned(struct shmfs *fs, uint64_t id, bool writes)
{
	const struct pin *pin = index_get(&fs->super->pins, id);

	int fd, rc;

	if (pin == NULL)
		return -EBADF;
	fd = memory_borrow(fs, pin->node);
	if (fd < 0)
		return fd;
	rc = fs->os->reopen(fs->os->arg, fd, writes);
	memory_return(fs, pin->node, fd);
	return rc;
}

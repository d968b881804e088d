/* SPDX-License-Identifier: BSD-2-Clause */
/* Freeing what is queued, beside other work. */
#include "fs/state/deferred_free.h"

static void finish_first(struct shmfs *fs)
{
	shmfs_begin(fs);
	reclaim_finish_first(fs);
	shmfs_commit(fs);
}

bool shmfs_has_to_reclaim(const struct shmfs *fs)
{
	return fs->super->reclaim.list.count > 0;
}

bool shmfs_reclaim(struct shmfs *fs, uint64_t pages)
{
	if (!shmfs_has_to_reclaim(fs))
		return false;
	if (reclaim_free_next(fs, pages))
		return true;
	finish_first(fs);
	return shmfs_has_to_reclaim(fs);
}

bool shmfs_reclaim_begin(struct shmfs *fs, struct shmfs_piece *out)
{
	while (shmfs_has_to_reclaim(fs) && !reclaim_next(fs, out))
		finish_first(fs);
	fs->begun = reclaim_at(fs->super->reclaim.list.first);
	return fs->begun != NULL;
}

void shmfs_reclaim_end(struct shmfs *fs, uint64_t freed_to)
{
	reclaim_note_freed(fs, freed_to);
}

bool shmfs_is_reclaiming(const struct shmfs *fs, uint64_t id)
{
	const struct node *node = node_get(fs, id);

	return node != NULL && is_object(node) && node->object.reclaims > 0;
}

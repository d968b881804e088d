/* SPDX-License-Identifier: BSD-2-Clause */
/* Freeing what is queued, beside other work. */
#include "fs/state/deferred_free.h"

static void finish_first(struct shmfs *fs)
{
	shmfs_begin(fs);
	deferred_finish_first(fs);
	shmfs_commit(fs);
}

bool shmfs_free_pending(const struct shmfs *fs)
{
	return fs->super->deferred.list.count > 0;
}

bool shmfs_free_step(struct shmfs *fs, uint64_t pages)
{
	if (!shmfs_free_pending(fs))
		return false;
	if (deferred_free_next(fs, pages))
		return true;
	finish_first(fs);
	return shmfs_free_pending(fs);
}

bool shmfs_free_begin(struct shmfs *fs, struct shmfs_free_range *out)
{
	while (shmfs_free_pending(fs) && !deferred_next(fs, out))
		finish_first(fs);
	fs->begun = deferred_at(fs->super->deferred.list.first);
	return fs->begun != NULL;
}

void shmfs_free_end(struct shmfs *fs)
{
	fs->begun = NULL;
}

bool shmfs_is_freeing(const struct shmfs *fs, uint64_t id)
{
	const struct node *node = node_get(fs, id);

	return node != NULL && is_object(node) && node->object.deferred > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Freeing what is queued, beside other work. */
#include "fs/state/deferred_free.h"

static void end(struct shmfs *fs, struct deferred_free *entry)
{
	shmfs_begin(fs);
	deferred_end(fs, entry);
	shmfs_commit(fs);
}

bool shmfs_free_pending(const struct shmfs *fs)
{
	return fs->super->deferred.list.count > 0;
}

bool shmfs_free_step(struct shmfs *fs, uint64_t pages)
{
	struct deferred_free *entry = deferred_pick(fs);

	if (entry == NULL)
		return false;
	if (deferred_free_more(fs, entry, pages))
		return true;
	end(fs, entry);
	return shmfs_free_pending(fs);
}

bool shmfs_free_begin(struct shmfs *fs, struct shmfs_free_range *out)
{
	struct deferred_free *entry;

	while ((entry = deferred_pick(fs)) != NULL && !deferred_range(fs, entry, out))
		end(fs, entry);
	fs->begun = entry;
	fs->begun_at = entry != NULL ? out->begin : 0;
	return entry != NULL;
}

struct shmfs_share shmfs_free_end(struct shmfs *fs)
{
	const struct deferred_free *entry = fs->begun;

	fs->begun = NULL;
	if (entry == NULL)
		return (struct shmfs_share){0};
	return (struct shmfs_share){entry->uid, (entry->at - fs->begun_at) >> fs->page_shift};
}

void shmfs_set_patient(struct shmfs *fs, bool patient)
{
	fs->patient = patient;
}

bool shmfs_is_freeing_of(const struct shmfs *fs, uint32_t uid)
{
	return deferred_any_of(fs, uid);
}

struct shmfs_share shmfs_take_owed(struct shmfs *fs)
{
	struct shmfs_share owed = fs->granted;

	if (!fs->grants)
		return (struct shmfs_share){0};
	if (!shmfs_free_pending(fs) || owed.pages << fs->page_shift >= fs->super->deferred.min)
		fs->granted.pages = 0;
	if (fs->granted.pages > 0 || !deferred_any_of(fs, owed.uid))
		owed.pages = 0;
	return owed;
}

bool shmfs_is_freeing(const struct shmfs *fs, uint64_t id)
{
	const struct node *node = node_get(fs, id);

	return node != NULL && is_object(node) && node->object.deferred > 0;
}

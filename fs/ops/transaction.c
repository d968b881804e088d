/* SPDX-License-Identifier: BSD-2-Clause */
/* Transactions, and how far the caller has come. */
#include "fs/object/memory.h"

void shmfs_begin(struct shmfs *fs)
{
	/* The first transaction of all makes what this looks at. */
	if (fs->super != NULL)
		memory_make_room(fs);
	fs->refusal.limit = SHMFS_LIMIT_NONE;
	fs->denial.entry = NULL;
	fs->stamped = false;
	fs->grants = false;
	fs->done = NULL;
	txn_begin(&fs->arena->txn);
}

void shmfs_commit(struct shmfs *fs)
{
	txn_commit(&fs->arena->txn, fs->os);
	arena_trim(fs->arena);
}

void shmfs_rollback(struct shmfs *fs)
{
	txn_rollback(&fs->arena->txn, fs->os);
	if (fs->grants)
		fs->granted.pages = 0;
}

bool shmfs_active(const struct shmfs *fs)
{
	return fs->arena->txn.state == TXN_ACTIVE;
}

bool shmfs_changed(const struct shmfs *fs)
{
	return fs->arena->txn.log_used > 0 || fs->arena->txn.effect_count > 0;
}

void shmfs_set_mark(struct shmfs *fs, struct shmfs_mark mark)
{
	save(fs, &fs->super->mark, sizeof fs->super->mark);
	fs->super->mark = mark;
}

struct shmfs_mark shmfs_mark(const struct shmfs *fs)
{
	return fs->super->mark;
}

uint64_t shmfs_done(const struct shmfs_done *done, uint64_t request)
{
	return amount_done(done, request);
}

void shmfs_note_done(struct shmfs_done *done, uint64_t request, uint64_t amount)
{
	note_amount(done, request, amount);
}

void shmfs_set_done(struct shmfs *fs, struct shmfs_done *done, uint64_t request)
{
	fs->done = done;
	fs->request = request;
}

int shmfs_last_backing(const struct shmfs *fs)
{
	return fs->super->last_backing;
}

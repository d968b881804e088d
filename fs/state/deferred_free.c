/* SPDX-License-Identifier: BSD-2-Clause */
/* Freeing in pieces; see deferred_free.h. */
#include "deferred_free.h"

#include <errno.h>
#include <unistd.h>

#include "descriptor.h"
#include "fs/step.h"
#include "fs/storage/arith.h"

/* Pages that are freed at once where somebody waits for them. */
#define AT_ONCE 1024

/* More entries than this are never queued, so that no user can make the queue long. */
#define MOST_ENTRIES 64

bool reclaim_wants(const struct shmfs *fs, uint64_t bytes)
{
	const struct reclaim_queue *queue = &fs->super->reclaim;

	return queue->least > 0 && bytes >= queue->least && queue->list.count < MOST_ENTRIES;
}

static inline struct reclaim *first_entry(const struct shmfs *fs)
{
	return reclaim_at(fs->super->reclaim.list.first);
}

static int add(struct shmfs *fs, struct reclaim entry)
{
	struct reclaim *new = arena_alloc(fs->arena, sizeof *new);

	if (new == NULL)
		return -ENOMEM;
	*new = entry;
	list_append(fs->arena, &fs->super->reclaim.list, &new->link);
	return 0;
}

int reclaim_end(struct shmfs *fs, int fd)
{
	return add(fs, (struct reclaim){.kind = RECLAIM_END, .fd = fd, .end = INT64_MAX});
}

int reclaim_range(
    struct shmfs *fs, struct node *node, enum reclaim_kind kind, uint64_t from, uint64_t to)
{
	int rc = add(fs, (struct reclaim){
			     .kind = kind,
			     .node = node,
			     .fd = node->object.fd,
			     .at = from,
			     .end = to,
			 });

	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.reclaims++;
	return 0;
}

static void take_out(struct shmfs *fs, struct reclaim *entry)
{
	list_take_out(fs->arena, &fs->super->reclaim.list, &entry->link);
	if (entry->node != NULL) {
		node_change(fs, entry->node);
		entry->node->object.reclaims--;
	}
	arena_free(fs->arena, entry);
}

void reclaim_note_freed(struct shmfs *fs, uint64_t freed_to)
{
	struct reclaim *entry = fs->begun;

	if (entry != NULL && freed_to > entry->at)
		entry->at = smaller(freed_to, entry->end);
	fs->begun = NULL;
}

/*
 * Nobody frees a piece of an entry that is worked at here, or goes: its range may be written next,
 * its descriptor be closed.
 */
static void settle(struct shmfs *fs, const struct reclaim *entry)
{
	if (fs->begun == entry)
		reclaim_note_freed(fs, fs->os->settle(fs->os->arg));
}

/* Moves the begin of a range to its next page; false: there is none left. */
static bool find_page(const struct shmfs_os *os, struct shmfs_piece *piece)
{
	uint64_t at;

	if (piece->begin >= piece->end ||
	    os->seek(os->arg, piece->fd, piece->begin, SEEK_DATA, &at) < 0 || at >= piece->end)
		return false;
	piece->begin = at;
	return true;
}

static int punch(const struct shmfs_os *os, const struct shmfs_piece *piece, uint64_t size)
{
	int rc;

	do
		rc = os->punch(os->arg, piece->fd, piece->begin, size);
	while (rc == -EINTR);
	return rc;
}

/*
 * A hole that cannot be punched, for whatever reason, is no reason to try again: what ends or
 * shrinks is freed by its last step.
 */
bool shmfs_piece_free(const struct shmfs_os *os, struct shmfs_piece *piece, uint64_t pages)
{
	uint64_t size;

	if (!find_page(os, piece))
		goto end;
	size = smaller(pages * SHMFS_PAGE_SIZE, piece->end - piece->begin);
	if (punch(os, piece, size) < 0)
		goto end;
	step("piece freed");
	piece->begin += size;
	return true;

end:
	piece->begin = piece->end;
	return false;
}

static struct shmfs_piece piece_of(const struct reclaim *entry)
{
	return (struct shmfs_piece){.fd = entry->fd, .begin = entry->at, .end = entry->end};
}

static bool free_piece(const struct shmfs *fs, struct reclaim *entry, uint64_t pages)
{
	struct shmfs_piece piece = piece_of(entry);
	bool freed = shmfs_piece_free(fs->os, &piece, pages);

	entry->at = piece.begin;
	return freed;
}

bool reclaim_next(const struct shmfs *fs, struct shmfs_piece *out)
{
	*out = piece_of(first_entry(fs));
	return find_page(fs->os, out);
}

bool reclaim_free_next(struct shmfs *fs, uint64_t pages)
{
	settle(fs, first_entry(fs));
	return free_piece(fs, first_entry(fs), pages);
}

void reclaim_finish_first(struct shmfs *fs)
{
	struct reclaim *entry = first_entry(fs);

	if (entry->kind == RECLAIM_SHRINK)
		txn_effect(
		    &fs->arena->txn, TXN_SIZE_ON_COMMIT, entry->fd, entry->node->object.size);
	if (entry->kind == RECLAIM_END) {
		txn_effect(&fs->arena->txn, TXN_CLOSE_ON_COMMIT, entry->fd, 0);
		descriptor_give_back(fs, entry->fd);
	}
	take_out(fs, entry);
}

/* An entry of a node, at which nobody works; NULL: there is none. */
static struct reclaim *next_of_node(struct shmfs *fs, const struct node *node)
{
	struct reclaim *entry = first_entry(fs);

	if (node->object.reclaims == 0)
		return NULL;
	while (entry->node != node)
		entry = reclaim_next_of(entry);
	settle(fs, entry);
	return entry;
}

/*
 * The size of the memory is put right at once and not at the commit, as the caller may be about to
 * extend it. Its node has had this size since the shrink was queued, so a rollback has nothing to
 * take back.
 */
void reclaim_finish(struct shmfs *fs, struct node *node)
{
	struct reclaim *entry;

	while ((entry = next_of_node(fs, node)) != NULL) {
		while (free_piece(fs, entry, AT_ONCE))
			;
		if (entry->kind == RECLAIM_SHRINK)
			(void)fs->os->truncate(fs->os->arg, entry->fd, node->object.size);
		take_out(fs, entry);
	}
}

uint64_t reclaim_forget(struct shmfs *fs, struct node *node)
{
	uint64_t size = node->object.size;
	struct reclaim *entry;

	while ((entry = next_of_node(fs, node)) != NULL) {
		if (entry->end > size)
			size = entry->end;
		take_out(fs, entry);
	}
	return size;
}

uint64_t reclaim_pages(const struct shmfs *fs)
{
	uint64_t pages = 0, blocks;

	for (const struct reclaim *entry = first_entry(fs); entry != NULL;
	     entry = reclaim_next_of(entry)) {
		if (entry->at < entry->end && fs->os->blocks(fs->os->arg, entry->fd, &blocks) == 0)
			pages += smaller(blocks / (SHMFS_PAGE_SIZE / 512),
			    (entry->end - entry->at) / SHMFS_PAGE_SIZE);
	}
	return pages;
}

void reclaim_free_down_to(struct shmfs *fs, uint64_t most)
{
	for (struct reclaim *entry = first_entry(fs); entry != NULL && reclaim_pages(fs) > most;
	     entry = reclaim_next_of(entry)) {
		settle(fs, entry);
		while (reclaim_pages(fs) > most && free_piece(fs, entry, AT_ONCE))
			;
	}
}

void reclaim_drop_holes(struct shmfs *fs)
{
	struct reclaim *next;

	for (struct reclaim *entry = first_entry(fs); entry != NULL; entry = next) {
		next = reclaim_next_of(entry);
		if (entry->kind == RECLAIM_HOLE)
			take_out(fs, entry);
	}
}

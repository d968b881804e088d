/* SPDX-License-Identifier: BSD-2-Clause */
/* Deferred free; see deferred_free.h. */
#include "deferred_free.h"

#include <errno.h>
#include <unistd.h>

#include "descriptor.h"
#include "fs/failpoint.h"
#include "fs/storage/arith.h"

/* Pages that are freed at once where somebody waits for them. */
#define AT_ONCE 1024

/* More entries than this are never queued, so that no user can make the queue long. */
#define ENTRIES_MAX 64

/* Nor are any where each of the descriptors that they keep open is wanted. */
#define ROOM_MIN 4

bool deferred_wants(const struct shmfs *fs, uint64_t bytes)
{
	const struct deferred_queue *queue = &fs->super->deferred;

	return queue->min > 0 && bytes >= queue->min && queue->list.count < ENTRIES_MAX &&
	       descriptor_has_room(fs, ROOM_MIN);
}

static inline struct deferred_free *first_entry(const struct shmfs *fs)
{
	return deferred_at(fs->super->deferred.list.first);
}

static int add(struct shmfs *fs, struct deferred_free entry)
{
	struct deferred_free *new = arena_alloc(fs->arena, sizeof *new);

	if (new == NULL)
		return -ENOMEM;
	*new = entry;
	list_append(fs->arena, &fs->super->deferred.list, &new->link);
	return 0;
}

int deferred_add_end(struct shmfs *fs, int fd)
{
	return add(fs, (struct deferred_free){.kind = FREE_END, .fd = fd, .end = INT64_MAX});
}

int deferred_add_range(
    struct shmfs *fs, struct node *node, enum free_kind kind, uint64_t from, uint64_t to)
{
	int rc = add(fs, (struct deferred_free){
			     .kind = kind,
			     .node = node,
			     .fd = node->object.fd,
			     .at = from,
			     .end = to,
			 });

	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.deferred++;
	return 0;
}

static void take_out(struct shmfs *fs, struct deferred_free *entry)
{
	list_take_out(fs->arena, &fs->super->deferred.list, &entry->link);
	if (entry->node != NULL) {
		node_change(fs, entry->node);
		entry->node->object.deferred--;
	}
	arena_free(fs->arena, entry);
}

void deferred_note_freed(struct shmfs *fs, uint64_t freed_to)
{
	struct deferred_free *entry = fs->begun;

	if (entry != NULL && freed_to > entry->at)
		entry->at = smaller(freed_to, entry->end);
	fs->begun = NULL;
}

/*
 * Nobody frees pages of an entry that is worked at here, or goes: its range may be written next,
 * its descriptor be closed.
 */
static void quiesce(struct shmfs *fs, const struct deferred_free *entry)
{
	if (fs->begun == entry)
		deferred_note_freed(fs, fs->os->quiesce(fs->os->arg));
}

/* Moves the begin of a range to its next page; false: there is none left. */
static bool find_page(const struct shmfs_os *os, struct shmfs_free_range *range)
{
	uint64_t at;

	if (range->begin >= range->end ||
	    os->seek(os->arg, range->fd, range->begin, SEEK_DATA, &at) < 0 || at >= range->end)
		return false;
	range->begin = at;
	return true;
}

static int punch(const struct shmfs_os *os, const struct shmfs_free_range *range, uint64_t size)
{
	int rc;

	do
		rc = os->punch(os->arg, range->fd, range->begin, size);
	while (rc == -EINTR);
	return rc;
}

/*
 * A hole that cannot be punched, for whatever reason, is no reason to try again: what ends or
 * shrinks is freed by its last step.
 */
bool shmfs_free_pages(const struct shmfs_os *os, struct shmfs_free_range *range, uint64_t pages)
{
	uint64_t size;

	if (!find_page(os, range))
		goto end;
	size = smaller(pages * os->page_size(os->arg), range->end - range->begin);
	if (punch(os, range, size) < 0)
		goto end;
	failpoint("pages freed");
	range->begin += size;
	return true;

end:
	range->begin = range->end;
	return false;
}

static struct shmfs_free_range range_of(const struct deferred_free *entry)
{
	return (struct shmfs_free_range){.fd = entry->fd, .begin = entry->at, .end = entry->end};
}

static bool free_pages(const struct shmfs *fs, struct deferred_free *entry, uint64_t pages)
{
	struct shmfs_free_range range = range_of(entry);
	bool freed = shmfs_free_pages(fs->os, &range, pages);

	entry->at = range.begin;
	return freed;
}

bool deferred_next(const struct shmfs *fs, struct shmfs_free_range *out)
{
	*out = range_of(first_entry(fs));
	return find_page(fs->os, out);
}

bool deferred_free_next(struct shmfs *fs, uint64_t pages)
{
	quiesce(fs, first_entry(fs));
	return free_pages(fs, first_entry(fs), pages);
}

void deferred_finish_first(struct shmfs *fs)
{
	struct deferred_free *entry = first_entry(fs);

	if (entry->kind == FREE_SHRINK)
		txn_effect(
		    &fs->arena->txn, TXN_SIZE_ON_COMMIT, entry->fd, entry->node->object.size);
	if (entry->kind == FREE_END) {
		txn_effect(&fs->arena->txn, TXN_CLOSE_ON_COMMIT, entry->fd, 0);
		descriptor_give_back(fs, entry->fd);
	}
	take_out(fs, entry);
}

/* An entry of a node, at which nobody works; NULL: there is none. */
static struct deferred_free *next_of_node(struct shmfs *fs, const struct node *node)
{
	struct deferred_free *entry = first_entry(fs);

	if (node->object.deferred == 0)
		return NULL;
	while (entry->node != node)
		entry = deferred_next_of(entry);
	quiesce(fs, entry);
	return entry;
}

/*
 * The size of the memory is put right at once and not at the commit, as the caller may be about to
 * extend it. Its node has had this size since the shrink was queued, so a rollback has nothing to
 * take back.
 */
void deferred_finish(struct shmfs *fs, struct node *node)
{
	struct deferred_free *entry;

	while ((entry = next_of_node(fs, node)) != NULL) {
		while (free_pages(fs, entry, AT_ONCE))
			;
		if (entry->kind == FREE_SHRINK)
			(void)fs->os->truncate(fs->os->arg, entry->fd, node->object.size);
		take_out(fs, entry);
	}
}

uint64_t deferred_forget(struct shmfs *fs, struct node *node)
{
	uint64_t size = node->object.size;
	struct deferred_free *entry;

	while ((entry = next_of_node(fs, node)) != NULL) {
		if (entry->end > size)
			size = entry->end;
		take_out(fs, entry);
	}
	return size;
}

uint64_t deferred_pages(const struct shmfs *fs)
{
	uint64_t pages = 0, blocks;

	for (const struct deferred_free *entry = first_entry(fs); entry != NULL;
	     entry = deferred_next_of(entry)) {
		if (entry->at < entry->end && fs->os->blocks(fs->os->arg, entry->fd, &blocks) == 0)
			pages += smaller(blocks * 512, entry->end - entry->at) >> fs->page_shift;
	}
	return pages;
}

void deferred_free_down_to(struct shmfs *fs, uint64_t most)
{
	for (struct deferred_free *entry = first_entry(fs);
	     entry != NULL && deferred_pages(fs) > most; entry = deferred_next_of(entry)) {
		quiesce(fs, entry);
		while (deferred_pages(fs) > most && free_pages(fs, entry, AT_ONCE))
			;
	}
}

void deferred_drop_holes(struct shmfs *fs)
{
	struct deferred_free *next;

	for (struct deferred_free *entry = first_entry(fs); entry != NULL; entry = next) {
		next = deferred_next_of(entry);
		if (entry->kind == FREE_HOLE)
			take_out(fs, entry);
	}
}

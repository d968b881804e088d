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

/* What is freed of one entry before those of others have their turn: some milliseconds. */
#define TURN_BYTES (UINT64_C(64) << 20)

/*
 * No user can make the queue long: with more entries than this, only what would hold everybody up
 * is queued, and of that there cannot be much.
 */
#define ENTRIES_MAX 1024

/* Nor are any where each of the descriptors that they keep open is wanted. */
#define ROOM_MIN 4

bool deferred_wants(const struct shmfs *fs, uint64_t bytes)
{
	const struct deferred_queue *queue = &fs->super->deferred;

	return queue->min > 0 && bytes >= queue->min &&
	       (queue->list.count < ENTRIES_MAX || bytes >= TURN_BYTES) &&
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

int deferred_add_end(struct shmfs *fs, int fd, uint32_t uid)
{
	return add(
	    fs, (struct deferred_free){.kind = FREE_END, .fd = fd, .uid = uid, .end = INT64_MAX});
}

bool deferred_resume_hole(struct shmfs *fs, const struct node *node)
{
	struct deferred_free *entry = first_entry(fs);

	while (entry != NULL &&
	       !(entry->left && entry->node == node && entry->request == request_of_done(fs)))
		entry = deferred_next_of(entry);
	if (entry == NULL)
		return false;
	save(fs, &entry->left, sizeof entry->left);
	entry->left = false;
	return true;
}

int deferred_add_range(
    struct shmfs *fs, struct node *node, enum free_kind kind, uint64_t from, uint64_t to)
{
	int rc = add(fs, (struct deferred_free){
			     .kind = kind,
			     .node = node,
			     .fd = node->object.fd,
			     .uid = node->creator,
			     .at = from,
			     .end = to,
			     .request = request_of_done(fs),
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

/*
 * Nobody frees pages of an entry that is worked at here, or goes: its range may be written next,
 * its descriptor be closed.
 */
static void quiesce(struct shmfs *fs, const struct deferred_free *entry)
{
	if (fs->begun != entry)
		return;
	fs->os->quiesce(fs->os->arg);
	fs->begun = NULL;
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

/* Up to a multiple of that many bytes, or of a part of them that is a power of two. */
static uint64_t up_to_multiple(uint64_t begin, uint64_t bytes)
{
	return bytes - (begin & ((bytes & -bytes) - 1));
}

/* A huge page goes as a whole, in as little time as a few small ones. A part of it would split it,
 * which takes twenty times as long. */
static uint64_t step_of(const struct shmfs_free_range *range, uint64_t bytes, uint64_t piece)
{
	uint64_t step = up_to_multiple(range->begin, bytes);
	uint64_t whole = piece > 0 ? up_to_multiple(range->begin, piece) : 0;

	return smaller(step > whole ? step : whole, range->end - range->begin);
}

/* The memory keeps its time, as nobody stores anything; but how far it is free is noted first, as a
 * process that dies in between must not free it again. */
static int punch(const struct shmfs_os *os, struct shmfs_free_range *range, uint64_t pages)
{
	struct shmfs_memory_state before = {0};
	bool known = os->look(os->arg, range->fd, &before) == 0;
	uint64_t size = step_of(range, pages * os->page_size(os->arg), before.piece);
	int rc;

	do
		rc = os->punch(os->arg, range->fd, range->begin, size);
	while (rc == -EINTR);
	if (rc == 0)
		*range->freed_to = range->begin += size;
	failpoint("pages freed");
	if (known)
		(void)os->set_written(os->arg, range->fd, &before.written);
	return rc;
}

/*
 * A hole that cannot be punched, for whatever reason, is no reason to try again: what ends or
 * shrinks is freed by its last step.
 */
bool shmfs_free_pages(const struct shmfs_os *os, struct shmfs_free_range *range, uint64_t pages)
{
	if (find_page(os, range) && punch(os, range, pages) == 0)
		return true;
	range->begin = range->end;
	*range->freed_to = range->end;
	return false;
}

static struct shmfs_free_range range_of(struct deferred_free *entry)
{
	return (struct shmfs_free_range){
	    .fd = entry->fd, .begin = entry->at, .end = entry->end, .freed_to = &entry->at};
}

static bool free_pages(const struct shmfs *fs, struct deferred_free *entry, uint64_t pages)
{
	struct shmfs_free_range range = range_of(entry);

	return shmfs_free_pages(fs->os, &range, pages);
}

bool deferred_any_of(const struct shmfs *fs, uint32_t uid)
{
	const struct deferred_free *entry = first_entry(fs);

	while (entry != NULL && entry->uid != uid)
		entry = deferred_next_of(entry);
	return entry != NULL;
}

/*
 * How long an entry has to wait: users have their turns in the order of their uids, beginning
 * behind the one who had the last, and within a user's, what merely ended waits for what somebody
 * was promised to be gone.
 */
static uint64_t distance(const struct shmfs *fs, const struct deferred_free *entry)
{
	return (uint64_t)(entry->uid - fs->freed_uid - 1) << 1 | (entry->kind == FREE_END);
}

struct deferred_free *deferred_pick(struct shmfs *fs)
{
	struct deferred_free *best = first_entry(fs);

	for (struct deferred_free *entry = best; entry != NULL; entry = deferred_next_of(entry)) {
		if (distance(fs, entry) < distance(fs, best))
			best = entry;
	}
	if (best != NULL)
		fs->freed_uid = best->uid;
	return best;
}

bool deferred_range(
    const struct shmfs *fs, struct deferred_free *entry, struct shmfs_free_range *out)
{
	*out = range_of(entry);
	if (!find_page(fs->os, out))
		return false;
	out->end = out->begin + smaller(TURN_BYTES, out->end - out->begin);
	return true;
}

bool deferred_free_more(struct shmfs *fs, struct deferred_free *entry, uint64_t pages)
{
	quiesce(fs, entry);
	return free_pages(fs, entry, pages);
}

void deferred_end(struct shmfs *fs, struct deferred_free *entry)
{
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

void deferred_pause(struct shmfs *fs, const struct node *node)
{
	if (fs->begun != NULL && fs->begun->node == node)
		quiesce(fs, fs->begun);
}

bool deferred_keeps_waiting(const struct shmfs *fs, const struct node *node)
{
	uint64_t left = 0;

	if (!fs->patient || node->object.deferred == 0)
		return false;
	for (const struct deferred_free *entry = first_entry(fs); entry != NULL;
	     entry = deferred_next_of(entry))
		left += entry->node == node ? entry->end - entry->at : 0;
	return left > AT_ONCE * page_bytes(fs);
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
			(void)fs->os->cut(fs->os->arg, entry->fd, node->object.size);
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
	struct shmfs_memory_state state;
	uint64_t pages = 0;

	for (const struct deferred_free *entry = first_entry(fs); entry != NULL;
	     entry = deferred_next_of(entry)) {
		if (entry->at < entry->end && fs->os->look(fs->os->arg, entry->fd, &state) == 0)
			pages +=
			    smaller(state.blocks * 512, entry->end - entry->at) >> fs->page_shift;
	}
	return pages;
}

int deferred_free_down_to(struct shmfs *fs, uint64_t most)
{
	if (fs->patient && deferred_pages(fs) > most + AT_ONCE)
		return -EAGAIN;
	for (struct deferred_free *entry = first_entry(fs);
	     entry != NULL && deferred_pages(fs) > most; entry = deferred_next_of(entry)) {
		quiesce(fs, entry);
		while (deferred_pages(fs) > most && free_pages(fs, entry, AT_ONCE))
			;
	}
	return 0;
}

void deferred_leave_holes(struct shmfs *fs)
{
	for (struct deferred_free *entry = first_entry(fs); entry != NULL;
	     entry = deferred_next_of(entry)) {
		save(fs, &entry->left, sizeof entry->left);
		entry->left = entry->kind == FREE_HOLE;
	}
}

void deferred_drop_left(struct shmfs *fs)
{
	struct deferred_free *next;

	for (struct deferred_free *entry = first_entry(fs); entry != NULL; entry = next) {
		next = deferred_next_of(entry);
		if (entry->left)
			take_out(fs, entry);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns; see queue.h. */
#include "queue.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "fuse/abi.h"
#include "fuse/channel.h"
#include "fuse/request.h"
#include "system/process_user.h"

/* Requests that are served between two looks ahead: of one user alone, and where there are several.
 */
#define ALONE_MAX 8
#define MIXED_MAX 2

/* Large requests of one user alone that are received ahead. With more, what the kernel has copied
 * is not in the processor's own cache any more when it is copied on. */
#define ALONE_LARGE 2

/* Requests after which a user who was not seen again is not reckoned with. */
#define MIXED 4096

/* Requests of nobody that are served in a row while users wait. */
#define IDLE_MAX 4

/* Slots and cells that are kept for the next time, and how long others are. */
#define SLOTS_KEPT 4
#define CELLS_KEPT 64
#define SPARE_MS 1000

/* --- time ------------------------------------------------------------------------------------- */

/* Whether there is somebody to be fair to. */
static bool is_mixed(const struct queue *queue)
{
	return queue->mixed > 0 || queue->turns.waiting > 1;
}

void queue_begin(struct queue *queue)
{
	queue->served = NULL;
	queue->at = is_mixed(queue) ? clock_now() : 0;
}

/* What was done since the last time was done for this user. */
static void account(struct queue *queue, struct turns_user *user)
{
	uint64_t now;

	if (queue->at == 0)
		return;
	now = clock_now();
	turns_charge(&queue->turns, user, now - queue->at);
	queue->at = now;
}

void queue_served(struct queue *queue)
{
	if (queue->served != NULL)
		account(queue, queue->served);
}

/* --- users ------------------------------------------------------------------------------------ */

static void note_user(struct queue *queue, uint32_t uid)
{
	if (uid != queue->last_uid)
		queue->mixed = MIXED;
	else if (queue->mixed > 0)
		queue->mixed--;
	queue->last_uid = uid;
}

/* Where the kernel does not say who asks (request_identify()), their process tells. */
static uint32_t find_uid(struct queue *queue, uint32_t pid)
{
	struct queue_process *process = &queue->processes[pid % QUEUE_PROCESSES];
	uint64_t now = clock_now();
	uid_t uid = UINT32_MAX;
	gid_t gid;

	if (process->pid == pid && now - process->since < CLOCK_SECOND)
		return process->uid;
	(void)process_user((pid_t)pid, &uid, &gid);
	*process = (struct queue_process){.pid = pid, .uid = uid, .since = now};
	return uid;
}

static bool is_nobodys(const struct fuse_in_header *header, const char *bytes)
{
	struct fuse_write_in write;

	switch (header->opcode) {
	case FUSE_INIT:
	case FUSE_DESTROY:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_INTERRUPT:
	case FUSE_NOTIFY_REPLY:
		return true;
	case FUSE_WRITE:
		if (header->len < sizeof *header + sizeof write)
			return true;
		memcpy(&write, bytes + sizeof *header, sizeof write);
		return (write.write_flags & FUSE_WRITE_CACHE) != 0;
	default:
		return false;
	}
}

/* --- places ----------------------------------------------------------------------------------- */

static uint16_t take_cell(struct channel *channel)
{
	struct queue *queue = &channel->queue;
	uint16_t cell = queue->free_cell;

	if (queue->free_count > 0) {
		queue->free_count--;
		queue->free_cell = queue->next_free[cell];
		return cell;
	}
	return (uint16_t)queue->cell_count++;
}

static void give_cell(struct queue *queue, uint16_t cell)
{
	queue->next_free[cell] = queue->free_cell;
	queue->free_cell = cell;
	queue->free_count++;
}

_Static_assert(EXCHANGE_SLOTS + EXCHANGE_CELLS <= TURNS_PLACES, "places have numbers");

static bool has_place(const struct queue *queue)
{
	return queue->large < (is_mixed(queue) ? EXCHANGE_LARGE : ALONE_LARGE) &&
	       (queue->free_count > 0 || queue->cell_count < EXCHANGE_CELLS);
}

/* The next request comes into another slot. */
static uint16_t leave_in_slot(struct channel *channel, const struct fuse_in_header *header)
{
	uint32_t slot = channel->exchange->current;
	struct request *request = &channel->requests[slot];

	*request = (struct request){
	    .channel = channel, .state = REQUEST_QUEUED, .slot = slot, .unique = header->unique};
	if (!request_move_on(channel)) {
		request->state = REQUEST_NONE;
		return TURNS_NONE;
	}
	channel->queue.large++;
	return (uint16_t)slot;
}

static uint16_t leave_in_cell(struct channel *channel)
{
	uint16_t cell = take_cell(channel);

	exchange_put_away(channel->exchange, cell);
	return EXCHANGE_SLOTS + cell;
}

static const struct fuse_in_header *header_at(struct channel *channel, uint16_t place)
{
	struct exchange *exchange = channel->exchange;

	return place < EXCHANGE_SLOTS
		   ? (const void *)exchange_request(exchange, place)
		   : (const void *)exchange->cells[place - EXCHANGE_SLOTS].request;
}

/* --- lists ------------------------------------------------------------------------------------ */

static enum turns_kind kind_of(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_CREATE:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return TURNS_NAMES;
	default:
		return TURNS_OTHERS;
	}
}

static void append(struct channel *channel, struct turns_user *user, uint16_t place)
{
	struct queue *queue = &channel->queue;

	turns_add(&queue->turns, user, kind_of(header_at(channel, place)->opcode), place);
	channel->exchange->queued = queue->turns.count;
	queue->used_lately = true;
}

/* The request that lies there waits no more, and it may. */
static void take_out(struct channel *channel, uint16_t place)
{
	struct queue *queue = &channel->queue;

	channel->exchange->queued = queue->turns.count;
	if (place < EXCHANGE_SLOTS)
		queue->large--;
	else
		give_cell(queue, place - EXCHANGE_SLOTS);
}

/* --- in --------------------------------------------------------------------------------------- */

/* Whether so many were served that others may have come meanwhile. */
static bool looks_ahead(const struct queue *queue)
{
	return queue->straight >= (is_mixed(queue) ? MIXED_MAX : ALONE_MAX);
}

bool queue_looks(const struct channel *channel)
{
	const struct queue *queue = &channel->queue;

	return queue->turns.count == 0 || (looks_ahead(queue) && has_place(queue));
}

/* Whoever waits has waited for enough of these. */
static void note_nobodys(struct queue *queue)
{
	if (queue->turns.count == 0 || ++queue->idle < IDLE_MAX)
		return;
	queue->idle = 0;
	queue->straight = 0;
}

/* Nobody else waits, as far as is known; and nobody does where the same thread asks again, as the
 * kernel would have handed over first who came before that. */
static void go_straight(struct queue *queue, const struct fuse_in_header *header)
{
	if (header->pid != queue->last_pid || header->pid == 0)
		queue->straight++;
	queue->last_pid = header->pid;
	if (!is_mixed(queue))
		return;
	queue->served = turns_user(&queue->turns, header->uid);
	turns_begin(&queue->turns, queue->served);
}

static uint16_t leave(struct channel *channel, const struct fuse_in_header *header)
{
	return header->len > EXCHANGE_CELL_SIZE ? leave_in_slot(channel, header)
						: leave_in_cell(channel);
}

/* It is the user's that the request is so large, and not that a slot has no pages yet. */
static bool put(struct channel *channel, const struct fuse_in_header *header)
{
	struct queue *queue = &channel->queue;
	uint32_t uid = header->uid != UINT32_MAX ? header->uid : find_uid(queue, header->pid);
	struct turns_user *user = turns_user(&queue->turns, uid);
	uint16_t place;

	note_user(queue, uid);
	account(queue, user);
	place = leave(channel, header);
	queue_begin(queue);
	if (place == TURNS_NONE)
		return false;
	append(channel, user, place);
	return true;
}

bool queue_put(struct channel *channel, size_t length)
{
	struct queue *queue = &channel->queue;
	const char *bytes = exchange_request(channel->exchange, channel->exchange->current);
	struct fuse_in_header header;

	if (length < sizeof header)
		return false;
	memcpy(&header, bytes, sizeof header);
	/* Whatever else is wrong with it shows when it is served. */
	if (header.len != length)
		return false;
	if (is_nobodys(&header, bytes)) {
		note_nobodys(queue);
		return false;
	}
	if (queue->turns.count > 0 || looks_ahead(queue))
		return put(channel, &header);
	if (header.uid != UINT32_MAX)
		note_user(queue, header.uid);
	go_straight(queue, &header);
	return false;
}

void queue_drained(struct queue *queue)
{
	queue->straight = 0;
	queue->idle = 0;
}

/* --- out -------------------------------------------------------------------------------------- */

size_t queue_take(struct channel *channel)
{
	struct queue *queue = &channel->queue;
	uint16_t place = turns_take(&queue->turns, &queue->served);

	queue->straight++;
	queue->idle = 0;
	take_out(channel, place);
	if (place < EXCHANGE_SLOTS) {
		channel->exchange->current = place;
		channel->requests[place].state = REQUEST_NONE;
	} else {
		exchange_take_up(channel->exchange, place - EXCHANGE_SLOTS);
	}
	return header_at(channel, (uint16_t)channel->exchange->current)->len;
}

void queue_take_over(struct channel *channel)
{
	struct exchange *exchange = channel->exchange;
	struct queue *queue = &channel->queue;

	exchange->queued = 0;
	queue->cell_count = exchange->cells_used;
	for (uint32_t cell = 0; cell < exchange->cells_used; cell++) {
		uint16_t place = (uint16_t)(EXCHANGE_SLOTS + cell);

		if (exchange_cell_length(exchange, cell) == 0)
			give_cell(queue, (uint16_t)cell);
		else
			append(channel, turns_user(&queue->turns, header_at(channel, place)->uid),
			    place);
	}
}

/* --- memory ----------------------------------------------------------------------------------- */

bool queue_has_spare(const struct channel *channel)
{
	return channel->exchange->used > SLOTS_KEPT || channel->exchange->cells_used > CELLS_KEPT;
}

/* Behind the last that holds something. */
static uint32_t first_spare(const struct channel *channel)
{
	uint32_t slot = channel->exchange->used;

	while (slot > SLOTS_KEPT && slot - 1 > channel->exchange->current &&
	       channel->requests[slot - 1].state == REQUEST_NONE)
		slot--;
	return slot;
}

/* The next request comes to the first slot that is free, so that those behind it are spare. */
static void give_back(struct channel *channel)
{
	struct queue *queue = &channel->queue;
	uint32_t slot;

	(void)request_move_on(channel);
	slot = first_spare(channel);
	queue->cell_count = queue->free_count = 0;
	exchange_give_back(channel->exchange, slot);
	memset(channel->slot_is_populated + slot, 0, EXCHANGE_SLOTS - slot);
}

unsigned queue_give_back(struct channel *channel)
{
	struct queue *queue = &channel->queue;

	if (!queue_has_spare(channel))
		return 0;
	if (queue->turns.count == 0 && !queue->used_lately)
		give_back(channel);
	queue->used_lately = false;
	return queue_has_spare(channel) ? SPARE_MS : 0;
}

/* --- given up --------------------------------------------------------------------------------- */

/* It was not begun, so that nobody can have said anything else. */
static void interrupt(struct channel *channel, uint16_t place)
{
	if (place < EXCHANGE_SLOTS) {
		request_interrupt(&channel->requests[place]);
		return;
	}
	(void)request_refuse(channel, header_at(channel, place)->unique, -EINTR);
	exchange_clear_cell(channel->exchange, place - EXCHANGE_SLOTS);
}

/* TURNS_NONE: it does not wait here. */
static uint16_t place_of(struct channel *channel, uint64_t unique)
{
	for (uint32_t slot = 0; slot < channel->exchange->used; slot++) {
		const struct request *request = &channel->requests[slot];

		if (request->state == REQUEST_QUEUED && request->unique == unique)
			return (uint16_t)slot;
	}
	for (uint32_t cell = 0; cell < channel->queue.cell_count; cell++) {
		uint16_t place = (uint16_t)(EXCHANGE_SLOTS + cell);

		if (exchange_cell_length(channel->exchange, cell) != 0 &&
		    header_at(channel, place)->unique == unique)
			return place;
	}
	return TURNS_NONE;
}

bool queue_interrupt(struct channel *channel, uint64_t unique)
{
	uint16_t place = place_of(channel, unique);
	uint32_t pid;

	if (place == TURNS_NONE)
		return false;
	pid = header_at(channel, place)->pid;
	if (pid != 0 && process_is_killed((pid_t)pid)) {
		turns_remove(&channel->queue.turns, place);
		interrupt(channel, place);
		take_out(channel, place);
	}
	return true;
}

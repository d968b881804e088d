/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking over from a server that died; see recovery.h and exchange.h. */
#include "recovery.h"

#include <errno.h>
#include <unistd.h>

#include "abi.h"
#include "backing.h"
#include "common/log.h"
#include "fs/failpoint.h"
#include "request.h"
#include "serve.h"
#include "shape.h"
#include "turns/queue.h"

/* Servers that one request may crash, or have killed for memory. */
#define CRASHES_MAX 3

static const struct fuse_in_header *header_of(struct exchange *exchange, uint32_t slot)
{
	return (const void *)exchange_request(exchange, slot);
}

/* --- what is answered ------------------------------------------------------------------------- */

/*
 * The reply that the server may have died before it sent. That of a change which was rolled back is
 * none. ENOENT: the kernel has had it.
 */
static int send_stored(const struct channel *channel)
{
	struct exchange *exchange = channel->exchange;
	bool counts =
	    exchange->reply_refuses || exchange->reply_number == shmfs_mark(channel->fs).request;

	if (exchange->reply_size > 0 && counts) {
		if (write(channel->fd, exchange->reply, exchange->reply_size) < 0 &&
		    errno != ENOENT)
			return -errno;
		exchange->answered = exchange->reply_number;
	}
	exchange->reply_size = 0;
	return 0;
}

/* Of a FORGET, the mark only tells how much of it is done. */
static bool is_answered(const struct channel *channel, const struct fuse_in_header *header)
{
	return shape_has_reply(header->opcode) &&
	       (header->unique == channel->exchange->answered ||
		   header->unique == shmfs_mark(channel->fs).request);
}

/*
 * What is left to be done stays in its slot, where no other request may come to meanwhile; what is
 * answered, or did not arrive, is cleared.
 */
static void sort_out_slots(struct channel *channel)
{
	struct exchange *exchange = channel->exchange;

	for (uint32_t slot = 0; slot < exchange->used; slot++) {
		if (exchange_has_whole(exchange, slot) &&
		    !is_answered(channel, header_of(exchange, slot)))
			channel->requests[slot].state = REQUEST_LEFT;
		else
			exchange_tidy(exchange, slot);
	}
}

static bool is_in_a_slot(const struct channel *channel, uint64_t unique)
{
	struct exchange *exchange = channel->exchange;

	for (uint32_t slot = 0; slot < exchange->used; slot++) {
		if (channel->requests[slot].state == REQUEST_LEFT &&
		    header_of(exchange, slot)->unique == unique)
			return true;
	}
	return false;
}

/* What was being moved when the server died is in the slot as well. One in a cell is answered where
 * its caller was killed. */
static void sort_out_cells(struct channel *channel)
{
	struct exchange *exchange = channel->exchange;

	for (uint32_t cell = 0; cell < exchange->cells_used; cell++) {
		const struct fuse_in_header *header = (const void *)exchange->cells[cell].request;
		uint32_t length = exchange_cell_length(exchange, cell);

		if (length < sizeof *header || length > EXCHANGE_CELL_SIZE ||
		    is_answered(channel, header) || is_in_a_slot(channel, header->unique))
			exchange_clear_cell(exchange, cell);
	}
}

/* --- what is not ------------------------------------------------------------------------------ */

/*
 * A request that brings down each server which takes it would be served again for ever. After a few
 * deaths (a kill from outside is none) it alone fails.
 */
static bool is_deadly(struct exchange *exchange, uint64_t unique)
{
	if (exchange->death == DEATH_FROM_OUTSIDE)
		return false;
	if (exchange->suspect != unique)
		exchange->suspect_crashes = 0;
	exchange->suspect = unique;
	return ++exchange->suspect_crashes >= CRASHES_MAX;
}

static int refuse_deadly(struct channel *channel, uint32_t slot)
{
	const struct fuse_in_header *header = header_of(channel->exchange, slot);
	bool for_memory = channel->exchange->death == DEATH_FOR_MEMORY;
	int rc;

	log_error("a request (opcode %u of pid %u) has %s: answering %s", header->opcode,
	    header->pid,
	    for_memory ? "had three servers killed for memory" : "crashed three servers",
	    for_memory ? "ENOMEM" : "EIO");
	rc = request_refuse(channel, header->unique, for_memory ? -ENOMEM : -EIO);
	channel->requests[slot].state = REQUEST_NONE;
	exchange_clear(channel->exchange, slot);
	return rc == -ENOENT ? 0 : rc;
}

/* The one that was being served when a server died of it. */
static int look_for_deadly(struct channel *channel)
{
	struct exchange *exchange = channel->exchange;
	uint32_t slot = exchange->current;

	if (channel->requests[slot].state != REQUEST_LEFT ||
	    !is_deadly(exchange, header_of(exchange, slot)->unique))
		return 0;
	return refuse_deadly(channel, slot);
}

/* The kernel counts its requests. EXCHANGE_SLOTS: none is left. */
static uint32_t oldest_left(struct channel *channel)
{
	uint32_t oldest = EXCHANGE_SLOTS;
	uint64_t least = 0;

	for (uint32_t slot = 0; slot < channel->exchange->used; slot++) {
		uint64_t unique = header_of(channel->exchange, slot)->unique;

		if (channel->requests[slot].state != REQUEST_LEFT ||
		    (oldest != EXCHANGE_SLOTS && unique > least))
			continue;
		oldest = slot;
		least = unique;
	}
	return oldest;
}

static void serve_left(struct channel *channel, uint32_t slot)
{
	channel_serve_again(channel, slot);
	channel->counters->requests++;
	failpoint("request served again");
}

static int serve_all_left(struct channel *channel)
{
	uint32_t slot;
	int rc = look_for_deadly(channel);

	while (rc == 0 && (slot = oldest_left(channel)) != EXCHANGE_SLOTS)
		serve_left(channel, slot);
	return rc;
}

int recovery_run(struct channel *channel)
{
	int rc = shmfs_recover(channel->fs);

	if (rc < 0) {
		log_error("what the server before left in the arena is not what servers leave");
		return rc;
	}
	failpoint("transaction ended");
	backing_close_stray(channel);
	rc = send_stored(channel);
	if (rc < 0)
		return rc;
	sort_out_slots(channel);
	sort_out_cells(channel);
	queue_take_over(channel);
	failpoint("slots sorted out");
	rc = serve_all_left(channel);
	shmfs_recovered(channel->fs);
	if (rc == 0)
		request_prepare_slot(channel, channel->exchange->current);
	failpoint("recovered");
	return rc;
}

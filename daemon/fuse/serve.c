/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in; see serve.h. */
#define FUSE_USE_VERSION 314
#include "serve.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "common/log.h"
#include "fs/failpoint.h"
#include "init.h"
#include "request.h"
#include "shape.h"
#include "turns/queue.h"

_Static_assert(sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in) == EXCHANGE_BEFORE_DATA,
    "the data of a WRITE begin on a page");

static char *current_request(const struct channel *channel)
{
	return exchange_request(channel->exchange, channel->exchange->current);
}

static bool is_done_beside_libfuse(struct request *request, const struct fuse_in_header *header)
{
	const struct channel *channel = request->channel;

	return channel->fs != NULL &&
	       channel->operations->beside(request, (const char *)(header + 1));
}

/* libfuse would keep it, and answer it within a later request, as if that were answered. */
static void take_note(struct channel *channel, const struct fuse_in_header *header)
{
	struct fuse_interrupt_in interrupt = {0};

	if (header->opcode == FUSE_INTERRUPT)
		memcpy(&interrupt, header + 1, sizeof interrupt);
	exchange_clear(channel->exchange, channel->exchange->current);
	if (interrupt.unique != 0 && channel->fs != NULL &&
	    !queue_interrupt(channel, interrupt.unique))
		channel->operations->interrupt(channel, interrupt.unique);
}

static void serve_request(struct channel *channel)
{
	const struct fuse_in_header *header = (const void *)current_request(channel);
	struct fuse_buf buffer = {.mem = current_request(channel), .size = header->len};
	struct request *request;

	if (shape_is_moot(header->opcode)) {
		take_note(channel, header);
		return;
	}
	if (shape_takes_memory(header->opcode) && !memory_room_any(&channel->room)) {
		(void)request_refuse(channel, header->unique, -ENOMEM);
		channel->counters->refused_memory++;
		exchange_clear(channel->exchange, channel->exchange->current);
		return;
	}
	channel->client = header->pid;
	init_note(channel, header);
	request = request_begin(channel);
	if (!is_done_beside_libfuse(request, header))
		fuse_session_process_buf(channel->session, &buffer);
	/* libfuse keeps to itself that it could not even decode one: it has no memory. */
	if (request->state == REQUEST_SERVED)
		request_end(request);
	channel->init_unique = 0;
}

/* A request that is not well-formed never gets to libfuse, which would believe it. */
static void refuse_request(struct channel *channel, size_t length)
{
	struct fuse_in_header header = {.opcode = FUSE_FORGET};

	if (length >= sizeof header)
		memcpy(&header, current_request(channel), sizeof header);
	log_debug("malformed request: opcode %u, %zu bytes", header.opcode, length);
	/* Nobody waits for the answer but who sent nonsense. */
	if (shape_has_reply(header.opcode))
		(void)request_refuse(channel, header.unique, -EINVAL);
	exchange_clear(channel->exchange, channel->exchange->current);
}

/* The length of the next request, or a negative errno; -ENODEV: there are no more. */
static ssize_t receive(const struct channel *channel)
{
	ssize_t length;

	/* One byte stays free for the NUL that ends the last string of any request. */
	do {
		length = read(channel->fd, current_request(channel), EXCHANGE_REQUEST_SIZE - 1);
	} while (length < 0 && errno == EINTR);
	if (length > 0)
		return length;
	return length == 0 ? -ENODEV : -errno;
}

static void serve_received(struct channel *channel, size_t length)
{
	channel->client = 0;
	if (shape_check(current_request(channel), length) == 0)
		serve_request(channel);
	else
		refuse_request(channel, length);
}

void channel_serve_received(struct channel *channel, size_t length)
{
	serve_received(channel, length);
	channel->counters->requests++;
}

bool channel_has_queued(const struct channel *channel)
{
	return channel->queue.turns.count > 0;
}

bool channel_has_more(const struct channel *channel)
{
	struct pollfd next = {.fd = channel->fd, .events = POLLIN};

	if (channel_has_queued(channel))
		return true;
	for (uint32_t slot = 0; slot < channel->exchange->used; slot++) {
		if (channel->requests[slot].state == REQUEST_LEFT)
			return true;
	}
	return poll(&next, 1, 0) == 1 && (next.revents & POLLIN);
}

void channel_serve_again(struct channel *channel, uint32_t slot)
{
	struct exchange *exchange = channel->exchange;
	uint32_t length;

	exchange->current = slot;
	length = ((const struct fuse_in_header *)(const void *)current_request(channel))->len;
	/* What was read is there, but for the NUL that was put behind it. */
	current_request(channel)[length] = '\0';
	channel->requests[slot].state = REQUEST_NONE;
	serve_received(channel, length);
}

static int serve_received_now(struct channel *channel, size_t length)
{
	channel_serve_received(channel, length);
	queue_served(&channel->queue);
	return 1;
}

static int serve_queued(struct channel *channel)
{
	size_t length = queue_take(channel);

	current_request(channel)[length] = '\0';
	return serve_received_now(channel, length);
}

int channel_serve(struct channel *channel)
{
	queue_begin(&channel->queue);
	while (queue_looks(channel)) {
		ssize_t length = receive(channel);

		if (length == -EAGAIN) {
			queue_drained(&channel->queue);
			break;
		}
		/* It was taken back while it was being read: what came of it is not the next
		 * server's. */
		if (length == -ENOENT) {
			exchange_clear(channel->exchange, channel->exchange->current);
			return 1;
		}
		if (length < 0)
			return (int)length;
		failpoint("request received");
		current_request(channel)[length] = '\0';
		if (!queue_put(channel, (size_t)length))
			return serve_received_now(channel, (size_t)length);
	}
	return channel_has_queued(channel) ? serve_queued(channel) : 0;
}

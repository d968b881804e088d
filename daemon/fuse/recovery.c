/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking over from a server that died; see recovery.h and exchange.h. */
#include "recovery.h"

#include <errno.h>
#include <unistd.h>

#include "abi.h"
#include "backing.h"
#include "channel.h"
#include "common/log.h"
#include "fs/failpoint.h"
#include "init.h"
#include "request.h"
#include "serve.h"
#include "shape.h"

/* Servers that one request may crash. */
#define CRASHES_MAX 3

/*
 * The reply of the last change, if that is final and the server may have died before it was sent.
 * 1: there was one. ENOENT: the kernel has had it.
 */
static int send_stored(const struct channel *channel)
{
	struct exchange *exchange = channel->exchange;

	if (exchange->reply_size == 0 || exchange->reply_number != shmfs_mark(channel->fs).request)
		return 0;
	if (write(channel->fd, exchange->reply, exchange->reply_size) < 0 && errno != ENOENT)
		return -errno;
	return 1;
}

/*
 * A request that brings down each server which takes it would be sent again for ever. After a few
 * crashes (a kill from outside is none) it alone fails. Its number is the same each time but for a
 * bit.
 */
static bool is_deadly(struct exchange *exchange, uint64_t unique)
{
	unique &= ~ABI_UNIQUE_RESEND;
	if (!exchange->crashed)
		return false;
	if (exchange->suspect != unique)
		exchange->suspect_crashes = 0;
	exchange->suspect = unique;
	return ++exchange->suspect_crashes >= CRASHES_MAX;
}

static int refuse_deadly(struct channel *channel, const struct fuse_in_header *header)
{
	int rc;

	log_error("a request (opcode %u of pid %u) has crashed %u servers: answering EIO",
	    header->opcode, header->pid, CRASHES_MAX);
	rc = request_refuse(channel, header->unique, -EIO);
	return rc == -ENOENT ? 0 : rc;
}

/* The request that was being served, and is not answered by a stored reply. */
static int finish_request(struct channel *channel)
{
	struct exchange *exchange = channel->exchange;
	char *request = exchange_request(exchange, exchange->current);
	const struct fuse_in_header *header = (const void *)request;

	if (header->len == 0 || header->len >= EXCHANGE_REQUEST_SIZE)
		return 0;
	request[header->len] = '\0';
	if (!shape_has_reply(header->opcode) && shape_check(request, header->len) == 0)
		channel_serve_request(channel);
	else if (is_deadly(exchange, header->unique))
		return refuse_deadly(channel, header);
	return 0;
}

/* What a server that died was at. */
static int finish(struct channel *channel)
{
	int rc = send_stored(channel);

	if (rc == 0)
		rc = finish_request(channel);
	channel->exchange->reply_size = 0;
	failpoint("request finished");
	exchange_clear_all(channel->exchange);
	return rc < 0 ? rc : 0;
}

/*
 * Only requests that were read and not answered are sent again, so the stored reply has to be sent
 * before. Those come before any new one, so what was half done is done whole before anybody can
 * build upon it.
 */
static int ask_again(const struct channel *channel)
{
	struct fuse_out_header notification = {
	    .len = sizeof notification,
	    .error = ABI_NOTIFY_RESEND,
	};

	if (write(channel->fd, &notification, sizeof notification) < 0)
		return -errno;
	return 0;
}

int recovery_run(struct channel *channel)
{
	int rc;

	shmfs_recover(channel->fs);
	failpoint("transaction ended");
	backing_close_stray(channel);
	rc = finish(channel);
	if (rc == 0 && init_can_resend(channel))
		rc = ask_again(channel);
	failpoint("asked again");
	return rc;
}

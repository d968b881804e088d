/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking over from a server that died; see recovery.h and journal.h. */
#include "recovery.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "../fs/failpoint.h"
#include "channel.h"
#include "kernel_abi.h"
#include "log.h"
#include "request.h"

/* Servers that one request may crash. */
#define MOST_CRASHES 3

/*
 * The server may have died between the kernel's giving an id and its being noted. Since the kernel
 * counts up, such an id is either the journal's last, or the next one. Closing one that is not open
 * does no harm as long as none is given out meanwhile. Once the ids have wrapped around, after 2^31
 * of them, the next one may be in use, and so is left alone: then, what is lost by a kill in that
 * one moment is a registration without an object.
 */
static void close_stray_backing(struct server *server)
{
	const struct journal *journal = server->journal;

	if (server->tier != TIER_PASSTHROUGH || journal->last_backing == 0)
		return;
	if (journal->last_backing != shmfs_last_backing(server->fs))
		tier_backing_close(server->fuse_fd, journal->last_backing);
	if (!journal->backings_wrapped && journal->last_backing < INT_MAX)
		tier_backing_close(server->fuse_fd, journal->last_backing + 1);
}

/*
 * The reply of the last change, if that is final and the server may have died before it was sent.
 * 1: there was one. ENOENT: the kernel has had it.
 */
static int send_stored(const struct server *server)
{
	struct journal *journal = server->journal;

	if (journal->reply_size == 0 || journal->reply_number != shmfs_mark(server->fs).request)
		return 0;
	if (write(server->fuse_fd, journal->reply, journal->reply_size) < 0 && errno != ENOENT)
		return -errno;
	return 1;
}

/*
 * A request that brings down each server which takes it would be sent again for ever. After a few
 * crashes (a kill from outside is none) it alone fails. Its number is the same each time but for a
 * bit.
 */
static bool is_deadly(struct journal *journal, uint64_t unique)
{
	unique &= ~ABI_UNIQUE_RESEND;
	if (!journal->crashed)
		return false;
	if (journal->suspect != unique)
		journal->suspect_crashes = 0;
	journal->suspect = unique;
	return ++journal->suspect_crashes >= MOST_CRASHES;
}

static int refuse_deadly(struct server *server, const struct fuse_in_header *header)
{
	int rc;

	log_error("a request (opcode %u of pid %u) has crashed %u servers: answering EIO",
	    header->opcode, header->pid, MOST_CRASHES);
	rc = channel_reply(server, header->unique, -EIO, NULL, 0);
	return rc == -ENOENT ? 0 : rc;
}

/* The request that was being served, and is not answered by a stored reply. */
static int finish_request(struct server *server)
{
	struct journal *journal = server->journal;
	char *request = journal_request(journal);
	const struct fuse_in_header *header = (const void *)request;

	if (header->len == 0 || header->len >= JOURNAL_REQUEST_SIZE)
		return 0;
	request[header->len] = '\0';
	if (!request_has_reply(header->opcode) && request_check(request, header->len) == 0)
		channel_serve_request(server);
	else if (is_deadly(journal, header->unique))
		return refuse_deadly(server, header);
	return 0;
}

/* What a server that died was at. */
static int finish(struct server *server)
{
	int rc = send_stored(server);

	if (rc == 0)
		rc = finish_request(server);
	server->journal->reply_size = 0;
	failpoint("request finished");
	journal_clear(server->journal);
	return rc < 0 ? rc : 0;
}

/*
 * Only requests that were read and not answered are sent again, so the stored reply has to be sent
 * before. Those come before any new one, so what was half done is done whole before anybody can
 * build upon it.
 */
static int ask_again(const struct server *server)
{
	struct fuse_out_header notification = {
	    .len = sizeof notification,
	    .error = ABI_NOTIFY_RESEND,
	};

	if (write(server->fuse_fd, &notification, sizeof notification) < 0)
		return -errno;
	return 0;
}

int recovery_run(struct server *server)
{
	int rc;

	shmfs_recover(server->fs);
	failpoint("transaction ended");
	close_stray_backing(server);
	rc = finish(server);
	if (rc == 0 && channel_can_resend(server))
		rc = ask_again(server);
	failpoint("asked again");
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes on their way; see transfer.h. */
#define FUSE_USE_VERSION 314
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "channel.h"
#include "reply.h"

/* Handing less than this to another processor takes longer than moving it. */
#define LEAST (128 * 1024)

struct transfer {
	fuse_req_t req;
	struct server *server;
	struct shmfs_cred cred;
	struct shmfs_range range;
	int fd; /* of its own, so that what becomes of the object's is nothing to a worker */
	size_t size;
	char *data;	 /* of a write: in the journal; of a read: owned here */
	uint64_t unique; /* of a read */
	uint32_t place;	 /* of a write */
	bool writes;
	ssize_t result; /* bytes, or a negative errno */
};

/* With nobody waiting, the loop is the one who has time. */
static bool pays(const struct server *server, size_t size)
{
	struct pollfd next = {.fd = server->fuse_fd, .events = POLLIN};

	return size >= LEAST && server->offload != NULL && server->transfers < JOURNAL_PLACES - 1 &&
	       poll(&next, 1, 0) == 1 && (next.revents & POLLIN);
}

static struct transfer *prepare(
    fuse_req_t req, const struct shmfs_range *range, const struct shmfs_memory *memory)
{
	struct transfer *transfer = malloc(sizeof *transfer);
	int fd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 0);

	/* Above, numbers are the namespace's. */
	if (transfer == NULL || fd < 0 || fd >= SHMFS_DESCRIPTOR_FIRST)
		goto fail;
	*transfer = (struct transfer){
	    .req = req,
	    .server = server_of(req),
	    .cred = caller_of(req),
	    .range = *range,
	    .fd = fd,
	    .size = memory->size,
	};
	return transfer;

fail:
	if (fd >= 0)
		close(fd);
	free(transfer);
	return NULL;
}

/* What there was to change before is final, and the rest is a transaction of its own. */
static void hand_over(struct server *server, struct transfer *transfer)
{
	shmfs_commit(server->fs);
	server->transfers++;
	if (server->offload(server, transfer) == 0)
		return;
	transfer_move(transfer);
	transfer_end(transfer);
}

static uint32_t free_place(const struct server *server)
{
	uint32_t place = 0;

	while (place == server->journal->place || server->place_is_busy[place])
		place++;
	return place;
}

bool transfer_write(
    struct fuse_req *req, const struct shmfs_range *to, const char *data, size_t size)
{
	struct server *server = server_of(req);
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_memory memory;
	struct transfer *transfer;
	uint32_t place;

	if (!pays(server, size) || shmfs_write_begin(server->fs, &cred, to, size, &memory) != 0)
		return false;
	transfer = prepare(req, to, &memory);
	if (transfer == NULL)
		return false;
	transfer->writes = true;
	/* Nobody writes to it: it is a buffer that others fill. */
	transfer->data = (char *)(uintptr_t)data;
	transfer->place = server->journal->place;
	place = free_place(server);
	if (!server->place_is_ready[place])
		journal_populate(server->journal, place);
	server->place_is_ready[place] = true;
	server->place_is_busy[transfer->place] = true;
	journal_move(server->journal, place);
	hand_over(server, transfer);
	return true;
}

bool transfer_read(struct fuse_req *req, const struct shmfs_read_request *what)
{
	const struct shmfs_range from = {what->handle, what->offset};
	struct server *server = server_of(req);
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_memory memory;
	struct transfer *transfer;

	if (!pays(server, what->size) || shmfs_read_begin(server->fs, &cred, what, &memory) != 0 ||
	    memory.size < LEAST)
		return false;
	transfer = prepare(req, &from, &memory);
	if (transfer == NULL)
		return false;
	transfer->unique = channel_unique(server);
	transfer->data = malloc(transfer->size);
	if (transfer->data == NULL) {
		close(transfer->fd);
		free(transfer);
		return false;
	}
	hand_over(server, transfer);
	return true;
}

/* As much as there is; an error counts only where nothing came before it. */
static ssize_t move(const struct transfer *t)
{
	size_t done = 0;

	while (done < t->size) {
		off_t at = (off_t)(t->range.offset + done);
		ssize_t count = t->writes ? pwrite(t->fd, t->data + done, t->size - done, at)
					  : pread(t->fd, t->data + done, t->size - done, at);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && done == 0)
			return -errno;
		if (count <= 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

void transfer_move(struct transfer *transfer)
{
	transfer->result = move(transfer);
	if (transfer->writes)
		return;
	/* The kernel takes an answer from any thread; who has given the request up needs none. */
	(void)channel_answer_read(
	    transfer->server->fuse_fd, transfer->unique, transfer->data, transfer->result);
}

void transfer_end(struct transfer *transfer)
{
	struct server *server = transfer->server;

	if (transfer->writes) {
		shmfs_begin(server->fs);
		if (transfer->result >= 0)
			transfer->result = shmfs_write_end(server->fs, &transfer->cred,
			    transfer->range.handle, (size_t)transfer->result);
		reply_written(transfer->req, transfer->result);
		server->place_is_busy[transfer->place] = false;
	} else {
		fuse_reply_none(transfer->req);
		free(transfer->data);
	}
	server->transfers--;
	close(transfer->fd);
	free(transfer);
}

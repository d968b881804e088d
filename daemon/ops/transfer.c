/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes on their way; see transfer.h. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/worker.h"
#include "deferred.h"
#include "fs/failpoint.h"
#include "fuse/request.h"
#include "fuse/serve.h"
#include "reply.h"
#include "state.h"

/* Handing less than this to another processor takes longer than moving it. */
#define SIZE_MIN (128 * 1024)

/* Passing the pages of less than this takes no time to speak of. */
#define SEEK_MIN (16 * 1024 * 1024)

/* Seeks that may wait at a time. */
#define SEEKS_MAX (EXCHANGE_WAITING / 2)

struct transfer {
	struct request *request;
	struct worker *worker;
	struct shmfs_memory memory; /* by a descriptor of its own, so that what becomes of the
				       object's is nothing to a worker */
	struct reply_pipe pipe;	    /* of a read */
	bool answered;
	enum { READ, WRITE, SEEK } kind;
	uint64_t handle; /* of a write, whose data stay in its request */
	const char *data;
	struct shmfs_share owed; /* for what it was granted */
	ssize_t result;		 /* bytes, or a negative errno */
	int whence;		 /* of a seek, and what it has found */
	uint64_t found;
};

/* --- the worker ------------------------------------------------------------------------------- */

/* As much as there is; an error counts only where nothing came before it. */
static ssize_t write_all(const struct transfer *t)
{
	struct shmfs_done *noted = request_done(t->request);
	uint64_t unique = t->request->unique;
	const struct shmfs_memory *to = &t->memory;
	size_t done = (size_t)shmfs_done(noted, unique);

	while (done < to->size) {
		ssize_t count =
		    pwrite(to->fd, t->data + done, to->size - done, (off_t)(to->offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && done == 0)
			return -errno;
		if (count <= 0)
			break;
		done += (size_t)count;
		shmfs_note_done(noted, unique, done);
		failpoint("bytes moved");
	}
	return (ssize_t)done;
}

/* The kernel takes an answer from any thread. */
static bool answer_read(struct transfer *t)
{
	const struct request *request = t->request;

	return reply_pipe_fill(&t->pipe, request->channel->fs, request->unique, &t->memory) &&
	       request_answer_read_pages(request, &t->pipe, t->memory.size);
}

static void run(void *arg)
{
	struct transfer *transfer = arg;

	if (transfer->kind == WRITE)
		transfer->result = write_all(transfer);
	else if (transfer->kind == READ)
		transfer->answered = answer_read(transfer);
	else
		transfer->result = shmfs_memory_seek(transfer->request->channel->fs,
		    &transfer->memory, transfer->whence, &transfer->found);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void free_transfer(struct transfer *transfer)
{
	reply_pipe_close(&transfer->pipe);
	worker_free(transfer->worker);
	close(transfer->memory.fd);
	free(transfer);
}

static void finish_write(const struct transfer *transfer)
{
	struct request *request = transfer->request;
	ssize_t count = transfer->result;

	request_resume(request);
	if (count >= 0)
		count = shmfs_write_end(
		    fs_of(request), &request->cred, transfer->handle, (size_t)count);
	deferred_send(
	    request, &(struct deferred_reply){
			 .kind = DEFERRED_WRITTEN, .count = count, .owed = transfer->owed});
}

/* What the pipe did not take, since the object was cut meanwhile, is copied. */
static void finish_read(const struct transfer *transfer)
{
	struct request *request = transfer->request;
	char *data = request->channel->data;

	if (!transfer->answered)
		request_answer_read(
		    request, data, shmfs_memory_read(fs_of(request), &transfer->memory, data));
	request_release(request);
}

static unsigned own_seeks(const struct seeks *seeks, uint32_t uid)
{
	unsigned own = 0;

	for (unsigned i = 0; i < seeks->count; i++)
		own += seeks->waiting[i]->cred.uid == uid;
	return own;
}

/* Of the places that others leave, a user gets half. */
static bool wait_to_seek(struct request *request)
{
	struct seeks *seeks = &request->channel->ops->seeks;
	unsigned own = own_seeks(seeks, request->cred.uid);

	if (2 * own >= SEEKS_MAX - (seeks->count - own) || !request_postpone(request))
		return false;
	seeks->waiting[seeks->count++] = request;
	return true;
}

static struct request *take_seek(struct seeks *seeks, unsigned at)
{
	struct request *request = seeks->waiting[at];

	for (seeks->count--; at < seeks->count; at++)
		seeks->waiting[at] = seeks->waiting[at + 1];
	return request;
}

/* Users in the order of their uids, beginning behind the one who had the last. */
static void seek_next(struct channel *channel)
{
	struct seeks *seeks = &channel->ops->seeks;

	while (!seeks->under_way && seeks->count > 0) {
		unsigned best = 0;

		for (unsigned i = 1; i < seeks->count; i++)
			if (seeks->waiting[i]->cred.uid - seeks->uid - 1 <
			    seeks->waiting[best]->cred.uid - seeks->uid - 1)
				best = i;
		channel_serve_again(channel, take_seek(seeks, best)->slot);
	}
}

static void finish_seek(const struct transfer *transfer)
{
	struct request *request = transfer->request;

	request->channel->ops->seeks.under_way = false;
	request_resume(request);
	reply_offset(request, (int)transfer->result, transfer->found);
	seek_next(request->channel);
}

static void done(void *arg)
{
	struct transfer *transfer = arg;
	struct ops *ops = transfer->request->channel->ops;

	ops->transfers -= transfer->kind != SEEK;
	if (transfer->kind == WRITE)
		finish_write(transfer);
	else if (transfer->kind == READ)
		finish_read(transfer);
	else
		finish_seek(transfer);
	free_transfer(transfer);
}

/* With nobody waiting, the loop is the one who has time. */
static bool pays(const struct channel *channel, size_t size)
{
	return size >= SIZE_MIN && channel->ops->workers != NULL &&
	       channel->ops->transfers < TRANSFERS_MAX && channel_has_more(channel);
}

static struct transfer *prepare(struct request *request, const struct shmfs_memory *memory)
{
	struct transfer *transfer = malloc(sizeof *transfer);
	int fd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 0);

	/* Above, numbers are the namespace's. */
	if (transfer == NULL || fd < 0 || fd >= SHMFS_DESCRIPTOR_FIRST)
		goto fail;
	*transfer = (struct transfer){
	    .request = request,
	    .memory = {.fd = fd, .size = memory->size, .offset = memory->offset},
	    .worker = worker_new(request->channel->ops->workers, run, done, transfer),
	};
	if (transfer->worker == NULL)
		goto fail;
	return transfer;

fail:
	if (fd >= 0)
		close(fd);
	free(transfer);
	return NULL;
}

/* What there was to change before is final, and the rest is a transaction of its own. */
static bool hand_over(struct transfer *transfer)
{
	struct request *request = transfer->request;

	if (!request_defer(request)) {
		free_transfer(transfer);
		return false;
	}
	request->channel->ops->transfers += transfer->kind != SEEK;
	worker_start(transfer->worker);
	return true;
}

bool transfer_write(
    struct request *request, const struct shmfs_range *to, const char *data, size_t size)
{
	struct shmfs_memory memory;
	struct transfer *transfer;

	if (!pays(request->channel, size) ||
	    shmfs_write_begin(fs_of(request), &request->cred, to, size, &memory) != 0)
		return false;
	transfer = prepare(request, &memory);
	if (transfer == NULL)
		return false;
	transfer->kind = WRITE;
	transfer->handle = to->handle;
	transfer->data = data;
	transfer->owed = shmfs_take_owed(fs_of(request));
	return hand_over(transfer);
}

bool transfer_read(struct request *request, const struct shmfs_memory *from)
{
	struct transfer *transfer;

	if (!pays(request->channel, from->size))
		return false;
	transfer = prepare(request, from);
	if (transfer == NULL)
		return false;
	if (!reply_pipe_open(&transfer->pipe)) {
		free_transfer(transfer);
		return false;
	}
	return hand_over(transfer);
}

bool transfer_seek(struct request *request, const struct shmfs_memory *in, int whence)
{
	struct seeks *seeks = &request->channel->ops->seeks;
	struct transfer *transfer;

	if (in->size < SEEK_MIN || request->channel->ops->workers == NULL)
		return false;
	if (seeks->under_way) {
		if (!wait_to_seek(request))
			reply_offset(
			    request, 0, whence == SEEK_DATA ? in->offset : in->offset + in->size);
		return true;
	}
	transfer = prepare(request, in);
	if (transfer == NULL)
		return false;
	transfer->kind = SEEK;
	transfer->whence = whence;
	if (!hand_over(transfer))
		return false;
	seeks->under_way = true;
	seeks->uid = request->cred.uid;
	return true;
}

bool transfer_interrupt(struct channel *channel, uint64_t unique)
{
	struct seeks *seeks = &channel->ops->seeks;
	unsigned i = 0;

	while (i < seeks->count && seeks->waiting[i]->unique != unique)
		i++;
	if (i == seeks->count)
		return false;
	request_interrupt(take_seek(seeks, i));
	return true;
}

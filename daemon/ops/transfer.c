/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes on their way; see transfer.h. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/worker.h"
#include "fuse/request.h"
#include "fuse/serve.h"
#include "reply.h"
#include "state.h"

/* Handing less than this to another processor takes longer than moving it. */
#define SIZE_MIN (128 * 1024)

struct transfer {
	struct request *request;
	struct worker *worker;
	struct shmfs_memory memory; /* by a descriptor of its own, so that what becomes of the
				       object's is nothing to a worker */
	struct reply_pipe pipe;	    /* of a read */
	bool answered;
	bool writes;
	uint64_t handle; /* of a write, whose data stay in its request */
	const char *data;
	ssize_t result; /* bytes, or a negative errno */
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
	}
	return (ssize_t)done;
}

/* The kernel takes an answer from any thread. */
static bool answer_read(struct transfer *t)
{
	const struct request *request = t->request;

	if (!reply_pipe_fill(&t->pipe, request->channel->fs, request->unique, &t->memory))
		return false;
	request_answer_read_pages(request, &t->pipe, t->memory.size);
	return true;
}

static void run(void *arg)
{
	struct transfer *transfer = arg;

	if (transfer->writes)
		transfer->result = write_all(transfer);
	else
		transfer->answered = answer_read(transfer);
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
	reply_written(request, count);
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

static void done(void *arg)
{
	struct transfer *transfer = arg;
	struct ops *ops = transfer->request->channel->ops;

	if (transfer->writes)
		finish_write(transfer);
	else
		finish_read(transfer);
	ops->transfers--;
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
	request->channel->ops->transfers++;
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
	transfer->writes = true;
	transfer->handle = to->handle;
	transfer->data = data;
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

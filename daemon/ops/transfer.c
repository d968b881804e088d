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
	struct shmfs_range range;
	int fd; /* of its own, so that what becomes of the object's is nothing to a worker */
	size_t size;
	char *data; /* of a write: in its request; of a read: owned here */
	bool writes;
	ssize_t result; /* bytes, or a negative errno */
};

/* --- the worker ------------------------------------------------------------------------------- */

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

static void run(void *arg)
{
	struct transfer *transfer = arg;

	transfer->result = move(transfer);
	/* The kernel takes an answer from any thread. */
	if (!transfer->writes)
		request_answer_read(transfer->request, transfer->data, transfer->result);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void free_transfer(struct transfer *transfer)
{
	if (!transfer->writes)
		free(transfer->data);
	worker_free(transfer->worker);
	close(transfer->fd);
	free(transfer);
}

static void finish_write(const struct transfer *transfer)
{
	struct request *request = transfer->request;
	ssize_t count = transfer->result;

	request_resume(request);
	if (count >= 0)
		count = shmfs_write_end(
		    fs_of(request), &request->cred, transfer->range.handle, (size_t)count);
	reply_written(request, count);
}

static void done(void *arg)
{
	struct transfer *transfer = arg;
	struct ops *ops = transfer->request->channel->ops;

	if (transfer->writes)
		finish_write(transfer);
	else
		request_release(transfer->request);
	ops->transfers--;
	free_transfer(transfer);
}

/* With nobody waiting, the loop is the one who has time. */
static bool pays(const struct channel *channel, size_t size)
{
	return size >= SIZE_MIN && channel->ops->workers != NULL &&
	       channel->ops->transfers < TRANSFERS_MAX && channel_has_more(channel);
}

static struct transfer *prepare(
    struct request *request, const struct shmfs_range *range, const struct shmfs_memory *memory)
{
	struct transfer *transfer = malloc(sizeof *transfer);
	int fd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 0);

	/* Above, numbers are the namespace's. */
	if (transfer == NULL || fd < 0 || fd >= SHMFS_DESCRIPTOR_FIRST)
		goto fail;
	*transfer = (struct transfer){
	    .request = request,
	    .range = *range,
	    .fd = fd,
	    .size = memory->size,
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
	transfer = prepare(request, to, &memory);
	if (transfer == NULL)
		return false;
	transfer->writes = true;
	/* Nobody writes to it: it is a buffer that others fill. */
	transfer->data = (char *)(uintptr_t)data;
	return hand_over(transfer);
}

bool transfer_read(struct request *request, const struct shmfs_read_request *what)
{
	const struct shmfs_range from = {what->handle, what->offset};
	struct shmfs_memory memory;
	struct transfer *transfer;

	if (!pays(request->channel, what->size) ||
	    shmfs_read_begin(fs_of(request), &request->cred, what, &memory) != 0 ||
	    memory.size < SIZE_MIN)
		return false;
	transfer = prepare(request, &from, &memory);
	if (transfer == NULL)
		return false;
	transfer->data = malloc(transfer->size);
	if (transfer->data == NULL) {
		free_transfer(transfer);
		return false;
	}
	return hand_over(transfer);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies by reference; see reply_pipe.h. */
#include "reply_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "abi.h"
#include "exchange.h"
#include "fs/failpoint.h"

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* One for each page that the bytes lie on, and one for the header. */
static size_t slots_for(size_t size, uint64_t offset)
{
	size_t page = page_size();

	return ((size_t)(offset % page) + size + page - 1) / page + 1;
}

/*
 * The kernel rounds up to a power of two. What it refuses is tried at half the size, which is what
 * a user may have by default; after that, the pipe is left as it is.
 */
static int widen(int fd)
{
	int size = 2 * EXCHANGE_READ_MAX, rc = fcntl(fd, F_SETPIPE_SZ, size);

	if (rc < 0)
		rc = fcntl(fd, F_SETPIPE_SZ, size / 2);
	return rc < 0 ? fcntl(fd, F_GETPIPE_SZ) : rc;
}

bool reply_pipe_open(struct reply_pipe *pipe)
{
	int ends[2], size;

	if (pipe->slots > 0)
		return true;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	size = widen(ends[1]);
	/* From there on, numbers are the namespace's. */
	if (size < 0 || ends[0] >= SHMFS_DESCRIPTOR_FIRST || ends[1] >= SHMFS_DESCRIPTOR_FIRST) {
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	*pipe =
	    (struct reply_pipe){.slots = (size_t)size / page_size(), .in = ends[1], .out = ends[0]};
	return true;
}

void reply_pipe_close(struct reply_pipe *pipe)
{
	if (pipe->slots == 0)
		return;
	close(pipe->in);
	close(pipe->out);
	*pipe = (struct reply_pipe){0};
}

/* What is in it is nobody's. Reading from a pipe that does not wait fails only once it is empty. */
static void empty(const struct reply_pipe *pipe)
{
	char bytes[4096];

	while (read(pipe->out, bytes, sizeof bytes) > 0)
		;
}

/* All of it, or what is there is of no use: the header has said how much follows. */
static bool put(const struct reply_pipe *pipe, const struct shmfs *fs, uint64_t unique,
    const struct shmfs_memory *memory)
{
	const struct fuse_out_header header = {
	    .len = (uint32_t)(sizeof header + memory->size), .unique = unique};
	struct shmfs_memory rest = *memory;

	if (write(pipe->in, &header, sizeof header) != (ssize_t)sizeof header)
		return false;
	while (rest.size > 0) {
		ssize_t count = shmfs_memory_splice(fs, &rest, pipe->in);

		if (count <= 0)
			return false;
		rest.offset += (uint64_t)count;
		rest.size -= (size_t)count;
	}
	return true;
}

bool reply_pipe_fill(struct reply_pipe *pipe, const struct shmfs *fs, uint64_t unique,
    const struct shmfs_memory *memory)
{
	if (slots_for(memory->size, memory->offset) > pipe->slots)
		return false;
	if (!put(pipe, fs, unique, memory)) {
		empty(pipe);
		return false;
	}
	failpoint("reply in the pipe");
	return true;
}

bool reply_pipe_send(struct reply_pipe *pipe, int fd, size_t size)
{
	size_t whole = sizeof(struct fuse_out_header) + size;
	ssize_t sent = splice(pipe->out, NULL, fd, NULL, whole, SPLICE_F_NONBLOCK);
	int error = errno;

	if (sent == (ssize_t)whole)
		return true;
	empty(pipe);
	/* Who has given it up, or has no mount any more, waits for nothing. */
	return sent < 0 && (error == ENOENT || error == ENODEV || error == EPERM);
}

size_t reply_pipe_read_max(void)
{
	struct reply_pipe pipe = {0};
	size_t slots = reply_pipe_open(&pipe) ? pipe.slots : 0;

	reply_pipe_close(&pipe);
	/* Of a pipe that has not even room for half, nothing is expected. */
	if (slots >= slots_for(EXCHANGE_READ_MAX, 0) || slots < slots_for(EXCHANGE_READ_MAX / 2, 0))
		return EXCHANGE_READ_MAX;
	return EXCHANGE_READ_MAX / 2;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, reading, writing and seeking. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "execute.h"
#include "model.h"

/*
 * O_NONBLOCK everywhere: a FIFO must not make the test wait for somebody who comes later, and an
 * open that breaks a lease is told so.
 */
static void open_into(struct worker *worker, const struct call *call, struct result *result,
    int dir, const char *path)
{
	struct slot *slot = slot_of(worker, call->slot);
	int flags = call->choice | call->bits;
	struct stat st;
	int fd;

	fd = openat(dir, path, flags | O_NONBLOCK | O_CLOEXEC, call->mode);
	give(result, fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	slot_close(worker, slot);
	slot_fill(slot, fd, flags & O_PATH ? O_PATH : flags & O_ACCMODE);
	if (fstat(fd, &st) == 0)
		model_object(worker, fd, &st);
}

void do_open(struct worker *worker, const struct call *call, struct result *result)
{
	open_into(worker, call, result, AT_FDCWD, call->path);
}

/* What another descriptor leads to, whether or not it has a name, or was ever opened. */
void do_reopen(struct worker *worker, const struct call *call, struct result *result)
{
	char number[16];

	snprintf(number, sizeof number, "%d", fd_of(worker, call->slot2));
	open_into(worker, call, result, worker->proc_fd, number);
}

void do_tmpfile(struct worker *worker, const struct call *call, struct result *result)
{
	open_into(worker, call, result, AT_FDCWD, call->path);
}

void do_close(struct worker *worker, const struct call *call, struct result *result)
{
	struct slot *slot = slot_of(worker, call->slot);
	bool was_open = slot->fd >= 0;

	slot_close(worker, slot);
	errno = EBADF;
	give(result, was_open ? 0 : -1);
}

void do_dup(struct worker *worker, const struct call *call, struct result *result)
{
	struct slot *from = slot_of(worker, call->slot), *to = slot_of(worker, call->slot2);
	int fd;

	if (from == to) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	give(result, fd < 0 ? -1 : 0);
	if (fd >= 0) {
		slot_close(worker, to);
		*to = *from;
		to->fd = fd;
		to->leased = false;
	}
}

static void give_read(
    struct worker *worker, const struct call *call, struct result *result, ssize_t count)
{
	give(result, count);
	if (count >= 0) {
		give_data(result, worker->buffer, (size_t)count);
		note_read(slot_of(worker, call->slot), result);
	}
	if (count == 0)
		note_unasked(slot_of(worker, call->slot), result);
}

void do_read(struct worker *worker, const struct call *call, struct result *result)
{
	give_read(worker, call, result,
	    read(fd_of(worker, call->slot), worker->buffer, (size_t)call->length));
}

void do_pread(struct worker *worker, const struct call *call, struct result *result)
{
	give_read(worker, call, result,
	    pread(fd_of(worker, call->slot), worker->buffer, (size_t)call->length, call->offset));
}

/* Three uneven parts, the second possibly empty. */
static void split(
    struct worker *worker, const struct call *call, size_t length, struct iovec parts[3])
{
	size_t first = length / 3, second = call->data % 2 ? length / 7 : 0;

	parts[0] = (struct iovec){worker->buffer, first};
	parts[1] = (struct iovec){worker->buffer + first, second};
	parts[2] = (struct iovec){worker->buffer + first + second, length - first - second};
}

void do_readv(struct worker *worker, const struct call *call, struct result *result)
{
	struct iovec parts[3];

	split(worker, call, (size_t)call->length, parts);
	give_read(worker, call, result, readv(fd_of(worker, call->slot), parts, 3));
}

void do_preadv(struct worker *worker, const struct call *call, struct result *result)
{
	struct iovec parts[3];

	split(worker, call, (size_t)call->length, parts);
	give_read(worker, call, result,
	    preadv2(fd_of(worker, call->slot), parts, 3, call->offset, call->bits));
}

/* Prepares the data and asks the model. False: the result is given. */
static bool ready_to_write(struct worker *worker, const struct call *call, struct result *result,
    int64_t offset, int64_t *length)
{
	*length = call->length;
	if (!model_write(
		worker, slot_of(worker, call->slot), offset, call->bits & RWF_APPEND, length)) {
		give(result, -1);
		note_room(slot_of(worker, call->slot), result, 0, 0);
		return false;
	}
	note_room(slot_of(worker, call->slot), result, call->length, *length);
	fill(worker->buffer, (size_t)*length, call->data);
	return true;
}

void do_write(struct worker *worker, const struct call *call, struct result *result)
{
	int64_t length;

	if (ready_to_write(worker, call, result, -1, &length))
		give(result, write(fd_of(worker, call->slot), worker->buffer, (size_t)length));
}

void do_pwrite(struct worker *worker, const struct call *call, struct result *result)
{
	int64_t length;

	if (ready_to_write(worker, call, result, call->offset, &length))
		give(result, pwrite(fd_of(worker, call->slot), worker->buffer, (size_t)length,
				 call->offset));
}

void do_writev(struct worker *worker, const struct call *call, struct result *result)
{
	struct iovec parts[3];
	int64_t length;

	if (!ready_to_write(worker, call, result, -1, &length))
		return;
	split(worker, call, (size_t)length, parts);
	give(result, writev(fd_of(worker, call->slot), parts, 3));
}

/* Offset -1 means the descriptor's own to pwritev2. */
void do_pwritev(struct worker *worker, const struct call *call, struct result *result)
{
	struct iovec parts[3];
	int64_t length;

	if (!ready_to_write(worker, call, result, call->offset, &length))
		return;
	split(worker, call, (size_t)length, parts);
	give(result, pwritev2(fd_of(worker, call->slot), parts, 3, call->offset, call->bits));
}

/* Positions in a directory mean nothing outside of their filesystem, but for its beginning. */
void do_lseek(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);

	if (slot->fd >= 0 && S_ISDIR(slot->mode))
		give(result, lseek(slot->fd, 0, SEEK_SET));
	else
		give(result, lseek(slot->fd, call->offset, call->choice));
}

/* Where the answer may differ, the position must not: so it is told and then set. */
void do_seek_data(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);

	if (slot->fd >= 0 && !is_regular(slot)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	give(result, lseek(slot->fd, call->offset, call->choice));
	note_touch(result, slot->ino, 0);
	if (result->ret >= 0)
		result->words[0] = (uint64_t)lseek(slot->fd, 0, SEEK_CUR);
	lseek(slot->fd, call->offset, SEEK_SET);
}

void do_fsync(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, fsync(fd_of(worker, call->slot)));
}

void do_fdatasync(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, fdatasync(fd_of(worker, call->slot)));
}

void do_fadvise(struct worker *worker, const struct call *call, struct result *result)
{
	int error =
	    posix_fadvise(fd_of(worker, call->slot), call->offset, call->length, call->choice);

	errno = error;
	give(result, error == 0 ? 0 : -1);
	/* What is read ahead may count as read. */
	note_unasked(slot_of(worker, call->slot), result);
}

void do_getfl(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, fcntl(fd_of(worker, call->slot), F_GETFL));
}

void do_setfl(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, fcntl(fd_of(worker, call->slot), F_SETFL, call->bits | O_NONBLOCK));
}

/* Other nodes have their own answers, and those of a directory differ in kind. */
void do_fionread(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);
	int count = 0;

	if (slot->fd >= 0 && S_ISDIR(slot->mode)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	give(result, ioctl(slot->fd, FIONREAD, &count));
	result->words[0] = (uint64_t)count;
}

void do_seals(struct worker *worker, const struct call *call, struct result *result)
{
	int fd = fd_of(worker, call->slot);

	give(result, call->choice == F_GET_SEALS ? fcntl(fd, F_GET_SEALS)
						 : fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
}

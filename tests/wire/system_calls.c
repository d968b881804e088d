/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls of system_calls.h. */
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/fuse/abi.h"

struct fake_pipes fake_pipes;
struct fake_backing fake_backing = {.error = ENOTTY};
static int reply_error;

void fail_next_reply(int error)
{
	reply_error = error;
}

static bool reply_fails(void)
{
	if (reply_error == 0)
		return false;
	errno = reply_error;
	reply_error = 0;
	return true;
}

/* What the kernel has not taken is left in the pipe, as it would be. */
static ssize_t splice_reply(int pipe, int fd, size_t size)
{
	char *whole = malloc(size);
	size_t done = 0;
	ssize_t sent;

	fake_pipes.out++;
	if (whole == NULL || reply_fails()) {
		free(whole);
		return -1;
	}
	while (done < size) {
		ssize_t count = read(pipe, whole + done, size - done);

		if (count <= 0)
			abort();
		done += (size_t)count;
	}
	sent = write(fd, whole, size);
	free(whole);
	return sent;
}

static ssize_t splice_memory(int fd, off64_t *offset, int pipe, size_t size, unsigned flags)
{
	fake_pipes.in++;
	if (fake_pipes.in == fake_pipes.fail_in) {
		errno = EIO;
		return -1;
	}
	if (fake_pipes.in == fake_pipes.short_in)
		size = 4096;
	return syscall(SYS_splice, fd, offset, pipe, NULL, size, flags);
}

ssize_t splice(
    int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size, unsigned flags)
{
	(void)to_offset;
	if (from_offset == NULL)
		return splice_reply(from, to, size);
	return splice_memory(from, from_offset, to, size, flags);
}

int pipe2(int ends[2], int flags)
{
	if (fake_pipes.none) {
		errno = EMFILE;
		return -1;
	}
	fake_pipes.pipes++;
	return (int)syscall(SYS_pipe2, ends, flags);
}

/* Replies go to a socket here, and nothing else that the server writes does. */
static bool is_for_reply(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

ssize_t write(int fd, const void *data, size_t size)
{
	if (reply_error != 0 && is_for_reply(fd) && reply_fails())
		return -1;
	return syscall(SYS_write, fd, data, size);
}

/* Gathers the pieces itself, so that a sanitizer sees every byte being read. */
ssize_t writev(int fd, const struct iovec *iov, int count)
{
	size_t size = 0, used = 0;
	ssize_t written;
	char *whole;
	int error;

	if (reply_fails())
		return -1;
	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	whole = malloc(size + 1);
	if (whole == NULL)
		return -1;
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(whole + used, iov[i].iov_base, iov[i].iov_len);
		used += iov[i].iov_len;
	}
	written = write(fd, whole, size);
	error = errno;
	free(whole);
	errno = error;
	return written;
}

static int open_backing(const struct abi_backing_map *map)
{
	fake_backing.opens++;
	fake_backing.opened_fd = map->fd;
	if (fake_backing.error == 0)
		return fake_backing.id;
	errno = fake_backing.error;
	return -1;
}

/* As the C library declares it. */
#ifdef __GLIBC__
int ioctl(int fd, unsigned long number, ...)
#else
int ioctl(int fd, int number, ...)
#endif
{
	const unsigned request = (unsigned)number;
	va_list args;
	void *arg;

	va_start(args, number);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == ABI_BACKING_OPEN)
		return open_backing(arg);
	if (request == ABI_BACKING_CLOSE) {
		fake_backing.closes++;
		fake_backing.closed_id = *(const int *)arg;
		return 0;
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

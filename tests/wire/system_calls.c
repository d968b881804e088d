/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls of system_calls.h. */
#include "system_calls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/fuse/abi.h"

struct fake_backing fake_backing = {.error = ENOTTY};
static int reply_error;

void fail_next_reply(int error)
{
	reply_error = error;
}

/* Gathers the pieces itself, so that a sanitizer sees every byte being read. */
ssize_t writev(int fd, const struct iovec *iov, int count)
{
	size_t size = 0, used = 0;
	ssize_t written;
	char *whole;
	int error;

	if (reply_error != 0) {
		errno = reply_error;
		reply_error = 0;
		return -1;
	}
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

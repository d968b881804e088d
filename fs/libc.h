/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What glibc has and other C libraries lack or got later: numbers of the kernel's interface, calls
 * of it that have no wrapper, and names of errors. meson.build has this included before everything
 * else where something of it is missing, so that no file knows of it.
 */
#ifndef SHMFS_LIBC_H
#define SHMFS_LIBC_H

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1u << 0)
#define RENAME_EXCHANGE (1u << 1)
#define RENAME_WHITEOUT (1u << 2)

static inline int renameat2(
    int old_dir, const char *old_name, int new_dir, const char *new_name, unsigned flags)
{
	return (int)syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, flags);
}
#endif

#ifndef STATX_BTIME
#include <linux/stat.h>

static inline int statx(
    int dir, const char *name, int flags, unsigned mask, struct statx *restrict result)
{
	return (int)syscall(SYS_statx, dir, name, flags, mask, result);
}
#endif

#ifndef RWF_APPEND
#include <linux/fs.h>

/* The kernel takes the offset as two words, of which the lower holds all of it. */
static inline ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return syscall(SYS_preadv2, fd, iov, count, offset, 0, flags);
}

static inline ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, fd, iov, count, offset, 0, flags);
}
#endif

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)

static inline int close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}
#endif

/* These are not macros anywhere; meson.build tells. */
#ifdef SHMFS_LACKS_STRERRORNAME
#define strerrorname_np strerror
#define sigabbrev_np strsignal
#endif

#endif

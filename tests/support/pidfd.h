/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors of processes, which have wrappers in glibc since 2.36, and in musl none. */
#ifndef SHMFS_TESTS_PIDFD_H
#define SHMFS_TESTS_PIDFD_H

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}

#endif

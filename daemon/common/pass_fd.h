/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that go along with a message over a socket (SCM_RIGHTS), one with each. */
#ifndef SHMFS_COMMON_PASS_FD_H
#define SHMFS_COMMON_PASS_FD_H

#include <sys/socket.h>

/* Room for one in a message; it stays where it is until the message is sent or read. */
union pass_fd {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

/* Adds a descriptor to a message that is to be sent. */
void pass_fd_add(struct msghdr *message, union pass_fd *room, int fd);

/* The descriptor that came with a message, which is the caller's; -1: none did. */
int pass_fd_of(const struct msghdr *message);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Passing descriptors; see pass_fd.h. */
#include "pass_fd.h"

#include <string.h>

void pass_fd_add(struct msghdr *message, union pass_fd *room, int fd)
{
	struct cmsghdr *header;

	memset(room, 0, sizeof *room);
	message->msg_control = room->space;
	message->msg_controllen = sizeof room->space;
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

int pass_fd_of(const struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd;

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	return fd;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications; see notify.h. */
#include "notify.h"

#include <sys/uio.h>

#include "kernel_abi.h"
#include "server.h"

/* A kernel that does not know one refuses it, and a directory that it does not know is no news. */
static void send_notification(
    const struct server *server, int code, void *payload, size_t payload_size)
{
	struct fuse_out_header header = {
	    .len = (uint32_t)(sizeof header + payload_size),
	    .error = code,
	};
	struct iovec iov[] = {{&header, sizeof header}, {payload, payload_size}};

	(void)!writev(server->fuse_fd, iov, payload_size > 0 ? 2 : 1);
}

void notify_removal(const struct server *server, uint64_t dir)
{
	/* An offset below 0: its attributes alone, by which listings are checked. */
	struct fuse_notify_inval_inode_out inode = {.ino = dir, .off = -1};

	send_notification(server, FUSE_NOTIFY_INVAL_INODE, &inode, sizeof inode);
	send_notification(server, ABI_NOTIFY_INC_EPOCH, NULL, 0);
}

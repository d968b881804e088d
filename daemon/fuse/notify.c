/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications; see notify.h. */
#include "notify.h"

#include <sys/uio.h>

#include "abi.h"
#include "process/server.h"

/* A kernel that does not know one refuses it, and what it has never heard of is no news. */
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

/* An offset below 0: its attributes alone, by which listings are checked. */
static void forget_attributes(const struct server *server, uint64_t id)
{
	struct fuse_notify_inval_inode_out inode = {.ino = id, .off = -1};

	send_notification(server, FUSE_NOTIFY_INVAL_INODE, &inode, sizeof inode);
}

void notify_removal(const struct server *server, const struct shmfs_removal *removal)
{
	forget_attributes(server, removal->dir);
	forget_attributes(server, removal->id);
	send_notification(server, ABI_NOTIFY_INC_EPOCH, NULL, 0);
}

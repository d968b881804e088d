/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications; see notify.h. */
#include "notify.h"

#include <sys/uio.h>

#include "abi.h"
#include "channel.h"

/* A kernel that does not know one refuses it, and what it has never heard of is no news. */
static void send_notification(
    const struct channel *channel, int code, void *payload, size_t payload_size)
{
	struct fuse_out_header header = {
	    .len = (uint32_t)(sizeof header + payload_size),
	    .error = code,
	};
	struct iovec iov[] = {{&header, sizeof header}, {payload, payload_size}};

	(void)!writev(channel->fd, iov, payload_size > 0 ? 2 : 1);
}

/* An offset below 0: its attributes alone, by which listings are checked. */
static void forget_attributes(const struct channel *channel, uint64_t id)
{
	struct fuse_notify_inval_inode_out inode = {.ino = id, .off = -1};

	send_notification(channel, FUSE_NOTIFY_INVAL_INODE, &inode, sizeof inode);
}

void notify_removal(const struct channel *channel, const struct shmfs_removal *removal)
{
	forget_attributes(channel, removal->dir);
	forget_attributes(channel, removal->id);
	send_notification(channel, ABI_NOTIFY_INC_EPOCH, NULL, 0);
}

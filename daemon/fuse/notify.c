/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications; see notify.h. */
#include "notify.h"

#include <sys/uio.h>

#include "abi.h"
#include "channel.h"

/* A kernel that does not know one refuses it, and what it has never heard of is no news. */
static bool send_notification(
    const struct channel *channel, int code, void *payload, size_t payload_size)
{
	struct fuse_out_header header = {
	    .len = (uint32_t)(sizeof header + payload_size),
	    .error = code,
	};
	struct iovec iov[] = {{&header, sizeof header}, {payload, payload_size}};

	return writev(channel->fd, iov, payload_size > 0 ? 2 : 1) >= 0;
}

/* An offset below 0: its attributes alone, by which listings are checked. */
static void forget_attributes(const struct channel *channel, uint64_t id)
{
	struct fuse_notify_inval_inode_out inode = {.ino = id, .off = -1};

	(void)send_notification(channel, FUSE_NOTIFY_INVAL_INODE, &inode, sizeof inode);
}

/*
 * FUSE_NOTIFY_DELETE and FUSE_NOTIFY_INVAL_ENTRY are of no use here: they wait for the lock of the
 * directory, which a caller may hold who waits for this server.
 */
static bool forget_node(const struct channel *channel, uint64_t id)
{
	struct {
		struct abi_notify_prune_out prune;
		uint64_t id;
	} out = {.prune = {.count = 1}, .id = id};

	return send_notification(channel, ABI_NOTIFY_PRUNE, &out, sizeof out);
}

/* Of a directory: which there are. Of names all over, since Linux 6.16: what each stands for. */
static void forget_names(const struct channel *channel, uint64_t dir)
{
	forget_attributes(channel, dir);
	(void)send_notification(channel, ABI_NOTIFY_INC_EPOCH, NULL, 0);
}

bool notify_removal(const struct channel *channel, const struct shmfs_removal *removal)
{
	bool forgets = !removal->lingers || forget_node(channel, removal->id);

	if (removal->name[0] == '\0')
		return forgets;
	forget_attributes(channel, removal->id);
	forget_names(channel, removal->dir);
	return forgets;
}

void notify_made(const struct channel *channel, uint64_t dir)
{
	forget_names(channel, dir);
}

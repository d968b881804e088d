/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications; see notify.h. */
#include "notify.h"

#include <sys/uio.h>

#include "abi.h"
#include "channel.h"
#include "common/clock.h"

/* All names are forgotten at most that often for what users do: each is asked for again then. */
#define FORGET_MS 1000

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
/* Since Linux 6.18. */
static bool forget_node(const struct channel *channel, uint64_t id)
{
	struct {
		struct abi_notify_prune_out prune;
		uint64_t id;
	} out = {.prune = {.count = 1}, .id = id};

	return send_notification(channel, ABI_NOTIFY_PRUNE, &out, sizeof out);
}

/* Since Linux 6.16: what names all over stand for. */
static void forget_names(struct channel *channel)
{
	channel->names_forgotten.at = clock_now();
	channel->names_forgotten.due = false;
	(void)send_notification(channel, ABI_NOTIFY_INC_EPOCH, NULL, 0);
}

unsigned notify_rest(struct channel *channel)
{
	uint64_t since = clock_now() - channel->names_forgotten.at;

	if (!channel->names_forgotten.due)
		return 0;
	if (channel->names_forgotten.at != 0 && since < FORGET_MS * CLOCK_MS)
		return FORGET_MS - (unsigned)(since / CLOCK_MS);
	forget_names(channel);
	return 0;
}

void notify_take_up(struct channel *channel)
{
	channel->names_forgotten.at = clock_now();
	channel->names_forgotten.due = true;
}

/*
 * A node that is forgotten takes those of its names along that nobody uses, which are all as a
 * rule: one that is there still when it is looked at again has one that is used.
 */
bool notify_removal(struct channel *channel, const struct shmfs_removal *removal)
{
	bool forgets = forget_node(channel, removal->id);

	if (removal->name[0] != '\0') {
		forget_attributes(channel, removal->id);
		forget_attributes(channel, removal->dir);
	}
	if (!forgets || !removal->lingers || removal->name[0] == '\0')
		channel->names_forgotten.due = true;
	return forgets || !removal->lingers;
}

void notify_made(struct channel *channel, uint64_t dir)
{
	forget_attributes(channel, dir);
	forget_names(channel);
}

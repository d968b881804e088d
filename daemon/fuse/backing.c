/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the kernel knows; see backing.h. */
#include "backing.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "fs/failpoint.h"

int backing_open(struct channel *channel, int fd)
{
	struct exchange *exchange = channel->exchange;
	int file = shmfs_memory_for_backing(fd);
	int id = tier_backing_open(channel->fd, file);

	if (file != fd)
		close(file);
	failpoint("backing id given");
	if (id <= 0)
		return id < 0 ? id : -EIO;
	if (id < exchange->last_backing)
		exchange->backings_wrapped = true;
	exchange->last_backing = id;
	failpoint("backing id in the exchange");
	return id;
}

void backing_close(const struct channel *channel, int backing)
{
	tier_backing_close(channel->fd, backing);
}

/*
 * The server may have died between the kernel's giving an id and its being noted: then it is either
 * the exchange's last, or the next one. Closing one that is not open does no harm as long as none
 * is given out meanwhile. Once the ids have wrapped around, after 2^31 of them, the next one may be
 * in use, and so is left alone: then, what is lost by a kill in that one moment is a registration
 * without an object.
 */
void backing_close_stray(const struct channel *channel)
{
	const struct exchange *exchange = channel->exchange;

	if (channel->tier != TIER_PASSTHROUGH || exchange->last_backing == 0)
		return;
	if (exchange->last_backing != shmfs_last_backing(channel->fs))
		tier_backing_close(channel->fd, exchange->last_backing);
	if (!exchange->backings_wrapped && exchange->last_backing < INT_MAX)
		tier_backing_close(channel->fd, exchange->last_backing + 1);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Room that is on its way; see room.h. */
#include "room.h"

#include <errno.h>

#include "common/clock.h"
#include "fuse/abi.h"
#include "fuse/request.h"
#include "fuse/serve.h"
#include "state.h"

/* Milliseconds after which memory is freed with everybody waiting: some was freed all the time. */
#define MEMORY_PATIENCE_MS 60000

bool room_is_wanted(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT || rc == -ENOMEM || rc == -ENFILE;
}

/* Whether one more request of a user may wait. */
static bool has_place(const struct room *room, uint32_t uid)
{
	unsigned own = 0;

	for (unsigned i = 0; i < room->count; i++)
		own += room->waiters[i].request->cred.uid == uid;
	return 2 * own < ROOM_WAITERS_MAX - (room->count - own);
}

bool room_wait(struct request *request, bool for_memory)
{
	struct channel *channel = request->channel;
	struct room *room = &channel->ops->room;

	if (room->last || (!for_memory && !channel_has_more(channel)) ||
	    !has_place(room, request->cred.uid) || !request_postpone(request))
		return false;
	if (room->count == 0)
		room->tried = channel->counters->requests;
	room->waiters[room->count++] = (struct room_waiter){
	    .request = request,
	    .since = room->since != 0 ? room->since : clock_now(),
	    .for_memory = for_memory,
	};
	return true;
}

static bool is_last_try(const struct room_waiter *waiter, bool drained)
{
	if (waiter->for_memory)
		return clock_now() - waiter->since >= (uint64_t)MEMORY_PATIENCE_MS * CLOCK_MS;
	return drained || waiter->request->opcode == FUSE_STATFS ||
	       clock_now() - waiter->since >= (uint64_t)ROOM_PATIENCE_MS * CLOCK_MS;
}

static struct room_waiter take(struct room *room, unsigned at)
{
	struct room_waiter waiter = room->waiters[at];

	for (room->count--; at < room->count; at++)
		room->waiters[at] = room->waiters[at + 1];
	return waiter;
}

static void try_one(struct channel *channel, const struct room_waiter *waiter, bool last)
{
	struct room *room = &channel->ops->room;

	room->since = waiter->since;
	room->last = last;
	shmfs_set_patient(channel->fs, !last);
	channel_serve_again(channel, waiter->request->slot);
	room->since = 0;
	room->last = false;
	shmfs_set_patient(channel->fs, true);
}

/* Those who have to wait on come into the list again, which each try has made shorter before. */
void room_try_again(struct channel *channel, bool drained)
{
	struct room *room = &channel->ops->room;
	unsigned count = room->count;

	if (count == 0 || (!drained && channel->counters->requests - room->tried < ROOM_INTERVAL))
		return;
	room->tried = channel->counters->requests;
	while (count-- > 0) {
		struct room_waiter first = take(room, 0);

		if (first.for_memory && shmfs_free_pending(channel->fs))
			room->waiters[room->count++] = first;
		else
			try_one(channel, &first, is_last_try(&first, drained));
	}
}

/* One after the other, as long as there is enough: what is freed at a time is not for many. */
void room_memory_freed(struct channel *channel)
{
	struct room *room = &channel->ops->room;
	unsigned i = 0, count;

	while (i < room->count) {
		struct room_waiter waiter;

		if (!room->waiters[i].for_memory) {
			i++;
			continue;
		}
		count = room->count;
		waiter = take(room, i);
		try_one(channel, &waiter, is_last_try(&waiter, false));
		if (room->count >= count)
			return;
	}
}

void room_interrupt(struct channel *channel, uint64_t unique)
{
	struct room *room = &channel->ops->room;
	struct room_waiter waiter;
	unsigned i = 0;

	while (i < room->count && room->waiters[i].request->unique != unique)
		i++;
	if (i == room->count)
		return;
	waiter = take(room, i);
	if (waiter.for_memory) {
		request_interrupt(waiter.request);
		return;
	}
	try_one(channel, &waiter, true);
}

static unsigned count_for_memory(const struct room *room)
{
	unsigned count = 0;

	for (unsigned i = 0; i < room->count; i++)
		count += room->waiters[i].for_memory;
	return count;
}

bool room_is_awaited(const struct channel *channel)
{
	const struct room *room = &channel->ops->room;

	return count_for_memory(room) < room->count;
}

bool room_is_for_memory(const struct channel *channel)
{
	return count_for_memory(&channel->ops->room) > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait; see deferred.h. */
#include "deferred.h"

#include "fuse/request.h"
#include "reply.h"
#include "state.h"

/* Pages that are freed in a row where nobody else can wait. */
#define PAGES 1024

/* In the place of those who would free it beside the loop. */
static void free_now(struct request *request, uint64_t id)
{
	struct shmfs *fs = fs_of(request);

	request_suspend(request);
	while (shmfs_is_freeing(fs, id))
		(void)shmfs_free_step(fs, PAGES);
	request_resume(request);
}

bool deferred_take(struct request *request, uint64_t id, enum deferred_reply reply)
{
	struct deferred_list *deferred = &request->channel->ops->deferred;

	if (!shmfs_is_freeing(fs_of(request), id))
		return false;
	if (!request_defer(request)) {
		free_now(request, id);
		return false;
	}
	deferred->list[deferred->count++] =
	    (struct deferred){.request = request, .id = id, .reply = reply};
	return true;
}

static void answer(const struct deferred *deferred)
{
	struct request *request = deferred->request;
	struct shmfs_attr attr;

	request_resume(request);
	if (deferred->reply == DEFERRED_ATTR) {
		int rc = shmfs_getattr(fs_of(request), NULL, deferred->id, &attr);

		reply_attr(request, rc, &attr);
	} else {
		reply_status(request, 0);
	}
}

void deferred_answer(struct channel *channel)
{
	struct deferred_list *deferred = &channel->ops->deferred;
	unsigned left = 0;

	for (unsigned i = 0; i < deferred->count; i++) {
		struct deferred one = deferred->list[i];

		if (shmfs_is_freeing(channel->fs, one.id))
			deferred->list[left++] = one;
		else
			answer(&one);
	}
	deferred->count = left;
}

/* Of another signal than one that ends it, whoever waits is to learn nothing, as on tmpfs. */
bool deferred_interrupt(struct channel *channel, uint64_t unique)
{
	struct deferred_list *deferred = &channel->ops->deferred;
	struct deferred one;
	unsigned i = 0;

	while (i < deferred->count && deferred->list[i].request->unique != unique)
		i++;
	if (i == deferred->count)
		return false;
	one = deferred->list[i];
	if (!request_is_given_up(one.request))
		return true;
	for (deferred->count--; i < deferred->count; i++)
		deferred->list[i] = deferred->list[i + 1];
	answer(&one);
	return true;
}

bool deferred_any(const struct channel *channel)
{
	return channel->ops->deferred.count > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait; see deferred.h. */
#include "deferred.h"

#include "fuse/request.h"
#include "reply.h"
#include "state.h"

/* Pages that are freed in a row where nobody else can wait. */
#define PAGES 1024

/* Requests that may wait at a time because they owe something. Of what others leave, a user gets
 * half. */
#define OWING_MAX (EXCHANGE_WAITING / 2)

/* In the place of those who would free it beside the loop. */
static void free_now(struct request *request, uint64_t id)
{
	struct shmfs *fs = fs_of(request);

	request_suspend(request);
	while (shmfs_is_freeing(fs, id))
		(void)shmfs_free_step(fs, PAGES);
	request_resume(request);
}

/* Places are for others too: who finds none owes nothing. */
static bool may_owe(const struct deferred_list *deferred, uint32_t uid)
{
	unsigned own = 0, all = 0;

	for (unsigned i = 0; i < deferred->count; i++) {
		struct shmfs_share owed = deferred->list[i].reply.owed;

		all += owed.pages > 0;
		own += owed.pages > 0 && owed.uid == uid;
	}
	return 2 * own < OWING_MAX - (all - own);
}

bool deferred_take(struct request *request, const struct deferred_reply *reply)
{
	struct deferred_list *deferred = &request->channel->ops->deferred;
	bool is_freeing = reply->id != 0 && shmfs_is_freeing(fs_of(request), reply->id);
	bool owes = reply->owed.pages > 0 && may_owe(deferred, reply->owed.uid);

	if (!is_freeing && !owes)
		return false;
	if (!request_defer(request)) {
		if (is_freeing)
			free_now(request, reply->id);
		return false;
	}
	deferred->list[deferred->count++] = (struct deferred){.request = request, .reply = *reply};
	return true;
}

void deferred_pay(struct channel *channel, struct shmfs_share freed)
{
	struct deferred_list *deferred = &channel->ops->deferred;

	for (unsigned i = 0; i < deferred->count && freed.pages > 0; i++) {
		struct shmfs_share *owed = &deferred->list[i].reply.owed;
		uint64_t paid = owed->pages < freed.pages ? owed->pages : freed.pages;

		if (owed->uid != freed.uid)
			continue;
		owed->pages -= paid;
		freed.pages -= paid;
	}
}

static void send(struct request *request, const struct deferred_reply *reply)
{
	struct shmfs_attr attr;
	int rc;

	switch (reply->kind) {
	case DEFERRED_STATUS:
		reply_status(request, 0);
		break;
	case DEFERRED_ATTR:
		rc = shmfs_getattr(fs_of(request), NULL, reply->id, &attr);
		reply_attr(request, rc, &attr);
		break;
	case DEFERRED_WRITTEN:
		reply_written(request, reply->count);
		break;
	case DEFERRED_WRITTEN_64:
		reply_written_64(request, reply->count);
		break;
	}
}

void deferred_send(struct request *request, const struct deferred_reply *reply)
{
	if (reply->count < 0 || !deferred_take(request, reply))
		send(request, reply);
}

static void answer(const struct deferred *deferred)
{
	request_resume(deferred->request);
	send(deferred->request, &deferred->reply);
}

static bool has_to_wait(const struct shmfs *fs, const struct deferred *deferred)
{
	const struct deferred_reply *reply = &deferred->reply;

	return (reply->id != 0 && shmfs_is_freeing(fs, reply->id)) ||
	       (reply->owed.pages > 0 && shmfs_is_freeing_of(fs, reply->owed.uid));
}

void deferred_answer(struct channel *channel)
{
	struct deferred_list *deferred = &channel->ops->deferred;
	unsigned left = 0;

	for (unsigned i = 0; i < deferred->count; i++) {
		struct deferred one = deferred->list[i];

		if (has_to_wait(channel->fs, &one))
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

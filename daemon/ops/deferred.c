/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait; see deferred.h. */
#define FUSE_USE_VERSION 314
#include "deferred.h"

#include <stdlib.h>

#include "reply.h"

struct deferred {
	struct deferred *next;
	fuse_req_t req;
	uint64_t id;
	enum deferred_answer answer;
};

/* There are as many as processes that wait in a call, and each of these has one at most. */
bool deferred_take(struct fuse_req *req, uint64_t id, enum deferred_answer answer)
{
	struct server *server = server_of(req);
	struct deferred *deferred;

	if (!shmfs_is_reclaiming(server->fs, id))
		return false;
	deferred = malloc(sizeof *deferred);
	if (deferred == NULL) {
		shmfs_commit(server->fs);
		while (shmfs_is_reclaiming(server->fs, id))
			(void)shmfs_reclaim(server->fs, 1024);
		shmfs_begin(server->fs);
		return false;
	}
	*deferred = (struct deferred){
	    .next = server->deferred,
	    .req = req,
	    .id = id,
	    .answer = answer,
	};
	server->deferred = deferred;
	return true;
}

static void answer(struct server *server, const struct deferred *deferred)
{
	struct shmfs_attr attr;
	int rc = 0;

	shmfs_begin(server->fs);
	if (deferred->answer == DEFERRED_ATTR) {
		rc = shmfs_getattr(server->fs, NULL, deferred->id, &attr);
		reply_attr(deferred->req, rc, &attr);
	} else {
		reply_status(deferred->req, rc);
	}
}

void deferred_answer(struct server *server)
{
	struct deferred **link = &server->deferred;

	while (*link != NULL) {
		struct deferred *deferred = *link;

		if (shmfs_is_reclaiming(server->fs, deferred->id)) {
			link = &deferred->next;
			continue;
		}
		*link = deferred->next;
		answer(server, deferred);
		free(deferred);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait; see parked.h. */
#define FUSE_USE_VERSION 314
#include "parked.h"

#include <stdlib.h>

#include "reply.h"

struct parked {
	struct parked *next;
	fuse_req_t req;
	uint64_t id;
	enum parked_answer answer;
};

/* There are as many as processes that wait in a call, and each of these has one at most. */
bool parked_take(struct fuse_req *req, uint64_t id, enum parked_answer answer)
{
	struct server *server = server_of(req);
	struct parked *parked;

	if (!shmfs_is_freeing(server->fs, id))
		return false;
	parked = malloc(sizeof *parked);
	if (parked == NULL) {
		shmfs_commit(server->fs);
		while (shmfs_is_freeing(server->fs, id))
			(void)shmfs_free_step(server->fs, 1024);
		shmfs_begin(server->fs);
		return false;
	}
	*parked = (struct parked){
	    .next = server->parked,
	    .req = req,
	    .id = id,
	    .answer = answer,
	};
	server->parked = parked;
	return true;
}

static void answer(struct server *server, const struct parked *parked)
{
	struct shmfs_attr attr;
	int rc = 0;

	shmfs_begin(server->fs);
	if (parked->answer == PARKED_ATTR) {
		rc = shmfs_getattr(server->fs, NULL, parked->id, &attr);
		reply_attr(parked->req, rc, &attr);
	} else {
		reply_status(parked->req, rc);
	}
}

void parked_answer(struct server *server)
{
	struct parked **link = &server->parked;

	while (*link != NULL) {
		struct parked *parked = *link;

		if (shmfs_is_freeing(server->fs, parked->id)) {
			link = &parked->next;
			continue;
		}
		*link = parked->next;
		answer(server, parked);
		free(parked);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that wait for memory to be freed in pieces: a shrink or a hole that is final, but not
 * done. Their answer follows when it is. A server that dies has answered none, so the kernel sends
 * them to the next one, who finds them done, or parks them again.
 */
#ifndef SHMFS_OPS_DEFERRED_H
#define SHMFS_OPS_DEFERRED_H

#include <stdbool.h>

#include "process/server.h"

struct fuse_req;

/* What the answer is: nothing but success, or the attributes. */
enum deferred_answer { DEFERRED_STATUS, DEFERRED_ATTR };

/*
 * Takes over a request about a node that has just been changed, if that is not done
 * (shmfs_is_reclaiming); then its transaction ends here. False: it is to be answered now.
 */
bool deferred_take(struct fuse_req *req, uint64_t id, enum deferred_answer answer);

/* Answers those for whom nothing is to be freed any more. */
void deferred_answer(struct server *server);

#endif

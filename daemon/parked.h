/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that wait for memory to be freed in pieces: a shrink or a hole that is final, but not
 * done. Their answer follows when it is. A server that dies has answered none, so the kernel sends
 * them to the next one, who finds them done, or parks them again.
 */
#ifndef SHMFS_PARKED_H
#define SHMFS_PARKED_H

#include <stdbool.h>

#include "server.h"

struct fuse_req;

/* What the answer is: nothing but success, or the attributes. */
enum parked_answer { PARKED_STATUS, PARKED_ATTR };

/*
 * Takes over a request about a node that has just been changed, if that is not done
 * (shmfs_is_freeing); then its transaction ends here. False: it is to be answered now.
 */
bool parked_take(struct fuse_req *req, uint64_t id, enum parked_answer answer);

/* Answers those for whom nothing is to be freed any more. */
void parked_answer(struct server *server);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred replies: of requests that wait for memory to be freed, for a shrink or a hole that is
 * final, but not done. A server that dies leaves them to the next one, which finds them done, or
 * defers them again.
 */
#ifndef SHMFS_OPS_DEFERRED_H
#define SHMFS_OPS_DEFERRED_H

#include <stdbool.h>

#include "state.h"

/*
 * Takes over a request about a node that has just been changed, if that is not done
 * (shmfs_is_freeing). False: it is to be answered now; where no more requests can wait, it is
 * done then.
 */
bool deferred_take(struct request *request, uint64_t id, enum deferred_reply reply);

/* Answers those for whom nothing is to be freed any more. */
void deferred_answer(struct channel *channel);

/* Who waits was sent a signal: one who is killed by it need not wait to the end. False: nobody
 * waits for the answer of this request. */
bool deferred_interrupt(struct channel *channel, uint64_t unique);

/* Whether any waits. */
bool deferred_any(const struct channel *channel);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred replies: of requests that wait for memory to be freed. A shrink or a hole is final, but
 * not done. And who is granted memory waits until as much is free of what the same user has let go
 * of: otherwise one who makes and ends objects in turns, on processors that others want as well,
 * would have ever more in use, which nobody is charged for. A server that dies leaves such requests
 * to the next one, which finds them done, or defers them again.
 */
#ifndef SHMFS_OPS_DEFERRED_H
#define SHMFS_OPS_DEFERRED_H

#include <stdbool.h>

#include "state.h"

/*
 * Takes over a request that has been served, if it has to wait. False: it is to be answered now;
 * where no more requests can wait, memory of the node is freed then.
 */
bool deferred_take(struct request *request, const struct deferred_reply *reply);

/* Replies, now or when that is not too soon. */
void deferred_send(struct request *request, const struct deferred_reply *reply);

/* So much was freed: those who owe it have paid, the first of them first. */
void deferred_pay(struct channel *channel, struct shmfs_share freed);

/* Answers those for whom nothing is to be freed any more. */
void deferred_answer(struct channel *channel);

/* Who waits was sent a signal: one who is killed by it need not wait to the end. False: nobody
 * waits for the answer of this request. */
bool deferred_interrupt(struct channel *channel, uint64_t unique);

/* Whether any waits. */
bool deferred_any(const struct channel *channel);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is. The kernel hands requests over in the order in which they came, so that whoever
 * has many threads in calls would have everybody else wait for all of them. Where requests come
 * faster than they are served, what the kernel has is received ahead, and users take turns: next is
 * the one who has had the least of the loop's time.
 *
 * Looking ahead takes a call that finds nothing; so it is done after some requests in a row, and
 * after fewer where those of several users have come lately. A client that waits for the answer of
 * its only request never has it done.
 *
 * What no user waits for (FORGET, RELEASE, what the kernel writes back, INTERRUPT) is served as it
 * comes; but only a few of those in a row while users wait. A FORGET counts what was answered, and
 * a RELEASE comes when all of its opening was: neither minds what it overtakes.
 *
 * Requests that wait here were not begun. A server that dies leaves them in the exchange.
 */
#ifndef SHMFS_FUSE_TURNS_QUEUE_H
#define SHMFS_FUSE_TURNS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;
struct queue;

/* A request is to be served, or there is none. */
void queue_begin(struct queue *queue);

/* Whether to receive another request before one is served. */
bool queue_looks(const struct channel *channel);

/* The request in the current slot has this length: has it wait for its turn. False: it is to be
 * served now. */
bool queue_put(struct channel *channel, size_t length);

/* The kernel has no more. */
void queue_drained(struct queue *queue);

/* Makes the request whose turn it is the current one, and returns its length; there is one. */
size_t queue_take(struct channel *channel);

/* The current request was served. */
void queue_served(struct queue *queue);

/* Requests in cells, which a server before this one has left; the slots are sorted out. */
void queue_take_over(struct channel *channel);

/* Whether more memory was taken for requests than there is a use for as a rule. */
bool queue_has_spare(const struct channel *channel);

/* Gives it back where none has waited since the last call. Returns the milliseconds after which to
 * call again, 0: when there is spare memory again. */
unsigned queue_give_back(struct channel *channel);

/* Whoever waits for the answer of this request was sent a signal: one who is killed by it need not
 * wait. False: it does not wait here. */
bool queue_interrupt(struct channel *channel, uint64_t unique);

#endif

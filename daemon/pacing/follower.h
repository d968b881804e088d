/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the serving thread runs on the processor of its client.
 *
 * To wake a thread on another processor takes several times as long as to serve a request, and each
 * request does it twice. Where there is one client that does nothing without an answer, both can
 * have the same processor. This decides when that pays:
 *  - one thread has asked again and again, and goes on to do so;
 *  - the processors are not wanted by others;
 *  - the client stays where it is, by and large.
 * What does harm (requests that are not served, a second client, a client that wanders) ends it for
 * a while, which doubles each time.
 *
 * Times are nanoseconds of a clock that does not go back, and are handed in.
 */
#ifndef SHMFS_PACING_FOLLOWER_H
#define SHMFS_PACING_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"

/* How often it is to be looked at while the client is followed. */
#define FOLLOWER_PERIOD UINT64_C(1000000)

/* Requests further apart than this do not make a streak. */
#define FOLLOWER_GAP UINT64_C(200000)

/* What there is to be seen. */
struct follower_look {
	uint64_t now;
	uint64_t requests; /* so far */
	uint64_t changes;  /* how often another thread asked than before, so far */
	uint32_t client;   /* the thread that asked last; 0: not known */
	int processor;	   /* where it is; -1: not known, or not to be followed */
	bool waiting;	   /* there is a request that was not taken yet */
	unsigned running;  /* threads that run or want to, of the whole machine */
};

struct follower {
	unsigned processors;
	bool following;
	int processor;
	uint64_t requests, changes; /* at the last look */
	unsigned wandering;
	uint32_t known;	 /* the client that was followed last, if without harm, else 0 */
	uint64_t paused; /* until then nobody is followed */
	struct backoff harms;
};

void follower_init(struct follower *follower, unsigned processors);

/*
 * How many requests of one client in a row, none of another between them, are reason to ask for it.
 * The one that is known needs fewer.
 */
unsigned follower_streak(bool is_known);

/* Nobody can be followed now, nor will that change at once. */
void follower_cannot(struct follower *follower, uint64_t now);

/* Whether to follow the client to its processor. */
bool follower_begins(struct follower *follower, const struct follower_look *look);

/* Whether to go on; follower->processor is where to. */
bool follower_goes_on(struct follower *follower, const struct follower_look *look);

#endif

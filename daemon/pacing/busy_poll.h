/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to look for the next request instead of sleeping until it comes.
 *
 * A thread that sleeps on another processor than its client has to be woken for every request,
 * which costs more than the request. One that looks again and again is there at once, but takes the
 * processor from whoever could use it. So looking is bounded, and this decides whether it pays:
 *  - a client that leaves more time between its requests than the bound is not waited for;
 *  - where more threads want to run than there are processors for, they get this one;
 *  - where another thread got this thread's processor while it looked, the processors are busy, and
 *    where the next request comes as soon as this thread sleeps, the client itself had been waiting
 *    for this processor: then looking does harm, and is left for a while that doubles each time.
 *
 * Times are nanoseconds of a clock that does not go back, and are handed in.
 */
#ifndef SHMFS_PACING_BUSY_POLL_H
#define SHMFS_PACING_BUSY_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"

struct busy_poll {
	uint64_t bound;	  /* how long to look; 0 = never */
	uint64_t since;	  /* when looking began */
	uint64_t looked;  /* the last look */
	uint64_t slept;	  /* when sleep began */
	bool gave_up;	  /* that sleep came after looking to the bound */
	unsigned crowded; /* requests in a row that came at once after that */
	unsigned vain;	  /* sleeps in a row that were longer than the bound */
	uint64_t paused;  /* until then there is no looking */
	struct backoff losses;
	uint64_t asked; /* when the load was told */
	unsigned processors;
};

/* More than bound is never spent on looking in a row. */
void busy_poll_init(struct busy_poll *poll, unsigned bound_us, unsigned processors);

/* Requests have come while the thread slept. */
void busy_poll_woken(struct busy_poll *poll, uint64_t now);

/* Whether it is time to be told how many threads run or want to, this one included. */
bool busy_poll_asks(const struct busy_poll *poll, uint64_t now);
void busy_poll_told(struct busy_poll *poll, uint64_t now, unsigned running);

/* There is no request: whether to begin looking. If not, the thread sleeps. */
bool busy_poll_begin(struct busy_poll *poll, uint64_t now);

/* A request came while looking, and was served: looking begins again. */
void busy_poll_served(struct busy_poll *poll, uint64_t now);

/* There still is none: whether to go on. If not, the thread sleeps. */
bool busy_poll_goes_on(struct busy_poll *poll, uint64_t now);

#endif

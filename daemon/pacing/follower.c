/* SPDX-License-Identifier: BSD-2-Clause */
/* When to follow a client; see follower.h. */
#include "follower.h"

#define MS UINT64_C(1000000)

/* A streak that is long enough to say that it goes on; that of a client known to do so. */
#define STREAK 32
#define SHORT_STREAK 4

/* Fewer requests in a period are no reason to be near. */
#define LEAST_REQUESTS 4

/* Pauses after harm. */
#define SHORTEST_PAUSE (16 * MS)
#define LONGEST_PAUSE (1024 * MS)

/* A crowd is no harm yet, and may be gone soon. */
#define CROWDED_PAUSE (16 * MS)

/* A change of processor counts so much, a look without one takes one off. */
#define A_CHANGE 4
#define WANDERS 32

void follower_init(struct follower *follower, unsigned processors)
{
	*follower = (struct follower){.processors = processors,
	    .harms = {.shortest = SHORTEST_PAUSE, .longest = LONGEST_PAUSE}};
}

unsigned follower_streak(bool is_known)
{
	return is_known ? SHORT_STREAK : STREAK;
}

static void harm(struct follower *follower, uint64_t now)
{
	follower->paused = backoff_next(&follower->harms, now);
	follower->known = 0;
}

void follower_cannot(struct follower *follower, uint64_t now)
{
	follower->paused = now + LONGEST_PAUSE;
}

static void remember(struct follower *follower, const struct follower_look *look)
{
	follower->requests = look->requests;
	follower->changes = look->changes;
	follower->processor = look->processor;
}

/*
 * The pair and whoever looks are running, and one more may be on another processor. With more,
 * there is a thread that waits for one.
 */
static bool is_crowded(const struct follower *follower, const struct follower_look *look)
{
	return look->running > follower->processors + 1;
}

bool follower_begins(struct follower *follower, const struct follower_look *look)
{
	if (look->now < follower->paused)
		return false;
	if (look->processor < 0) {
		follower_cannot(follower, look->now);
		return false;
	}
	if (is_crowded(follower, look)) {
		follower->paused = look->now + CROWDED_PAUSE;
		return false;
	}
	remember(follower, look);
	follower->wandering = 0;
	follower->following = true;
	return true;
}

static bool wanders(struct follower *follower, int processor)
{
	if (processor != follower->processor)
		follower->wandering += A_CHANGE;
	else if (follower->wandering > 0)
		follower->wandering--;
	return follower->wandering > WANDERS;
}

bool follower_goes_on(struct follower *follower, const struct follower_look *look)
{
	uint64_t requests = look->requests - follower->requests;
	bool few = requests < LEAST_REQUESTS;
	bool harmful = (few && look->waiting) || look->changes != follower->changes ||
		       (look->processor >= 0 && wanders(follower, look->processor));

	if (!harmful && !few && look->processor >= 0) {
		remember(follower, look);
		return true;
	}
	follower->following = false;
	if (harmful)
		harm(follower, look->now);
	else
		follower->known = look->client;
	return false;
}

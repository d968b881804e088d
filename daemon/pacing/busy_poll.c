/* SPDX-License-Identifier: BSD-2-Clause */
/* When to look for the next request; see busy_poll.h. */
#include "busy_poll.h"

#define US UINT64_C(1000)
#define MS (1000 * US)

/* Between two looks lies one request at most: after so long, others have run here. */
#define LOST (1 * MS)

/* A request that comes so soon after sleep began had been waiting for the processor. */
#define AT_ONCE (12 * US)

/* Pauses after a loss. */
#define SHORTEST_PAUSE (2 * MS)
#define LONGEST_PAUSE (64 * MS)

/* One that comes at once may do so by chance, but not several without one that came before. */
#define CROWDED 2

/* How often the load is asked for, which costs as much as a few looks; and what a high one costs.
 */
#define LOAD_PERIOD (5 * MS)
#define LOAD_PAUSE (20 * MS)

/* So many long sleeps in a row tell that the next one will be long too. */
#define VAIN_ENOUGH 4

void busy_poll_init(struct busy_poll *poll, unsigned bound_us, unsigned processors)
{
	*poll = (struct busy_poll){.bound = bound_us * US,
	    .losses = {.shortest = SHORTEST_PAUSE, .longest = LONGEST_PAUSE},
	    .processors = processors};
}

bool busy_poll_asks(const struct busy_poll *poll, uint64_t now)
{
	return poll->bound > 0 && now >= poll->paused && now - poll->asked >= LOAD_PERIOD;
}

void busy_poll_told(struct busy_poll *poll, uint64_t now, unsigned running)
{
	poll->asked = now;
	/* Two clients may be running on two processors: one thread too many is nobody else yet. */
	if (running > poll->processors + 1)
		poll->paused = now + LOAD_PAUSE;
}

static void pause_looking(struct busy_poll *poll, uint64_t now)
{
	poll->paused = backoff_next(&poll->losses, now);
}

static void sleep_now(struct busy_poll *poll, uint64_t now, bool gave_up)
{
	poll->slept = now;
	poll->gave_up = gave_up;
}

void busy_poll_woken(struct busy_poll *poll, uint64_t now)
{
	uint64_t asleep = now - poll->slept;

	if (!poll->gave_up || asleep >= AT_ONCE)
		poll->crowded = 0;
	else if (++poll->crowded >= CROWDED)
		pause_looking(poll, now);
	if (asleep < poll->bound)
		poll->vain = 0;
	else if (poll->vain < VAIN_ENOUGH)
		poll->vain++;
}

bool busy_poll_begin(struct busy_poll *poll, uint64_t now)
{
	if (poll->bound == 0 || now < poll->paused || poll->vain == VAIN_ENOUGH) {
		sleep_now(poll, now, false);
		return false;
	}
	poll->since = poll->looked = now;
	return true;
}

/* Whoever lost the processor finds requests when it is back, so this is asked after every look. */
static void note_look(struct busy_poll *poll, uint64_t now)
{
	if (now - poll->looked > LOST)
		pause_looking(poll, now);
	poll->looked = now;
}

void busy_poll_served(struct busy_poll *poll, uint64_t now)
{
	note_look(poll, now);
	poll->crowded = 0;
	poll->since = now;
}

bool busy_poll_goes_on(struct busy_poll *poll, uint64_t now)
{
	note_look(poll, now);
	if (now >= poll->paused && now - poll->since < poll->bound)
		return true;
	sleep_now(poll, now, now >= poll->paused);
	return false;
}

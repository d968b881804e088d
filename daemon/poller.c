/* SPDX-License-Identifier: BSD-2-Clause */
/* When to look for the next request; see poller.h. */
#include "poller.h"

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

void poller_init(struct poller *poller, unsigned bound_us, unsigned processors)
{
	*poller = (struct poller){.bound = bound_us * US,
	    .losses = {.shortest = SHORTEST_PAUSE, .longest = LONGEST_PAUSE},
	    .processors = processors};
}

bool poller_asks(const struct poller *poller, uint64_t now)
{
	return poller->bound > 0 && now >= poller->paused && now - poller->asked >= LOAD_PERIOD;
}

void poller_told(struct poller *poller, uint64_t now, unsigned running)
{
	poller->asked = now;
	/* Two clients may be running on two processors: one thread too many is nobody else yet. */
	if (running > poller->processors + 1)
		poller->paused = now + LOAD_PAUSE;
}

static void pause_looking(struct poller *poller, uint64_t now)
{
	poller->paused = backoff_extend(&poller->losses, now);
}

static void sleep_now(struct poller *poller, uint64_t now, bool gave_up)
{
	poller->slept = now;
	poller->gave_up = gave_up;
}

void poller_woken(struct poller *poller, uint64_t now)
{
	uint64_t asleep = now - poller->slept;

	if (!poller->gave_up || asleep >= AT_ONCE)
		poller->crowded = 0;
	else if (++poller->crowded >= CROWDED)
		pause_looking(poller, now);
	if (asleep < poller->bound)
		poller->vain = 0;
	else if (poller->vain < VAIN_ENOUGH)
		poller->vain++;
}

bool poller_begin(struct poller *poller, uint64_t now)
{
	if (poller->bound == 0 || now < poller->paused || poller->vain == VAIN_ENOUGH) {
		sleep_now(poller, now, false);
		return false;
	}
	poller->since = poller->looked = now;
	return true;
}

/* Whoever lost the processor finds requests when it is back, so this is asked after every look. */
static void note_look(struct poller *poller, uint64_t now)
{
	if (now - poller->looked > LOST)
		pause_looking(poller, now);
	poller->looked = now;
}

void poller_served(struct poller *poller, uint64_t now)
{
	note_look(poller, now);
	poller->crowded = 0;
	poller->since = now;
}

bool poller_goes_on(struct poller *poller, uint64_t now)
{
	note_look(poller, now);
	if (now >= poller->paused && now - poller->since < poller->bound)
		return true;
	sleep_now(poller, now, now >= poller->paused);
	return false;
}

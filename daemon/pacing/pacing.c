/* SPDX-License-Identifier: BSD-2-Clause */
/* How the serving thread waits; see pacing.h. */
#include "pacing.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "affinity.h"
#include "busy_poll.h"
#include "common/clock.h"
#include "load.h"

struct pacing {
	struct busy_poll poll;
	struct affinity *affinity; /* NULL: nobody is followed */
	bool looking;
	int load; /* a descriptor of load.h */
};

int pacing_new(int fuse_fd, unsigned poll_us, bool follow, struct pacing **out)
{
	unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	struct pacing *pacing = calloc(1, sizeof *pacing);

	if (pacing == NULL)
		return -ENOMEM;
	pacing->load = load_open();
	busy_poll_init(&pacing->poll, poll_us, processors);
	if (follow)
		pacing->affinity = affinity_new(fuse_fd, processors);
	*out = pacing;
	return 0;
}

void pacing_free(struct pacing *pacing)
{
	if (pacing == NULL)
		return;
	affinity_free(pacing->affinity);
	if (pacing->load >= 0)
		close(pacing->load);
	free(pacing);
}

void pacing_woken(struct pacing *pacing)
{
	if (!pacing->looking && !affinity_decides(pacing->affinity))
		busy_poll_woken(&pacing->poll, clock_now());
}

void pacing_served(struct pacing *pacing, uint32_t client)
{
	if (pacing->looking)
		busy_poll_served(&pacing->poll, clock_now());
	affinity_served(pacing->affinity, client);
}

static bool goes_on(struct pacing *pacing, bool found)
{
	uint64_t now;

	if (found)
		return true;
	now = clock_now();
	if (busy_poll_asks(&pacing->poll, now))
		busy_poll_told(&pacing->poll, now, load_running(pacing->load));
	return busy_poll_goes_on(&pacing->poll, now);
}

bool pacing_looks(struct pacing *pacing, bool found)
{
	if (affinity_decides(pacing->affinity))
		pacing->looking = false;
	else if (pacing->looking)
		pacing->looking = goes_on(pacing, found);
	else
		pacing->looking = busy_poll_begin(&pacing->poll, clock_now());
	return pacing->looking;
}

void pacing_leave(struct pacing *pacing)
{
	if (pacing != NULL)
		affinity_leave(pacing->affinity);
}

void pacing_rest(struct pacing *pacing, bool rests)
{
	affinity_rest(pacing->affinity, rests);
}

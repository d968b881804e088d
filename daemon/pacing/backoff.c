/* SPDX-License-Identifier: BSD-2-Clause */
/* Pauses that grow; see backoff.h. */
#include "backoff.h"

/* The next one is short again if there was no harm for so many times as long as the last. */
#define CALM 8

uint64_t backoff_next(struct backoff *backoff, uint64_t now)
{
	if (backoff->length == 0 || now - backoff->end > CALM * backoff->length)
		backoff->length = backoff->shortest;
	else if (backoff->length < backoff->longest)
		backoff->length *= 2;
	backoff->end = now + backoff->length;
	return backoff->end;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long to leave what did harm: each time twice as long, up to a bound, and a short time again
 * once there was no harm for several times as long as the last one.
 *
 * Times are nanoseconds of a clock that does not go back.
 */
#ifndef SHMFS_PACING_BACKOFF_H
#define SHMFS_PACING_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint64_t shortest, longest;
	uint64_t length; /* of the last one; 0: there was none */
	uint64_t end;	 /* and its end */
};

/* Harm was done now; returns until when to leave it. */
uint64_t backoff_next(struct backoff *backoff, uint64_t now);

#endif

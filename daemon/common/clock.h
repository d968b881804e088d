/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock by which the server decides when to look and where to run. */
#ifndef SHMFS_COMMON_CLOCK_H
#define SHMFS_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND UINT64_C(1000000000)
#define CLOCK_MS UINT64_C(1000000)

/* Nanoseconds. */
static inline uint64_t clock_read(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * CLOCK_SECOND + (uint64_t)time.tv_nsec;
}

/* It does not go back. */
static inline uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* The same clock as it was at the last tick of the system's, some milliseconds ago at the most, for
 * a fifth of the cost. */
static inline uint64_t clock_last_tick(void)
{
	return clock_read(CLOCK_MONOTONIC_COARSE);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections of the control socket that outlive a server, as there are pins of theirs. Server and
 * supervisor share one table of descriptors, so it is enough that nobody closes them. This lies in
 * the handover; bits are of descriptors, all of which are below 64.
 */
#ifndef SHMFS_COMMON_KEPT_H
#define SHMFS_COMMON_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kept {
	_Atomic uint64_t pinned;
	/* A call, or its answer, is under way, of which the next server knows nothing. */
	_Atomic uint64_t busy;
};

static inline void kept_set(_Atomic uint64_t *bits, int fd, bool on)
{
	uint64_t bit = UINT64_C(1) << fd;

	if (on)
		atomic_fetch_or(bits, bit);
	else
		atomic_fetch_and(bits, ~bit);
}

static inline bool kept_has(const struct kept *kept, int fd)
{
	return (kept->pinned & ~kept->busy) >> fd & 1;
}

#endif

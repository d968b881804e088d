/* SPDX-License-Identifier: BSD-2-Clause */
/* What one would like to find in stdint.h. */
#ifndef SHMFS_ARITH_H
#define SHMFS_ARITH_H

#include <stdint.h>

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

#endif

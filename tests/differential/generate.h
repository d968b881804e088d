/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of a round, made from a seed and its number alone. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_GENERATE_H
#define SHMFS_TESTS_DIFFERENTIAL_GENERATE_H

#include "side.h"

struct plan {
	uint64_t seed;
	const bool *without; /* by kind: is not made */
};

/* The last calls of a round look at everything there is. */
void generate_round(const struct plan *plan, uint64_t round, struct call calls[], unsigned count);

#endif

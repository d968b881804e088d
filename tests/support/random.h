/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for random tests, which can be had again: SHMFS_TEST_SEED sets the seed. */
#ifndef SHMFS_TESTS_SUPPORT_RANDOM_H
#define SHMFS_TESTS_SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* Prints the seed with the test's name. */
struct random random_begin(const char *test);

/* How many steps to go: `usual`, and more in proportion to SHMFS_TEST_STEPS above 200000. */
unsigned random_steps(unsigned usual);

uint64_t random_next(struct random *random);
/* 0 .. bound-1 */
unsigned random_below(struct random *random, unsigned bound);
/* True in so many of a hundred cases. */
bool random_percent(struct random *random, unsigned percent);
void random_bytes(struct random *random, void *out, size_t size);

#endif

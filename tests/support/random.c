/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator of random.h. */
#include "random.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { USUAL_STEPS = 200000 };

struct random random_begin(const char *test)
{
	const char *given = getenv("SHMFS_TEST_SEED");
	uint64_t seed;

	if (given != NULL)
		seed = strtoull(given, NULL, 0);
	else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		abort();
	printf("%s: SHMFS_TEST_SEED=%" PRIu64 "\n", test, seed);
	/* An assertion ends the process without flushing. */
	fflush(stdout);
	return (struct random){seed};
}

unsigned random_steps(unsigned usual)
{
	const char *given = getenv("SHMFS_TEST_STEPS");
	uint64_t steps = usual;

	if (given != NULL)
		steps = usual * (uint64_t)strtoul(given, NULL, 0) / USUAL_STEPS;
	return steps == 0 ? 1 : steps > UINT_MAX ? UINT_MAX : (unsigned)steps;
}

/* splitmix64 */
uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned random_below(struct random *random, unsigned bound)
{
	return (unsigned)(random_next(random) % bound);
}

bool random_percent(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

void random_bytes(struct random *random, void *out, size_t size)
{
	unsigned char *bytes = out;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)random_next(random);
}

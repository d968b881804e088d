/* SPDX-License-Identifier: BSD-2-Clause */
/* See times.h. */
#include "times.h"

#include <stdio.h>
#include <sys/stat.h>

static const struct {
	const char *name;
	struct timespec time;
} choices[] = {
    {"2001", {1000000000, 123456789}},
    {"2005", {1120000000, 1}},
    {"2100", {4102444800, 999999999}},
    {"1949", {-650000000, 5}},
    {"now", {0, UTIME_NOW}},
    {"omit", {0, UTIME_OMIT}},
    {"bad", {1000000000, 1000000000}},
};
enum { GIVEN = 4, VALID = 6, CHOICES = 7 };

/* A malformed one is rare. */
static unsigned pick(uint64_t seed)
{
	return seed % 40 == 0 ? CHOICES - 1 : (unsigned)(seed >> 8) % VALID;
}

void times_make(uint64_t seed, struct timespec times[2])
{
	times[0] = choices[pick(seed)].time;
	times[1] = choices[pick(seed >> 20)].time;
}

bool times_are_given(uint64_t seed)
{
	return pick(seed) < GIVEN && pick(seed >> 20) < GIVEN;
}

void times_print(uint64_t seed, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", choices[pick(seed)].name, choices[pick(seed >> 20)].name);
}

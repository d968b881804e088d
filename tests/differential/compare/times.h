/* SPDX-License-Identifier: BSD-2-Clause */
/* Times to set: far enough from now to be told from it (see give_view). */
#ifndef SHMFS_TESTS_DIFFERENTIAL_TIMES_H
#define SHMFS_TESTS_DIFFERENTIAL_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

void times_make(uint64_t seed, struct timespec times[2]);
/* Both times are values, and not "now" or "leave". */
bool times_are_given(uint64_t seed);
void times_print(uint64_t seed, char *out, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people write them. Reading is strict: a text is taken whole or refused, so a typing
 * mistake never becomes a value that nobody meant.
 */
#ifndef SHMFS_COMMON_NUMBER_H
#define SHMFS_COMMON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Digits, at least one, up to *end. False: there are none, or too many. */
bool number_read(const char *text, int base, uint64_t *out, const char **end);

/* Digits and nothing else, at most max. */
bool number_read_plain(const char *text, int base, uint64_t max, uint64_t *out);

/*
 * The same with one of these letters behind, or none: the first stands for a factor of 1024, and
 * each of the others for 1024 times that of the one before it.
 */
bool number_read_scaled(const char *text, const char *letters, uint64_t max, uint64_t *out);

#endif

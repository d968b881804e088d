/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash,
 * which nobody without the key can tell from a random function, whatever they may choose and see.
 */
#ifndef SHMFS_SIPHASH_H
#define SHMFS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of eight bytes, which are `head`'s from the lowest on, and the given ones after them. */
uint64_t siphash(const uint64_t key[2], uint64_t head, const void *bytes, size_t length);

#endif

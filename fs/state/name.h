/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of entries: which are legal, how they are hashed, which patterns they match. */
#ifndef SHMFS_NAME_H
#define SHMFS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of a legal name of at most `most` bytes; -EINVAL (empty, ".", "..", with a slash) or
 * -ENAMETOOLONG. */
int name_length(const char *name, int most);

/*
 * FNV-1 of 64 bits over the bytes of a name, from the given basis: h = h * prime ^ byte.
 *
 * Names are chosen by users in a directory that everybody may write to, so a basis that they know
 * would let them pile up names in one bucket. Namespaces therefore draw their basis at random. That
 * makes it dear and not impossible: the low byte of a state depends on that of the basis alone, and
 * names can be computed that collide for every basis with one low byte. So buckets are bounded too.
 */
uint64_t name_hash(uint64_t basis, const char *name, size_t length);

/* The basis that the published test vectors of FNV use. */
#define NAME_FNV_BASIS UINT64_C(0xcbf29ce484222325)

/* Whether a name matches one of the patterns of fnmatch(3), which stand between colons. */
bool name_matches(const char *patterns, const char *name);

#endif

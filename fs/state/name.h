/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of entries: which are legal, which patterns they match. */
#ifndef SHMFS_NAME_H
#define SHMFS_NAME_H

#include <stdbool.h>

/* The length of a legal name of at most `most` bytes; -EINVAL (empty, ".", "..", with a slash) or
 * -ENAMETOOLONG. */
int name_length(const char *name, int most);

/* Whether a name matches one of the patterns of fnmatch(3), which stand between colons. */
bool name_matches(const char *patterns, const char *name);

#endif

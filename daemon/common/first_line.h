/* SPDX-License-Identifier: BSD-2-Clause */
/* What another program said first. */
#ifndef SHMFS_COMMON_FIRST_LINE_H
#define SHMFS_COMMON_FIRST_LINE_H

#include <stddef.h>

/* The first line of a file, from its start, without its end and without this prefix; "" if there is
 * none. */
void first_line(int fd, const char *prefix, char *out, size_t size);

#endif

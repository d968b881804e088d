/* SPDX-License-Identifier: BSD-2-Clause */
/* What of this system would break a promise, said when a mount begins. */
#ifndef SHMFS_SYSTEM_WARNINGS_H
#define SHMFS_SYSTEM_WARNINGS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Calls say(arg, line) for each: what is so, what comes of it, and the remedy. size: of the mount
 * in bytes, 0 for no limit. root: where /proc and /sys are, "" for the system's own. What cannot be
 * read is no reason to warn.
 */
void warnings_say(
    const char *root, uint64_t size, void (*say)(void *arg, const char *line), void *arg);

#endif

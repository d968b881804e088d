/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that race at the limit of their working directory. */
#ifndef SHMFS_TESTS_MOUNTED_SIZE_RACING_H
#define SHMFS_TESTS_MOUNTED_SIZE_RACING_H

/* How many pages may be used there. */
#define RACING_PAGES 256

/*
 * Four processes make, grow, map, touch and remove objects there for so many seconds. Each gets
 * memory that is there, or an error: ENOSPC, or what ftruncate(2) has in its place. With
 * FreeBSD's rules, where that is ENOMEM, none grows by writing.
 */
void race_at_the_limit(int seconds, int ftruncate_error);

#endif

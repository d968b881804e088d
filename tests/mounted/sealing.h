/* SPDX-License-Identifier: BSD-2-Clause */
/* Setting seals of objects. */
#ifndef SHMFS_TESTS_MOUNTED_SEALING_H
#define SHMFS_TESTS_MOUNTED_SEALING_H

#include <sys/types.h>

#define SEALS "user.shmfs.seals"

int seal(const char *name, const char *seals);
/* The seal "write" on "a": the kernel tells the daemon of the last close a moment later. */
void expect_write_seal_soon(void);
/* A new object "a" with a pattern and these seals. */
void make_sealed(off_t size, const char *seals);

#endif

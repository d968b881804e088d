/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls of the outside world (outside.h) have in common. */
#ifndef SHMFS_TESTS_UNIT_OUTSIDE_CALLS_H
#define SHMFS_TESTS_UNIT_OUTSIDE_CALLS_H

#include "outside.h"

/* Counts a call; true: it is to fail, with the negative errno of outside_failure(). */
bool outside_arrive(const void *arg, enum outside_call call);
int outside_failure(void);
/* After its work. */
void outside_leave(void);

/* Calls of struct shmfs_os. */
int outside_memory_name(void *arg, int fd, enum shmfs_pages pages, uint64_t name);
void outside_memory_unname(void *arg, enum shmfs_pages pages, uint64_t name);
int outside_memory_open(void *arg, int fd, enum shmfs_pages pages, uint64_t name);
int outside_look_by_name(
    void *arg, enum shmfs_pages pages, uint64_t name, struct shmfs_memory_state *out);

#endif

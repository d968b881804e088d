/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that forks the workers of a role; see role.h. */
#ifndef SHMFS_ROLES_ZYGOTE_H
#define SHMFS_ROLES_ZYGOTE_H

#include <stdbool.h>

#include "role.h"

/* By its first argument, which is the name that ps(1) shows. */
const char *zygote_name(enum role role);
bool zygote_is(const char *name, enum role *role);

/* The whole life of one, whose descriptor 0 is the socket; its exit status. */
int zygote_run(enum role role);

/* A worker had failed: the next zygote has another layout of memory, so that nobody who makes them
 * crash learns anything by that. */
#define ZYGOTE_WORKER_FAILED 3

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What zygotes and workers give up before they read anything. */
#ifndef SHMFS_ROLES_SETTLE_H
#define SHMFS_ROLES_SETTLE_H

#include "role.h"

/*
 * A zygote's part, which its workers inherit. The parser's becomes a user of its own, "shmfs" or
 * else "nobody", whose root is an empty directory, as far as the process has the privileges for
 * that. A negative errno: it is to end.
 */
int settle_zygote(enum role role);

/* A worker's, which needs no other process, and no file that it has not open if it is a parser. */
int settle_worker(enum role role);

#endif

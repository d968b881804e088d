/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: its one thread owns the namespace. */
#ifndef SHMFS_LOOP_H
#define SHMFS_LOOP_H

#include "server.h"

/*
 * Serves until the filesystem is unmounted by somebody, or SIGTERM or SIGINT asks for the end;
 * tells the latter from the former by *signal (0: unmounted). A negative errno if the loop cannot
 * run or the channel fails; -ECONNABORTED: the connection was cut, by an unmount or by an abort in
 * /sys/fs/fuse/connections.
 */
int loop_run(struct server *server, int *signal);

#endif

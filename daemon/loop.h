/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: its one thread owns the namespace. */
#ifndef SHMFS_LOOP_H
#define SHMFS_LOOP_H

#include "server.h"

/*
 * Keeps SIGTERM and SIGINT waiting from now on, until loop_run() is there to take them: before that
 * they would end the process and leave a dead mount.
 */
void loop_hold_signals(void);

/*
 * Calls ready(arg) once everything is set up, then serves until the filesystem is unmounted by
 * somebody, or SIGTERM or SIGINT asks for the end; tells the latter from the former by *signal
 * (0: unmounted). A negative errno if the loop cannot run or the channel fails; -ECONNABORTED: the
 * connection was cut, by an unmount or by an abort in /sys/fs/fuse/connections.
 */
int loop_run(struct server *server, void (*ready)(void *arg), void *arg, int *signal);

#endif

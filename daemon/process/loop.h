/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: its one thread owns the namespace. */
#ifndef SHMFS_PROCESS_LOOP_H
#define SHMFS_PROCESS_LOOP_H

#include <signal.h>

#include "server.h"

/* The signal by which the kernel tells a server that its supervisor is gone. */
#define LOOP_ORPHANED SIGUSR2

/*
 * Calls ready(arg) once everything is set up, then serves until the filesystem is unmounted by
 * somebody, or SIGTERM or LOOP_ORPHANED asks for the end; tells the latter from the former by
 * *signal (0: unmounted). No request is half done then. A negative errno if the loop cannot run or
 * the channel fails; -ECONNABORTED: the connection was cut, by an unmount or by an abort in
 * /sys/fs/fuse/connections.
 *
 * The signals that end it may be blocked before; none is lost then.
 */
int loop_run(struct server *server, void (*ready)(void *arg), void *arg, int *signal);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: the process that was started. It has the mount, the handover and the arena, and
 * lets a child serve them; when that dies, it starts the next one, and nobody notices. It has one
 * thread and waits for signals, and while a server lives it changes nothing.
 *
 * Supervisor and server have one table of descriptors, so that whatever a server opens stays open
 * when it dies. Descriptors below 64 are the processes' own: those that were there before the first
 * server are the supervisor's, all others are closed when a server is gone. From 64 on they are
 * objects' memory, whose numbers the namespace keeps (descriptor.h).
 *
 *   SIGCHLD           the server ended
 *   SIGUSR1           it answers from now on
 *   SIGTERM, SIGINT   the end: unmount
 *   SIGHUP            go on with the program that is installed now (upgrade.h)
 */
#ifndef SHMFS_PROCESS_SUPERVISOR_H
#define SHMFS_PROCESS_SUPERVISOR_H

#include "process/server.h"
#include "process/upgrade.h"

/* Keeps the signals above waiting from now on, until supervise() takes them. */
void supervisor_hold_signals(void);

/*
 * Has the mount served until it is unmounted by somebody, or until a signal asks for the end.
 * 0 if that was so; a negative errno, which was logged, if it ended for another reason. The mount
 * is gone then, too.
 */
int supervise(struct server *server, const struct upgrade *upgrade);

#endif

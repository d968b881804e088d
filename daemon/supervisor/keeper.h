/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper: a process that waits for the supervisor's death, and takes the mount out of the tree
 * then. To unmount takes privileges that a server has no other use for, and for a user a program
 * with the set-user-ID bit; so a server has none of that.
 *
 * It shares the table of descriptors, as servers do: when all others are killed at once, the
 * connection lasts until the mount is gone. So each of the two sees to it that the other, should it
 * be stopped, does not keep the connection: whoever has a call there would wait for ever.
 */
#ifndef SHMFS_PROCESS_KEEPER_H
#define SHMFS_PROCESS_KEEPER_H

#include <sys/types.h>

#include "process/server.h"

/* The life of the keeper, as a child of the supervisor. */
_Noreturn void keeper_run(const struct server *server);

/* For the supervisor: lets servers wait for this keeper; lets keepers that begin later end this
 * server and those after it; and neither, while there is no server. */
void keeper_watch(struct server *server, pid_t pid);
void keeper_watch_server(struct server *server, pid_t pid);
void keeper_forget(struct server *server);

#endif

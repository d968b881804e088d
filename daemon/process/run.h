/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that serves, from its first instruction to its last. */
#ifndef SHMFS_PROCESS_RUN_H
#define SHMFS_PROCESS_RUN_H

#include "server.h"

/* Exit statuses of a server. By a signal, or with any other one, it failed. */
enum server_end {
	SERVER_UNMOUNTED = 0, /* the filesystem is gone */
	SERVER_STOPPED = 3,   /* as it was asked to by SIGTERM */
	SERVER_ABORTED = 4,   /* the connection was cut; loop.h */
	SERVER_FAILED = 5,
	SERVER_ORPHANED = 6, /* the supervisor died */
};

/*
 * Serves what the handover and the namespace hold, as a child of the supervisor that shares its
 * descriptors. Sends it SIGUSR1 when requests are answered from now on. Returns how it ended.
 */
enum server_end server_run(struct server *server);

#endif

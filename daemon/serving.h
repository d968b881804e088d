/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that serves, from its first instruction to its last. */
#ifndef SHMFS_SERVING_H
#define SHMFS_SERVING_H

#include "server.h"

/* Exit statuses of a server. By a signal, or with any other one, it failed. */
enum serving_end {
	SERVING_UNMOUNTED = 0, /* the filesystem is gone */
	SERVING_STOPPED = 3,   /* as it was asked to by SIGTERM */
	SERVING_ABORTED = 4,   /* the connection was cut; loop.h */
	SERVING_FAILED = 5,
	SERVING_ORPHANED = 6, /* the supervisor died */
};

/*
 * Serves what the journal and the namespace hold, as a child of the supervisor that shares its
 * descriptors. Sends it SIGUSR1 when requests are answered from now on. Returns how it ended.
 */
enum serving_end serving_run(struct server *server);

#endif

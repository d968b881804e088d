/* SPDX-License-Identifier: BSD-2-Clause */
/* A server's parts, and its life as a process, from its first instruction to its last. */
#ifndef SHMFS_PROCESS_SERVER_H
#define SHMFS_PROCESS_SERVER_H

#include "common/worker.h"
#include "fuse/channel.h"
#include "handover.h"
#include "ops/table.h"
#include "options.h"

struct free_worker;
struct pacing;

/* Made by the supervisor; each server begins with what that has. */
struct server {
	const struct options *options;
	struct handover *handover;
	struct shmfs_os os;
	struct channel channel;
	struct ops ops;

	/* Those of a process that serves; NULL in the supervisor. */
	struct pacing *pacing;
	struct workers workers;
	struct free_worker *free_worker;
	unsigned client_count;
	uint64_t expiry_from;
};

/* Puts the parts together, for options that outlive them. There is no channel yet, and no
 * namespace. */
void server_init(struct server *server, const struct options *options, struct handover *handover);

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

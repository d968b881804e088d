/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a server. */
#ifndef SHMFS_PROCESS_SERVER_H
#define SHMFS_PROCESS_SERVER_H

#include "common/worker.h"
#include "fuse/channel.h"
#include "handover.h"
#include "ops/state.h"
#include "options/options.h"
#include "roles/zygotes.h"

struct free_worker;
struct pacing;

/* Made by the supervisor; each server begins with what that has. */
struct server {
	const struct options *options;
	struct handover *handover;
	struct shmfs_os os;
	struct channel channel;
	struct ops ops;
	struct zygotes zygotes;
	int keeper_fd; /* of the keeper, as a process; -1: there is none */
	int server_fd; /* of the server, or of the supervisor before there is one; -1: of none */

	/* Those of a process that serves; NULL in the supervisor. */
	struct pacing *pacing;
	struct workers workers;
	struct free_worker *free_worker;
};

#endif

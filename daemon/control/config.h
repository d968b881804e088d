/* SPDX-License-Identifier: BSD-2-Clause */
/* What the control socket of a mount needs to know of it. */
#ifndef SHMFS_CONTROL_CONFIG_H
#define SHMFS_CONTROL_CONFIG_H

#include <sys/types.h>

#include "common/counters.h"
#include "common/kept.h"
#include "common/log.h"
#include "fs/shmfs.h"
#include "roles/role.h"

struct uv_loop_s;

/* Pointers are the caller's, and stay good until control_stop(). */
struct control_config {
	struct uv_loop_s *loop; /* which serves the clients */
	int listen_fd;		/* of control_listen(); negative: there is no socket */
	int asking[ROLES]; /* sockets to those who do what takes other rights than a server's */

	struct shmfs *fs;
	const struct counters *counters;
	struct kept *kept;
	struct log_budget *removals;	 /* of lines that tell of them */
	const char *mountpoint, *device; /* device: "major:minor" */
	const char *tier;		 /* how the kernel reaches memory */
	const char *memory;		 /* what it is of */
	pid_t supervisor;		 /* holds what its server holds */

	/* A name goes that nobody asked the kernel to remove. Called before that is committed. */
	void (*removed)(void *arg, const struct shmfs_removal *removal);
	/* The same of a name that comes, in this directory. */
	void (*made)(void *arg, uint64_t dir);
	void *arg;
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The zygotes of a supervisor; see role.h. */
#ifndef SHMFS_ROLES_ZYGOTES_H
#define SHMFS_ROLES_ZYGOTES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "role.h"

struct zygotes {
	/* Named in what ps(1) shows. */
	const char *mountpoint;
	/* Called in a child, before it executes the program anew. */
	void (*in_child)(void);
	struct {
		int asking, asked; /* ends of the socket, the server's and the zygote's; 0: none */
		pid_t pid;	   /* 0: there is none */
		int64_t started_ms;
		int64_t retry_ms; /* the pause before the next one; 0: it is started at once */
		int64_t retry_at_ms;
	} of[ROLES];
};

/* Makes the sockets, whose descriptors are not to be closed. A negative errno: there are none. */
int zygotes_begin(struct zygotes *zygotes);

/* Starts those that there are not, when their time has come. */
void zygotes_start(struct zygotes *zygotes);

/* Some child has ended. */
void zygotes_reap(struct zygotes *zygotes);

/* When there is something to start, by the clock of common/clock.h; INT64_MAX: nothing is. */
int64_t zygotes_next_ms(const struct zygotes *zygotes);

/* One of them is stopped, as far as `is_stopped` knows: it is killed, and so replaced. */
void zygotes_watch(struct zygotes *zygotes, bool (*is_stopped)(pid_t pid));

/* Ends them all, with their workers, and the sockets. */
void zygotes_end(struct zygotes *zygotes);

#endif

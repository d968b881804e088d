/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's children beside the server: the keeper (keeper.h), and the zygotes of those whom
 * the server asks (roles/role.h), where there is a control socket. One that dies is followed by
 * another.
 */
#ifndef SHMFS_SUPERVISOR_HELPERS_H
#define SHMFS_SUPERVISOR_HELPERS_H

#include <stdint.h>
#include <sys/types.h>

#include "process/server.h"

struct helpers {
	struct server *server;
	pid_t keeper;	       /* 0: there is none */
	uint64_t keeper_since; /* on the clock of common/clock.h */
};

/* Once descriptors of the supervisor are noted. */
void helpers_begin(struct helpers *helpers);

/* Some child has ended. */
void helpers_reap(struct helpers *helpers);

/* From time to time. */
void helpers_watch(struct helpers *helpers);

/* Before another program has its own, or nobody needs them. */
void helpers_end(struct helpers *helpers);

/*
 * fork(2) that shares the table of descriptors. This process has one thread and no handlers of
 * pthread_atfork(3), so nothing is missed by not asking libc for it.
 */
pid_t fork_sharing_descriptors(void);

#endif

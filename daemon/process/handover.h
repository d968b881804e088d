/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handover: what outlives a server beside the namespace. It lies in a memfd that supervisor and
 * servers map, and that a new program finds by its descriptor. What it holds of requests, and why
 * none is lost or done twice, tells fuse/exchange.h.
 */
#ifndef SHMFS_PROCESS_HANDOVER_H
#define SHMFS_PROCESS_HANDOVER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/kept.h"
#include "fuse/exchange.h"
#include "system/mountpoint.h"

/* Raised whenever the structure changes its shape or meaning. */
#define HANDOVER_LAYOUT 9

struct handover {
	uint64_t magic;
	uint32_t layout;
	int32_t supervisor;
	int32_t arena_fd;
	int32_t control_fd;	  /* of the listening control socket; -1: there is none */
	uint64_t control_inode;	  /* of its file */
	int32_t previous_program; /* descriptor of the program to go back to; -1: none */
	int32_t tried;		  /* process of the last trial that succeeded; upgrade.h */
	uint64_t own_descriptors; /* bits of those below 64 that are the supervisor's */
	struct mountpoint mountpoint;
	char policy_path[PATH_MAX]; /* absolute; empty without policies */

	bool announced;	     /* the mount was reported to be there */
	bool serving;	     /* the server is past its recovery and waits for requests */
	bool store_is_small; /* the store has pages of the usual size alone, whatever was asked for
			      */
	bool stopping;	     /* it is asked to end, and takes no further request */
	int32_t store_fd;    /* of the tmpfs that memory comes from; 0: there is none (stores.h) */

	struct counters counters;
	struct kept kept;
	/* Where it is mounted, if its processes are in another mount namespace; 0: where they are.
	 * A program that knew nothing of that has left 0. */
	uint64_t mount_namespace;
	/* The tmpfs of huge pages and the one without, as store_fd. The same holds for a program
	 * that knew nothing of them. */
	int32_t huge_store_fd, small_store_fd;
	struct exchange exchange;
};

/* A new handover, which the caller unmaps and whose descriptor is the caller's. -ENOMEM, -EMFILE,
 * -ENFILE; errors of getrandom(2). */
int handover_create(int *fd, struct handover **out);

/* Maps the handover that another program left behind fd. -EPROTO: it is none of this layout. */
int handover_map(int fd, struct handover **out);

void handover_unmap(struct handover *handover);

/* Descriptors below 64 that are the supervisor's, and stay open when a server dies. */
void handover_own(struct handover *handover, int fd);
void handover_disown(struct handover *handover, int fd);
bool handover_owns(const struct handover *handover, int fd);

#endif

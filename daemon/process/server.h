/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of a running server share. */
#ifndef SHMFS_PROCESS_SERVER_H
#define SHMFS_PROCESS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/shmfs.h"
#include "fuse/tier.h"
#include "handover.h"

struct fuse_session;
struct free_worker;
struct deferred;
struct affinity;
struct transfer;

/* Bytes of data in the largest request and reply. */
#define SERVER_MAX_TRANSFER HANDOVER_MAX_TRANSFER

/*
 * Bytes of the largest WRITE: of longer ones the kernel makes several. What it copies into the
 * request is copied from there into the object, and this much is still in the processor's own cache
 * by then: that gains more than a few requests cost.
 */
#define SERVER_MAX_WRITE (SERVER_MAX_TRANSFER / 4)

/* How many lines of one kind were logged of late. */
struct log_budget {
	time_t since; /* begin of the time for which they are counted */
	unsigned logged;
	unsigned long left_out;
};

struct server {
	struct fuse_session *session;
	int fuse_fd;
	struct handover *handover;
	struct shmfs *fs; /* NULL until INIT is answered */
	struct shmfs_os os;
	enum tier tier;
	enum tier_choice choice;
	unsigned poll_us; /* how long to look for a request before sleeping; 0 = not at all */
	bool follow;	  /* whether to run where the client does */

	struct affinity *affinity; /* of the serving thread; NULL: where the system puts it */
	uint32_t client;	   /* the thread whose request was last; 0: the kernel's own */

	uint64_t init_unique;  /* of the INIT request that is being answered, else 0 */
	uint64_t init_offered; /* flags of the kernel */
	uint64_t init_agreed;  /* flags of the reply; 0 until it was sent */
	bool muted;	       /* replies go nowhere: INIT is only repeated */

	struct log_budget refusals, denials;

	struct free_worker *freeing; /* what frees memory beside the loop; NULL: nobody does */
	struct deferred *deferred;   /* requests that are answered later; deferred.h */

	/* Has a worker move bytes, and the loop end the transfer; NULL: there are no workers. A
	 * negative errno if that cannot be. */
	int (*offload)(struct server *server, struct transfer *transfer);
	void *offload_to;		     /* the loop */
	unsigned transfers;		     /* under way */
	bool place_is_ready[HANDOVER_SLOTS]; /* populated by this process */
	bool place_is_busy[HANDOVER_SLOTS];  /* by one of them */

	char *data; /* SERVER_MAX_TRANSFER bytes: data of the reply */
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel to the kernel, and the requests that are under way on it.
 *
 * Requests come in one by one (serve.h), are decoded by libfuse or, where it does not know them,
 * beside it, and are handed to the operations. Each is answered through its request (request.h),
 * which ends its transaction before the caller can learn of the result.
 *
 * Numbers that are about a request, and whose they are:
 *   unique    the kernel's, of one request, and counted up: it names the request in its reply, in
 *             the stored reply, and in the namespace's mark
 *   slot      ours: where the request lies in the exchange, and its struct request below
 *   node id   the namespace's (shmfs.h). Given out once, never used again, so that the kernel's
 *             "generation" is always 0
 *   handle    the namespace's, of one opening: the kernel's "fh"
 *   backing   the kernel's, of memory that was registered with it; backing.h
 *   fd        of objects' memory: the namespace's, and the same in every server; others are the
 *             processes' own (supervisor.h)
 */
#ifndef SHMFS_FUSE_CHANNEL_H
#define SHMFS_FUSE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "exchange.h"
#include "fs/shmfs.h"
#include "reply_pipe.h"
#include "system/memory_room.h"
#include "tier.h"
#include "turns/turns.h"

struct channel;
struct fuse_lowlevel_ops;
struct fuse_req;
struct fuse_session;

enum request_state {
	REQUEST_NONE,
	REQUEST_SERVED,	  /* by the loop, now: its transaction is active */
	REQUEST_DEFERRED, /* its answer comes later; it has no transaction */
	REQUEST_QUEUED,	  /* for its turn, in a slot of its own (turns/queue.h) */
	REQUEST_LEFT	  /* by a server that died; it will be served (recovery.h) */
};

/* One request, from when it is received until it is answered. */
struct request {
	struct channel *channel;
	enum request_state state;
	uint32_t slot;
	uint32_t opcode;
	uint64_t unique, node;
	struct shmfs_cred cred;	  /* who asks */
	struct fuse_req *libfuse; /* what libfuse knows it by; NULL: it does not */
};

/* What is done about requests. */
struct channel_operations {
	const struct fuse_lowlevel_ops *libfuse;
	/* Answers a request that libfuse does not decode, or not as all its versions do; false:
	 * this is none. body: what stands behind the header, well-formed. */
	bool (*beside)(struct request *request, const char *body);
	/* Whoever waits for the answer of the request with this number was sent a signal. */
	void (*interrupt)(struct channel *channel, uint64_t unique);
};

/* Processes whose user was looked up. */
#define QUEUE_PROCESSES 64

struct queue_process {
	uint32_t pid, uid;
	uint64_t since; /* a time of clock_now() */
};

/* Requests that were received ahead and wait for their turn (turns/queue.h). All zeros: none does.
 */
struct queue {
	struct turns turns; /* by slot, and behind those by cell */
	unsigned large;	    /* of those that wait: in slots */
	unsigned straight;  /* requests that were served since the last look ahead */
	unsigned idle;	    /* of nobody, that were served since a look ahead began */
	unsigned mixed;	    /* requests after which one user is alone */
	uint32_t last_uid, last_pid;
	uint64_t at; /* until when time is accounted for; 0: it is not */
	struct turns_user *served;
	unsigned cell_count; /* cells that are not beyond those that were used */
	unsigned free_count; /* of those: in a list, which begins here */
	uint16_t free_cell, next_free[EXCHANGE_CELLS];
	bool used_lately; /* since it was looked whether memory can be given back */
	struct queue_process processes[QUEUE_PROCESSES];
};

struct channel {
	struct fuse_session *session;
	int fd;
	struct exchange *exchange;
	struct counters *counters;
	struct shmfs *fs; /* NULL until INIT is answered */
	const struct channel_operations *operations;
	struct ops *ops; /* what the operations keep */
	enum tier tier;
	enum tier_choice choice;
	bool idmap; /* mounts may be id-mapped, where the kernel knows that */
	struct {
		uint64_t at; /* a time of clock_now(); 0: never */
		bool due;
	} names_forgotten; /* when the kernel was told to ask for all names again (notify.h) */
	uint32_t client;   /* the thread whose request was last; 0: the kernel's own */

	uint64_t init_unique;  /* of the INIT request that is being answered, else 0 */
	uint64_t init_offered; /* flags of the kernel */
	uint64_t init_agreed;  /* flags of the reply; 0 until it was sent */
	bool muted;	       /* replies go nowhere: INIT is only repeated */

	struct queue queue;
	struct request requests[EXCHANGE_SLOTS]; /* by slot */
	bool slot_is_populated[EXCHANGE_SLOTS];	 /* by this process */
	char *data;				 /* EXCHANGE_READ_MAX bytes: data of the reply */
	struct reply_pipe pipe;			 /* the loop's */
	struct memory_room room;		 /* of the server's control group */
};

/* The request that is being served. */
static inline struct request *channel_request(struct channel *channel)
{
	return &channel->requests[channel->exchange->current];
}

/* The namespace that a request is about. */
static inline struct shmfs *fs_of(const struct request *request)
{
	return request->channel->fs;
}

#endif

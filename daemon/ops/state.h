/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operations of a channel keep from one request to another. */
#ifndef SHMFS_OPS_STATE_H
#define SHMFS_OPS_STATE_H

#include "common/log.h"
#include "fuse/channel.h"

/* What the reply is: nothing but success, the attributes, or how much was written. */
struct deferred_reply {
	enum { DEFERRED_STATUS, DEFERRED_ATTR, DEFERRED_WRITTEN, DEFERRED_WRITTEN_64 } kind;
	uint64_t id;		 /* of the node that was changed; 0: nothing is to be freed of it */
	ssize_t count;		 /* of bytes that were written */
	struct shmfs_share owed; /* before it is sent (shmfs_take_owed) */
};

struct denial_log {
	struct log_budget refusals, denials;
};

/* Requests whose replies are deferred (deferred.h), in the order in which they came. */
struct deferred_list {
	unsigned count;
	struct deferred {
		struct request *request;
		struct deferred_reply reply;
	} list[EXCHANGE_WAITING];
};

/* Requests that are served again when there may be room (room.h), in the order in which they came.
 */
struct room {
	unsigned count;
	struct room_waiter {
		struct request *request;
		uint64_t since; /* a time of clock_now() */
		bool for_memory;
	} waiters[EXCHANGE_WAITING];
	uint64_t tried; /* the number of requests served until the last try */

	/* Of the request that is being tried again. */
	uint64_t since; /* 0: none is */
	bool last;	/* it gets its answer now */
};

/* Looks for holes and data that wait for one before them (transfer.h). */
struct seeks {
	bool under_way;
	uint32_t uid; /* whose the last was */
	unsigned count;
	struct request *waiting[EXCHANGE_WAITING];
};

struct workers;

struct ops {
	struct denial_log log;
	struct deferred_list deferred;
	struct room room;
	struct workers *workers; /* that move the bytes of large requests; NULL: there are none */
	unsigned transfers;	 /* under way */
	struct seeks seeks;
};

#endif

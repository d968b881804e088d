/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operations of a channel keep from one request to another. */
#ifndef SHMFS_OPS_STATE_H
#define SHMFS_OPS_STATE_H

#include <time.h>

#include "fuse/channel.h"

/* How many lines of one kind were logged of late. */
struct log_budget {
	time_t since; /* begin of the time for which they are counted */
	unsigned logged;
	unsigned long left_out;
};

struct denial_log {
	struct log_budget refusals, denials;
};

/* What the reply is: nothing but success, or the attributes. */
enum deferred_reply { DEFERRED_STATUS, DEFERRED_ATTR };

/* Requests whose replies are deferred (deferred.h), in the order in which they came. */
struct deferred_list {
	unsigned count;
	struct deferred {
		struct request *request;
		uint64_t id; /* of the node that was changed */
		enum deferred_reply reply;
	} list[EXCHANGE_SLOTS];
};

struct workers;

struct ops {
	struct denial_log log;
	struct deferred_list deferred;
	struct workers *workers; /* that move the bytes of large requests; NULL: there are none */
	unsigned transfers;	 /* under way */
};

#endif

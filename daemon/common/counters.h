/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted for as long as a mount lives. It lies in the handover, so that a server that dies
 * leaves it to the next one: whoever computes rates of it sees no counter begin anew.
 *
 * Counting is no part of a transaction. A server that is killed in between may have counted what is
 * then done once more, or not have counted what is done.
 */
#ifndef SHMFS_COMMON_COUNTERS_H
#define SHMFS_COMMON_COUNTERS_H

#include <stdint.h>

#include "fs/shmfs.h"

struct counters {
	uint64_t requests;			      /* of the kernel, that were served */
	uint64_t refused[SHMFS_LIMIT_USER_NODES + 1]; /* requests, by the limit */
	uint64_t expired;	 /* names, and memory without one, that went when nobody held it */
	uint64_t restarts;	 /* servers that died and were followed by another */
	uint64_t written;	 /* bytes, by write(2) and copies */
	uint64_t refused_memory; /* requests, by the server's memory control group */
};

#endif

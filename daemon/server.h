/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of a running server share. */
#ifndef SHMFS_SERVER_H
#define SHMFS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "../fs/shmfs.h"
#include "tier.h"

struct fuse_session;

/* Bytes of data in the largest request and reply, and room for what stands around them. */
#define SERVER_MAX_TRANSFER (1024 * 1024)
#define SERVER_BUFFER_SIZE (SERVER_MAX_TRANSFER + 64 * 1024)

struct server {
	struct fuse_session *session;
	int fuse_fd;
	struct shmfs *fs; /* NULL until INIT is answered */
	struct shmfs_os os;
	enum tier tier;
	enum tier_choice choice;

	uint64_t init_unique;  /* of the INIT request that is being answered, else 0 */
	uint64_t init_offered; /* flags of the kernel */
	uint64_t init_agreed;  /* flags of the reply; 0 until it was sent */

	time_t refusals_since; /* begin of the time for which lines are counted */
	unsigned refusals_logged;
	unsigned long refusals_left_out;

	char *request; /* SERVER_BUFFER_SIZE bytes: the request that is being served */
	char *data;    /* SERVER_MAX_TRANSFER bytes: data of the reply */
};

#endif

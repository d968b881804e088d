/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the parts of a server are put together. */
#ifndef SHMFS_PROCESS_ASSEMBLE_H
#define SHMFS_PROCESS_ASSEMBLE_H

#include "server.h"

/* For options that outlive them. There is no channel yet, and no namespace. */
void server_init(struct server *server, const struct options *options, struct handover *handover);

#endif

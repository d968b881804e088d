/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large memory is freed by a worker, which takes the kernel a tenth of a microsecond a page, while
 * the loop serves requests. The namespace ends that where it needs the memory itself
 * (shmfs_os.quiesce).
 */
#ifndef SHMFS_FREEING_H
#define SHMFS_FREEING_H

#include "server.h"

struct uv_loop_s;
struct freeing;

/* For the server's namespace: server->freeing. -ENOMEM. */
int freeing_new(struct uv_loop_s *loop, struct server *server);

/* If there is memory to be freed, it will be; who has waited for what is free now is answered. */
void freeing_go_on(struct freeing *freeing);

/* Begins nothing any more. What is left is the next server's. */
void freeing_stop(struct freeing *freeing);

/* After the loop has ended: the server has none any more. NULL is nothing. */
void freeing_free(struct freeing *freeing);

#endif

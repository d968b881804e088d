/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large memory is freed by a worker, which takes the kernel a tenth of a microsecond a page, while
 * the loop serves requests. The namespace ends that where it needs the memory itself
 * (shmfs_os, quiesce).
 */
#ifndef SHMFS_PROCESS_FREE_WORKER_H
#define SHMFS_PROCESS_FREE_WORKER_H

#include "server.h"

struct free_worker;

/* For the server's namespace: server->free_worker. -ENOMEM. */
int free_worker_new(struct server *server);

/* If there is memory to be freed, it will be; who has waited for what is free now is answered. */
void free_worker_go_on(struct free_worker *self);

/* The namespace wants to free memory itself: ends what the worker is at, and waits for that (struct
 * shmfs_os). NULL: nothing is under way. */
void free_worker_quiesce(struct free_worker *self);

/* Begins nothing any more. What is left is the next server's. NULL is nothing. */
void free_worker_stop(struct free_worker *self);

/* After the loop has ended: the server has none any more. NULL is nothing. */
void free_worker_free(struct free_worker *self);

#endif

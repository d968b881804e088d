/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for the threads of libuv's pool. */
#ifndef SHMFS_WORKER_H
#define SHMFS_WORKER_H

#include <uv.h>

#include "server.h"

/* uv_queue_work(3), for a server. */
void worker_queue(struct server *server, uv_loop_t *loop, uv_work_t *work, uv_work_cb on_work,
    uv_after_work_cb on_done);

#endif

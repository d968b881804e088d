/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for other threads; see worker.h. */
#include "worker.h"

#include "placement.h"

/* The first work makes the threads, which may run where the one may that makes them. */
void worker_queue(struct server *server, uv_loop_t *loop, uv_work_t *work, uv_work_cb on_work,
    uv_after_work_cb on_done)
{
	if (!server->has_workers)
		placement_leave(server->placement);
	server->has_workers = true;
	/* Fails only for work without a function. */
	(void)uv_queue_work(loop, work, on_work, on_done);
}

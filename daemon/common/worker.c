/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for the threads of libuv's pool; see worker.h. */
#include "worker.h"

#include <stdlib.h>
#include <uv.h>

#include "pacing/affinity.h"

struct worker {
	struct server *server;
	uv_loop_t *loop;
	uv_work_t work;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct worker *worker_new(struct server *server, struct uv_loop_s *loop, void (*run)(void *arg),
    void (*done)(void *arg), void *arg)
{
	struct worker *worker = malloc(sizeof *worker);

	if (worker == NULL)
		return NULL;
	*worker =
	    (struct worker){.server = server, .loop = loop, .run = run, .done = done, .arg = arg};
	worker->work.data = worker;
	return worker;
}

static void on_run(uv_work_t *work)
{
	const struct worker *worker = work->data;

	worker->run(worker->arg);
}

static void on_done(uv_work_t *work, int status)
{
	const struct worker *worker = work->data;

	(void)status;
	worker->done(worker->arg);
}

/* The first work makes the threads, which may run where the one may that makes them. */
static void prepare(struct server *server)
{
	if (!server->has_workers)
		affinity_leave(server->affinity);
	server->has_workers = true;
}

void worker_start(struct worker *worker)
{
	prepare(worker->server);
	/* Fails only for work without a function. */
	(void)uv_queue_work(worker->loop, &worker->work, on_run, on_done);
}

bool worker_cancel(struct worker *worker)
{
	return uv_cancel((uv_req_t *)&worker->work) == 0;
}

void worker_free(struct worker *worker)
{
	free(worker);
}

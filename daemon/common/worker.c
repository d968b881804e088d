/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for the threads of libuv's pool; see worker.h. */
#include "worker.h"

#include <stdlib.h>
#include <uv.h>

struct worker {
	struct workers *workers;
	uv_work_t work;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct worker *worker_new(
    struct workers *workers, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct worker *worker = malloc(sizeof *worker);

	if (worker == NULL)
		return NULL;
	*worker = (struct worker){.workers = workers, .run = run, .done = done, .arg = arg};
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

static void prepare(struct workers *workers)
{
	if (!workers->has_threads && workers->before_threads != NULL)
		workers->before_threads(workers->arg);
	workers->has_threads = true;
}

void worker_start(struct worker *worker)
{
	prepare(worker->workers);
	/* Fails only for work without a function. */
	(void)uv_queue_work(worker->workers->loop, &worker->work, on_run, on_done);
}

bool worker_cancel(struct worker *worker)
{
	return uv_cancel((uv_req_t *)&worker->work) == 0;
}

void worker_free(struct worker *worker)
{
	free(worker);
}

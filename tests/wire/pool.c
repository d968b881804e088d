/* SPDX-License-Identifier: BSD-2-Clause */
/* A pool without threads; see pool.h. */
#include "pool.h"

#include <check.h>
#include <stdlib.h>

#include "daemon/common/worker.h"

struct worker {
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

enum { WAITING_MAX = 8 };

static struct worker *waiting[WAITING_MAX];
static unsigned count;
static bool refusing;

void pool_reset(void)
{
	count = 0;
	refusing = false;
}

void pool_refuse(bool refuses)
{
	refusing = refuses;
}

unsigned pool_waiting(void)
{
	return count;
}

void pool_run(void)
{
	for (unsigned i = 0; i < count; i++)
		waiting[i]->run(waiting[i]->arg);
}

void pool_end(void)
{
	unsigned ended = count;

	for (unsigned i = 0; i < ended; i++)
		waiting[i]->done(waiting[i]->arg);
	/* What was started by it waits. */
	for (unsigned i = ended; i < count; i++)
		waiting[i - ended] = waiting[i];
	count -= ended;
}

void pool_work(void)
{
	pool_run();
	pool_end();
}

struct worker *worker_new(
    struct workers *workers, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct worker *worker = refusing ? NULL : malloc(sizeof *worker);

	ck_assert(workers != NULL);
	if (worker != NULL)
		*worker = (struct worker){.run = run, .done = done, .arg = arg};
	return worker;
}

void worker_start(struct worker *worker)
{
	ck_assert_uint_lt(count, WAITING_MAX);
	waiting[count++] = worker;
}

bool worker_cancel(struct worker *worker)
{
	(void)worker;
	return false;
}

void worker_free(struct worker *worker)
{
	free(worker);
}

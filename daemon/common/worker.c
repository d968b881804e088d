/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads beside a loop; see worker.h. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#define THREADS_MAX 4

struct worker {
	struct workers *workers;
	struct worker *next; /* in a queue */
	bool to_run;	     /* it is in one, and has not run yet */
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct queue {
	struct worker *first, **end;
};

struct pool {
	uv_async_t news; /* something is over, or the loop's to run */
	pthread_t threads[THREADS_MAX];
	unsigned count;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;
	struct queue waiting; /* for a thread */
	struct queue over;    /* the loop's */
	unsigned length;      /* of the queue that waits */
	unsigned asleep;      /* threads, also such as are being woken */
	bool ends;
};

static void put(struct queue *queue, struct worker *worker)
{
	worker->next = NULL;
	*queue->end = worker;
	queue->end = &worker->next;
}

static struct worker *take(struct queue *queue)
{
	struct worker *worker = queue->first;

	if (worker == NULL)
		return NULL;
	queue->first = worker->next;
	if (queue->first == NULL)
		queue->end = &queue->first;
	return worker;
}

/* Whether it was there. */
static bool take_out(struct queue *queue, struct worker *worker)
{
	struct worker **link = &queue->first;

	while (*link != NULL && *link != worker)
		link = &(*link)->next;
	if (*link == NULL)
		return false;
	*link = worker->next;
	if (*link == NULL)
		queue->end = link;
	return true;
}

/* --- a thread --------------------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct pool *pool = arg;
	struct worker *worker;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while ((worker = take(&pool->waiting)) == NULL && !pool->ends) {
			pool->asleep++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->asleep--;
		}
		if (worker == NULL)
			break;
		pool->length--;
		worker->to_run = false;
		pthread_mutex_unlock(&pool->lock);
		worker->run(worker->arg);
		pthread_mutex_lock(&pool->lock);
		put(&pool->over, worker);
		(void)uv_async_send(&pool->news);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Whoever is told that its work is done may free it, or start it again. */
static void tell(struct pool *pool)
{
	struct queue over = {NULL, &over.first};
	struct worker *worker;

	/* What is started meanwhile is for the next round. */
	pthread_mutex_lock(&pool->lock);
	while ((worker = take(&pool->over)) != NULL)
		put(&over, worker);
	pthread_mutex_unlock(&pool->lock);
	while ((worker = take(&over)) != NULL) {
		if (worker->to_run)
			worker->run(worker->arg);
		worker->to_run = false;
		worker->done(worker->arg);
	}
}

static void on_news(uv_async_t *handle)
{
	tell(handle->data);
}

/* Signals are the loop's. The system may have no thread for us. */
static void add_thread(struct workers *workers)
{
	struct pool *pool = workers->pool;
	sigset_t all, before;

	if (pool->count == 0 && workers->before_threads != NULL)
		workers->before_threads(workers->arg);
	sigfillset(&all);
	/* But what a filter says at once (confine.h). */
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&pool->threads[pool->count], NULL, work, pool) == 0)
		pool->count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int workers_begin(struct workers *workers)
{
	struct pool *pool = calloc(1, sizeof *pool);
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	rc = uv_async_init(workers->loop, &pool->news, on_news);
	if (rc < 0) {
		free(pool);
		return rc;
	}
	pool->news.data = pool;
	pool->waiting.end = &pool->waiting.first;
	pool->over.end = &pool->over.first;
	/* These fail for no attributes that there are. */
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	workers->pool = pool;
	return 0;
}

static void free_pool(uv_handle_t *handle)
{
	struct pool *pool = handle->data;

	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work);
	free(pool);
}

void workers_end(struct workers *workers)
{
	struct pool *pool = workers->pool;

	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ends = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->count; i++)
		(void)pthread_join(pool->threads[i], NULL);
	pool->count = 0;
	while (pool->over.first != NULL)
		tell(pool);
	workers->pool = NULL;
	uv_close((uv_handle_t *)&pool->news, free_pool);
}

struct worker *worker_new(
    struct workers *workers, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct worker *worker = malloc(sizeof *worker);

	if (worker == NULL)
		return NULL;
	*worker = (struct worker){.workers = workers, .run = run, .done = done, .arg = arg};
	return worker;
}

void worker_start(struct worker *worker)
{
	struct pool *pool = worker->workers->pool;
	bool for_thread;

	pthread_mutex_lock(&pool->lock);
	if (!pool->ends && pool->length >= pool->asleep && pool->count < THREADS_MAX)
		add_thread(worker->workers);
	for_thread = !pool->ends && pool->count > 0;
	worker->to_run = true;
	put(for_thread ? &pool->waiting : &pool->over, worker);
	pool->length += for_thread;
	if (for_thread)
		pthread_cond_signal(&pool->work);
	else
		(void)uv_async_send(&pool->news);
	pthread_mutex_unlock(&pool->lock);
}

bool worker_cancel(struct worker *worker)
{
	struct pool *pool = worker->workers->pool;
	bool cancelled;

	pthread_mutex_lock(&pool->lock);
	cancelled = worker->to_run;
	if (take_out(&pool->waiting, worker)) {
		pool->length--;
		put(&pool->over, worker);
		(void)uv_async_send(&pool->news);
	}
	worker->to_run = false;
	pthread_mutex_unlock(&pool->lock);
	return cancelled;
}

void worker_free(struct worker *worker)
{
	free(worker);
}

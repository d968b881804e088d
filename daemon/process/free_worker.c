/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker that frees memory; see freeing.h. */
#include "free_worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "common/worker.h"
#include "ops/deferred.h"
#include "pacing/affinity.h"

/* What is freed between two looks whether others want the processor, or the memory. Freeing a page
 * takes a tenth of a microsecond. */
#define PAGES 64

struct free_worker {
	struct server *server;
	struct worker *worker;
	bool started;		  /* and not done */
	bool stopped;		  /* nothing begins any more */
	struct shmfs_piece piece; /* the worker's, while it works */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	bool working, hurry;
	uint64_t freed_to;
};

/* --- the worker ------------------------------------------------------------------------------- */

static bool may_go_on(struct free_worker *freeing)
{
	const struct shmfs_piece *piece = &freeing->piece;
	bool may;

	pthread_mutex_lock(&freeing->lock);
	freeing->freed_to = piece->begin;
	may = piece->begin < piece->end && !freeing->hurry;
	if (!may) {
		freeing->working = false;
		pthread_cond_signal(&freeing->ended);
	}
	pthread_mutex_unlock(&freeing->lock);
	return may;
}

static void run(void *arg)
{
	struct free_worker *freeing = arg;
	struct shmfs_piece *piece = &freeing->piece;

	while (may_go_on(freeing)) {
		(void)shmfs_piece_free(&freeing->server->os, piece, PAGES);
		/* Who has woken up here meanwhile need not wait for the next tick. */
		sched_yield();
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

static uint64_t settle(void *arg)
{
	struct free_worker *freeing = ((struct server *)arg)->freeing;
	uint64_t freed_to;

	pthread_mutex_lock(&freeing->lock);
	freeing->hurry = true;
	/* One that has not begun, because all workers have something to do, need not. */
	if (freeing->working && worker_cancel(freeing->worker))
		freeing->working = false;
	while (freeing->working)
		pthread_cond_wait(&freeing->ended, &freeing->lock);
	freed_to = freeing->freed_to;
	pthread_mutex_unlock(&freeing->lock);
	return freed_to;
}

static void done(void *arg)
{
	struct free_worker *freeing = arg;

	freeing->started = false;
	shmfs_reclaim_end(freeing->server->fs, freeing->freed_to);
	free_worker_go_on(freeing);
}

/* Where programs are killed at each step, steps come one after the other. */
static void begin_work(struct free_worker *freeing)
{
#ifdef SHMFS_STEPS
	run(freeing);
	done(freeing);
#else
	worker_start(freeing->worker);
#endif
}

void free_worker_go_on(struct free_worker *freeing)
{
	struct shmfs *fs = freeing->server->fs;

	if (freeing->started || freeing->stopped)
		return;
	if (shmfs_reclaim_begin(fs, &freeing->piece)) {
		freeing->started = freeing->working = true;
		freeing->hurry = false;
		freeing->freed_to = freeing->piece.begin;
	}
	affinity_rest(freeing->server->affinity, freeing->started);
	deferred_answer(freeing->server);
	if (freeing->started)
		begin_work(freeing);
}

int free_worker_new(struct workers *workers, struct server *server)
{
	struct free_worker *freeing = calloc(1, sizeof *freeing);

	if (freeing != NULL)
		freeing->worker = worker_new(workers, run, done, freeing);
	if (freeing == NULL || freeing->worker == NULL) {
		free(freeing);
		return -ENOMEM;
	}
	freeing->server = server;
	/* These fail for no attributes that there are. */
	(void)pthread_mutex_init(&freeing->lock, NULL);
	(void)pthread_cond_init(&freeing->ended, NULL);
	server->freeing = freeing;
	server->os.settle = settle;
	return 0;
}

void free_worker_stop(struct free_worker *freeing)
{
	freeing->stopped = true;
	pthread_mutex_lock(&freeing->lock);
	freeing->hurry = true;
	pthread_mutex_unlock(&freeing->lock);
}

void free_worker_free(struct free_worker *freeing)
{
	if (freeing == NULL)
		return;
	freeing->server->freeing = NULL;
	freeing->server->os.settle = shmfs_os_linux()->settle;
	pthread_mutex_destroy(&freeing->lock);
	pthread_cond_destroy(&freeing->ended);
	worker_free(freeing->worker);
	free(freeing);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker that frees memory; see freeing.h. */
#include "freeing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "parked.h"
#include "placement.h"
#include "worker.h"

/* What is freed between two looks whether others want the processor, or the memory. Freeing a page
 * takes a tenth of a microsecond. */
#define PAGES 64

struct freeing {
	struct server *server;
	struct worker *worker;
	bool started;		       /* and not done */
	bool stopped;		       /* nothing begins any more */
	struct shmfs_free_range piece; /* the worker's, while it works */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	bool working, hurry;
	uint64_t freed_to;
};

/* --- the worker ------------------------------------------------------------------------------- */

static bool may_go_on(struct freeing *freeing)
{
	const struct shmfs_free_range *piece = &freeing->piece;
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
	struct freeing *freeing = arg;
	struct shmfs_free_range *piece = &freeing->piece;

	while (may_go_on(freeing)) {
		(void)shmfs_free_pages(&freeing->server->os, piece, PAGES);
		/* Who has woken up here meanwhile need not wait for the next tick. */
		sched_yield();
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

static uint64_t settle(void *arg)
{
	struct freeing *freeing = ((struct server *)arg)->freeing;
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
	struct freeing *freeing = arg;

	freeing->started = false;
	shmfs_free_end(freeing->server->fs, freeing->freed_to);
	freeing_go_on(freeing);
}

/* Where programs are killed at each step, steps come one after the other. */
static void begin_work(struct freeing *freeing)
{
#ifdef SHMFS_FAILPOINTS
	run(freeing);
	done(freeing);
#else
	worker_start(freeing->worker);
#endif
}

void freeing_go_on(struct freeing *freeing)
{
	struct shmfs *fs = freeing->server->fs;

	if (freeing->started || freeing->stopped)
		return;
	if (shmfs_free_begin(fs, &freeing->piece)) {
		freeing->started = freeing->working = true;
		freeing->hurry = false;
		freeing->freed_to = freeing->piece.begin;
	}
	placement_rest(freeing->server->placement, freeing->started);
	parked_answer(freeing->server);
	if (freeing->started)
		begin_work(freeing);
}

int freeing_new(struct uv_loop_s *loop, struct server *server)
{
	struct freeing *freeing = calloc(1, sizeof *freeing);

	if (freeing != NULL)
		freeing->worker = worker_new(server, loop, run, done, freeing);
	if (freeing == NULL || freeing->worker == NULL) {
		free(freeing);
		return -ENOMEM;
	}
	freeing->server = server;
	/* These fail for no attributes that there are. */
	(void)pthread_mutex_init(&freeing->lock, NULL);
	(void)pthread_cond_init(&freeing->ended, NULL);
	server->freeing = freeing;
	server->os.quiesce = settle;
	return 0;
}

void freeing_stop(struct freeing *freeing)
{
	freeing->stopped = true;
	pthread_mutex_lock(&freeing->lock);
	freeing->hurry = true;
	pthread_mutex_unlock(&freeing->lock);
}

void freeing_free(struct freeing *freeing)
{
	if (freeing == NULL)
		return;
	freeing->server->freeing = NULL;
	freeing->server->os.quiesce = shmfs_os_linux()->quiesce;
	pthread_mutex_destroy(&freeing->lock);
	pthread_cond_destroy(&freeing->ended);
	worker_free(freeing->worker);
	free(freeing);
}

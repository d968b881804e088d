/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker that frees memory; see freeing.h. */
#include "freeing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "../fs/step.h"
#include "parked.h"
#include "placement.h"
#include "worker.h"

/* What is freed between two looks whether others want the processor, or the memory. Freeing a page
 * takes a tenth of a microsecond. */
#define HOLE ((uint64_t)64 * SHMFS_PAGE_SIZE)

struct freeing {
	struct server *server;
	struct worker *worker;
	bool started; /* and not done */
	bool stopped; /* nothing begins any more */
	struct shmfs_piece piece;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	bool working, hurry;
	uint64_t freed_to;
};

/* --- the worker ------------------------------------------------------------------------------- */

/* A hole that cannot be punched is not tried again: the namespace's last step frees the rest. */
static uint64_t free_from(const struct shmfs_piece *piece, uint64_t at)
{
	off_t data = lseek(piece->fd, (off_t)at, SEEK_DATA);
	uint64_t end;

	if (data < 0 || (uint64_t)data >= piece->end)
		return piece->end;
	end = (uint64_t)data + HOLE < piece->end ? (uint64_t)data + HOLE : piece->end;
	if (fallocate(piece->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, data,
		(off_t)(end - (uint64_t)data)) < 0)
		return errno == EINTR ? at : piece->end;
	step("piece freed");
	return end;
}

static bool may_go_on(struct freeing *freeing, uint64_t at)
{
	bool may;

	pthread_mutex_lock(&freeing->lock);
	freeing->freed_to = at;
	may = at < freeing->piece.end && !freeing->hurry;
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
	uint64_t at = freeing->piece.begin;

	while (may_go_on(freeing, at)) {
		at = free_from(&freeing->piece, at);
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
	shmfs_reclaim_end(freeing->server->fs, freeing->freed_to);
	freeing_go_on(freeing);
}

/* Where programs are killed at each step, steps come one after the other. */
static void begin_work(struct freeing *freeing)
{
#ifdef SHMFS_STEPS
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
	if (shmfs_reclaim_begin(fs, &freeing->piece)) {
		freeing->started = freeing->working = true;
		freeing->hurry = false;
		freeing->freed_to = freeing->piece.begin;
	}
	placement_rest(freeing->server->placement, freeing->started);
	parked_answer(freeing->server);
	if (freeing->started)
		begin_work(freeing);
}

int freeing_new(struct uv_loop_s *loop, struct server *server, struct freeing **out)
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
	server->os.settle = settle;
	*out = freeing;
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
	freeing->server->os.settle = shmfs_os_linux()->settle;
	pthread_mutex_destroy(&freeing->lock);
	pthread_cond_destroy(&freeing->ended);
	worker_free(freeing->worker);
	free(freeing);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker that frees memory; see free_worker.h. */
#include "free_worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/worker.h"
#include "ops/deferred.h"
#include "ops/room.h"
#include "pacing/pacing.h"

/* What is freed between two looks whether others want the processor, or the memory. Freeing a page
 * takes a quarter of a microsecond. */
#define PAGES 64

/* What is freed as fast as this is of huge pages, which are freed whole. Nothing tells beforehand
 * of which memory programs have asked for them (madvise(2)). */
#define HUGE_PAGES 512
#define HUGE_NS 40000

struct free_worker {
	struct server *server;
	struct worker *worker;
	bool started;		       /* and not done */
	bool stopped;		       /* nothing begins any more */
	struct shmfs_free_range range; /* the worker's, while it works */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	bool working, hurry;
	atomic_bool awaited; /* somebody cannot go on before it is done */
};

/* --- the worker ------------------------------------------------------------------------------- */

static bool may_go_on(struct free_worker *self)
{
	const struct shmfs_free_range *range = &self->range;
	bool may;

	pthread_mutex_lock(&self->lock);
	may = range->begin < range->end && !self->hurry;
	if (!may) {
		self->working = false;
		pthread_cond_signal(&self->ended);
	}
	pthread_mutex_unlock(&self->lock);
	return may;
}

static uint64_t own_time(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

/* Frees what may be a huge page; whether it was one. */
static bool free_huge(struct free_worker *self)
{
	uint64_t begin = own_time();

	(void)shmfs_free_pages(&self->server->os, &self->range, HUGE_PAGES);
	return own_time() - begin < HUGE_NS;
}

/* A turn begins with what may be a huge page, and is as long as some dozens. */
static void run(void *arg)
{
	struct free_worker *self = arg;
	bool huge = true;

	while (may_go_on(self)) {
		if (huge)
			huge = free_huge(self);
		else
			(void)shmfs_free_pages(&self->server->os, &self->range, PAGES);
		/* Who has woken up here meanwhile need not wait for the next tick. It costs more
		 * than that (Linux 6.18 takes it as giving up what is left of a slice), which
		 * others than this thread would wait for. */
		if (!atomic_load_explicit(&self->awaited, memory_order_relaxed))
			sched_yield();
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

void free_worker_quiesce(struct free_worker *self)
{
	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->hurry = true;
	/* One that has not begun, because all workers have something to do, need not. */
	if (self->working && worker_cancel(self->worker))
		self->working = false;
	while (self->working)
		pthread_cond_wait(&self->ended, &self->lock);
	pthread_mutex_unlock(&self->lock);
}

static void done(void *arg)
{
	struct free_worker *self = arg;

	self->started = false;
	deferred_pay(&self->server->channel, shmfs_free_end(self->server->channel.fs));
	room_memory_freed(&self->server->channel);
	free_worker_go_on(self);
}

/* Where programs are killed at each step, steps come one after the other. */
static void begin_work(struct free_worker *self)
{
#ifdef SHMFS_FAILPOINTS
	run(self);
	done(self);
#else
	worker_start(self->worker);
#endif
}

void free_worker_go_on(struct free_worker *self)
{
	const struct channel *channel = &self->server->channel;
	struct shmfs *fs = channel->fs;

	atomic_store_explicit(&self->awaited, deferred_any(channel) || room_is_for_memory(channel),
	    memory_order_relaxed);
	if (self->started || self->stopped)
		return;
	if (shmfs_free_begin(fs, &self->range)) {
		self->started = self->working = true;
		self->hurry = false;
	}
	pacing_rest(self->server->pacing, self->started);
	deferred_answer(&self->server->channel);
	if (self->started)
		begin_work(self);
	else
		room_memory_freed(&self->server->channel);
}

int free_worker_new(struct server *server)
{
	struct free_worker *self = calloc(1, sizeof *self);

	if (self != NULL)
		self->worker = worker_new(&server->workers, run, done, self);
	if (self == NULL || self->worker == NULL) {
		free(self);
		return -ENOMEM;
	}
	self->server = server;
	/* These fail for no attributes that there are. */
	(void)pthread_mutex_init(&self->lock, NULL);
	(void)pthread_cond_init(&self->ended, NULL);
	server->free_worker = self;
	shmfs_set_patient(server->channel.fs, true);
	return 0;
}

void free_worker_stop(struct free_worker *self)
{
	if (self == NULL)
		return;
	self->stopped = true;
	pthread_mutex_lock(&self->lock);
	self->hurry = true;
	pthread_mutex_unlock(&self->lock);
}

void free_worker_free(struct free_worker *self)
{
	if (self == NULL)
		return;
	self->server->free_worker = NULL;
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->ended);
	worker_free(self->worker);
	free(self);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for another thread than the loop's. */
#ifndef SHMFS_COMMON_WORKER_H
#define SHMFS_COMMON_WORKER_H

#include <stdbool.h>

struct uv_loop_s;
struct worker;
struct pool;

/*
 * Who works for a loop: up to four threads, which are made when there is work. libuv's own pool
 * ends the process where the system refuses it a thread, which a user who fills the table of
 * processes brings about; here the loop does the work itself then, in its next round. Threads
 * inherit what the loop's is like, so that is told of it before the first.
 */
struct workers {
	struct uv_loop_s *loop;
	void (*before_threads)(void *arg); /* NULL: nobody has to be told */
	void *arg;
	struct pool *pool;
};

/* Sets them up; loop and the rest are set. -ENOMEM, or what the loop says. */
int workers_begin(struct workers *workers);

/* Waits for what was started, tells its owners that it is done, and ends the threads. Nothing is
 * started any more that could not go on being done by the loop. */
void workers_end(struct workers *workers);

/*
 * run(arg) is to be called by another thread, and then done(arg) by the loop's, each time that it
 * is started. NULL: there is no memory.
 */
struct worker *worker_new(
    struct workers *workers, void (*run)(void *arg), void (*done)(void *arg), void *arg);

/* Not again before it is done. */
void worker_start(struct worker *worker);

/* True: it has not begun to run, and will not; it is done all the same. */
bool worker_cancel(struct worker *worker);

/* Not between start and done. NULL is nothing. */
void worker_free(struct worker *worker);

#endif

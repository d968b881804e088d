/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for another thread than the loop's. */
#ifndef SHMFS_COMMON_WORKER_H
#define SHMFS_COMMON_WORKER_H

#include <stdbool.h>

struct uv_loop_s;
struct worker;

/*
 * Who works for a loop: the threads of libuv's pool, which are made with the first work that is
 * started. They inherit what the loop's thread is like then, so that is told of it before, once.
 */
struct workers {
	struct uv_loop_s *loop;
	void (*before_threads)(void *arg); /* NULL: nobody has to be told */
	void *arg;
	bool has_threads;
};

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

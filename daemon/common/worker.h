/* SPDX-License-Identifier: BSD-2-Clause */
/* Work for another thread than the loop's. */
#ifndef SHMFS_COMMON_WORKER_H
#define SHMFS_COMMON_WORKER_H

#include <stdbool.h>

#include "process/server.h"

struct uv_loop_s;
struct worker;

/*
 * run(arg) is to be called by another thread, and then done(arg) by the loop's, each time that it
 * is started. NULL: there is no memory.
 */
struct worker *worker_new(struct server *server, struct uv_loop_s *loop, void (*run)(void *arg),
    void (*done)(void *arg), void *arg);

/* Not again before it is done. */
void worker_start(struct worker *worker);

/* True: it has not begun to run, and will not; it is done all the same. */
bool worker_cancel(struct worker *worker);

/* Not between start and done. NULL is nothing. */
void worker_free(struct worker *worker);

#endif

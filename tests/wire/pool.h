/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of threads, which here is the test itself: the functions of daemon/common/worker.h, in
 * whose place these are linked.
 */
#ifndef SHMFS_TESTS_WIRE_POOL_H
#define SHMFS_TESTS_WIRE_POOL_H

#include <stdbool.h>

/* Nothing waits, and workers can be had. */
void pool_reset(void);

/* Whether there is no memory for workers. */
void pool_refuse(bool refuses);

/* Work that was started and is not done. */
unsigned pool_waiting(void);

/* Does it: what threads do, then what the loop does; or both. */
void pool_run(void);
void pool_end(void);
void pool_work(void);

#endif

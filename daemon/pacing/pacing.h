/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the serving thread runs, and how it waits for the next request: asleep, or looking for it
 * again and again (busy_poll.h), on the processor of its client (affinity.h) or where the system
 * puts it. The two exclude each other: on the client's processor nothing comes while the server
 * looks.
 *
 * All of it is the serving thread's to call.
 */
#ifndef SHMFS_PACING_PACING_H
#define SHMFS_PACING_PACING_H

#include <stdbool.h>
#include <stdint.h>

struct pacing;

/* For the calling thread, which serves fuse_fd. poll_us: how long to look for a request before
 * sleeping, 0 = not at all; follow: whether to run where the client does. -ENOMEM. */
int pacing_new(int fuse_fd, unsigned poll_us, bool follow, struct pacing **out);

/* The thread runs where the system puts it. NULL is nothing. */
void pacing_free(struct pacing *pacing);

/* There are requests, whether the thread slept or looks. */
void pacing_woken(struct pacing *pacing);

/* A request of the thread client, or of the kernel itself (0), was served. */
void pacing_served(struct pacing *pacing, uint32_t client);

/*
 * All requests that there were are served; found: the last look found one. True: to be called again
 * after one more look, without sleep; false: the thread is to sleep.
 */
bool pacing_looks(struct pacing *pacing, bool found);

/* Before the thread begins another, which inherits where it may run. NULL is nothing. */
void pacing_leave(struct pacing *pacing);

/* Whether nobody is followed for now: to another thread with work for long, the processor of an
 * idle class seems to be free. */
void pacing_rest(struct pacing *pacing, bool rests);

#endif

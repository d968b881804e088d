/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the serving thread runs: on the processor of a client that asks alone and all the time
 * (follower.h decides), else where the system puts it.
 *
 * Being bound to that processor is not enough: a client that is woken while the server still runs
 * there is put on another processor that idles. It stays only where whoever runs does not count,
 * which is what SCHED_IDLE says. A thread of that class gets nothing while another wants the
 * processor, so it must not be left to itself: another thread looks every millisecond whether
 * requests are served, and sets the serving thread free if not. That thread exists from the first
 * streak of requests on, and sleeps while nobody is followed.
 */
#ifndef SHMFS_PACING_AFFINITY_H
#define SHMFS_PACING_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

struct affinity;

/* For the calling thread, which serves fuse_fd. NULL: there is no memory for it. */
struct affinity *affinity_new(int fuse_fd, unsigned processors);

/*
 * Everything below is the serving thread's to call, and takes NULL for a thread that follows
 * nobody.
 */

/* The serving thread runs where the system puts it, and the other thread has ended. */
void affinity_free(struct affinity *affinity);

/* A request of the thread client, or of the kernel itself (0), was served. */
void affinity_served(struct affinity *affinity, uint32_t client);

/*
 * Whether the serving thread is about to get its client's processor, or has it. It is not to look
 * for requests there: none comes while it runs, and the other thread needs a processor to begin.
 */
bool affinity_decides(const struct affinity *affinity);

/* Before the serving thread begins another, which inherits where it may run. */
void affinity_leave(struct affinity *affinity);

/*
 * Whether nobody is followed for now: to another thread with work for long, the processor of an
 * idle class seems to be free.
 */
void affinity_rest(struct affinity *affinity, bool rests);

#endif

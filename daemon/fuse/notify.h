/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel is told of changes that it did not ask for.
 *
 * Telling it of a single name would wait for the lock of that name's directory, which a process may
 * hold while it waits for this server. So it is told in ways that wait for nothing.
 */
#ifndef SHMFS_FUSE_NOTIFY_H
#define SHMFS_FUSE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct shmfs_removal;

/*
 * A name goes, or none does, and what lingers without one is to be forgotten. To be called before
 * that is committed: a server that is killed in between has only made the kernel ask once more. The
 * kernel asks for the directory and the object again. Since Linux 6.18 it forgets the object's
 * names, but for what somebody uses; that, and all since Linux 6.16, takes notify_rest(). Before
 * that it may believe in the name as long as it was told to when it asked (ops/reply.c); whoever
 * opens it finds out.
 *
 * False: the object lingers, and this kernel cannot be made to forget it. Linux 6.18 can; what
 * somebody uses it keeps, and has to be asked again.
 */
bool notify_removal(struct channel *channel, const struct shmfs_removal *removal);

/*
 * Since Linux 6.16 the kernel can be told to ask for all names again, which costs every user: for
 * what notify_removal() could not do, once in a while. Returns the milliseconds after which to call
 * again, 0: when something was removed.
 */
unsigned notify_rest(struct channel *channel);

/* A server before this one may have died in between. */
void notify_take_up(struct channel *channel);

/*
 * A name comes in a directory, likewise. Before Linux 6.16 the kernel may go on believing that
 * there is no such name, if it was told so; whoever makes one there finds out.
 */
void notify_made(struct channel *channel, uint64_t dir);

#endif

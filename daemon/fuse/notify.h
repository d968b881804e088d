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
 * kernel asks for the directory and the object again, and since Linux 6.16 for all names it knows.
 * Before that it may believe in the name as long as it was told to when it asked (ops/reply.c);
 * whoever opens it finds out.
 *
 * False: the object lingers, and this kernel cannot be made to forget it. Linux 6.18 can; what
 * somebody uses it keeps, and has to be asked again.
 */
bool notify_removal(const struct channel *channel, const struct shmfs_removal *removal);

/*
 * A name comes in a directory, likewise. Before Linux 6.16 the kernel may go on believing that
 * there is no such name, if it was told so; whoever makes one there finds out.
 */
void notify_made(const struct channel *channel, uint64_t dir);

#endif

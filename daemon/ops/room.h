/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room that is on its way.
 *
 * Who closes a file or ends does not wait until the server has heard of it: the kernel queues
 * RELEASE and FORGET, holds back all but some of the first, and lets other requests overtake them.
 * (That is good: one user's thousand closed files do not come before another's request.) So there
 * may be room already where an account says that there is none. Whoever is refused for
 * room while the kernel has more to say is served again, as if for the first time, once it has
 * nothing more: then all that lay there at the refusal has been done, for what is held back comes
 * when an earlier one is answered, and a FORGET that follows from a RELEASE is queued by its
 * answer.
 *
 * Others may keep the kernel talking. So those who wait are also tried from time to time, and get
 * their answer after a while in any case; and one user's requests never take all the places.
 *
 * Likewise, memory that is granted may have to be freed first, which takes a while: who asks for it
 * waits, and not everybody. That comes to an end, as some is freed all the time.
 *
 * Nothing of this outlives a server: what waits is a request that was never served.
 */
#ifndef SHMFS_OPS_ROOM_H
#define SHMFS_OPS_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/channel.h"

/* Milliseconds after which a refusal is the answer although the kernel goes on talking. */
#define ROOM_PATIENCE_MS 3000

/* Requests that are served between two tries. What is free is told at the first one, as it need not
 * be exact where that takes long. */
#define ROOM_INTERVAL 512

/* Those that may wait at a time. Of what others leave, a user gets half. */
#define ROOM_WAITERS_MAX (EXCHANGE_WAITING - 16)

/* Whether this error may be a want of room: of memory, names, descriptors. */
bool room_is_wanted(int rc);

/* Takes over a request that finds too little room, undone. False: that is its answer. for_memory:
 * of what is granted, some has to be freed first (shmfs_set_patient). */
bool room_wait(struct request *request, bool for_memory);

/* Some memory was freed. */
void room_memory_freed(struct channel *channel);

/* Serves those who wait again; `drained`: the kernel had no request more. */
void room_try_again(struct channel *channel, bool drained);

/* The kernel tells of a signal for a caller who waits: the answer is what it is now. EINTR is none
 * that programs know of these calls, nor of statfs(2). It is for who waits for memory, of which
 * there will be enough. */
void room_interrupt(struct channel *channel, uint64_t unique);

/* Whether anybody waits for what others have let go of, and whether for memory to be freed. */
bool room_is_awaited(const struct channel *channel);
bool room_is_for_memory(const struct channel *channel);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a request is well-formed, before anybody believes its lengths. */
#ifndef SHMFS_FUSE_SHAPE_H
#define SHMFS_FUSE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Checks `length` bytes that claim to be one request and are followed by a NUL: the header, the
 * fixed part that its opcode has, the strings, and the counts that say how much follows.
 * 0 or -EINVAL.
 */
int shape_check(const char *request, size_t length);

/* Whether the kernel waits for a reply to this opcode. */
bool shape_has_reply(uint32_t opcode);

/*
 * Whether nothing is to be done for this opcode. INTERRUPT is for a request that was read: the
 * kernel has its caller wait for the reply all the same, and every request has one: most before the
 * next one is read, so that none is left to interrupt; one whose bytes a worker moves, or that
 * waits for memory to be freed, as soon as that is done. To end it early would be to answer EINTR
 * for a write, a shrink or a hole that has been made. And nothing is asked of the kernel by
 * notification, so there is nothing for a NOTIFY_REPLY to answer.
 */
bool shape_is_moot(uint32_t opcode);

/*
 * Whether what is answered may depend on who asks. Those that come often are not among them: a
 * write asks only which bits of a mode stay, and when it is refused.
 */
bool shape_asks_who(uint32_t opcode);

/* Whether it can make the server take memory that stays. */
bool shape_takes_memory(uint32_t opcode);

#endif

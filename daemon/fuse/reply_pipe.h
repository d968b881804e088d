/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reply with the pages of an object instead of a copy: a pipe takes the header and references to
 * the pages, and the kernel copies from there to the caller. Nothing is mapped here, so there is
 * nothing to fault in for a process that is being killed, and no hole becomes memory.
 *
 * A pipe belongs to one thread at a time. It holds pages from fill to send alone: whoever seals an
 * object has to wait for references to its pages.
 */
#ifndef SHMFS_FUSE_REPLY_PIPE_H
#define SHMFS_FUSE_REPLY_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/shmfs.h"

/* All zeros: it is not open. */
struct reply_pipe {
	size_t slots; /* of a page each */
	int in, out;
};

/* Fewer bytes than this are copied in less time than references are handed over. */
#define REPLY_PIPE_MIN (32 * 1024)

/*
 * Unless it is open already. False: there are no descriptors, or no memory. By the loop alone:
 * where descriptors are short, the system gives what are the namespace's numbers, for a moment.
 */
bool reply_pipe_open(struct reply_pipe *pipe);

/*
 * The successful reply to a READ of so much memory. False: this one cannot be had so, and the pipe
 * is empty: it has no room for it or is not open, or the memory has less.
 */
bool reply_pipe_fill(struct reply_pipe *pipe, const struct shmfs *fs, uint64_t unique,
    const struct shmfs_memory *memory);

/*
 * Sends what the pipe holds, a reply with so many bytes of data; it is empty then. False: the
 * kernel did not take it, as for want of memory, and somebody waits for another one.
 */
bool reply_pipe_send(struct reply_pipe *pipe, int fd, size_t size);

void reply_pipe_close(struct reply_pipe *pipe);

/*
 * The largest READ worth asking for: EXCHANGE_READ_MAX, or half of it where a pipe has no room for
 * that, which takes CAP_SYS_RESOURCE or a larger fs.pipe-max-size. Two requests of pages take less
 * time than one of copies.
 */
size_t reply_pipe_read_max(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the reference does otherwise than tmpfs would, so that it stays in step with shmfs. On the
 * subject, and between two tmpfs, all of this but the last does nothing.
 *
 * The short-capped rules of `--capped` are here: a write across the end is short, one with no room
 * is EFBIG, and so is whatever else writes; objects made under a name that matches the default of
 * grow= extend. And the one thing that the subject does: under io=cached it does not
 * write without enough room to what was mapped (ALLOWED_WRITE_OF_MAPPED).
 */
#ifndef SHMFS_TESTS_DIFFERENTIAL_MODEL_H
#define SHMFS_TESTS_DIFFERENTIAL_MODEL_H

#include "worker.h"

/* An object was opened or made: the first time, its name decides whether it grows. */
void model_object(const struct worker *worker, int fd, const struct stat *st);
void model_named_object(const struct worker *worker, const char *path, const struct stat *st);

/* An object was mapped. */
void model_map(const struct worker *worker, const struct slot *slot);

/*
 * A write of *length bytes is about to be made through slot, at offset (-1: where the descriptor
 * is). Lowers *length to what there is room for. False: there is none, and errno is set.
 */
bool model_write(
    struct worker *worker, const struct slot *slot, int64_t offset, bool append, int64_t *length);

/* The same for a copy from `in`, whose own end and overlap count before the room does. */
bool model_copy(struct worker *worker, const struct slot *in, int64_t in_offset,
    const struct slot *out, int64_t out_offset, int64_t *length);

/*
 * sendfile() and splice() from `in`: false where shmfs refuses to read for them, and errno is set.
 * What is wrong with the descriptor that is written to has to be found before.
 */
bool model_splice(struct worker *worker, struct result *result, const struct slot *in,
    int64_t offset, int64_t length);

/* A truncate() that has left the size as it was marks the times. */
void model_truncate(const struct call *call, struct result *result);

/* fallocate() of the reference where tmpfs lacks FALLOC_FL_ZERO_RANGE. */
int model_fallocate(struct worker *worker, struct result *result, const struct slot *slot, int mode,
    int64_t offset, int64_t length);

/* A device node that tmpfs made goes again, and its directory's times come back. */
void model_mknod(struct worker *worker, const struct call *call, struct result *result,
    const struct stat *directory);

#endif

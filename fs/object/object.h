/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: the memory of a node, and its size.
 *
 * Size and charge live in the arena; the memory follows. Growing it can fail and is done before the
 * change is final, with its way back noted; shrinking and freeing destroy data, cannot fail, and
 * are done once it is (txn.h). Memory whose size is out of step after a crash is that of a node
 * which says what it should be.
 */
#ifndef SHMFS_OBJECT_H
#define SHMFS_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/state/state.h"

/* The largest size, as for any file. */
#define OBJECT_SIZE_MAX ((uint64_t)INT64_MAX)

/* Makes sure of memory and a backing id. -ENFILE, -ENOMEM, or an error of backing_open. */
int object_need_backing(struct shmfs *fs, struct node *node);

/* Sets the size, its charge and, where the size changes, the times, as a user asks. -EFBIG,
 * -ENFILE, -ENOMEM, and what charge_resize() has. */
int object_resize(struct shmfs *fs, struct node *node, uint32_t by, uint64_t size);

/*
 * The same for a write that follows and ends there, if that is behind the size. The memory is left
 * to it; if it turns out shorter, object_resize() puts the size right.
 */
int object_extend_for_write(struct shmfs *fs, struct node *node, uint32_t by, uint64_t end);

/*
 * The same for whoever asks for a size: POSIX marks the times even where the size stays. If that
 * can wait, much memory is freed later (deferred_free.h). -EBUSY: it would shrink while it is
 * pinned.
 */
int object_truncate(struct shmfs *fs, struct node *node, uint32_t by, uint64_t size, bool can_wait);

/*
 * Gives an empty object's memory and backing id back, to be called when its last handle went.
 * Objects that were created and not filled, however many, then take no descriptors. Not while it is
 * mapped: such a mapping must see the object when it grows. One for which that was so earlier is
 * asked about again (idle_memory.h).
 */
void object_drop_empty(struct shmfs *fs, struct node *node);

/* Whether a handle or a pin keeps it. */
bool object_is_open(const struct node *node);

/* Whole seconds since it was made, which its time of birth does not tell: the clock is set. */
uint64_t object_age(const struct shmfs *fs, const struct node *node);

/* Whether nobody has the memory open or mapped but the namespace. */
bool object_is_unused(const struct shmfs *fs, const struct node *node);

/* Says what its memory comes in, before it has any. -EBUSY: it has a size, or somebody has it open
 * or mapped; -EOPNOTSUPP: such memory cannot be made. */
int object_set_pages(struct shmfs *fs, struct node *node, enum shmfs_pages pages);

/* Gives memory and charge back. The node is saved here. */
void object_end(struct shmfs *fs, struct node *node);

#endif

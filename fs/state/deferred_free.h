/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is given back later.
 *
 * The kernel takes hundreds of milliseconds to free an object of many gigabytes, and nobody else
 * can be served meanwhile. So large memory is only queued in a transaction, and freed a range at a
 * time between requests. Each is a hole punched; the queue, and how far each entry came, is all
 * that has to outlive a crash.
 *
 * Accounts do not wait: what is queued is charged to nobody. Where somebody asks for more than the
 * limit and the memory that is still there leave, so much of it is freed first (charge.c) that what
 * is granted can be touched.
 *
 * What an entry says is left is changed without a transaction, as pages that are freed do not come
 * back.
 */
#ifndef SHMFS_DEFERRED_FREE_H
#define SHMFS_DEFERRED_FREE_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

/* Whether so many bytes are to be queued, and can be. */
bool deferred_wants(const struct shmfs *fs, uint64_t bytes);

/*
 * Queues a user's memory, or a range of a node's. -ENOMEM, and nothing is queued: then it has to be
 * freed at once. The node is saved here.
 */
int deferred_add_end(struct shmfs *fs, int fd, uint32_t uid);
int deferred_add_range(
    struct shmfs *fs, struct node *node, enum free_kind kind, uint64_t from, uint64_t to);

/* Whose turn it is: no user's memory comes before another's. NULL: nothing is queued. */
struct deferred_free *deferred_pick(struct shmfs *fs);

/* Whether anything of a user's is queued. */
bool deferred_any_of(const struct shmfs *fs, uint32_t uid);

/* What an entry has to be freed in one turn, from its next page on; false: none is left. */
bool deferred_range(
    const struct shmfs *fs, struct deferred_free *entry, struct shmfs_free_range *out);

/* Frees so many pages of an entry; false: none was left. */
bool deferred_free_more(struct shmfs *fs, struct deferred_free *entry, uint64_t pages);

/* An entry's last step, once none of its pages is left. */
void deferred_end(struct shmfs *fs, struct deferred_free *entry);

/* Nobody frees pages of the node before this request is done: whoever does puts back the time that
 * its memory had before. */
void deferred_pause(struct shmfs *fs, const struct node *node);

/* Whether that is more than is freed while others wait, and whoever asks can. */
bool deferred_keeps_waiting(const struct shmfs *fs, const struct node *node);

/* Frees at once what is queued of a node, for somebody who is about to change its memory. */
void deferred_finish(struct shmfs *fs, struct node *node);

/* Takes what is queued of a node out of the queue, as its memory ends. Returns where that ends, in
 * bytes. */
uint64_t deferred_forget(struct shmfs *fs, struct node *node);

/* Pages that are in use though nobody is charged for them. */
uint64_t deferred_pages(const struct shmfs *fs);

/*
 * Frees until at most so many pages are left of those, within a transaction or not; the queue keeps
 * its entries. -EAGAIN: those are more than is freed while others wait, and whoever asks can.
 */
int deferred_free_down_to(struct shmfs *fs, uint64_t most);

/*
 * After a crash, which came before anybody was told of the holes that are queued: whoever wants one
 * asks for it again, and it goes on where it was, as what is freed already may have been written
 * since. What nobody has asked for then is dropped, and its range may be written.
 */
void deferred_leave_holes(struct shmfs *fs);
bool deferred_resume_hole(struct shmfs *fs, const struct node *node);
void deferred_drop_left(struct shmfs *fs);

#endif

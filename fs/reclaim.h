/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is given back in pieces.
 *
 * The kernel takes hundreds of milliseconds to free an object of many gigabytes, and nobody else
 * can be served meanwhile. So large memory is only queued in a transaction, and freed a piece at a
 * time between requests. Each piece is a hole punched, which may be done twice: the queue is all
 * that has to outlive a crash.
 *
 * Accounts do not wait: what is queued is charged to nobody. Where somebody asks for more than the
 * limit and the memory that is still there leave, so much of it is freed first (charge.c) that what
 * is granted can be touched.
 *
 * The numbers of a piece are hints and changed without a transaction; who loses them begins anew.
 */
#ifndef SHMFS_RECLAIM_H
#define SHMFS_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct shmfs;

enum reclaim_kind {
	RECLAIM_END,	/* memory that no object has any more: its descriptor closes at the end */
	RECLAIM_SHRINK, /* the part of an object's memory that lies behind its size */
	RECLAIM_HOLE,	/* a part that reads as zeros */
};

struct reclaim {
	struct reclaim *next, *prev;
	struct node *node; /* NULL at RECLAIM_END */
	int32_t fd;
	uint32_t kind;	  /* enum reclaim_kind */
	uint64_t at, end; /* what is left to free, in whole pages */
};

struct reclaim_queue {
	struct reclaim *first, *last;
	uint32_t count;
	uint64_t least; /* bytes; less than that is freed at once. 0: everything is */
};

/* Whether so many bytes are to be queued, and can be. */
bool reclaim_wants(const struct shmfs *fs, uint64_t bytes);

/*
 * Queues memory, or a range of a node's. -ENOMEM, and nothing is queued: then it has to be freed at
 * once. The node is saved here.
 */
int reclaim_end(struct shmfs *fs, int fd);
int reclaim_range(
    struct shmfs *fs, struct node *node, enum reclaim_kind kind, uint64_t from, uint64_t to);

/* Frees at once what is queued of a node, for somebody who is about to change its memory. */
void reclaim_finish(struct shmfs *fs, struct node *node);

/* Takes what is queued of a node out of the queue, as its memory ends. Returns where that ends, in
 * bytes. */
uint64_t reclaim_forget(struct shmfs *fs, struct node *node);

/* Pages that are in use though nobody is charged for them. */
uint64_t reclaim_pages(const struct shmfs *fs);

/*
 * Frees until at most so many pages are left of those, within a transaction or not; the queue keeps
 * its entries.
 */
void reclaim_free_down_to(struct shmfs *fs, uint64_t most);

/* Takes holes out of the queue: a crash came before anybody was told of them, and whoever wants one
 * asks for it again. Until then the range may be written. */
void reclaim_drop_holes(struct shmfs *fs);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exchange: what a server leaves to the next one of its dealings with the kernel. It is a part
 * of the memory that they share (process/handover.h).
 *
 * A request lies in a slot, where the kernel itself writes it, from when it is received until it is
 * answered, and its reply is stored before a change is final. There is one reader: so what the
 * kernel has handed over and nobody answered lies here, whole, whenever a server dies, and nothing
 * has to be asked for again. Together with the namespace's mark this says how far that one came:
 *
 *   a reply whose number the mark has    the change is final: the reply is sent (again)
 *   a reply that refuses                 there is no change, and never will be: the same
 *   a request whose number the mark has  its reply was sent
 *   a FORGET                             the mark says how much of it is done: the rest is, now
 *   any other request                    it changed nothing, or that was rolled back, or it waited
 *                                        for what is final: it is served (again)
 *
 * One that waits for its turn lies in a cell, or in a slot that is not the current one. It was not
 * begun.
 *
 * What a request has done to an object's memory stands beside it from right after that: it is not
 * done again, over what another process may have stored there meanwhile.
 *
 * A reply is sent twice where the server died between sending it and clearing the slot: the kernel
 * knows the number no more, and says ENOENT.
 *
 * The kernel copies a request through the page tables of the server, and copies into a process that
 * is being killed only as far as it needs not wait for a page; then it ends the request with EIO,
 * though the header may lie here. Pages are locked, so that this does not come to pass; where they
 * cannot be, a request that did not arrive whole is told by canaries: the first bytes of each page
 * of a slot, which whatever arrives overwrites.
 */
#ifndef SHMFS_FUSE_EXCHANGE_H
#define SHMFS_FUSE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/shmfs.h"
#include "tier.h"

/* Bytes of data in the largest reply, which is that of a READ. */
#define EXCHANGE_READ_MAX (1024 * 1024)

/*
 * Bytes of the largest WRITE: of longer ones the kernel makes several. What it copies into the
 * request is copied from there into the object, and this much is still in the processor's own cache
 * by then: that gains more than a few requests cost.
 */
#define EXCHANGE_WRITE_MAX (256 * 1024)

/*
 * Of a request: what was agreed on with the kernel is a WRITE of that size, and whatever it sends
 * else is shorter. Up to a WRITE as large as the largest READ would be taken, too.
 */
#define EXCHANGE_REQUEST_SIZE (EXCHANGE_READ_MAX + 64 * 1024)
#define EXCHANGE_EXPECTED_SIZE (EXCHANGE_WRITE_MAX + 64 * 1024)

#define EXCHANGE_REPLY_SIZE 512
#define EXCHANGE_INIT_SIZE 512

/* Requests that were begun, or may not be begun yet: one is being received or served, the others
 * wait for something else than their turn. */
#define EXCHANGE_WAITING 64

/* And those that wait for their turn (turns/queue.h): large ones in the slots that they were
 * received in, and others in cells, which take less. */
#define EXCHANGE_LARGE 64
#define EXCHANGE_SLOTS (EXCHANGE_WAITING + EXCHANGE_LARGE)
#define EXCHANGE_CELLS 512

/* What the longest request has whose bytes are not an attribute's or those of a larger WRITE than
 * of 4 KiB: a header, a name, and the path that a symbolic link has. */
#define EXCHANGE_CELL_SIZE 4608

/*
 * What stands in a WRITE before its data, which begin on a page: the kernel fills a page of the
 * buffer with one of the caller's, not with the halves of two. Where the system's pages hold
 * several of these, which are the smallest that there are, it is halves of two; of so many bytes,
 * that does not show. And each of them begins with a canary all the same.
 */
#define EXCHANGE_PAGE 4096
#define EXCHANGE_BEFORE_DATA 80
struct exchange_slot {
	_Alignas(EXCHANGE_PAGE) struct shmfs_done done; /* by the request that is here, or was */
	char unused[EXCHANGE_PAGE - EXCHANGE_BEFORE_DATA - sizeof(struct shmfs_done)];
	char request[EXCHANGE_REQUEST_SIZE];
};

/* Begins with a header, as a slot does. */
struct exchange_cell {
	_Alignas(8) char request[EXCHANGE_CELL_SIZE];
};

/* Of a server. The numbers are kept in memory that another program takes over. */
enum death {
	DEATH_FROM_OUTSIDE = 0, /* killed, or asked to end */
	DEATH_BY_CRASH = 1,
	DEATH_FOR_MEMORY = 2, /* the kernel chose it when memory ran short */
};

struct exchange {
	uint64_t canary;
	int32_t fd;	      /* of /dev/fuse; -1: there is no connection */
	uint32_t tier;	      /* see tier_handed_over() */
	uint64_t init_agreed; /* flags of the reply to INIT */
	uint32_t init_size;   /* of the request INIT, 0 if it is too large to be kept */
	char init[EXCHANGE_INIT_SIZE];

	/* How the last server died; the request at which that happened by its own fault, or for
	 * memory, and how often. */
	uint8_t death;
	uint64_t suspect;
	uint32_t suspect_crashes;

	/* The backing id that the kernel gave last. It gives each a higher one than the last, until
	 * they wrap around. */
	int32_t last_backing;
	bool backings_wrapped;

	/* The reply that is being sent, of a change, once that is final, or of a refusal; size 0:
	 * there is none. And the number of the last one that was sent. */
	uint64_t reply_number;
	bool reply_refuses;
	uint64_t reply_size;
	char reply[EXCHANGE_REPLY_SIZE];
	uint64_t answered;

	/* Where the next request comes to, or the one that is being served lies. Each slot begins
	 * with a header, whose length is 0 while there is no request. */
	uint32_t current;
	uint32_t used; /* slots that ever were: those below this number */
	struct exchange_slot slots[EXCHANGE_SLOTS];

	/* Requests that are there, for whoever looks from outside whether there is something to do;
	 * and cells that ever were. */
	uint32_t queued;
	uint32_t cells_used;
	struct exchange_cell cells[EXCHANGE_CELLS];
};

static inline char *exchange_request(struct exchange *exchange, uint32_t slot)
{
	return exchange->slots[slot].request;
}

/* Of memory that is all zeros. -EAGAIN and the like, of getrandom(2). */
int exchange_init(struct exchange *exchange);

/*
 * Makes sure that the pages of a slot that the kernel writes to are there. A process that is
 * being killed can fault no page in any more, and the kernel would fail the request that it is just
 * handing over.
 */
void exchange_populate(struct exchange *exchange, uint32_t slot);

/* Gives back the memory of all slots from this number on, and of all cells, in which nothing is. */
void exchange_give_back(struct exchange *exchange, uint32_t slot);

/* Whether there is a request in a slot, and all of it. */
bool exchange_has_whole(struct exchange *exchange, uint32_t slot);

/* Empties a slot: the request in it is answered. */
void exchange_clear(struct exchange *exchange, uint32_t slot);

/* The same for one that a server may have died in that was writing to it itself. */
void exchange_tidy(struct exchange *exchange, uint32_t slot);

/*
 * Puts the request in the current slot, which is no longer than a cell, into a cell that is empty;
 * and takes one from there into the current slot, which is empty. A server that dies between the
 * two leaves it in both: then it was not begun, and the one in the slot is that which counts.
 */
void exchange_put_away(struct exchange *exchange, uint32_t cell);
void exchange_take_up(struct exchange *exchange, uint32_t cell);
void exchange_clear_cell(struct exchange *exchange, uint32_t cell);

/* Of the request in a cell, 0: there is none. */
uint32_t exchange_cell_length(const struct exchange *exchange, uint32_t cell);

/* Lets the next request come into another slot, which is populated. */
void exchange_move(struct exchange *exchange, uint32_t slot);

#endif

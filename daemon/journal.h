/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal: what outlives a server beside the namespace. It lies in a memfd that supervisor and
 * servers map, and that a new program finds by its descriptor.
 *
 * The request that is being served lies in the journal, where the kernel itself writes it, and the
 * reply is stored there before a change is final. Together with the namespace's mark this says how
 * far a server came that died:
 *
 *   a reply whose number the mark has    the change is final: the reply is sent (again)
 *   a FORGET                             it has no reply, and the kernel never sends it again: the
 *                                        mark says how much of it is done, the rest is done now
 *   any other request                    it changed nothing, or that was rolled back: the kernel
 *                                        sends it again
 *
 * Replies of requests that changed nothing are not stored: those are asked again. So is a READ,
 * whose only change is the access time, and a WRITE whose bytes are on their way (transfer.h): its
 * request may stay in its place while the next one comes into another.
 */
#ifndef SHMFS_JOURNAL_H
#define SHMFS_JOURNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mountpoint.h"
#include "tier.h"

/* Bytes of data in the largest request and reply, and room for what stands around them. */
#define JOURNAL_MAX_TRANSFER (1024 * 1024)
#define JOURNAL_REQUEST_SIZE (JOURNAL_MAX_TRANSFER + 64 * 1024)
#define JOURNAL_REPLY_SIZE 512
#define JOURNAL_INIT_SIZE 512

/* Raised whenever the structure changes its shape or meaning. */
#define JOURNAL_LAYOUT 4

/* Places for requests. */
#define JOURNAL_PLACES 4

/*
 * What stands in a WRITE before its data, which begin on a page: the kernel fills a page of the
 * buffer with one of the caller's, not with the halves of two.
 */
#define JOURNAL_PAGE 4096
#define JOURNAL_BEFORE_DATA 80
struct journal_place {
	_Alignas(JOURNAL_PAGE) char unused[JOURNAL_PAGE - JOURNAL_BEFORE_DATA];
	char request[JOURNAL_REQUEST_SIZE];
};

struct journal {
	uint64_t magic;
	uint32_t layout;
	int32_t supervisor;
	int32_t fuse_fd, arena_fd;
	int32_t control_fd;	  /* of the listening control socket; -1: there is none */
	int32_t previous_program; /* descriptor of the program to go back to; -1: none */
	int32_t tried;		  /* process of the last trial that succeeded; upgrade.h */
	uint64_t own_descriptors; /* bits of those below 64 that are the supervisor's */
	struct mountpoint mountpoint;
	char policy_path[PATH_MAX]; /* absolute; empty without policies */

	enum tier tier;
	uint64_t init_agreed; /* flags of the reply to INIT */
	uint32_t init_size;   /* of the request INIT, 0 if it is too large to be kept */
	char init[JOURNAL_INIT_SIZE];

	uint64_t served; /* requests, by all servers */
	bool announced;	 /* the mount was reported to be there */
	bool serving;	 /* the server is past its recovery and waits for requests */

	/* A server crashed by its own fault; the request at which that happened, how often. */
	bool crashed;
	uint64_t suspect;
	uint32_t suspect_crashes;

	/* The backing id that the kernel gave last. It gives each a higher one than the last, until
	 * they wrap around. */
	int32_t last_backing;
	bool backings_wrapped;

	/* The last change: the number of its request and its reply; size 0: it was sent. */
	uint64_t reply_number;
	uint64_t reply_size;
	char reply[JOURNAL_REPLY_SIZE];

	/* The place of the request that is being served, or of the next one. What is in any other
	 * is a WRITE's. Each begins with a header whose length is 0 while there is no request. */
	uint32_t place;
	struct journal_place places[JOURNAL_PLACES];
};

/* A new journal, which the caller unmaps and whose descriptor is his. -ENOMEM, -EMFILE, -ENFILE. */
int journal_create(int *fd, struct journal **out);

/* Maps the journal that another program left behind fd. -EPROTO: it is none of this layout. */
int journal_map(int fd, struct journal **out);

void journal_unmap(struct journal *journal);

/* Descriptors below 64 that are the supervisor's, and stay open when a server dies. */
void journal_own(struct journal *journal, int fd);
void journal_disown(struct journal *journal, int fd);
bool journal_owns(const struct journal *journal, int fd);

static inline char *journal_request(struct journal *journal)
{
	return journal->places[journal->place].request;
}

/*
 * Makes sure that the pages of a place, which the kernel writes to, are there. A process that is
 * being killed can fault no page in any more, and the kernel would fail the request that it is just
 * handing over.
 */
void journal_populate(struct journal *journal, uint32_t place);

/* Empties the place: the request in it is served. */
void journal_clear(struct journal *journal);

/* Lets the next request come into another place, which is populated. */
void journal_move(struct journal *journal, uint32_t place);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handover: what outlives a server beside the namespace. It lies in a memfd that supervisor and
 * servers map, and that a new program finds by its descriptor.
 *
 * The request that is being served lies in the handover, where the kernel itself writes it, and the
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
#ifndef SHMFS_PROCESS_HANDOVER_H
#define SHMFS_PROCESS_HANDOVER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/counters.h"
#include "fuse/tier.h"
#include "mountpoint.h"

/* Bytes of data in the largest request and reply, and room for what stands around them. */
#define HANDOVER_MAX_TRANSFER (1024 * 1024)
#define HANDOVER_REQUEST_SIZE (HANDOVER_MAX_TRANSFER + 64 * 1024)
#define HANDOVER_REPLY_SIZE 512
#define HANDOVER_INIT_SIZE 512

/* Raised whenever the structure changes its shape or meaning. */
#define HANDOVER_LAYOUT 5

/* Places for requests. */
#define HANDOVER_SLOTS 4

/*
 * What stands in a WRITE before its data, which begin on a page: the kernel fills a page of the
 * buffer with one of the caller's, not with the halves of two.
 */
#define HANDOVER_PAGE 4096
#define HANDOVER_BEFORE_DATA 80
struct handover_slot {
	_Alignas(HANDOVER_PAGE) char unused[HANDOVER_PAGE - HANDOVER_BEFORE_DATA];
	char request[HANDOVER_REQUEST_SIZE];
};

struct handover {
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
	char init[HANDOVER_INIT_SIZE];

	struct counters counters;
	bool announced; /* the mount was reported to be there */
	bool serving;	/* the server is past its recovery and waits for requests */

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
	char reply[HANDOVER_REPLY_SIZE];

	/* The place of the request that is being served, or of the next one. What is in any other
	 * is a WRITE's. Each begins with a header whose length is 0 while there is no request. */
	uint32_t place;
	struct handover_slot places[HANDOVER_SLOTS];
};

/* A new handover, which the caller unmaps and whose descriptor is his. -ENOMEM, -EMFILE, -ENFILE.
 */
int handover_create(int *fd, struct handover **out);

/* Maps the handover that another program left behind fd. -EPROTO: it is none of this layout. */
int handover_map(int fd, struct handover **out);

void handover_unmap(struct handover *handover);

/* Descriptors below 64 that are the supervisor's, and stay open when a server dies. */
void handover_own(struct handover *handover, int fd);
void handover_disown(struct handover *handover, int fd);
bool handover_owns(const struct handover *handover, int fd);

static inline char *handover_request(struct handover *handover)
{
	return handover->places[handover->place].request;
}

/*
 * Makes sure that the pages of a place, which the kernel writes to, are there. A process that is
 * being killed can fault no page in any more, and the kernel would fail the request that it is just
 * handing over.
 */
void handover_populate(struct handover *handover, uint32_t place);

/* Empties the place: the request in it is served. */
void handover_clear(struct handover *handover);

/* Lets the next request come into another place, which is populated. */
void handover_move(struct handover *handover, uint32_t place);

#endif

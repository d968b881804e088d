/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room in a limited memory control group. What a server takes beyond that gets it killed, and every
 * one after it, as long as nobody gives anything back, for which it takes a server: so something is
 * kept for servers, and for the supervisor to start them. A request that would take it is refused.
 */
#ifndef SHMFS_SYSTEM_MEMORY_ROOM_H
#define SHMFS_SYSTEM_MEMORY_ROOM_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct memory_room {
	int fd;		  /* of the file that tells what is used; 0: there is no limit to look at */
	uint64_t found;	  /* when that was looked for, by clock.h */
	uint64_t told;	  /* when a request was refused last; 0: never */
	const char *root; /* as of memory_group.h */
	char group[PATH_MAX];
};

/* Of the least of this process's groups that is smaller than the machine's memory. */
void memory_room_open(const char *root, struct memory_room *out);

/* Whether a request may take some. Where it may not, that is logged. */
bool memory_room_any(struct memory_room *room);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holders: which processes have objects open, mapped or running, found by looking through /proc for
 * the device of the mount and the numbers of its objects. That sees mappings whose descriptor is
 * closed, forked children, and processes in other mount namespaces.
 *
 * The look takes its time, and a process that hangs may hold it up: so it is done on a thread of
 * its own, which knows nothing but what stands in struct scan.
 */
#ifndef SHMFS_CONTROL_HOLDERS_H
#define SHMFS_CONTROL_HOLDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum holder_access {
	HOLDER_OPEN = 1,
	HOLDER_WRITES = 2,
	HOLDER_MAPS = 4,
	HOLDER_RUNS = 8,
	HOLDER_PINS = 16,
};

/* One process and one object. */
struct holder {
	pid_t pid;
	uid_t uid;
	uint64_t id;
	unsigned access; /* of enum holder_access */
	char command[16];
};

/* Holders that one scan keeps. */
#define HOLDERS_MAX 65536

struct scan {
	unsigned major, minor; /* of the mount */
	uint64_t id;	       /* of the object; 0: all */
	uint64_t tenant;       /* of which alone objects count; 0: of any, or none */
	pid_t skip[2];	       /* the server and its supervisor */
	atomic_bool stop;
	uint64_t until; /* on the clock of common/clock.h */

	struct holder *holders;
	size_t count, room;
	bool truncated;
	int rc; /* 0, or what went wrong */
};

/* device: "major:minor". NULL: no memory, or no such device. */
struct scan *holders_prepare(const char *device, uint64_t id);
void holders_free(struct scan *scan);

/* Notes that a process holds an object in some way. */
void holders_add(struct scan *scan, const struct holder *holder);

/* Does the look; on any thread. */
void holders_scan(struct scan *scan);

#endif

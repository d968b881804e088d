/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holders: which processes have objects open, mapped or running. What the server asks of the worker
 * that looks for them (scan.h), and what it is answered.
 */
#ifndef SHMFS_ROLES_HOLDERS_H
#define SHMFS_ROLES_HOLDERS_H

#include <stdint.h>

enum holder_access {
	HOLDER_OPEN = 1,
	HOLDER_WRITES = 2,
	HOLDER_MAPS = 4,
	HOLDER_RUNS = 8,
	HOLDER_PINS = 16,
};
#define HOLDER_ACCESS 31

/* One process and one object. */
struct holder {
	int32_t pid;
	uint32_t uid;
	uint64_t id;
	uint32_t access; /* of enum holder_access */
	char command[16];
};

/* Holders that one look keeps, and those that are known before it, as they have pins. */
#define HOLDERS_MAX 65536
#define HOLDERS_KNOWN_MAX 320

struct holders_question {
	uint32_t major, minor; /* of the mount */
	uint64_t id;	       /* of the object; 0: all */
	int32_t skip[2];       /* the server and its supervisor */
	uint32_t count;
	struct holder known[HOLDERS_KNOWN_MAX];
};

/* A part of the answer. They come by process and object. */
#define HOLDERS_PART 128

struct holders_part {
	uint32_t first, last; /* 1: it is */
	uint32_t truncated;   /* 1: there may be more that are not told */
	int32_t rc;	      /* 0, or a negative errno: what went wrong */
	uint32_t count;
	struct holder holders[HOLDERS_PART];
};

#endif

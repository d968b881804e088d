/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations that are measured one by one, and the objects they are measured on. */
#ifndef SHMFS_BENCH_OPERATION_H
#define SHMFS_BENCH_OPERATION_H

#include "bench.h"

struct object {
	const struct side *side;
	int fd;
	size_t size;
	size_t chunk;
	size_t cursor;
	char name[24];
	char other[24]; /* a name that the operation itself makes and removes */
};

enum traits {
	TO_SERVER = 1,	/* the plain server has to be asked, not the page cache */
	SITUATIONS = 2, /* measured in every situation */
	DIRECTORY = 4,	/* on a directory of 50 names */
};

struct operation {
	const char *name;
	size_t size;  /* of the object that is prepared */
	size_t chunk; /* bytes that one iteration handles */
	int flags;    /* how the object is open while it is measured */
	unsigned traits;
	void (*run)(struct object *object, long iterations);
};

extern const struct operation operations[];
extern const size_t operation_count;

const struct operation *operation_find(const char *name);

/* Objects of one client have the client's number in their names. */
struct object operation_prepare(
    const struct operation *operation, const struct side *side, int client);
void operation_dispose(const struct operation *operation, struct object *object);

#endif

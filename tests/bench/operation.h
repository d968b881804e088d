/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations that are measured one by one, and the objects they are measured on. */
#ifndef SHMFS_BENCH_OPERATION_H
#define SHMFS_BENCH_OPERATION_H

#include "bench.h"

struct object {
	const struct side *side;
	int fd;
	char *map;
	size_t size;
	size_t chunk;
	size_t cursor;
	char name[24];
	char other[24]; /* a name that the operation itself makes and removes */
};

enum traits {
	MAPPED = 1,	 /* measured through a mapping */
	UNTOUCHED = 2,	 /* the pages must not exist yet, so an object is good for one pass only */
	AS_RATE = 4,	 /* shown as GiB/s */
	TO_SERVER = 8,	 /* the plain server has to be asked, not the page cache */
	NO_PLAIN = 16,	 /* through the page cache of the plain server, which says nothing */
	SITUATIONS = 32, /* measured in every situation */
	DIRECTORY = 64,	 /* on a directory of 50 names */
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
bool operation_on(const struct operation *operation, const struct side *side);

/* Objects of one client have the client's number in their names. */
struct object operation_prepare(
    const struct operation *operation, const struct side *side, int client);
void operation_dispose(const struct operation *operation, struct object *object);

/* A page is first touched once: how many iterations an object is good for. */
long operation_pages(const struct operation *operation);

#endif

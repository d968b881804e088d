/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A side of the comparison: one mount, and the two processes that execute a round's calls on it in
 * the order of the round. Everything that they tell stands in memory shared with the main process.
 */
#ifndef SHMFS_TESTS_DIFFERENTIAL_SIDE_H
#define SHMFS_TESTS_DIFFERENTIAL_SIDE_H

#include <limits.h>
#include <stdatomic.h>

#include "call.h"

enum {
	ROUND_CALLS = 1000,
	TEXT_ROOM = 8 << 20,
	VIEW_ROOM = 1 << 16,
	OBJECTS = 1 << 12,
	BUFFER_SIZE = 4 << 20,
	ROUND_SECONDS = 60,
};

/* What the model knows of an object (see model.h). */
struct known_object {
	uint64_t ino;
	bool grows;
	bool mapped;
};

struct shared {
	_Atomic uint32_t turn;		  /* the call that is due */
	_Atomic uint32_t passed[WORKERS]; /* the call that this worker has seen done, plus one */
	_Atomic int leases;		  /* that are held; while any is, workers keep in step */
	uint32_t text_used, views_used, objects_used;
	struct result results[ROUND_CALLS];
	struct known_object objects[OBJECTS];
	struct view views[VIEW_ROOM];
	char text[TEXT_ROOM];
};

/* Which behaviour the reference takes on where the subject is known to differ. */
struct rules {
	bool allow_differences; /* the subject is shmfs */
	bool capped;		/* ... and its objects keep their size when written */
	bool native;		/* ... under io=passthrough */
	bool cached;		/* ... under io=cached */
	bool huge;		/* ... with another huge= than never */
};

struct usage {
	uint64_t blocks, nodes;
};

struct side {
	const char *name;
	char dir[PATH_MAX]; /* the mount point */
	bool reference;
	struct rules rules;
	struct shared *shared;
	struct usage empty; /* what was in use before the round: more would be left over */
	pid_t pids[WORKERS];
	int pidfds[WORKERS];
};

/* Exits when there is no memory. */
void side_init(struct side *side, const char *name, bool reference);

/* Puts the first directories on the empty mount and starts the workers. */
void side_start(struct side *side, const struct call *calls, unsigned count);

/*
 * Waits for the workers of both sides. Returns NULL, or who was killed, died or did not end, and
 * then no worker is left.
 */
const char *sides_wait(struct side *sides, unsigned count);

/* Removes everything from the mount. Returns NULL, or what remains in use, or why it failed. */
const char *side_clear(struct side *side);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every operation at the door that changes something, with what it gives in a known world: the
 * material of the tests that hold for all operations. An operation that is added to shmfs.h gets
 * its lines here.
 */
#ifndef SHMFS_TESTS_UNIT_OPERATIONS_H
#define SHMFS_TESTS_UNIT_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/shmfs.h"

/* What the world has, by id; "handle" is one of an open object. */
enum thing {
	NOBODY, /* an id that is unknown */
	ROOT,
	DIR,	     /* with INSIDE and SUB in it */
	SUB,	     /* with one more object in it, and a default list */
	HOLLOW,	     /* an empty directory */
	REMOVED_DIR, /* known to the caller only */
	FILE_A,	     /* 10000 bytes, open by the handles below */
	FILE_B,	     /* 3000 bytes, known by its name only, with attributes */
	FILE_C,	     /* 5000 bytes, with two names, c and c2 */
	EMPTY,	     /* no bytes and no memory */
	GROWING,     /* sem.g, 100 bytes */
	INSIDE,
	SYMLINK, /* a target of a page */
	FIFO,
	UNNAMED,    /* 5000 bytes, no name, no reference, UNNAMED_RW */
	ORPHAN,	    /* removed, known to the caller only */
	READER,	    /* handle of FILE_A */
	WRITER,	    /* handle of FILE_A */
	READ_WRITE, /* handle of FILE_A */
	EMPTY_RW,   /* handle of EMPTY */
	GROWING_RW, /* handle of GROWING */
	UNNAMED_RW, /* handle of UNNAMED */
	FULL_RW,    /* handle of B_OPEN, whose page is written */
	B_OPEN,	    /* 4096 bytes, open, named and known */
	PINNED,	    /* 9000 bytes, without a name, pinned by A_PIN alone */
	A_PIN,
	EXPIRING,      /* empty, and may go at once */
	EMPTIED,       /* empty, and has memory */
	TENANT,	       /* the directory of one, with TENANT_FILE in it */
	TENANT_FILE,   /* 5000 bytes */
	VACANT_TENANT, /* the empty directory of another */
	THINGS,
};

/* Circumstances that make other paths of the code run. */
enum situation {
	PLAIN,
	BACKED,		 /* every opened object has a backing id */
	IN_USE,		 /* somebody maps every object */
	LABELLED,	 /* policies are in effect */
	ABOUT_TO_GROW,	 /* the dictionary gets a bucket, and a segment, with the next name */
	ABOUT_TO_SHRINK, /* and loses one with the next removal */
	FREED_LATER,	 /* every page is freed later */
	CLOSED,		 /* memory has a name and no descriptor */
	SPARED,		 /* memory is kept, and some is there already */
	NODES_FULL,
	PAGES_FULL,
	ARENA_FULL,
	SITUATIONS,
};

/* In those before this one, operations give what the table says. */
#define FIRST_FULL NODES_FULL

struct world {
	struct shmfs *fs;
	uint64_t id[THINGS];
	unsigned pages_left; /* in a full arena */
	/* Answers, filled with a pattern before each operation. */
	struct shmfs_attr attr;
	struct shmfs_opened opened;
	char buffer[20000];
};

enum action {
	LOOKUP,
	FORGET,
	CREATE,
	TMPFILE,
	MKNOD,
	MKDIR,
	MAKE_SYMLINK,
	LINK,
	UNLINK,
	RMDIR,
	RENAME,
	SETATTR,
	OPEN,
	RELEASE,
	READ,
	READ_PAGES,
	WRITE,
	WRITE_BACK,
	FALLOCATE,
	SETXATTR,
	REMOVEXATTR,
	COPY, /* from thing to to, at the same offset */
	PIN,
	UNPIN,
	SET_LIMITS, /* of scope flags and uid mode, to offset bytes and size nodes; 0 and 0: none */
	REAP,
	END_MEMORY,
	EXPIRE,
	DROP_RIGHTS,
	SET_SUBJECTS,  /* so many */
	TENANT_CREATE, /* of offset bytes and size nodes */
	TENANT_LIMITS, /* the same */
};

struct operation {
	enum action action;
	enum thing thing; /* node, directory or handle */
	const char *name;
	int64_t want;
	enum thing to; /* of rename and link */
	const char *to_name;
	unsigned flags; /* of open, rename, fallocate, or what setattr changes */
	mode_t mode;
	uint64_t offset;
	uint64_t size; /* or length, or count */
	bool alone;    /* -EBUSY where memory is used, or that cannot be told */
};

extern const struct operation operations[];
extern const size_t operation_count;

void world_begin(struct world *world, enum situation situation);
/* An arena with nothing left but so many pages. */
void world_begin_nearly_full(struct world *world, unsigned pages);
/* Checks the world, ends it, and proves that nothing stays open. */
void world_end(struct world *world);

/* Calls it within the transaction that is active; expects answers to be untouched on failure. */
int64_t operation_run(const struct operation *operation, struct world *world);

/* For messages; a static buffer. */
const char *operation_text(const struct operation *operation, enum situation situation);

#endif

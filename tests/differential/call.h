/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One call, as the generator makes it and both sides execute it, and what came of it.
 *
 * The calls of a round are made before any is executed and depend on nothing but the seed. So a
 * round can be had again, on its own and with any of its calls left out.
 */
#ifndef SHMFS_TESTS_DIFFERENTIAL_CALL_H
#define SHMFS_TESTS_DIFFERENTIAL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	WORKERS = 2, /* processes of a side: root and an ordinary user */
	USER_UID = 4242,
	OTHER_GID = 7777,
	SLOTS = 4, /* descriptors of a worker */
	MAPS = 2,  /* mappings of a worker */
	PATH_ROOM = 600,
	WATCHED = 4, /* what a watched call may touch: fd, path, its directory, second fd or path */
	TOUCHED = SLOTS, /* nodes of which a result can tell */
	HEAD = 16,	 /* first bytes of data, for the report */
};

struct call {
	uint16_t kind;
	uint8_t worker;
	bool watched; /* attributes before and after are compared too */
	uint8_t slot, slot2, map;
	int choice; /* one of kind->choices */
	int bits;   /* some of kind->bits */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int64_t offset, offset2, length;
	uint64_t data;
	char path[PATH_ROOM], path2[PATH_ROOM];
};

/* A named value of a flags argument. */
struct choice {
	const char *name;
	int value;
};

struct worker;
struct result;

/*
 * A kind of call. `fields` names the arguments, in the order of their printing:
 *   f slot  g slot2  k map  c choice  b bits  m mode  u uid  v gid
 *   p path, likely that of an object; D of a directory; L of a link; S of a special file; q path2
 *   o offset  s size  O offset2  n length  P offset in pages  N length in pages  t two times
 *   d data  x name of an extended attribute (path2)  A an access control list  w write in parts
 */
struct kind {
	const char *name;
	unsigned weight;
	const char *fields;
	void (*execute)(struct worker *worker, const struct call *call, struct result *result);
	const struct choice *choices, *bits;
};

extern const struct kind kinds[];
extern const unsigned kind_count;

/* The attributes of a node, as far as both sides must have the same. */
struct view {
	uint64_t ino; /* compared by what it is the same as */
	uint64_t size;
	int64_t atime, mtime; /* seconds; 0 = since this test began */
	uint32_t atime_ns, mtime_ns;
	uint32_t mode, nlink, uid, gid, rdev;
	bool only_ino;
	char name[47]; /* for the report */
};

/* How a call touches a node, where that is told to nobody but the kernel (see allowed.h). */
enum touch {
	TOUCH_READ = 1 << 0,	     /* read */
	TOUCH_READ_ONLY = 1 << 1,    /* ... through a descriptor for reading only */
	TOUCH_UNASKED = 1 << 2,	     /* ... in one of the ways of note_unasked() */
	TOUCH_MAPPED = 1 << 3,	     /* mapped at some time, until the end of the round */
	TOUCH_TIMES = 1 << 4,	     /* its times were set to given values */
	TOUCH_ALLOCATED = 1 << 5,    /* has had pages by fallocate */
	TOUCH_REFUSED = 1 << 6,	     /* a write has found no room */
	TOUCH_SHORT = 1 << 7,	     /* a write has found too little room */
	TOUCH_COPY_REFUSED = 1 << 8, /* copy_file_range has found no room */
	TOUCH_PIECES = 1 << 9,	     /* written to by more at once than one message of FUSE holds */
};

/* Changes that a watched call has made. */
enum change {
	CHANGE_CTIME = 1 << 0,
	CHANGE_MTIME = 1 << 1,
	CHANGE_CAME = 1 << 2,
	CHANGE_WENT = 1 << 3,
	CHANGE_IS = 1 << 4, /* no change: it is there afterwards, and has a view */
};

struct result {
	int64_t ret;
	int error;	   /* if ret is -1; ERROR_* below for what is no errno */
	uint64_t words[3]; /* further results */
	uint64_t hash;	   /* of the data */
	uint32_t length;
	uint8_t head[HEAD];
	uint32_t text, text_length; /* in the side's text */
	uint32_t view, views;	    /* in the side's views */
	uint32_t watch_view;	    /* views of what was watched come last */
	uint8_t changes[WATCHED];
	struct {
		uint64_t ino;
		unsigned how;
	} touched[TOUCHED];
	uint32_t allowed; /* differences that the reference has allowed for, bits of enum allowed */
	bool done;
};

enum { ERROR_SKIPPED = 1000, ERROR_SIGNAL = 1001 /* + signal number */ };

#endif

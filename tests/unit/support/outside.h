/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An outside world for tests: the real one, with books kept of every descriptor and backing id that
 * is open, clocks that stand still, and calls that fail or kill on demand.
 *
 * It lies in memory shared with forked processes, so what a killed one opened stays known.
 */
#ifndef SHMFS_TESTS_UNIT_OUTSIDE_H
#define SHMFS_TESTS_UNIT_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "fs/shmfs.h"

enum outside_call {
	OUTSIDE_MEMORY_CREATE,
	OUTSIDE_MEMORY_NAME,
	OUTSIDE_MEMORY_UNNAME,
	OUTSIDE_MEMORY_OPEN,
	OUTSIDE_MEMORY_BORROW, /* opened with any number */
	OUTSIDE_CLOSE,
	OUTSIDE_TRUNCATE,
	OUTSIDE_PUNCH,
	OUTSIDE_READ,
	OUTSIDE_SPLICE,
	OUTSIDE_WRITE,
	OUTSIDE_SEEK,
	OUTSIDE_LOOK,
	OUTSIDE_LOOK_BY_NAME,
	OUTSIDE_SET_WRITTEN,
	OUTSIDE_SEAL_WRITE,
	OUTSIDE_REOPEN,
	OUTSIDE_UNUSED,
	OUTSIDE_RANDOM,
	OUTSIDE_BACKING_OPEN,
	OUTSIDE_BACKING_CLOSE,
	OUTSIDE_CALLS,
	OUTSIDE_NONE = OUTSIDE_CALLS,
};

#define OUTSIDE_IDS 2048
#define OUTSIDE_NAMES 100

/* A name, and the descriptor by which the model keeps its memory; 0: none. */
struct outside_name {
	uint64_t name;
	enum shmfs_pages pages;
	int fd;
};

/* What is open outside, and what has a name. Backing ids map to the inode of their memory. */
struct outside_books {
	unsigned memories, backings, names;
	bool memory[OUTSIDE_IDS];
	enum shmfs_pages pages[OUTSIDE_IDS];
	ino_t backing[OUTSIDE_IDS];
	struct outside_name name[OUTSIDE_NAMES];
};

struct outside {
	struct outside_books books;
	int last_backing; /* the id given out last; they come in turn */
	int promised;	  /* the number for which memory was asked last */
	int borrowed;	  /* what was opened with any number; 0: it was closed */
	bool nameless;	  /* memory cannot have a name */
	bool one_kind;	  /* of memory there is one kind, whose pages cannot be told */
	unsigned calls[OUTSIDE_CALLS];
	unsigned count; /* calls since outside_fail() or outside_kill() */
	/* The call with this number fails so; failing late means that it does its work first. */
	unsigned fail_at;
	int fail_errno;
	bool fail_late;
	enum outside_call failed; /* which it was */
	/* The call with this number kills the process, before or after its work. */
	unsigned kill_at;
	bool kill_late;
	enum outside_call killed;
	bool repeats_allowed; /* closing what is closed already is no mistake */
	pid_t member;	      /* the one process that is in a further group ... */
	gid_t group;	      /* ... which is this */
	int asked;	      /* the memory that a question was begun about; 0: it was ended */
	bool in_use;	      /* somebody maps every memory, whatever is true */
	unsigned quiesced;    /* how often somebody else's work was ended */
	size_t write_at_most; /* bytes that one write takes; 0 = all */
	uint64_t piece;	      /* what memory comes in; 0 = what is true */
	size_t page_size;     /* the system's, or what SHMFS_TEST_PAGE_SIZE pretends */
	struct timespec now, written; /* the latter of all memory */
	uint64_t uptime;	      /* nanoseconds */
};

extern struct outside *outside;

/* What memory comes in. */
#define PAGE ((uint64_t)outside->page_size)
#define PAGES(size) (((size) + PAGE - 1) / PAGE)

/* Begins anew with empty books; every test calls it through its fixture. */
void outside_begin(void);
void outside_end(void);

const struct shmfs_os *outside_os(void);

/* Lets the n-th call from here on fail with an errno; 0 = none. */
void outside_fail(unsigned n, int error, bool late);
/* Kills the process at the n-th call from here on; 0 = never. */
void outside_kill(unsigned n, bool late);

/* Time goes by; where the clock is set, `now` alone is another. */
void outside_advance(time_t seconds, long nanoseconds);

/* As the supervisor does after a kill. */
void outside_close_stray(void);
/* All names go, as with the mount that has them. */
void outside_drop_names(void);

/* The inode of a descriptor's memory; the descriptor that keeps the memory of a name, or -1. */
ino_t outside_inode(int fd);
int outside_named(uint64_t name);

const char *outside_call_name(enum outside_call call);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fail points, after fail(9) of FreeBSD: labelled places, for tests that kill the process at each
 * of them. Only a build with -DSHMFS_FAILPOINTS has any; elsewhere there is nothing of it in the
 * program.
 *
 * They stand wherever the state that outlives the process, or the world outside, has just changed
 * or is about to.
 */
#ifndef SHMFS_FAILPOINT_H
#define SHMFS_FAILPOINT_H

#include <stdbool.h>

#ifdef SHMFS_FAILPOINTS

#include <stdint.h>

/* Steps are counted, and kill, of one part of the processes at a time. */
enum failpoint_part { FAILPOINTS_OF_SERVERS, FAILPOINTS_OF_HELPERS };

/* One page of a file that the environment variable SHMFS_FAILPOINTS_FILE names. */
struct failpoints {
	uint64_t armed_at;  /* the one that kills; 0 = none */
	uint64_t again;	    /* and then one so many later kills too; 0 = none */
	uint64_t count;	    /* passed so far */
	char label[64];	    /* of the last one */
	char killed_at[64]; /* the label of the one that killed last */
	char crash_at[64];  /* the one with this label is a crash, each time; "" = none */
	int64_t call[7];    /* not a crash but this system call, once; the number 0 = none */
	uint32_t part;	    /* of enum failpoint_part */
};

/* Maps the file. Without it, fail points do nothing. */
void failpoints_begin(void);

/* The calling process, and its children, are no server. */
void failpoints_of_helpers(void);

void failpoint(const char *label);

#else

static inline void failpoints_begin(void)
{
}

static inline void failpoints_of_helpers(void)
{
}

static inline void failpoint(const char *label)
{
	(void)label;
}

#endif
#endif

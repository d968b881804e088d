/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Labelled steps, for tests that kill the process at each of them. Only a build with -DSHMFS_STEPS
 * has any; elsewhere there is nothing of it in the program.
 *
 * Steps stand wherever the state that outlives the process, or the world outside, has just changed
 * or is about to.
 */
#ifndef SHMFS_STEP_H
#define SHMFS_STEP_H

#include <stdbool.h>

#ifdef SHMFS_STEPS

#include <stdint.h>

/* One page of a file that the environment variable SHMFS_STEPS_FILE names. */
struct steps {
	uint64_t armed_at;  /* the step that kills; 0 = none */
	uint64_t again;	    /* and then one so many steps later kills too; 0 = none */
	uint64_t count;	    /* steps so far */
	char label[64];	    /* of the last one */
	char killed_at[64]; /* the label of the step that killed last */
	char crash_at[64];  /* the step with this label is a crash, each time; "" = none */
};

/* Maps the file. Without it, steps do nothing. */
void steps_begin(void);

void step(const char *label);

/* Whether the daemon is to behave as on a kernel without FUSE_NOTIFY_RESEND, as the environment
 * variable SHMFS_STEPS_NO_RESEND says. */
bool steps_hide_resend(void);

#else

static inline bool steps_hide_resend(void)
{
	return false;
}

static inline void steps_begin(void)
{
}

static inline void step(const char *label)
{
	(void)label;
}

#endif
#endif

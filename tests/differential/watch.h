/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a call changes the times of what it touches, seen by stat before and after it. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_WATCH_H
#define SHMFS_TESTS_DIFFERENTIAL_WATCH_H

#include <sys/stat.h>

#include "call.h"

struct watch {
	struct {
		bool there;
		struct stat st;
	} nodes[WATCHED];
};

void watch_begin(struct watch *watch, struct worker *worker, const struct call *call);
/* Appends a view of each node that is there afterwards and notes the changes. */
void watch_end(
    struct watch *watch, struct worker *worker, const struct call *call, struct result *result);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What both sides told of a round, compared call by call. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_COMPARE_H
#define SHMFS_TESTS_DIFFERENTIAL_COMPARE_H

#include "side.h"

struct terms {
	bool allow_differences; /* the subject is shmfs */
	bool native;		/* io=passthrough */
	bool cached;		/* io=cached */
	bool huge;		/* huge= has another value than never */
	bool always_huge;	/* huge=always */
};

struct difference {
	unsigned step;
	const char *what;	     /* NULL: there is none */
	const struct view *views[2]; /* if it is one of attributes */
};

/* The first difference. sides[0] is the reference. */
void compare_round(const struct terms *terms, const struct side sides[2], const struct call *calls,
    unsigned count, struct difference *out);

#endif

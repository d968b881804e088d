/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of system calls: from the tables to what the kernel loads. */
#ifndef SHMFS_CONFINE_FILTER_H
#define SHMFS_CONFINE_FILTER_H

#include <linux/filter.h>

#include "whose.h"

/* A filter of the role for a child of the calling process, or that process; the caller frees its
 * instructions. A negative errno. */
int filter_make(enum confine_role role, struct sock_fprog *out);

/* Loads it into the calling thread; a negative errno. */
int filter_load(const struct sock_fprog *program);

/* The name of a call of this machine, valid until the next time; NULL: it has none. */
const char *filter_call_name(int number);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The fewest calls of a round that still show a difference. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_SHRINK_H
#define SHMFS_TESTS_DIFFERENTIAL_SHRINK_H

#include <stdbool.h>

#include "call.h"

/* Runs calls; true if they show the difference that is looked for. */
typedef bool shows(void *context, const struct call *calls, unsigned count);

/*
 * Leaves calls out in smaller and smaller groups for as long as the last one of them shows the
 * difference. The calls are changed in place; returns how many are left.
 */
unsigned shrink(struct call *calls, unsigned count, shows *try, void *context);

#endif

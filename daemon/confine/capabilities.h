/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities of each role. */
#ifndef SHMFS_CONFINE_CAPABILITIES_H
#define SHMFS_CONFINE_CAPABILITIES_H

#include <stdbool.h>

#include "whose.h"

/* Looks what there is to be kept or given up; before the first is. A negative errno. */
int capabilities_look(void);

/* Gives up all others, of all sets. A negative errno. */
int capabilities_drop(enum confine_role role);

/* Whether the supervisor mounts and unmounts by itself; else a program with the set-user-ID bit
 * does it for it. */
bool capabilities_may_mount(void);

#endif

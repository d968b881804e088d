/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface's description; see control_interface.h. */
#include "interface.h"

#include <stddef.h>

const char *const control_interface[] = {
/* Made of org.shmfs.varlink by the build. */
#include "org.shmfs.varlink.inc"
    NULL};

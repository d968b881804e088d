/* SPDX-License-Identifier: BSD-2-Clause */
/* mount -o remount: what can be changed of a mount that is there. */
#ifndef SHMFS_PROCESS_REMOUNT_H
#define SHMFS_PROCESS_REMOUNT_H

#include "options/options.h"

/*
 * Changes what the options give: flags of the mount, ro and rw among them, by the kernel, and
 * limits by its control socket. What else they give stays as it was, which is said. Failures are
 * logged; a negative errno.
 */
int remount(const struct options *options);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount namespaces. A process keeps the namespace that it is in, with all that is mounted there. So
 * a daemon that stayed in one that was made for some command would keep its own mount, and be kept
 * by it, when everybody else has gone. It goes into a copy without that mount instead: then the
 * mount ends with its namespace, and the daemon with its mount.
 *
 * In the namespace of the first process it stays, as that one ends with the system, or with the
 * container and all of its processes.
 *
 * The copy is of the whole tree, so that paths lead where they led. Whatever the host unmounts goes
 * out of the copy, too.
 */
#ifndef SHMFS_SYSTEM_MOUNT_NAMESPACE_H
#define SHMFS_SYSTEM_MOUNT_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this process is in a namespace that may end before it. */
bool mount_namespace_is_private(void);

/*
 * Goes into a copy of a private namespace, where what is mounted from the device, "major:minor", is
 * not. The number of the one that was left; 0: this one is not private, or there is no going, which
 * is no failure. This process has one thread.
 */
uint64_t mount_namespace_leave(const char *device);

/*
 * Unmounts the device wherever it is in this namespace, which is none that others use: where mounts
 * of the original are shared, one that is made there of ours comes into the copy. Errors of
 * umount2(2).
 */
int mount_namespace_drop(const char *device);

/* Goes into the namespace of this number, by one of those who are in it. -ENOENT: nobody is, as far
 * as this process can see. */
int mount_namespace_enter(uint64_t number);

#endif

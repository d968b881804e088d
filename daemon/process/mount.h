/* SPDX-License-Identifier: BSD-2-Clause */
/* From options to a mount with a namespace behind it, ready to be served. */
#ifndef SHMFS_PROCESS_MOUNT_H
#define SHMFS_PROCESS_MOUNT_H

#include "policy/policy.h"
#include "server.h"

/*
 * Mounts at the handover's mount point, agrees with the kernel on how to talk, and chooses the
 * tier. Failures are logged; then nothing is mounted. A negative errno.
 */
int mount_begin(struct server *server);

/* Makes an empty namespace, as the options, the policy file and the tier want it. Failures are
 * logged. -EOPNOTSUPP: in this tier reads cannot be decided one by one. */
int mount_make_namespace(struct server *server, const struct policy *policy);

/*
 * Takes the mount out of the tree, in use or not; its users get ENOTCONN once the connection ends.
 * Failures are logged, but for -ENOENT: it was gone already.
 */
int mount_unmount(const struct handover *handover);

#endif

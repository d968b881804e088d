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

/*
 * Makes the tmpfs that memory comes from, as the options say. Where there can be none, memory comes
 * from memfds. Which it is, and why, is one line for the log. -EINVAL, which was logged: the kernel
 * refuses an option.
 */
int mount_make_store(struct server *server, char *said, size_t said_size);

/* Where memory comes from: "tmpfs,huge=never", or "memfd". */
void mount_print_store(const struct server *server, char *out, size_t size);

/* Makes an empty namespace, as the options, the policy file and the tier want it. Failures are
 * logged. -EOPNOTSUPP: in this tier reads cannot be decided one by one. */
int mount_make_namespace(struct server *server, const struct policy *policy);

/*
 * Takes the mount out of the tree, in use or not; its users get ENOTCONN once the connection ends.
 * Failures are logged, but for -ENOENT: it was gone already.
 */
int mount_unmount(const struct handover *handover);

#endif

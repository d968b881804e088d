/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a mount's control socket; socket_path.h says where it is. */
#ifndef SHMFS_CONTROL_SOCKET_H
#define SHMFS_CONTROL_SOCKET_H

#include <stdint.h>

/*
 * Makes the socket of a mount with this device ("major:minor"), in place of one that a mount of the
 * same device left; and removes others of this user at which nobody listens. *inode is its file's.
 * Returns its listening descriptor, which outlives servers, or a negative errno; -ENOENT: this user
 * has no place for sockets.
 */
int control_listen(const char *device, uint64_t *inode);

/*
 * Removes the file, if it is still this one: a mount is gone before its socket is, and another one
 * that got its device number meanwhile has a socket of the same name.
 */
void control_remove(const char *device, uint64_t inode);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The place in the tree: checks before mounting, and how to unmount. */
#ifndef SHMFS_SYSTEM_MOUNTPOINT_H
#define SHMFS_SYSTEM_MOUNTPOINT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct mountpoint {
	char path[PATH_MAX];
	char device[32]; /* "major:minor" of the mount there, "" until it is known */
};

/*
 * Resolves the path and checks that a filesystem can be mounted there: that it is a directory, that
 * no shmfs is mounted on it, and that /dev/fuse can be opened. 0, or a negative errno and one line
 * in why that names what is wrong and, where there is one, the remedy.
 */
int mountpoint_check(const char *path, struct mountpoint *out, char *why, size_t why_size);

/* The path, resolved, of a shmfs that is to be changed. -EINVAL, and why: there is none. */
int mountpoint_find(const char *path, char out[PATH_MAX], char *why, size_t why_size);

/* How many names the tmpfs there holds, which a mount over it would hide; 0: it is none. */
unsigned long mountpoint_hides(const char *path);

/* Notes which mount is at the path now, so that no other one is unmounted later. */
void mountpoint_note(struct mountpoint *mountpoint);

/*
 * Takes our mount out of the tree of a namespace (mount_namespace.h; 0: of this one), whether or
 * not it is in use: those who use it keep what they have until the connection ends. -ENOENT: our
 * mount is not on top there (any more), or nobody is in the namespace; other errors of umount2(2).
 */
int mountpoint_detach(const struct mountpoint *mountpoint, uint64_t namespace);

#endif

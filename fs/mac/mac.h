/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mandatory access control: every way to learn from a node, or to change it, asks here first.
 *
 * One hook stands at each of these ways ("entry"). A policy knows no entries: it is asked whether a
 * subject may observe, or modify, an object. Any number of policies are asked, and their answers
 * combined. Without policies a hook costs one comparison.
 */
#ifndef SHMFS_MAC_H
#define SHMFS_MAC_H

#include "fs/state/state.h"
#include "policy.h"

enum mac_entry {
	MAC_CREATE, /* a name in this directory */
	MAC_LOOKUP, /* a name in this directory */
	MAC_READDIR,
	MAC_READLINK,
	MAC_STAT,
	MAC_OPEN_READ,
	MAC_OPEN_WRITE,
	MAC_READ,  /* through an opening: if the policies revoke */
	MAC_WRITE, /* through an opening: if the policies revoke */
	MAC_TRUNCATE,
	MAC_UNLINK, /* this node, or a name in this directory */
	MAC_RENAME, /* the same */
	MAC_LINK,   /* the same */
	MAC_SETMODE,
	MAC_SETOWNER,
	MAC_SETTIMES,
	MAC_GETXATTR,
	MAC_SETXATTR,
	MAC_MODIFYING, /* in any other way */
	MAC_PIN,       /* handing out an object's memory */
};

/* EDEADLK > EINVAL > ESRCH > ENOENT > EACCES > EPERM > any other > 0, as on FreeBSD. */
int mac_combine(int a, int b);

/* Which accesses an entry is; 0 where nothing is decided. */
unsigned mac_access_of(const struct mac *mac, enum mac_entry entry);

/* What mac_check() does where there are policies. */
int mac_decide(
    struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, const struct node *node);

/*
 * The hook at an entry: 0, or -EACCES, which is remembered for whoever explains it. cred NULL: the
 * namespace asks for itself.
 */
static inline int mac_check(
    struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, const struct node *node)
{
	return fs->super->mac.policies == 0 || cred == NULL ? 0 : mac_decide(fs, cred, entry, node);
}

/* What the hook would say. Nothing is remembered as denied. */
int mac_would(const struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    const struct node *node);

/* Whether a listing shows this node: its name tells of it. */
static inline bool mac_lists(
    const struct shmfs *fs, const struct shmfs_cred *cred, const struct node *node)
{
	return mac_would(fs, cred, MAC_STAT, node) == 0;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX access control lists, in the form in which system.posix_acl_access and
 * system.posix_acl_default carry them (linux/posix_acl_xattr.h).
 *
 * The kernel checks permissions by them; what is left to a filesystem is that they are well-formed,
 * agree with the mode, and are inherited.
 */
#ifndef SHMFS_ACL_H
#define SHMFS_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fs/shmfs.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* The kernel reads a list of an inode into a page, and an inode whose list it cannot read is lost.
 * No system has smaller ones. */
#define ACL_SIZE_MAX 4096

/* Whether these bytes are a list: each entry once and in order, with a mask where one is needed. */
bool acl_is_valid(const void *acl, size_t size);

/* Whether the list says no more than permission bits can. It is valid. */
bool acl_is_minimal(const void *acl, size_t size);

/* The permission bits of a mode with those that a list stands for. It is valid. */
mode_t acl_to_mode(const void *acl, size_t size, mode_t mode);

/* Changes a list after a change of the mode, so that it stands for it. It is valid. */
void acl_set_mode(void *acl, size_t size, mode_t mode);

/* Leaves in a list what this mode allows too: what a new node gets of a default list. */
void acl_restrict(void *acl, size_t size, mode_t mode);

/* Whom a list is asked about, and the owner of what it protects. */
struct acl_question {
	uid_t by;
	bool (*is_member)(const void *who, gid_t gid);
	const void *who;
	uid_t uid;
	gid_t gid;
	unsigned want; /* of 4, 2 and 1 */
};

/* Whether a list grants what is asked for. It is valid. */
bool acl_grants(const void *acl, size_t size, const struct acl_question *question);

#endif

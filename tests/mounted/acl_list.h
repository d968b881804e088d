/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX access control lists in the form in which the kernel takes them as extended attributes. */
#ifndef SHMFS_TESTS_MOUNTED_ACL_LIST_H
#define SHMFS_TESTS_MOUNTED_ACL_LIST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

enum acl_tag {
	ACL_USER_OBJ = 1,
	ACL_USER = 2,
	ACL_GROUP_OBJ = 4,
	ACL_GROUP = 8,
	ACL_MASK = 16,
	ACL_OTHER = 32
};

/* Little-endian, as every machine that runs these tests is. */
struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

struct acl_list {
	uint32_t version;
	struct acl_entry entries[8];
};

/* "u::rw u:1001:r g::- m::rw o::-" */
size_t acl_parse(const char *text, struct acl_list *list);

/* The list of the file, which must have it, is exactly this. */
void expect_acl(const char *file, const char *attribute, const char *text);
/* The permissions of the file, set-id bits included. */
void expect_mode(const char *file, mode_t want);
/* setxattr of a list. */
int set_acl(const char *file, const char *attribute, const char *text);

#endif

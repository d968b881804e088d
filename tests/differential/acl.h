/* SPDX-License-Identifier: BSD-2-Clause */
/* Access control lists in the form in which the kernel takes them as an extended attribute. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_ACL_H
#define SHMFS_TESTS_DIFFERENTIAL_ACL_H

#include <stddef.h>
#include <stdint.h>

enum { ACL_ROOM = 128 };

/* A list that depends on the seed alone, now and then a malformed one. Returns its length. */
size_t acl_make(uint64_t seed, unsigned char out[ACL_ROOM]);
/* The same as text. */
void acl_print(uint64_t seed, char *out, size_t size);

#endif

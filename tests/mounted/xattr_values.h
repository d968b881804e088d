/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes with text as value; symbolic links are not followed. */
#ifndef SHMFS_TESTS_MOUNTED_XATTR_VALUES_H
#define SHMFS_TESTS_MOUNTED_XATTR_VALUES_H

#include <stdbool.h>
#include <stddef.h>

/* As setxattr answers. */
int set_text(const char *file, const char *name, const char *value);
void expect_text(const char *file, const char *name, const char *want);

/* How often a name stands in what listxattr has given. */
size_t times_listed(const char *list, size_t size, const char *name);
bool is_listed(const char *file, const char *name);

#endif

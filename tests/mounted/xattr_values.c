/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes with text as value. */
#include "xattr_values.h"

#include <check.h>
#include <string.h>
#include <sys/xattr.h>

#include "expect.h"

int set_text(const char *file, const char *name, const char *value)
{
	return lsetxattr(file, name, value, strlen(value), 0);
}

void expect_text(const char *file, const char *name, const char *want)
{
	char value[256];

	GIVES((long)strlen(want), lgetxattr(file, name, value, sizeof(value)));
	ck_assert_msg(memcmp(value, want, strlen(want)) == 0, "%s of %s: expected %s, got %.*s",
	    name, file, want, (int)strlen(want), value);
}

size_t times_listed(const char *list, size_t size, const char *name)
{
	size_t count = 0;

	for (const char *entry = list; entry < list + size; entry += strlen(entry) + 1)
		count += strcmp(entry, name) == 0;
	return count;
}

bool is_listed(const char *file, const char *name)
{
	char list[4096];
	size_t size = (size_t)OK(llistxattr(file, list, sizeof(list)));

	return times_listed(list, size, name) == 1;
}

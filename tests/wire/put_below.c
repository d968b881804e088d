/* SPDX-License-Identifier: BSD-2-Clause */
/* See put_below.h. */
#include "put_below.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void put_below(const char *root, const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof whole, "%s%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		(void)mkdir(whole, 0700);
		*at = '/';
	}
	file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

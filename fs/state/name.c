/* SPDX-License-Identifier: BSD-2-Clause */
/* Legal names and patterns; see name.h. */
#include "name.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "fs/shmfs.h"

int name_length(const char *name, int most)
{
	size_t length = strnlen(name, (size_t)most + 1);

	if (length == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	if (length > (size_t)most)
		return -ENAMETOOLONG;
	if (memchr(name, '/', length) != NULL)
		return -EINVAL;
	return (int)length;
}

/* Most patterns begin or end with a letter, and most names with another one: fnmatch(3) is slow. */
static bool may_match(const char *pattern, size_t length, const char *name, size_t name_length)
{
	char first = pattern[0], last = pattern[length - 1];

	if (name_length == 0)
		return true;
	return (first == name[0] || strchr("*?[\\", first) != NULL) &&
	       (last == name[name_length - 1] || strchr("*?]\\", last) != NULL);
}

bool name_matches(const char *patterns, const char *name)
{
	char pattern[SHMFS_NAME_MAX + 1];
	size_t name_length = strlen(name);

	while (*patterns != '\0') {
		size_t length = (size_t)(strchrnul(patterns, ':') - patterns);

		/* A pattern that is longer than any name is refused where the namespace is made. */
		if (length > 0 && length < sizeof pattern &&
		    may_match(patterns, length, name, name_length)) {
			memcpy(pattern, patterns, length);
			pattern[length] = '\0';
			if (fnmatch(pattern, name, 0) == 0)
				return true;
		}
		patterns += length;
		patterns += *patterns == ':';
	}
	return false;
}

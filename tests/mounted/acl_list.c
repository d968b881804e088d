/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX access control lists as extended attributes, from text. */
#include "acl_list.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "expect.h"
#include "objects.h"

static const uint32_t no_id = UINT32_MAX;

static uint16_t tag_of(char letter, bool named)
{
	switch (letter) {
	case 'u':
		return named ? ACL_USER : ACL_USER_OBJ;
	case 'g':
		return named ? ACL_GROUP : ACL_GROUP_OBJ;
	case 'm':
		return ACL_MASK;
	default:
		return ACL_OTHER;
	}
}

static struct acl_entry parse_entry(const char *text)
{
	const char *id = text + 2;
	const char *permissions = strchr(id, ':');
	struct acl_entry entry = {.id = no_id};

	ck_assert_msg(text[1] == ':' && permissions != NULL, "malformed entry %s", text);
	entry.tag = tag_of(text[0], *id != ':');
	if (*id != ':')
		entry.id = (uint32_t)strtoul(id, NULL, 10);
	entry.permissions = (uint16_t)((strchr(permissions, 'r') != NULL ? 4 : 0) |
				       (strchr(permissions, 'w') != NULL ? 2 : 0) |
				       (strchr(permissions, 'x') != NULL ? 1 : 0));
	return entry;
}

size_t acl_parse(const char *text, struct acl_list *list)
{
	char copy[200];
	char *rest = copy;
	char *word;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	list->version = 2;
	while ((word = strsep(&rest, " ")) != NULL)
		list->entries[count++] = parse_entry(word);
	return offsetof(struct acl_list, entries) + count * sizeof(struct acl_entry);
}

int set_acl(const char *file, const char *attribute, const char *text)
{
	struct acl_list list;
	size_t size = acl_parse(text, &list);

	return setxattr(file, attribute, &list, size, 0);
}

void expect_acl(const char *file, const char *attribute, const char *text)
{
	struct acl_list want;
	struct acl_list list;
	size_t size = acl_parse(text, &want);

	GIVES((long)size, getxattr(file, attribute, &list, sizeof(list)));
	BYTES_EQUAL(&want, &list, size);
}

void expect_mode(const char *file, mode_t want)
{
	mode_t mode = status_of(file).st_mode & 07777;

	ck_assert_msg(mode == want, "mode of %s: expected %04o, got %04o", file, want, mode);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX access control lists; see acl.h. */
#include "acl.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "fs/state/member.h"

#define ACL_VERSION 2

enum acl_tag { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct acl_header {
	uint32_t version;
};

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

static inline size_t entry_count(size_t size)
{
	return (size - sizeof(struct acl_header)) / sizeof(struct acl_entry);
}

static struct acl_entry get_entry(const void *acl, size_t index)
{
	struct acl_entry entry;

	memcpy(&entry, (const char *)acl + sizeof(struct acl_header) + index * sizeof entry,
	    sizeof entry);
	return (struct acl_entry){
	    le16toh(entry.tag), le16toh(entry.permissions), le32toh(entry.id)};
}

static void set_permissions(void *acl, size_t index, mode_t permissions)
{
	uint16_t value = htole16((uint16_t)permissions);

	memcpy((char *)acl + sizeof(struct acl_header) + index * sizeof(struct acl_entry) +
		   offsetof(struct acl_entry, permissions),
	    &value, sizeof value);
}

/* The index of the only entry of this tag; false: there is none. */
static bool find_entry(const void *acl, size_t size, enum acl_tag tag, size_t *index)
{
	for (*index = 0; *index < entry_count(size); (*index)++) {
		if (get_entry(acl, *index).tag == tag)
			return true;
	}
	return false;
}

/* Where the bits of an entry stand in a mode. Named users and groups have none. */
static int shift_of(enum acl_tag tag, bool has_mask)
{
	switch (tag) {
	case USER_OBJ:
		return 6;
	case MASK:
		return 3;
	case GROUP_OBJ:
		return has_mask ? -1 : 3;
	case OTHER:
		return 0;
	case USER:
	case GROUP:
		break;
	}
	return -1;
}

/* In the order of tags, and none but named users and groups twice. */
static bool may_follow(uint16_t tag, uint16_t previous)
{
	return tag > previous || (tag == previous && (tag == USER || tag == GROUP));
}

bool acl_is_valid(const void *acl, size_t size)
{
	struct acl_header header;
	unsigned seen = 0;
	uint16_t previous = 0;

	if (size < sizeof header || (size - sizeof header) % sizeof(struct acl_entry) != 0)
		return false;
	memcpy(&header, acl, sizeof header);
	if (le32toh(header.version) != ACL_VERSION)
		return false;
	for (size_t i = 0; i < entry_count(size); i++) {
		struct acl_entry entry = get_entry(acl, i);

		if (entry.permissions > 7 || entry.tag > OTHER ||
		    (entry.tag & (entry.tag - 1)) != 0 || !may_follow(entry.tag, previous))
			return false;
		previous = entry.tag;
		seen |= entry.tag;
	}
	if ((seen & (USER | GROUP)) && !(seen & MASK))
		return false;
	return (seen & (USER_OBJ | GROUP_OBJ | OTHER)) == (USER_OBJ | GROUP_OBJ | OTHER);
}

bool acl_is_minimal(const void *acl, size_t size)
{
	(void)acl;
	return entry_count(size) == 3;
}

mode_t acl_to_mode(const void *acl, size_t size, mode_t mode)
{
	size_t mask;
	bool has_mask = find_entry(acl, size, MASK, &mask);

	mode &= ~(mode_t)0777;
	for (size_t i = 0; i < entry_count(size); i++) {
		struct acl_entry entry = get_entry(acl, i);
		int shift = shift_of((enum acl_tag)entry.tag, has_mask);

		if (shift >= 0)
			mode |= (mode_t)entry.permissions << shift;
	}
	return mode;
}

/* Sets the entries that stand for permission bits, to the bits or to what is in both. */
static void apply_mode(void *acl, size_t size, mode_t mode, bool only_restrict)
{
	size_t mask;
	bool has_mask = find_entry(acl, size, MASK, &mask);

	for (size_t i = 0; i < entry_count(size); i++) {
		struct acl_entry entry = get_entry(acl, i);
		int shift = shift_of((enum acl_tag)entry.tag, has_mask);
		mode_t bits;

		if (shift < 0)
			continue;
		bits = mode >> shift & 7;
		set_permissions(acl, i, only_restrict ? bits & entry.permissions : bits);
	}
}

void acl_set_mode(void *acl, size_t size, mode_t mode)
{
	apply_mode(acl, size, mode, false);
}

void acl_restrict(void *acl, size_t size, mode_t mode)
{
	apply_mode(acl, size, mode, true);
}

/* What entries for groups say together: one that grants it is enough. */
enum groups_say { GROUPS_SILENT, GROUPS_DENY, GROUPS_GRANT };

static enum groups_say ask_groups(
    const void *acl, size_t size, const struct acl_question *question, unsigned mask)
{
	enum groups_say say = GROUPS_SILENT;

	for (size_t i = 0; i < entry_count(size); i++) {
		struct acl_entry entry = get_entry(acl, i);
		gid_t gid = entry.tag == GROUP_OBJ ? question->gid : entry.id;

		if ((entry.tag != GROUP_OBJ && entry.tag != GROUP) ||
		    !question->is_member(question->who, gid))
			continue;
		if ((entry.permissions & mask & question->want) == question->want)
			return GROUPS_GRANT;
		say = GROUPS_DENY;
	}
	return say;
}

bool acl_grants(const void *acl, size_t size, const struct acl_question *question)
{
	unsigned want = question->want, mask = 7;
	enum groups_say say;
	size_t at;

	if (find_entry(acl, size, MASK, &at))
		mask = get_entry(acl, at).permissions;
	for (at = 0; at < entry_count(size); at++) {
		struct acl_entry entry = get_entry(acl, at);

		if (entry.tag == USER_OBJ && question->by == question->uid)
			return (entry.permissions & want) == want;
		if (entry.tag == USER && question->by == entry.id)
			return (entry.permissions & mask & want) == want;
	}
	say = ask_groups(acl, size, question, mask);
	if (say != GROUPS_SILENT)
		return say == GROUPS_GRANT;
	return find_entry(acl, size, OTHER, &at) && (get_entry(acl, at).permissions & want) == want;
}

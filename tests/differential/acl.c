/* SPDX-License-Identifier: BSD-2-Clause */
/* See acl.h; the form is that of linux/posix_acl_xattr.h. */
#include "acl.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>

#include "call.h"

/* The id of an entry that names nobody. */
static const uint32_t NO_ID = (uint32_t)ACL_UNDEFINED_ID;

struct acl {
	uint32_t version;
	unsigned count;
	struct posix_acl_xattr_entry entries[8];
};

static void add(struct acl *acl, uint16_t tag, uint16_t permissions, uint32_t id)
{
	acl->entries[acl->count++] = (struct posix_acl_xattr_entry){
	    .e_tag = htole16(tag),
	    .e_perm = htole16(permissions),
	    .e_id = htole32(id),
	};
}

static void make(uint64_t seed, struct acl *acl)
{
	bool user = seed >> 20 & 1, group = seed >> 21 & 1;
	unsigned wrong = (unsigned)(seed >> 24) % 32; /* 0 .. 3: malformed */

	*acl = (struct acl){.version = wrong == 0 ? 3 : POSIX_ACL_XATTR_VERSION};
	add(acl, ACL_USER_OBJ, seed & 7, NO_ID);
	if (user)
		add(acl, ACL_USER, seed >> 3 & 7, USER_UID);
	if (user && seed >> 22 & 1)
		add(acl, ACL_USER, seed >> 18 & 7, USER_UID + 1);
	if (wrong != 1)
		add(acl, ACL_GROUP_OBJ, seed >> 6 & 7, NO_ID);
	if (group)
		add(acl, ACL_GROUP, seed >> 9 & 7, seed >> 23 & 1 ? USER_UID : OTHER_GID);
	if ((user || group) != (wrong == 2))
		add(acl, ACL_MASK, seed >> 12 & 7, NO_ID);
	add(acl, ACL_OTHER, (uint16_t)((seed >> 15 & 7) | (wrong == 3 ? 8 : 0)), NO_ID);
}

size_t acl_make(uint64_t seed, unsigned char out[ACL_ROOM])
{
	struct acl acl;
	struct posix_acl_xattr_header header;

	make(seed, &acl);
	header.a_version = htole32(acl.version);
	memcpy(out, &header, sizeof header);
	memcpy(out + sizeof header, acl.entries, acl.count * sizeof acl.entries[0]);
	return sizeof header + acl.count * sizeof acl.entries[0];
}

void acl_print(uint64_t seed, char *out, size_t size)
{
	struct acl acl;
	size_t used;

	make(seed, &acl);
	used = (size_t)snprintf(out, size, "v%u", acl.version);
	for (unsigned i = 0; i < acl.count && used < size; i++) {
		const struct posix_acl_xattr_entry *entry = &acl.entries[i];
		const char *tag = entry->e_tag == ACL_USER_OBJ	  ? "u:"
				  : entry->e_tag == ACL_USER	  ? "user:"
				  : entry->e_tag == ACL_GROUP_OBJ ? "g:"
				  : entry->e_tag == ACL_GROUP	  ? "group:"
				  : entry->e_tag == ACL_MASK	  ? "m:"
								  : "o:";

		used += (size_t)snprintf(out + used, size - used, ",%s", tag);
		if (entry->e_id != NO_ID && used < size)
			used += (size_t)snprintf(out + used, size - used, "%u:", entry->e_id);
		if (used < size)
			used += (size_t)snprintf(out + used, size - used, "%o", entry->e_perm);
	}
}

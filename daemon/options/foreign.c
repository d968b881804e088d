/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that are not ours; see foreign.h. */
#include "foreign.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

static const struct flag {
	const char *name;
	unsigned long set, clear;
} flags[] = {
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"suid", 0, MS_NOSUID},
    {"nosuid", MS_NOSUID, 0},
    {"dev", 0, MS_NODEV},
    {"nodev", MS_NODEV, 0},
    {"exec", 0, MS_NOEXEC},
    {"noexec", MS_NOEXEC, 0},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"atime", 0, MS_NOATIME},
    {"noatime", MS_NOATIME, 0},
};

static const char *const contexts[] = {"context=", "fscontext=", "defcontext=", "rootcontext="};

/* Of fstab(5), of mount(8), and of tmpfs: numbers of inodes have 64 bits in any case. */
static const char *const ignored[] = {"defaults", "default_permissions", "auto", "noauto", "user",
    "users", "nouser", "owner", "group", "nofail", "_netdev", "relatime", "norelatime",
    "strictatime", "lazytime", "nolazytime", "diratime", "nodiratime", "inode32", "inode64"};

static const char *const ignored_beginnings[] = {"x-", "X-", "comment="};

static const char *const shown[] = {"user_id=", "group_id=", "rootmode=", "max_read=", "blksize="};

static const struct {
	const char *name, *instead;
} of_tmpfs[] = {
    {"quota", "use user_size=BYTES and user_inodes=N"},
    {"usrquota", "use user_size=BYTES and user_inodes=N"},
    {"usrquota_block_hardlimit", "use user_size=BYTES"},
    {"usrquota_inode_hardlimit", "use user_inodes=N"},
    {"grpquota", "there are no limits of groups; use user_size=BYTES and user_inodes=N"},
    {"grpquota_block_hardlimit", "there are no limits of groups; use user_size=BYTES"},
    {"grpquota_inode_hardlimit", "there are no limits of groups; use user_inodes=N"},
    {"casefold", "names are told apart by their case; leave it out"},
    {"strict_encoding", "names are bytes of any encoding; leave it out"},
};

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

static bool begins_as(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strncmp(text, list[i], strlen(list[i])) == 0)
			return true;
	}
	return false;
}

static const struct flag *flag_of(const char *name, size_t length)
{
	for (size_t i = 0; i < LENGTH(flags); i++) {
		if (strlen(flags[i].name) == length && memcmp(flags[i].name, name, length) == 0)
			return &flags[i];
	}
	return NULL;
}

static const char *instead_of(const char *option)
{
	size_t length = strcspn(option, "=");

	for (size_t i = 0; i < LENGTH(of_tmpfs); i++) {
		if (strlen(of_tmpfs[i].name) == length &&
		    memcmp(of_tmpfs[i].name, option, length) == 0)
			return of_tmpfs[i].instead;
	}
	return NULL;
}

enum foreign foreign_look_up(const char *option, const char **instead)
{
	if (flag_of(option, strlen(option)) != NULL ||
	    begins_as(option, contexts, LENGTH(contexts)))
		return FOREIGN_PASSED_ON;
	if (*option == '\0' || is_one_of(option, ignored, LENGTH(ignored)) ||
	    begins_as(option, ignored_beginnings, LENGTH(ignored_beginnings)))
		return FOREIGN_IGNORED;
	if (begins_as(option, shown, LENGTH(shown)))
		return FOREIGN_SHOWN;
	*instead = instead_of(option);
	return *instead != NULL ? FOREIGN_OF_TMPFS : FOREIGN_UNKNOWN;
}

char *foreign_next(char **list)
{
	char *option = *list, *end;

	if (option == NULL)
		return NULL;
	end = option;
	if (begins_as(option, contexts, LENGTH(contexts))) {
		char *value = strchr(option, '=') + 1;
		char *quote = *value == '"' ? strchr(value + 1, '"') : NULL;

		end = quote != NULL ? quote : value;
	}
	end += strcspn(end, ",");
	*list = *end == ',' ? end + 1 : NULL;
	*end = '\0';
	return option;
}

unsigned long foreign_mount_flags(const char *list)
{
	/* As fuse(4) is mounted unless something else is asked for. */
	unsigned long found = MS_NOSUID | MS_NODEV;

	while (*list != '\0') {
		size_t length = strcspn(list, ",");
		const struct flag *flag = flag_of(list, length);

		if (flag != NULL)
			found = (found & ~flag->clear) | flag->set;
		list += length + (list[length] == ',');
	}
	return found;
}

void foreign_print_usage(FILE *to)
{
	for (size_t i = 0; i < LENGTH(flags); i++)
		fprintf(to, "%s%s", i > 0 ? ", " : "  ", flags[i].name);
	fputs("\n      as for any filesystem, see mount(8)\n  ", to);
	for (size_t i = 0; i < LENGTH(contexts); i++)
		fprintf(to, "%s%sCONTEXT", i > 0 ? ", " : "", contexts[i]);
	fputs("\n      labels of SELinux, as for any filesystem, see mount(8)\n", to);
}

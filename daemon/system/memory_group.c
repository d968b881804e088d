/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading /proc/self/cgroup and the files of a group; see memory_group.h. */
#include "memory_group.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool read_number(const char *path, uint64_t *out)
{
	FILE *file = fopen(path, "re");
	char line[64], end;
	bool found;

	if (file == NULL)
		return false;
	found = fgets(line, sizeof line, file) != NULL;
	fclose(file);
	if (found)
		line[strcspn(line, "\n")] = '\0';
	return found && sscanf(line, "%" SCNu64 "%c", out, &end) == 1;
}

#define PATH_ROOM (2 * PATH_MAX + 64)

/* The same file has another name, and lies elsewhere, in the older version. */
static const char *path_of(
    char out[PATH_ROOM], const char *root, const char *group, bool older, const char *name)
{
	snprintf(out, PATH_ROOM, "%s/sys/fs/cgroup%s%s/memory.%s", root, older ? "/memory" : "",
	    group, name);
	return out;
}

bool memory_group_limit(const char *root, const char *group, uint64_t *out)
{
	char path[PATH_ROOM];

	if (read_number(path_of(path, root, group, false, "max"), out))
		return true;
	/* The older version has no word for none: it says the largest number of pages. */
	return read_number(path_of(path, root, group, true, "limit_in_bytes"), out) &&
	       *out < UINT64_C(1) << 62;
}

int memory_group_open_usage(const char *root, const char *group)
{
	char path[PATH_ROOM];
	int fd = open(path_of(path, root, group, false, "current"), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fd = open(path_of(path, root, group, true, "usage_in_bytes"), O_RDONLY | O_CLOEXEC);
	return fd;
}

uint64_t memory_group_files(const char *root, const char *group)
{
	char path[PATH_ROOM], line[128], key[64];
	uint64_t sum = 0, value;
	bool older = false;
	FILE *file = fopen(path_of(path, root, group, false, "stat"), "re");

	if (file == NULL) {
		older = true;
		file = fopen(path_of(path, root, group, true, "stat"), "re");
	}
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "%63s %" SCNu64, key, &value) == 2 &&
		    (strcmp(key, older ? "total_inactive_file" : "inactive_file") == 0 ||
			strcmp(key, older ? "total_active_file" : "active_file") == 0))
			sum += value;
	}
	if (file != NULL)
		fclose(file);
	return sum;
}

bool memory_group_swap_left(const char *root, const char *group, uint64_t *out)
{
	char path[PATH_ROOM];
	uint64_t limit, used;
	bool newer = read_number(path_of(path, root, group, false, "swap.max"), &limit);

	/* In the older version, of both together. */
	if (newer
		? !read_number(path_of(path, root, group, false, "swap.current"), &used)
		: !read_number(path_of(path, root, group, true, "memsw.limit_in_bytes"), &limit) ||
		      !read_number(path_of(path, root, group, true, "memsw.usage_in_bytes"), &used))
		return false;
	*out = used < limit ? limit - used : 0;
	return true;
}

/* That of "memory", or of all controllers (""). */
bool memory_group_of_self(const char *root, char *out, size_t size)
{
	char path[PATH_MAX], line[PATH_MAX], controllers[128], group[PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof line, file) != NULL) {
		bool is_of_all = sscanf(line, "0::%4095[^\n]", group) == 1;

		if (!is_of_all &&
		    (sscanf(line, "%*u:%127[^:]:%4095[^\n]", controllers, group) != 2 ||
			strcmp(controllers, "memory") != 0))
			continue;
		if (is_of_all && found)
			continue;
		snprintf(out, size, "%s", strcmp(group, "/") == 0 ? "" : group);
		found = true;
	}
	fclose(file);
	return found;
}

bool memory_group_up(char *group)
{
	char *slash = strrchr(group, '/');

	if (slash == NULL)
		return false;
	*slash = '\0';
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings at the start; see warnings.h. */
#include "warnings.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "memory_group.h"

/* The oldest kernel that tests are run on. */
#define OLDEST_MAJOR 6
#define OLDEST_MINOR 1

struct system {
	const char *root;
	void (*say)(void *arg, const char *line);
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void say(
    const struct system *system, const char *format, ...)
{
	char line[PATH_MAX + 512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	system->say(system->arg, line);
}

/* The first line of a file, without its end. */
static bool read_line(const struct system *system, const char *path, char *out, size_t size)
{
	char whole[2 * PATH_MAX];
	FILE *file;
	bool found;

	snprintf(whole, sizeof whole, "%s%s", system->root, path);
	file = fopen(whole, "re");
	if (file == NULL)
		return false;
	found = fgets(out, (int)size, file) != NULL;
	fclose(file);
	if (found)
		out[strcspn(out, "\n")] = '\0';
	return found;
}

static bool read_number(const struct system *system, const char *path, uint64_t *out)
{
	char line[64], end;

	return read_line(system, path, line, sizeof line) &&
	       sscanf(line, "%" SCNu64 "%c", out, &end) == 1;
}

static void look_at_kernel(const struct system *system)
{
	char release[128];
	unsigned major, minor;

	if (!read_line(system, "/proc/sys/kernel/osrelease", release, sizeof release) ||
	    sscanf(release, "%u.%u", &major, &minor) != 2)
		return;
	if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
		say(system, "Linux %s is older than what shmfs is tested on (%d.%d)", release,
		    OLDEST_MAJOR, OLDEST_MINOR);
}

/* A request that waits longer than that aborts the connection, and with it the mount. */
static void look_at_timeouts(const struct system *system)
{
	static const char *const names[] = {"default_request_timeout", "max_request_timeout"};
	char path[64];
	uint64_t seconds;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "/proc/sys/fs/fuse/%s", names[i]);
		if (read_number(system, path, &seconds) && seconds > 0)
			say(system,
			    "fs.fuse.%s is %" PRIu64 ": a request that waits so many seconds ends "
			    "the mount; set it to 0",
			    names[i], seconds);
	}
}

static void look_at_overcommit(const struct system *system)
{
	uint64_t mode;

	if (read_number(system, "/proc/sys/vm/overcommit_memory", &mode) && mode == 2)
		say(system, "vm.overcommit_memory is 2: memory that was granted may be missing "
			    "when it is touched (SIGBUS); set it to 0 or 1");
}

/* Each group on the way to the root has a limit of its own. */
static void look_at_groups(const struct system *system, uint64_t size)
{
	char group[PATH_MAX];
	uint64_t limit;

	if (!memory_group_of_self(system->root, group, sizeof group))
		return;
	while (!memory_group_limit(system->root, group, &limit) || (size != 0 && size <= limit)) {
		if (!memory_group_up(group))
			return;
	}
	say(system,
	    "the memory control group '%s' of this daemon ends at %" PRIu64
	    " bytes, and the mount does not: who writes more is refused; use size=%" PRIu64
	    " or lift the limit",
	    group[0] != '\0' ? group : "/", limit, limit);
}

void warnings_say(
    const char *root, uint64_t size, void (*say_line)(void *arg, const char *line), void *arg)
{
	const struct system system = {.root = root, .say = say_line, .arg = arg};

	look_at_kernel(&system);
	look_at_timeouts(&system);
	look_at_overcommit(&system);
	look_at_groups(&system, size);
}

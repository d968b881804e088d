/* SPDX-License-Identifier: BSD-2-Clause */
/* What the door gives; see door.h. */
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "outside.h"

/* Each test is a process of its own, and says a thing once. */
static bool was_said(const char *function, int error)
{
	static struct {
		const char *function;
		int error;
	} said[256];
	static size_t count;

	for (size_t i = 0; i < count; i++) {
		if (said[i].error == error && strcmp(said[i].function, function) == 0)
			return true;
	}
	if (count < sizeof said / sizeof said[0]) {
		said[count].function = function;
		said[count++].error = error;
	}
	return false;
}

ssize_t door_note(const char *function, ssize_t result)
{
	const char *path = getenv("SHMFS_TEST_ERRNOS");
	char line[128];
	int fd;

	if (result >= 0 || path == NULL || (outside != NULL && outside->failed != OUTSIDE_NONE) ||
	    was_said(function, (int)-result))
		return result;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0) {
		snprintf(line, sizeof line, "%s %s\n", function, strerrorname_np((int)-result));
		(void)!write(fd, line, strlen(line));
		close(fd);
	}
	return result;
}

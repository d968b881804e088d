/* SPDX-License-Identifier: BSD-2-Clause */
/* See first_line.h. */
#include "first_line.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

void first_line(int fd, const char *prefix, char *out, size_t size)
{
	char line[256];
	ssize_t count = pread(fd, line, sizeof line - 1, 0);

	line[count > 0 ? count : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	snprintf(out, size, "%s",
	    line + (strncmp(line, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading /proc/self/mountinfo; see mountinfo.h. */
#include "mountinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE "fuse.shmfs"

/* Undoes the escapes of mountinfo: \ and three octal digits for blanks and backslashes. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/*
 * Reads one line: "id parent major:minor root path options [fields] - type source options".
 * The pieces point into the line.
 */
static bool parse_line(char *line, const char **device, const char **path, const char **type)
{
	char *separator = strstr(line, " - "), *rest, *piece[5];

	if (separator == NULL)
		return false;
	rest = separator + 3;
	*type = strsep(&rest, " \n");
	*separator = '\0';
	rest = line;
	for (int i = 0; i < 5; i++) {
		piece[i] = strsep(&rest, " ");
		if (piece[i] == NULL)
			return false;
	}
	unescape(piece[4]);
	*device = piece[2];
	*path = piece[4];
	return true;
}

/* The last line that has this path, or this device where there is none. */
static int find(const char *path, const char *device, struct mountinfo *out)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	const char *line_device, *line_path, *line_type;
	int found = 0;
	size_t size = 0;
	char *line = NULL;

	if (file == NULL)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		if (!parse_line(line, &line_device, &line_path, &line_type) ||
		    strcmp(path != NULL ? line_path : line_device, path != NULL ? path : device) !=
			0)
			continue;
		found = 1;
		snprintf(out->path, sizeof out->path, "%s", line_path);
		snprintf(out->device, sizeof out->device, "%s", line_device);
		out->is_shmfs = strcmp(line_type, TYPE) == 0;
	}
	if (!feof(file))
		found = errno != 0 ? -errno : -EIO;
	free(line);
	fclose(file);
	return found;
}

int mountinfo_find_path(const char *path, struct mountinfo *out)
{
	return find(path, NULL, out);
}

int mountinfo_find_device(const char *device, struct mountinfo *out)
{
	return find(NULL, device, out);
}

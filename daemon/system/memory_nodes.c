/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes of memory; see memory_nodes.h. */
#include "memory_nodes.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* A list of ranges: "0", "0-1", "0,2-3". Nodes that may be added later are in it. */
static bool is_one_number(FILE *file)
{
	unsigned number;
	char end;

	return fscanf(file, "%u%c", &number, &end) == 2 && end == '\n';
}

/* A kernel that knows of no nodes says nothing of them, but of processors. */
bool memory_nodes_is_one(const char *root)
{
	char path[PATH_MAX];
	FILE *file;
	bool is_one;

	snprintf(path, sizeof path, "%s/sys/devices/system/node/possible", root);
	file = fopen(path, "re");
	if (file == NULL) {
		snprintf(path, sizeof path, "%s/sys/devices/system/cpu/possible", root);
		return access(path, R_OK) == 0;
	}
	is_one = is_one_number(file);
	fclose(file);
	return is_one;
}

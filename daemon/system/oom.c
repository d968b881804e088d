/* SPDX-License-Identifier: BSD-2-Clause */
/* oom_score_adj, and what it came to; see oom.h. */
#include "oom.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "memory_group.h"

#define ADJ "/proc/self/oom_score_adj"
#define NEVER (-1000)
#define FIRST 1000

/* More than a supervisor has in memory that a new server has not. */
#define SUPERVISOR_SIZE (8 * 1024 * 1024)

/* What this process began with, and whether it is another now. */
static int usual;
static bool is_known, is_protected;

static bool write_adj(int value)
{
	FILE *file = fopen(ADJ, "we");
	bool written;

	if (file == NULL)
		return false;
	written = fprintf(file, "%d", value) > 0;
	return fclose(file) == 0 && written;
}

static bool read_adj(int *out)
{
	FILE *file = fopen(ADJ, "re");
	bool found;

	if (file == NULL)
		return false;
	found = fscanf(file, "%d", out) == 1;
	fclose(file);
	return found;
}

/* Of the machine, or of the least of the groups. */
static uint64_t memory_limit(void)
{
	char group[PATH_MAX];
	struct sysinfo info;
	uint64_t least = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0, limit;

	if (!memory_group_of_self("", group, sizeof group))
		return least;
	do {
		if (memory_group_limit("", group, &limit) && (limit < least || least == 0))
			least = limit;
	} while (memory_group_up(group));
	return least;
}

void oom_protect(void)
{
	if (!is_known)
		is_known = read_adj(&usual);
	if (is_known)
		is_protected = write_adj(NEVER);
}

/* The kernel compares sizes, to which it adds so many thousandths of the limit. Without privileges
 * a value can be raised alone, and no more than is needed: nothing is gained by killing a server.
 */
void oom_expose(void)
{
	uint64_t limit = memory_limit();
	int value = usual;

	if (!is_known)
		return;
	if (!is_protected)
		value += 1 + (limit > 0 ? (int)(SUPERVISOR_SIZE / (limit / FIRST + 1)) : 0);
	else if (value == NEVER)
		value++;
	(void)write_adj(value < FIRST ? value : FIRST);
}

void oom_restore(void)
{
	if (is_protected)
		(void)write_adj(usual);
}

uint64_t oom_kills(void)
{
	FILE *file = fopen("/proc/vmstat", "re");
	uint64_t kills = 0;
	char line[128];

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL &&
	       sscanf(line, "oom_kill %" SCNu64, &kills) != 1)
		;
	fclose(file);
	return kills;
}

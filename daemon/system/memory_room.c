/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left of a memory control group; see memory_room.h. */
#include "memory_room.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "memory_group.h"

/* Descriptors below are the process's own. */
#define DESCRIPTOR_FIRST 64

/*
 * A new server and its threads take 2 MiB, and the request that is let in as the last one 1 MiB at
 * the most, or a huge page of 2 MiB.
 */
#define RESERVE (6 * 1024 * 1024)

/* How long there has to have been room before it is told of again that there is none. */
#define AGAIN (10 * CLOCK_SECOND)

/* A limit that is given while a server lives, or another group, is seen so soon. */
#define LOOK_AGAIN CLOCK_SECOND

static uint64_t machine_memory(uint64_t *swap)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return 0;
	if (swap != NULL)
		*swap = (uint64_t)info.freeswap * info.mem_unit;
	return (uint64_t)info.totalram * info.mem_unit;
}

static bool find_least(const char *root, char least_group[PATH_MAX], uint64_t *least)
{
	char group[PATH_MAX];
	uint64_t limit, of_machine = machine_memory(NULL);

	*least = of_machine;
	if (!memory_group_of_self(root, group, sizeof group))
		return false;
	do {
		if (memory_group_limit(root, group, &limit) && limit < *least) {
			*least = limit;
			snprintf(least_group, PATH_MAX, "%s", group);
		}
	} while (memory_group_up(group));
	return *least < of_machine;
}

static void find_room(struct memory_room *room)
{
	uint64_t limit;
	int fd = -1;

	if (room->fd > 0)
		close(room->fd);
	if (find_least(room->root, room->group, &limit))
		fd = memory_group_open_usage(room->root, room->group);
	if (fd >= DESCRIPTOR_FIRST) {
		close(fd);
		fd = -1;
	}
	room->fd = fd > 0 ? fd : 0;
	room->found = clock_last_tick();
}

void memory_room_open(const char *root, struct memory_room *out)
{
	*out = (struct memory_room){.root = root};
	find_room(out);
}

static bool read_usage(const struct memory_room *room, uint64_t *out)
{
	char text[32];
	ssize_t length = pread(room->fd, text, sizeof text - 1, 0);

	if (length <= 0)
		return false;
	text[length] = '\0';
	*out = strtoull(text, NULL, 10);
	return true;
}

/* What the kernel could take back of others: pages of files, and what it could swap out. */
static uint64_t reclaimable(const struct memory_room *room)
{
	uint64_t swap = 0, of_group;

	(void)machine_memory(&swap);
	if (memory_group_swap_left(room->root, room->group, &of_group) && of_group < swap)
		swap = of_group;
	return memory_group_files(room->root, room->group) + swap;
}

static bool look(const struct memory_room *room)
{
	uint64_t limit, used;

	if (!memory_group_limit(room->root, room->group, &limit) || !read_usage(room, &used))
		return true;
	return used + RESERVE <= limit || used + RESERVE <= limit + reclaimable(room);
}

bool memory_room_any(struct memory_room *room)
{
	uint64_t now = clock_last_tick();

	if (now - room->found > LOOK_AGAIN)
		find_room(room);
	if (room->fd == 0 || look(room))
		return true;
	if (room->told == 0 || now - room->told > AGAIN)
		log_error("the memory control group '%s' is full: what takes more is refused",
		    room->group[0] != '\0' ? room->group : "/");
	/* As long as it lasts, it is told of once. */
	room->told = now;
	return false;
}

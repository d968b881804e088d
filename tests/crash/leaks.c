/* SPDX-License-Identifier: BSD-2-Clause */
/* See leaks.h. */
#include "leaks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "arena_view.h"
#include "daemon.h"
#include "daemon/fuse/abi.h"

enum { TRIES = 500 };

unsigned state_memory_slack = 64;

struct state {
	char *namespace;
	unsigned descriptors;
	long memory; /* KiB */
	struct statvfs room;
};

/* Of all of tmpfs and memfds. */
static long shared_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long size = -1;

	while (file != NULL && size < 0 && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "Shmem: %ld kB", &size) != 1)
			size = -1;
	if (size < 0)
		broken("/proc/meminfo");
	fclose(file);
	return size;
}

struct state *state_take(void)
{
	struct state *state = calloc(1, sizeof *state);

	if (state == NULL || statvfs(daemon_dir(), &state->room) != 0)
		broken("statvfs");
	daemon_is_idle();
	view_open();
	state->namespace = view_dump();
	state->descriptors = daemon_descriptors() - view_kept();
	view_close();
	state->memory = shared_memory();
	return state;
}

void state_free(struct state *state)
{
	free(state->namespace);
	free(state);
}

static bool same_namespace(const struct state *before, const struct state *now)
{
	return now->namespace != NULL && strcmp(before->namespace, now->namespace) == 0;
}

static bool same_room(const struct state *before, const struct state *now)
{
	return before->room.f_bfree == now->room.f_bfree &&
	       before->room.f_ffree == now->room.f_ffree;
}

static bool same_memory(const struct state *before, const struct state *now)
{
	return now->memory - before->memory <= (long)state_memory_slack * 1024;
}

static unsigned differences(const struct state *before, const struct state *now)
{
	unsigned count = before->descriptors != now->descriptors;

	count += !same_namespace(before, now);
	count += !same_room(before, now);
	count += !same_memory(before, now);
	return count;
}

static void print_differences(const struct state *before, const struct state *now)
{
	if (!same_namespace(before, now))
		printf("the namespace before:\n%sand after:\n%s", before->namespace,
		    now->namespace != NULL ? now->namespace : "in the midst of a change\n");
	if (!same_room(before, now))
		printf("statfs: %lu pages and %lu nodes were free, and %lu and %lu after\n",
		    (unsigned long)before->room.f_bfree, (unsigned long)before->room.f_ffree,
		    (unsigned long)now->room.f_bfree, (unsigned long)now->room.f_ffree);
	if (!same_memory(before, now))
		printf("shared memory of the system: %ld KiB before, %ld KiB after\n",
		    before->memory, now->memory);
	if (before->descriptors != now->descriptors)
		printf("descriptors: %u before, %u after\n", before->descriptors, now->descriptors);
}

unsigned state_compare(const struct state *before)
{
	struct state *now = state_take();
	unsigned left;

	for (unsigned tries = 0; tries < TRIES && differences(before, now) > 0; tries++) {
		nanosleep(&(struct timespec){0, 20000000}, NULL);
		state_free(now);
		now = state_take();
	}
	left = differences(before, now);
	if (left > 0)
		print_differences(before, now);
	state_free(now);
	return left;
}

/* The kernel gives ids out in turn, so a new one says how far it has come. */
unsigned backing_ids_left(void)
{
	int fuse = daemon_open_descriptor("/dev/fuse", 0, true);
	int memory = memfd_create("last", MFD_CLOEXEC);
	struct abi_backing_map map = {.fd = memory};
	unsigned left = 0;
	int last;

	if (fuse < 0 || memory < 0)
		broken("/dev/fuse of the daemon");
	last = ioctl(fuse, ABI_BACKING_OPEN, &map);
	if (last < 0)
		broken("FUSE_DEV_IOC_BACKING_OPEN");
	for (uint32_t id = 1; id <= (uint32_t)last; id++)
		left += ioctl(fuse, ABI_BACKING_CLOSE, &id) == 0;
	close(fuse);
	close(memory);
	/* The new one was closed too. */
	return left - 1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The directories under test: a directory of our own in each, and its removal at exit. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct side *opened;
static pid_t owner;

static void warn(const struct side *side, const char *call)
{
	fprintf(stderr, "bench: %s (%s): cleaning up: %s: %s\n", side->label, side->path, call,
	    strerror(errno));
}

static void remove_entries(const struct side *side)
{
	int copy = openat(side->root, side->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (stream == NULL) {
		warn(side, "opendir");
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((entry = readdir(stream)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(side->dir, entry->d_name, 0) != 0 &&
		    unlinkat(side->dir, entry->d_name, AT_REMOVEDIR) != 0)
			warn(side, "unlinkat");
	}
	closedir(stream);
}

static void sides_close(void)
{
	/* Processes that were forked go through here too. */
	if (getpid() != owner)
		return;
	for (int i = 0; i < SIDES; i++) {
		struct side *side = &opened[i];

		if (side->dir < 0)
			continue;
		remove_entries(side);
		if (unlinkat(side->root, side->name, AT_REMOVEDIR) != 0)
			warn(side, "rmdir");
		close(side->dir);
		close(side->root);
	}
}

static void side_open(struct side *side)
{
	side->root = open(side->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (side->root < 0)
		fail(side, "open");
	if (mkdirat(side->root, side->name, 0700) != 0)
		fail(side, "mkdirat");
	side->dir = openat(side->root, side->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (side->dir < 0) {
		int error = errno;

		unlinkat(side->root, side->name, AT_REMOVEDIR);
		errno = error;
		fail(side, "openat of a new directory");
	}
}

void sides_open(struct side *sides, const struct options *options)
{
	static const char *const labels[] = {"tmpfs", "shmfs"};

	for (int i = 0; i < SIDES; i++) {
		sides[i] = (struct side){.label = i == PLAIN ? options->plain_label : labels[i],
		    .path = options->paths[i],
		    .started = options->servers[i],
		    .root = -1,
		    .dir = -1};
		snprintf(sides[i].name, sizeof(sides[i].name), "bench.%ld.%d", (long)getpid(), i);
	}
	opened = sides;
	owner = getpid();
	if (atexit(sides_close) != 0) {
		fprintf(stderr, "bench: atexit failed\n");
		exit(EXIT_ERROR);
	}
	for (int i = 0; i < SIDES; i++)
		if (side_is_there(&sides[i]))
			side_open(&sides[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* See watch.h. */
#include "watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "worker.h"

/* Fields that are the call's first path. */
static const char PATHS[] = "pDLS";

/* The directory that holds a path's last name. */
static void directory_of(const char *path, char *out)
{
	const char *end = path + strlen(path);

	while (end > path && end[-1] == '/')
		end--;
	while (end > path && end[-1] != '/')
		end--;
	snprintf(
	    out, PATH_ROOM, "%.*s", end > path ? (int)(end - path) : 1, end > path ? path : ".");
}

/* Node 0 is the call's descriptor, then its first path with the directory, then the second one. */
static bool look(
    const struct worker *worker, const struct call *call, unsigned node, struct stat *st)
{
	const char *fields = kinds[call->kind].fields;
	char directory[PATH_ROOM];

	switch (node) {
	case 0:
		return fd_of(worker, call->slot) >= 0 && fstat(fd_of(worker, call->slot), st) == 0;
	case 1:
		return strpbrk(fields, PATHS) != NULL && lstat(call->path, st) == 0;
	case 2:
		directory_of(call->path, directory);
		return strpbrk(fields, PATHS) != NULL && lstat(directory, st) == 0;
	default:
		if (strchr(fields, 'g') != NULL)
			return fd_of(worker, call->slot2) >= 0 &&
			       fstat(fd_of(worker, call->slot2), st) == 0;
		return strchr(fields, 'q') != NULL && lstat(call->path2, st) == 0;
	}
}

/*
 * Two changes within one tick of the clock may get the same time. So a call waits for the tick
 * behind the last change of all that it may touch.
 */
static void wait_for_tick(const struct timespec *last)
{
	struct timespec pause = {0, 500000}, now;

	for (;;) {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (now.tv_sec > last->tv_sec ||
		    (now.tv_sec == last->tv_sec && now.tv_nsec > last->tv_nsec))
			return;
		nanosleep(&pause, NULL);
	}
}

void watch_begin(struct watch *watch, struct worker *worker, const struct call *call)
{
	for (unsigned i = 0; i < WATCHED; i++) {
		watch->nodes[i].there = look(worker, call, i, &watch->nodes[i].st);
		if (watch->nodes[i].there)
			wait_for_tick(&watch->nodes[i].st.st_ctim);
	}
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static uint8_t changes_between(const struct stat *before, const struct stat *after)
{
	if (before->st_ino != after->st_ino)
		return CHANGE_CAME | CHANGE_WENT;
	return (uint8_t)((same_time(&before->st_ctim, &after->st_ctim) ? 0 : CHANGE_CTIME) |
			 (same_time(&before->st_mtim, &after->st_mtim) ? 0 : CHANGE_MTIME));
}

void watch_end(
    struct watch *watch, struct worker *worker, const struct call *call, struct result *result)
{
	struct stat st;

	for (unsigned i = 0; i < WATCHED; i++) {
		bool was = watch->nodes[i].there;

		if (!look(worker, call, i, &st)) {
			result->changes[i] = was ? CHANGE_WENT : 0;
			continue;
		}
		result->changes[i] =
		    CHANGE_IS | (was ? changes_between(&watch->nodes[i].st, &st) : CHANGE_CAME);
		give_view(worker, result, &st, NULL);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations; see operation.h. */
#include "operation.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SMALL = 4096,
	KIB = 1024,
	MIB = 1024 * KIB,
	LISTED = 50,
};

static char transfer[MIB] __attribute__((aligned(4096)));

/* Successive iterations walk over the object and start again at its end. */
static void advance(struct object *object)
{
	object->cursor += object->chunk;
	if (object->cursor + object->chunk > object->size)
		object->cursor = 0;
}

static void run_pread(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		ssize_t got = pread(object->fd, transfer, object->chunk, (off_t)object->cursor);

		if (got != (ssize_t)object->chunk)
			fail_count(object->side, "pread", got, (long)object->chunk);
		advance(object);
	}
}

static void run_open_close(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		int fd = openat(object->side->dir, object->name, O_RDWR | O_CLOEXEC);

		if (fd < 0)
			fail(object->side, "openat");
		if (close(fd) != 0)
			fail(object->side, "close");
	}
}

static void run_stat(struct object *object, long iterations)
{
	struct stat status;

	for (long i = 0; i < iterations; i++)
		if (fstatat(object->side->dir, object->name, &status, 0) != 0)
			fail(object->side, "fstatat");
}

static void run_list(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		int fd =
		    openat(object->side->dir, object->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *stream = fd < 0 ? NULL : fdopendir(fd);
		long count = 0;

		if (stream == NULL)
			fail(object->side, "opendir");
		for (const struct dirent *entry; (entry = readdir(stream)) != NULL;)
			count += entry->d_name[0] != '.';
		if (count != LISTED)
			fail_count(object->side, "number of names listed", count, LISTED);
		closedir(stream);
	}
}

static char *map_object(const struct side *side, int fd, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		fail(side, "mmap");
	return map;
}

static int create_object(const struct side *side, const char *name, size_t size)
{
	int fd = openat(side->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(side, "openat with O_CREAT");
	if (ftruncate(fd, (off_t)size) != 0)
		fail(side, "ftruncate");
	return fd;
}

static void run_cycle(struct object *object, long iterations)
{
	const struct side *side = object->side;

	for (long i = 0; i < iterations; i++) {
		int fd = create_object(side, object->other, object->chunk);
		char *map = map_object(side, fd, object->chunk);

		*(volatile char *)map = 1;
		if (munmap(map, object->chunk) != 0)
			fail(side, "munmap");
		if (close(fd) != 0)
			fail(side, "close");
		if (unlinkat(side->dir, object->other, 0) != 0)
			fail(side, "unlinkat");
	}
}

const struct operation operations[] = {
    {"roundtrip", MIB, 1, O_RDWR, TO_SERVER | SITUATIONS, run_pread},
    {"open-close", SMALL, SMALL, O_RDWR, SITUATIONS, run_open_close},
    {"cycle", SMALL, SMALL, O_RDWR, SITUATIONS, run_cycle},
    {"stat", SMALL, SMALL, O_RDWR, 0, run_stat},
    {"list-50", SMALL, SMALL, O_RDONLY, DIRECTORY, run_list},
};

const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < operation_count; i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

static void touch(const struct object *object)
{
	char *map = map_object(object->side, object->fd, object->size);

	memset(map, 1, object->size);
	if (munmap(map, object->size) != 0)
		fail(object->side, "munmap");
}

static void reopen_object(struct object *object, int flags)
{
	if (close(object->fd) != 0)
		fail(object->side, "close");
	object->fd = openat(object->side->dir, object->name, flags | O_CLOEXEC);
	if (object->fd < 0)
		fail(object->side, "openat");
}

static void name_listed(const struct object *object, int i, char *out, size_t size)
{
	snprintf(out, size, "%s/name.%d", object->name, i);
}

static void make_directory(struct object *object)
{
	const struct side *side = object->side;
	char path[64];

	if (mkdirat(side->dir, object->name, 0700) != 0)
		fail(side, "mkdirat");
	for (int i = 0; i < LISTED; i++) {
		name_listed(object, i, path, sizeof(path));
		int fd = openat(side->dir, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0)
			fail(side, "openat with O_CREAT");
		close(fd);
	}
}

static void remove_directory(const struct object *object)
{
	const struct side *side = object->side;
	char path[64];

	for (int i = 0; i < LISTED; i++) {
		name_listed(object, i, path, sizeof(path));
		if (unlinkat(side->dir, path, 0) != 0)
			fail(side, "unlinkat");
	}
	if (unlinkat(side->dir, object->name, AT_REMOVEDIR) != 0)
		fail(side, "rmdir");
}

/* What the plain server takes as the sign to be asked itself. The others need none. */
static int flags_on(const struct operation *operation, const struct side *side)
{
	bool direct = (operation->traits & TO_SERVER) && strcmp(side->label, "plain") == 0;

	return operation->flags | (direct ? O_DIRECT : 0);
}

/*
 * Every sample has a new object: which physical pages an object happens to have can change the
 * speed of a copy by some percent, and would do so for the whole run if the object lived that long.
 */
struct object operation_prepare(
    const struct operation *operation, const struct side *side, int client)
{
	struct object object = {
	    .side = side, .fd = -1, .size = operation->size, .chunk = operation->chunk};
	int flags = flags_on(operation, side);

	snprintf(object.name, sizeof(object.name), "object.%d", client);
	snprintf(object.other, sizeof(object.other), "other.%d", client);
	if (operation->traits & DIRECTORY) {
		make_directory(&object);
		return object;
	}
	object.fd = create_object(side, object.name, object.size);
	touch(&object);
	if (flags != O_RDWR)
		reopen_object(&object, flags);
	return object;
}

/*
 * The memory is given back by ftruncate, because that is synchronous on both sides: what a daemon
 * frees only after the last close would cost time in the other side's sample.
 */
void operation_dispose(const struct operation *operation, struct object *object)
{
	if (operation->traits & DIRECTORY) {
		remove_directory(object);
		return;
	}
	if (operation->flags == O_RDWR && ftruncate(object->fd, 0) != 0)
		fail(object->side, "ftruncate to 0");
	if (unlinkat(object->side->dir, object->name, 0) != 0)
		fail(object->side, "unlinkat");
	if (close(object->fd) != 0)
		fail(object->side, "close");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small tree with something of everything, open descriptors and a mapping, and the operations
 * that are made on it by real system calls. What an operation sees is noted as text, which does not
 * depend on when and where it ran.
 */
#ifndef SHMFS_TESTS_CRASH_SCENE_H
#define SHMFS_TESTS_CRASH_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The user who owns "home" and "own", within the limits that the mount has for each. */
enum { USER = 1001, USER_SIZE = 1 << 20, USER_NODES = 20 };

struct scene {
	/* Of "a", which has 10000 bytes; an object that grows; one without a name. */
	int reader, writer, both, growing, orphan;
	unsigned char *map; /* of "a", shared, 12288 bytes */
	/* What the operation opens is closed with the scene. */
	int opened[8];
	unsigned opened_count;
};

extern struct scene scene;

struct operation {
	const char *name;
	void (*run)(void);
	void (*prepare)(void); /* what comes before it and is not looked at; may be NULL */
};

/* Lists that end with a name of NULL. */
extern const struct operation operations_on_names[], operations_on_files[],
    operations_on_attributes[];

/* Makes the tree in a directory of the mount and goes there. */
void scene_make(void);
/* Closes and removes everything. */
void scene_end(void);

/* What was noted since scene_make(). */
const char *scene_notes(void);

/* Notes a call and its result, and returns the result. */
long scene_note(const char *call, long result);
#define NOTE(call) scene_note(#call, (long)(call))

/* The same for a call that opens something. */
int scene_note_open(const char *call, int fd);
#define OPEN(call) scene_note_open(#call, (call))

/* Notes attributes, or what is in an object; also of what is not there. */
void scene_note_status(const char *name);
void scene_note_data(int fd, size_t size, off_t offset);
void scene_note_bytes(const void *data, size_t size);

/* Data to write. */
const void *scene_data(size_t size, unsigned seed);

/* Makes the calls in between as USER. */
void as_user(void);
void as_root(void);

/* Makes the kernel forget what it knows of a name in a directory. */
void forget_name(ino_t dir, const char *name);
ino_t inode_of(const char *name);

#endif

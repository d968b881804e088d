/* SPDX-License-Identifier: BSD-2-Clause */
/* Every operation that moves a time. */
#ifndef SHMFS_TESTS_MOUNTED_OPERATIONS_H
#define SHMFS_TESTS_MOUNTED_OPERATIONS_H

/* In the working directory, "d" with an object "a" of a page and one that is open; turn counts up.
 */
struct scene {
	int fd, source;
	unsigned turn;
};

struct scene begin_scene(void);
void end_scene(const struct scene *scene);

enum { A_TIME = 1, M_TIME = 2, C_TIME = 4 };

/* Which times of which node an operation moves. */
struct operation {
	const char *name;
	void (*run)(struct scene *scene);
	const char *node;
	unsigned moves;
};

extern const struct operation operations[];
extern const int operation_count;

void run(struct scene *scene, const struct operation *operation);

#endif

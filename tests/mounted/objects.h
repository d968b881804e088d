/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects in the working directory, their contents and mappings. */
#ifndef SHMFS_TESTS_MOUNTED_OBJECTS_H
#define SHMFS_TESTS_MOUNTED_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { PAGE = 4096 };

/* A new object, mode 0600, open for reading and writing. */
int new_object(const char *name, off_t size);
/* The same, closed. */
void make_object(const char *name, off_t size);
/* Opens and closes the object of this path for ever: a body of start_child(). */
void open_for_ever(void *path);
off_t size_of(int fd);
struct stat status_of(const char *name);
bool exists(const char *name);

/* A byte for each offset that differs from its neighbours, from other pages' and from zero. */
unsigned char pattern_at(off_t offset);
void pattern(unsigned char *data, off_t offset, size_t length);
void write_pattern(int fd, off_t offset, size_t length);
void expect_pattern(int fd, off_t offset, size_t length);
void expect_zeros(int fd, off_t offset, size_t length);

/* A shared mapping of the object from offset 0. */
unsigned char *map_object(int fd, size_t length, int protection);
void unmap(unsigned char *map, size_t length);
/*
 * Where mappings are of FUSE's page cache, what they store reaches the object only when the kernel
 * writes it back. read does not notice, because the kernel writes back first; seeking for data and
 * counting pages do. In the passthrough tier this does nothing: there a store is at once in the
 * object.
 */
void settle_mapped_stores(unsigned char *map, size_t length);
/* True when loading this byte raises SIGBUS. */
bool load_raises_sigbus(const unsigned char *byte);

/* Pages that statfs says are left in the shared mount. */
unsigned long pages_left(void);

#endif

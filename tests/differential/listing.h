/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets whose order is the filesystem's business, told in an order that both sides share. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_LISTING_H
#define SHMFS_TESTS_DIFFERENTIAL_LISTING_H

#include "worker.h"

enum { LISTING_ENTRIES = 4096, XATTR_ROOM = 65536 };

struct entry {
	uint64_t ino;
	unsigned char type;
	char name[256];
};

struct listing {
	unsigned count;
	struct entry entries[LISTING_ENTRIES];
};

/* All entries of a directory from its beginning, by name. 0, or -1 with errno. */
int list_directory(int fd, struct listing *out);

/* Names from listxattr() into an array of pointers, by name. Returns their number. */
unsigned sort_names(char *names, size_t length, const char *out[], unsigned room);

#endif

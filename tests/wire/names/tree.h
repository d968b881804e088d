/* SPDX-License-Identifier: BSD-2-Clause */
/* A tree that requests on names are tried on, and the requests. */
#ifndef SHMFS_TESTS_WIRE_TREE_H
#define SHMFS_TESTS_WIRE_TREE_H

#include <stdint.h>

#include "wire.h"

/* A tree with one node of each type, and a way to something that is not there. */
struct tree {
	uint64_t object, directory, symlink, fifo, removed, gone;
};

struct tree grow_tree(struct wire *w);

/* A request on a name in a directory, for what is true of all of them. */
int on_lookup(struct wire *w, uint64_t dir, const char *name);
int on_mknod(struct wire *w, uint64_t dir, const char *name);
int on_mkdir(struct wire *w, uint64_t dir, const char *name);
int on_symlink(struct wire *w, uint64_t dir, const char *name);
int on_create(struct wire *w, uint64_t dir, const char *name);
int on_link(struct wire *w, uint64_t dir, const char *name);
int on_unlink(struct wire *w, uint64_t dir, const char *name);
int on_rmdir(struct wire *w, uint64_t dir, const char *name);
int on_rename_from(struct wire *w, uint64_t dir, const char *name);
int on_rename_to(struct wire *w, uint64_t dir, const char *name);
int on_rename2_from(struct wire *w, uint64_t dir, const char *name);
int on_rename2_to(struct wire *w, uint64_t dir, const char *name);

#endif

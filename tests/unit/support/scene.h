/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of policies ask about: one user made it, another one asks. */
#ifndef SHMFS_TESTS_UNIT_SCENE_H
#define SHMFS_TESTS_UNIT_SCENE_H

#include "fs/shmfs.h"

enum { MAKER = 1001, ASKER = 1002 };

struct scene {
	struct shmfs *fs;
	struct shmfs_cred maker, asker;
	/* Made by the maker: f, link and hollow in the root, x in dir. */
	uint64_t file, dir, hollow, symlink, opened;
	/* Made by the asker, in the root. */
	uint64_t own, own_opened;
	struct shmfs_attr attr;
	struct shmfs_opened out;
	char buffer[4096];
};

void scene_begin(struct scene *s, unsigned policies, bool revoke, const struct shmfs_label *subject,
    const struct shmfs_label *object);

#endif

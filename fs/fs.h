/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a namespace, for the files of this folder. */
#ifndef SHMFS_FS_H
#define SHMFS_FS_H

#include "arena.h"
#include "charge.h"
#include "descriptor.h"
#include "dictionary.h"
#include "index.h"
#include "node.h"
#include "reclaim.h"
#include "rules.h"
#include "shmfs.h"
#include "xattr.h"

/* The root of all state in the arena. */
struct super {
	uint64_t next_id;     /* of nodes */
	uint64_t next_handle; /* ids of handles */
	struct node *root;
	struct index nodes;
	struct index handles;
	struct dictionary dictionary;
	struct charge charge;
	uint64_t next_pin; /* ids of pins */
	struct index pins;
	struct index watched; /* objects that expire or were exported, by id */
	char *grow_patterns, *lifetime_patterns;
	uint64_t lifetime_age; /* seconds */
	struct descriptors descriptors;
	struct reclaim_queue reclaim;
	struct shmfs_mark mark;
	int32_t last_backing;
	bool backing;
	enum shmfs_rules rules;
};

/* One process's view of a namespace; nothing in here has to survive. */
struct shmfs {
	struct arena *arena;
	struct super *super;
	const struct shmfs_os *os;
	int arena_fd;
	struct shmfs_refusal refusal;
	char scratch[XATTR_VALUE_MAX]; /* of one operation */
};

static inline void save(struct shmfs *fs, void *memory, size_t size)
{
	txn_save(&fs->arena->txn, memory, size);
}

static inline bool is_member(const struct shmfs *fs, const struct shmfs_cred *cred, gid_t gid)
{
	return cred->gid == gid || (cred->pid != 0 && fs->os->in_group(cred->pid, gid));
}

#endif

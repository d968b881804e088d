/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a namespace, for the files of this folder. */
#ifndef SHMFS_FS_H
#define SHMFS_FS_H

#include "arena.h"
#include "charge.h"
#include "descriptor.h"
#include "dictionary.h"
#include "index.h"
#include "mac.h"
#include "node.h"
#include "reclaim.h"
#include "rules.h"
#include "shmfs.h"
#include "vacant.h"
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
	struct mac mac;
	char *grow_patterns, *lifetime_patterns;
	uint64_t lifetime_age; /* seconds */
	struct descriptors descriptors;
	struct reclaim_queue reclaim;
	struct vacant_list vacant;
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
	struct reclaim *begun; /* what has a piece that somebody else frees (reclaim.h), or NULL */
	struct shmfs_refusal refusal;
	struct shmfs_denial denial;
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

/*
 * The hook at an entry: 0, or -EACCES, which is remembered for whoever explains it. cred NULL: the
 * namespace asks for itself.
 */
static inline int mac_check(
    struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, const struct node *node)
{
	return fs->super->mac.policies == 0 || cred == NULL ? 0 : mac_decide(fs, cred, entry, node);
}

#endif

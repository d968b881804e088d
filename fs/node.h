/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: what names stand for, and how long they live.
 *
 * A node lives while anything knows it: a name, the caller (who counts its references, "lookups"),
 * or an open handle. The last of them to go frees it. The kernel keeps its reference of a node for
 * as long as a descriptor or a mapping of it exists, so a node whose memory is mapped lives as
 * well, although nobody says a word when the mapping ends.
 */
#ifndef SHMFS_NODE_H
#define SHMFS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "index.h"

struct entry;
struct shmfs;
struct shmfs_cred;
struct vacant;
struct xattr;

/* An object's memory. A memfd is made when the object first needs one. */
struct object {
	uint64_t size;
	int32_t fd;	       /* -1: there is none, and then the size is 0 */
	int32_t backing;       /* 0: none */
	uint32_t opens;	       /* open handles */
	uint32_t writers;      /* those of them that may write */
	uint8_t seals;	       /* of enum seal */
	bool grows;	       /* a write past the end extends it */
	uint16_t reclaims;     /* entries about it in the queue of reclaim.h */
	struct vacant *vacant; /* its place in the list of vacant.h, or NULL */
	bool expires;	       /* its names go when nobody holds it (lifetime.h) */
	bool exported;	  /* its memory was handed out, past the kernel's knowledge of holders */
	uint8_t openings; /* that ever were, up to 2 */
	uint32_t pins;	  /* while there are any, it does not shrink */
};

struct directory {
	struct node *parent;  /* the root's is itself; NULL once removed */
	struct index entries; /* by cookie */
	uint64_t next_cookie;
	uint64_t subdirs;
};

struct symlink {
	char *target;
	uint64_t length;
};

struct node {
	uint64_t id;
	uint64_t lookups;
	uint32_t names; /* entries that name it; a directory has at most one */
	uint32_t mode;
	uint32_t uid, gid;
	uint32_t creator;     /* the uid that is charged, whoever owns it later */
	bool gone;	      /* only lookups are left: without memory, and charged no more */
	bool linkable;	      /* has no name yet and may be given one */
	uint16_t label;	      /* number of its label (mac.h), 0: none */
	uint32_t xattr_bytes; /* of all names and values */
	struct xattr *xattrs;
	struct entry *entry; /* the newest of its names; NULL: it has none, or is the root */
	struct timespec atime, mtime, ctime, btime;
	union {
		struct object object;
		struct directory directory;
		struct symlink symlink;
	};
};

static inline bool is_earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static inline bool is_directory(const struct node *node)
{
	return S_ISDIR(node->mode);
}

static inline bool is_object(const struct node *node)
{
	return S_ISREG(node->mode);
}

/* NULL: there is no such node. */
struct node *node_get(const struct shmfs *fs, uint64_t id);

/* Saves a node, which the caller is about to change. */
void node_change(struct shmfs *fs, struct node *node);

/*
 * Makes a node that is to get this name, with all times now; the caller names it or takes a
 * reference at once. The errors of charge_node(); -ENOMEM.
 */
int node_create(
    struct shmfs *fs, const char *name, mode_t mode, uid_t uid, gid_t gid, struct node **out);

/*
 * To be called whenever something has let go of a node: frees one that nothing knows any more. Of
 * one that the caller alone knows, and whose memory nobody uses, the memory and the charge end
 * here: the kernel gives its last reference back at some time after an unlink, and who has made
 * room must find it at once.
 */
void node_drop_unused(struct shmfs *fs, struct node *node);

/* Sets the change time, and the modification time too, of a saved node to now, unless the rules
 * leave that to changes of size alone. */
void node_touch_ctime(struct shmfs *fs, struct node *node);
void node_touch_mtime(struct shmfs *fs, struct node *node);

/* The bytes for which a symbolic link's target is charged. */
uint64_t node_target_charge(uint64_t length);

/*
 * The bits that make a program run as somebody else do not outlive a change of the program. Where
 * the group may not execute, the set-group-id bit is no such bit, but only root and members may
 * keep it. The node is saved.
 */
void node_drop_set_id(const struct shmfs *fs, struct node *node, const struct shmfs_cred *cred);

void node_attributes(const struct shmfs *fs, const struct node *node, struct shmfs_attr *out);

#endif

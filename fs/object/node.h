/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes: what names stand for. How long they live is said in life.h. */
#ifndef SHMFS_NODE_H
#define SHMFS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "fs/state/state.h"

static inline bool is_earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/*
 * Makes a node of a tenant (0: none) that is to get this name, with all times now; the caller names
 * it or takes a reference at once. The errors of charge_node(); -ENOMEM.
 */
int node_create(struct shmfs *fs, const char *name, mode_t mode, uid_t uid, gid_t gid,
    uint32_t tenant, struct node **out);

/* The time of whatever the transaction changes. */
struct timespec node_now(struct shmfs *fs);

/* Sets the change time, and the modification time too, of a saved node to now, unless the rules
 * leave that to changes of size alone. */
void node_touch_ctime(struct shmfs *fs, struct node *node);
void node_touch_mtime(struct shmfs *fs, struct node *node);

/* Sets the modification time of a saved node. */
void node_set_mtime(struct shmfs *fs, struct node *node, const struct timespec *time);

/* Both, for an object to whose memory something was just written. The memory may be all that knows
 * of it, until somebody wants to compare. Without its descriptor (-1) the times are those of the
 * clock. */
void node_touch_written(struct shmfs *fs, struct node *node, int fd);
void node_settle_times(struct shmfs *fs, struct node *node);

/*
 * To be called for a directory, which is saved, after a change that the kernel did not ask for: it
 * keeps a listing as long as the directory's mtime stays what it was. The clock stands still for
 * milliseconds: so what has changed since a listing is later by a nanosecond at least.
 */
void node_make_later(struct node *dir, const struct timespec *than);

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

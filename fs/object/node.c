/* SPDX-License-Identifier: BSD-2-Clause */
/* Making of nodes, and their attributes; see node.h. */
#include "node.h"

#include <assert.h>
#include <errno.h>

#include "fs/state/charge.h"
#include "fs/state/deferred_free.h"
#include "fs/state/member.h"
#include "fs/state/rules.h"
#include "memory.h"

/* What an entry adds to the size of its directory, as on tmpfs. */
#define ENTRY_SIZE 20

/* Targets of symbolic links below this length cost no more than their node, as on tmpfs. */
#define SHORT_TARGET 128

int node_create(struct shmfs *fs, const char *name, mode_t mode, uid_t uid, gid_t gid,
    uint32_t tenant, struct node **out)
{
	struct super *super = fs->super;
	struct node *node;
	int rc = charge_node(fs, uid, tenant, name);

	if (rc < 0)
		return rc;
	node = arena_alloc(fs->arena, sizeof *node);
	if (node == NULL)
		return -ENOMEM;
	save(fs, &super->next_id, sizeof super->next_id);
	*node = (struct node){
	    .id = super->next_id++,
	    .mode = mode,
	    .uid = uid,
	    .gid = gid,
	    .creator = uid,
	    .tenant = tenant,
	};
	node->btime = node_now(fs);
	node->atime = node->mtime = node->ctime = node->btime;
	if (is_object(node)) {
		node->object.fd = -1;
		node->object.made = fs->os->uptime(fs->os->arg);
	}
	rc = index_insert(fs->arena, &super->nodes, node->id, node);
	if (rc < 0)
		return rc;
	*out = node;
	return 0;
}

uint64_t node_target_charge(uint64_t length)
{
	return length < SHORT_TARGET ? 0 : length + 1;
}

static bool is_timed_by_size(const struct shmfs *fs, const struct node *node)
{
	return is_object(node) && rules_of(fs)->times_by_size;
}

/*
 * A stamp is later than the last one, but the system may have given a time as late to memory that
 * was written since; and where somebody has seen that, they tell a change by a later one. The
 * second stamp in a row is. Nothing is lost with the note but that, so it is no part of a
 * transaction.
 */
static void note_told(const struct shmfs *fs, const struct timespec *time)
{
	if (is_earlier(&fs->super->told, time))
		fs->super->told = *time;
}

struct timespec node_now(struct shmfs *fs)
{
	if (fs->stamped)
		return fs->stamp;
	fs->os->stamp(fs->os->arg, fs->arena_fd, &fs->stamp);
	if (!is_earlier(&fs->super->told, &fs->stamp))
		fs->os->stamp(fs->os->arg, fs->arena_fd, &fs->stamp);
	fs->stamped = true;
	return fs->stamp;
}

void node_touch_ctime(struct shmfs *fs, struct node *node)
{
	if (is_timed_by_size(fs, node))
		return;
	node->ctime = node_now(fs);
	if (is_object(node))
		node->object.follows = false;
}

/*
 * Whether a mapping is of the memory itself, so that the system notes when somebody stores through
 * one. Other mappings are written to the memory when the kernel likes. An empty object has no page
 * to store to, and its memory may have been made by an opening.
 */
static bool has_stores(const struct shmfs *fs, const struct node *node)
{
	return node->object.backing != 0 && node->object.size > 0 && !is_timed_by_size(fs, node);
}

/*
 * Whether the time that the kernel notes with the memory is all that a write needs: asking for it
 * at each write would take longer than much of the rest, and few look. It is where the object's own
 * times are not later: then whoever has looked since has looked at the memory, whose next time is
 * later than what they saw. Where a part is being freed, that puts the memory's time back.
 */
static bool is_timed_by_memory(const struct shmfs *fs, const struct node *node)
{
	return has_stores(fs, node) && node->object.deferred == 0 && node->object.follows;
}

/* While others free pages of it, its memory may have an earlier time again; and what was told of
 * the object since its memory was written last may be as late as the time of that now. */
static struct timespec written_at(struct shmfs *fs, struct node *node, int fd)
{
	struct timespec time;

	node->object.follows = false;
	if (node->object.deferred > 0)
		return node_now(fs);
	fs->os->stamp_written(fs->os->arg, fd, &time);
	if (!is_earlier(&node->ctime, &time))
		fs->os->stamp(fs->os->arg, fd, &time);
	note_told(fs, &time);
	node->object.follows = true;
	return time;
}

void node_touch_written(struct shmfs *fs, struct node *node, int fd)
{
	if (is_timed_by_size(fs, node))
		return;
	node->object.written = is_timed_by_memory(fs, node);
	if (node->object.written)
		return;
	node->mtime = node->ctime = written_at(fs, node, fd);
}

void node_settle_times(struct shmfs *fs, struct node *node)
{
	struct shmfs_attr attr;

	if (!node->object.written)
		return;
	node_attributes(fs, node, &attr);
	node_change(fs, node);
	node->mtime = attr.mtime;
	node->ctime = attr.ctime;
	node->object.written = false;
}

void node_touch_mtime(struct shmfs *fs, struct node *node)
{
	if (is_timed_by_size(fs, node))
		return;
	node_touch_ctime(fs, node);
	node->mtime = node->ctime;
}

void node_make_later(struct node *dir, const struct timespec *than)
{
	struct timespec *mtime = &dir->mtime;

	if (is_earlier(than, mtime) || than->tv_sec > mtime->tv_sec + 1)
		return;
	*mtime = *than;
	if (++mtime->tv_nsec == 1000000000) {
		mtime->tv_nsec = 0;
		mtime->tv_sec++;
	}
}

static uint32_t link_count(const struct node *node)
{
	uint64_t count = node->names;

	if (is_directory(node) && count > 0)
		count = 2 + node->directory.subdirs;
	return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static uint64_t size_of(const struct node *node)
{
	if (is_object(node))
		return node->object.size;
	if (S_ISLNK(node->mode))
		return node->symlink.length;
	if (is_directory(node))
		return (2 + node->directory.entries.count) * ENTRY_SIZE;
	return 0;
}

/* A growth is stamped after the memory has grown, and a write with the time of the memory: so what
 * is later than the object's own time is a store. */
static void see_stores(const struct timespec *written, struct shmfs_attr *out)
{
	if (is_earlier(&out->mtime, written))
		out->mtime = *written;
	if (is_earlier(&out->ctime, written))
		out->ctime = *written;
}

static int look(const struct shmfs *fs, const struct node *node, struct shmfs_memory_state *out)
{
	if (node->object.fd >= 0)
		return fs->os->look(fs->os->arg, node->object.fd, out);
	return fs->os->look_by_name(
	    fs->os->arg, (enum shmfs_pages)node->object.pages, node->id, out);
}

/*
 * Memory in use is a number for people to read: where the system will not tell, it is 0. A shrink
 * frees its pages when the change is final, but they are told as free already.
 */
static void see_memory(const struct shmfs *fs, const struct node *node, struct shmfs_attr *out)
{
	uint64_t most = charge_bytes_of(fs, node->object.size) / 512;
	struct shmfs_memory_state state = {0};

	if (look(fs, node, &state) < 0)
		return;
	out->blocks = state.blocks < most ? state.blocks : most;
	if (node->object.written || has_stores(fs, node)) {
		see_stores(&state.written, out);
		note_told(fs, &state.written);
	}
}

/* The memory's time must not be the later one when an opening comes that makes it count. */
void node_set_mtime(struct shmfs *fs, struct node *node, const struct timespec *time)
{
	struct timespec now = node_now(fs);
	int fd;

	node->mtime = *time;
	if (is_object(node))
		node->object.follows = false;
	if (!is_object(node) || !fs->super->backing || !memory_exists(node) ||
	    is_timed_by_size(fs, node) || !is_earlier(time, &now))
		return;
	deferred_pause(fs, node);
	fd = memory_borrow(fs, node);
	if (fd < 0)
		return;
	(void)fs->os->set_written(fs->os->arg, fd, time);
	memory_return(fs, node, fd);
}

void node_drop_set_id(const struct shmfs *fs, struct node *node, const struct shmfs_cred *cred)
{
	node->mode &= ~(uint32_t)S_ISUID;
	if (!(node->mode & S_ISGID))
		return;
	if ((node->mode & S_IXGRP) || (cred->uid != 0 && !is_member(fs, cred, node->gid)))
		node->mode &= ~(uint32_t)S_ISGID;
}

void node_attributes(const struct shmfs *fs, const struct node *node, struct shmfs_attr *out)
{
	*out = (struct shmfs_attr){
	    .id = node->id,
	    .mode = node->mode,
	    .nlink = link_count(node),
	    .uid = node->uid,
	    .gid = node->gid,
	    .size = size_of(node),
	    .atime = node->atime,
	    .mtime = node->mtime,
	    .ctime = node->ctime,
	    .btime = node->btime,
	    .page_size = (uint32_t)page_bytes(fs),
	    .expires = is_object(node) && node->object.expires,
	};
	/* Empty, it has no page to count, and none to store to. */
	if (is_object(node) && node->object.size > 0 && memory_exists(node))
		see_memory(fs, node, out);
}

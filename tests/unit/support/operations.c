/* SPDX-License-Identifier: BSD-2-Clause */
/* How the lines of operations.h are called. */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static int run_setattr(const struct operation *o, struct world *w, uint64_t id)
{
	const struct shmfs_change change = {
	    .what = o->flags,
	    .mode = o->mode,
	    .uid = 77,
	    .gid = 78,
	    .size = o->size,
	    .atime = {1, 2},
	};

	return shmfs_setattr(w->fs, id, &change, &w->attr);
}

static int run_symlink(const struct operation *o, struct world *w, uint64_t dir)
{
	memset(w->buffer, 't', o->size);
	w->buffer[o->size] = '\0';
	return shmfs_symlink(w->fs, ALICE, dir, o->name, w->buffer, &w->attr);
}

/* Values of attributes that mean something, by their length. */
static int run_setxattr(const struct operation *o, struct world *w, uint64_t id)
{
	static char value[65536];
	/* A version, then tag, permissions and id of each entry, little-endian: what the mode says
	 * and nothing else, or with a named user and a mask. */
	static const unsigned char minimal[28] = {
	    2, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 4, 0, 5, 0, 0, 0, 0, 0, 32, 0, 1, 0, 0, 0, 0, 0};
	static const unsigned char full[44] = {2, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 2, 0, 7, 0, 9, 0,
	    0, 0, 4, 0, 5, 0, 0, 0, 0, 0, 16, 0, 7, 0, 0, 0, 0, 0, 32, 0, 1, 0, 0, 0, 0, 0};

	memset(value, '1', sizeof value);
	if (strncmp(o->name, "system.posix_acl", 16) == 0)
		memcpy(value, o->size == sizeof minimal ? minimal : full,
		    o->size == sizeof minimal ? sizeof minimal : sizeof full);
	if (strcmp(o->name, "user.shmfs.seals") == 0)
		memcpy(value, "write,", 6);
	else if (strcmp(o->name, "user.shmfs.lifetime") == 0)
		memcpy(value, o->size == 5 ? "names" : "holders", o->size);
	return shmfs_setxattr(w->fs, ALICE, id, o->name, value, (size_t)o->size, (int)o->flags);
}

static int64_t run_copy(const struct operation *o, struct world *w)
{
	const struct shmfs_range from = {w->id[o->thing], o->offset};
	const struct shmfs_range to = {w->id[o->to], o->offset};

	return shmfs_copy(w->fs, ALICE, &from, &to, w->buffer, (size_t)o->size);
}

/* As the daemon does it: by a pipe, or else by a copy. */
static int64_t run_read_pages(const struct operation *o, struct world *w, uint64_t handle)
{
	const struct shmfs_read_request what = {
	    .handle = handle,
	    .offset = o->offset,
	    .size = (size_t)o->size,
	    .flags = (int)o->flags,
	};
	struct shmfs_memory memory;
	ssize_t count;
	int ends[2], rc = shmfs_read_begin(w->fs, ALICE, &what, &memory);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	REQUIRE(pipe(ends) == 0, "no pipe");
	count = shmfs_memory_splice(w->fs, &memory, ends[1]);
	close(ends[0]);
	close(ends[1]);
	return count >= 0 ? count : shmfs_memory_read(w->fs, &memory, w->buffer);
}

static int run_set_limits(const struct operation *o, struct world *w)
{
	const struct shmfs_limits limits = {o->offset, o->size};

	return shmfs_set_limits(w->fs, (enum shmfs_scope)o->flags, o->mode,
	    o->offset > 0 || o->size > 0 ? &limits : NULL);
}

static const struct shmfs_subject everything = {.exempt = true};

static int run_tenant_create(const struct operation *o, struct world *w)
{
	const struct shmfs_tenant_config config = {
	    .limits = {o->offset, o->size},
	    .mode = o->mode,
	    .uid = ALICE->uid,
	    .gid = ALICE->gid,
	};
	struct shmfs_made made;

	return shmfs_tenant_create(w->fs, &everything, o->name, &config, &made);
}

static int run_tenant_limits(const struct operation *o, struct world *w, uint64_t id)
{
	const struct shmfs_limits limits = {o->offset, o->size};

	return shmfs_tenant_set_limits(w->fs, shmfs_tenant_at(w->fs, id), &limits);
}

static int64_t run_looking_after(const struct operation *o, struct world *w, uint64_t id)
{
	struct shmfs_removal removal;
	uint64_t pin, from = 0;

	switch (o->action) {
	case PIN:
		return shmfs_pin(
		    w->fs, id, &(struct shmfs_part){o->offset, o->size, o->flags != 0}, 7, &pin);
	case UNPIN:
		shmfs_unpin(w->fs, id);
		return 0;
	case SET_LIMITS:
		return run_set_limits(o, w);
	case REAP:
		return shmfs_reap(w->fs, &everything, id, &removal);
	case END_MEMORY:
		shmfs_end_memory(w->fs, id);
		return 0;
	case TENANT_CREATE:
		return run_tenant_create(o, w);
	case TENANT_LIMITS:
		return run_tenant_limits(o, w, id);
	default:
		return shmfs_expire(w->fs, &from, 10, &removal);
	}
}

/* A table with a label of its own for each subject. Without policies there is none to set. */
static int run_subjects(const struct operation *o, struct world *w)
{
	static struct shmfs_mac_subject subjects[SHMFS_SUBJECTS_MAX + 1];
	int rc;

	for (uint32_t i = 0; i < o->size; i++) {
		subjects[i] = (struct shmfs_mac_subject){
		    .kind = i == 0 ? SHMFS_SUBJECT_DEFAULT : SHMFS_SUBJECT_UID, .id = i};
		subjects[i].label.of[SHMFS_BIBA] =
		    (struct shmfs_element){.kind = SHMFS_ELEMENT_NUMBER, .number = i};
	}
	rc = shmfs_set_subjects(w->fs, subjects, (size_t)o->size);
	if (shmfs_policies(w->fs) != 0)
		return rc;
	ck_assert_int_eq(rc, -EOPNOTSUPP);
	return (int)o->want;
}

static int64_t run_on_handle(const struct operation *o, struct world *w, uint64_t handle)
{
	size_t size = (size_t)o->size;

	switch (o->action) {
	case RELEASE:
		shmfs_release(w->fs, handle);
		return 0;
	case READ:
		return shmfs_read(w->fs, ALICE, handle, w->buffer, size, o->offset);
	case READ_PAGES:
		return run_read_pages(o, w, handle);
	case WRITE:
		return shmfs_write(w->fs, ALICE, handle, w->buffer, size, o->offset);
	case WRITE_BACK:
		return shmfs_write_back(w->fs, handle, w->buffer, size, o->offset);
	case COPY:
		return run_copy(o, w);
	case DROP_RIGHTS:
		return shmfs_drop_rights(w->fs, handle, o->flags, SHMFS_NATIVE_NONE);
	case SET_SUBJECTS:
		return run_subjects(o, w);
	default:
		return shmfs_fallocate(w->fs, ALICE, handle, (int)o->flags, o->offset, o->size);
	}
}

static int64_t run(const struct operation *o, struct world *w)
{
	uint64_t id = w->id[o->thing], to = w->id[o->to];
	int flags = (int)o->flags;

	switch (o->action) {
	case LOOKUP:
		return shmfs_lookup(w->fs, ALICE, id, o->name, &w->attr);
	case FORGET:
		shmfs_forget(w->fs, id, o->size);
		return 0;
	case CREATE:
		return shmfs_create(w->fs, ALICE, id, o->name, 0640, flags, &w->attr, &w->opened);
	case TMPFILE:
		return shmfs_tmpfile(w->fs, ALICE, id, 0640, flags, &w->attr, &w->opened);
	case MKNOD:
		return shmfs_mknod(w->fs, ALICE, id, o->name, o->mode, &w->attr);
	case MKDIR:
		return shmfs_mkdir(w->fs, ALICE, id, o->name, o->mode, &w->attr);
	case MAKE_SYMLINK:
		return run_symlink(o, w, id);
	case LINK:
		return shmfs_link(w->fs, ALICE, id, to, o->to_name, &w->attr);
	case UNLINK:
		return shmfs_unlink(w->fs, ALICE, id, o->name);
	case RMDIR:
		return shmfs_rmdir(w->fs, ALICE, id, o->name);
	case RENAME:
		return shmfs_rename(w->fs, ALICE, id, o->name, to, o->to_name, o->flags);
	case SETATTR:
		return run_setattr(o, w, id);
	case OPEN:
		return shmfs_open(w->fs, ALICE, id, flags, &w->opened);
	case SETXATTR:
		return run_setxattr(o, w, id);
	case REMOVEXATTR:
		return shmfs_removexattr(w->fs, ALICE, id, o->name);
	case PIN:
	case UNPIN:
	case SET_LIMITS:
	case REAP:
	case END_MEMORY:
	case EXPIRE:
	case TENANT_CREATE:
	case TENANT_LIMITS:
		return run_looking_after(o, w, id);
	default:
		return run_on_handle(o, w, id);
	}
}

int64_t operation_run(const struct operation *operation, struct world *world)
{
	unsigned char untouched[sizeof world->attr];
	int64_t rc;

	memset(untouched, 0xa5, sizeof untouched);
	memset(&world->attr, 0xa5, sizeof world->attr);
	memset(&world->opened, 0xa5, sizeof world->opened);
	rc = run(operation, world);
	if (rc < 0)
		REQUIRE(memcmp(&world->attr, untouched, sizeof world->attr) == 0 &&
			    memcmp(&world->opened, untouched, sizeof world->opened) == 0,
		    "%s touches an answer although it fails", operation_text(operation, PLAIN));
	return rc;
}

const char *operation_text(const struct operation *o, enum situation situation)
{
	static const char *const actions[] = {"lookup", "forget", "create", "tmpfile", "mknod",
	    "mkdir", "symlink", "link", "unlink", "rmdir", "rename", "setattr", "open", "release",
	    "read", "read_pages", "write", "write_back", "fallocate", "setxattr", "removexattr",
	    "copy", "pin", "unpin", "set_limits", "reap", "end_memory", "expire", "drop_rights",
	    "set_subjects", "tenant_create", "tenant_limits"};
	static char text[200];

	snprintf(text, sizeof text,
	    "operation %d: %s thing %d, name %.20s, to %d %.20s, flags %u, size %llu (situation "
	    "%d)",
	    (int)(o - operations), actions[o->action], (int)o->thing,
	    o->name != NULL ? o->name : "-", (int)o->to, o->to_name != NULL ? o->to_name : "-",
	    o->flags, (unsigned long long)o->size, (int)situation);
	return text;
}

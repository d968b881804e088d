/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of operations.h, and how its lines are called. */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"

#define KEEP FALLOC_FL_KEEP_SIZE
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ZERO FALLOC_FL_ZERO_RANGE

#define LONG_NAME                                                                                  \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345" \
	"6789012345678901234567890123456789012345678901234567890123456789012345678901234"

const struct operation operations[] = {
    {LOOKUP, ROOT, "a", .want = 0},
    {LOOKUP, DIR, "sub", .want = 0},
    {LOOKUP, ROOT, "missing", .want = -ENOENT},
    {LOOKUP, FILE_A, "a", .want = -ENOTDIR},
    {LOOKUP, NOBODY, "a", .want = -ESTALE},
    {LOOKUP, ROOT, "", .want = -EINVAL},
    {FORGET, FILE_A, .size = 1},
    {FORGET, FILE_B, .size = 1},
    {FORGET, ORPHAN, .size = 1},
    {FORGET, ORPHAN, .size = UINT64_MAX},
    {FORGET, REMOVED_DIR, .size = 1},
    {FORGET, ROOT, .size = 5},
    {FORGET, NOBODY, .size = 5},
    {CREATE, ROOT, "new", 0, .flags = O_RDWR},
    {CREATE, DIR, LONG_NAME, 0, .flags = O_RDWR | O_EXCL},
    {CREATE, ROOT, "sem.new", 0, .flags = O_WRONLY},
    {CREATE, ROOT, "a", 0, .flags = O_RDWR},
    {CREATE, ROOT, "a", 0, .flags = O_RDWR | O_TRUNC},
    {CREATE, ROOT, "b", 0, .flags = O_RDONLY},
    {CREATE, ROOT, "empty", 0, .flags = O_RDWR | O_TRUNC},
    {CREATE, ROOT, "a", -EEXIST, .flags = O_RDWR | O_EXCL},
    {CREATE, ROOT, "dir", -EISDIR, .flags = O_RDWR},
    {CREATE, ROOT, "symlink", -ELOOP, .flags = O_RDWR},
    {CREATE, REMOVED_DIR, "new", -ENOENT, .flags = O_RDWR},
    {TMPFILE, ROOT, NULL, 0, .flags = O_RDWR},
    {TMPFILE, DIR, NULL, 0, .flags = O_RDWR | O_EXCL},
    {TMPFILE, REMOVED_DIR, NULL, -ENOENT, .flags = O_RDWR},
    {TMPFILE, FILE_A, NULL, -ENOTDIR, .flags = O_RDWR},
    {MKNOD, ROOT, "new", 0, .mode = S_IFREG | 0644},
    {MKNOD, SUB, "new", 0, .mode = S_IFIFO | 0644},
    {MKNOD, ROOT, "new", 0, .mode = S_IFSOCK | 0644},
    {MKNOD, ROOT, "new", -EPERM, .mode = S_IFCHR},
    {MKNOD, ROOT, "a", -EEXIST, .mode = S_IFREG},
    {MKDIR, ROOT, "new", 0, .mode = 0755},
    {MKDIR, SUB, "new", 0, .mode = 02755},
    {MKDIR, ROOT, "dir", -EEXIST, .mode = 0755},
    {MKDIR, ROOT, "a/b", -EINVAL, .mode = 0755},
    {MAKE_SYMLINK, ROOT, "new", 0, .size = 1},
    {MAKE_SYMLINK, ROOT, "new", 0, .size = 2016},
    {MAKE_SYMLINK, DIR, "new", 0, .size = 4095},
    {MAKE_SYMLINK, ROOT, "new", -ENAMETOOLONG, .size = 4096},
    {MAKE_SYMLINK, ROOT, "new", -ENOENT, .size = 0},
    {LINK, FILE_A, .to = DIR, .to_name = "new"},
    {LINK, FILE_C, .to = ROOT, .to_name = LONG_NAME},
    {LINK, SYMLINK, .to = ROOT, .to_name = "new"},
    {LINK, FIFO, .to = SUB, .to_name = "new"},
    {LINK, FILE_A, .want = -EEXIST, .to = ROOT, .to_name = "b"},
    {LINK, DIR, .want = -EPERM, .to = ROOT, .to_name = "new"},
    {LINK, UNNAMED, .want = -ENOENT, .to = ROOT, .to_name = "new"},
    {LINK, ORPHAN, .want = -ENOENT, .to = ROOT, .to_name = "new"},
    {UNLINK, ROOT, "a", .want = 0},
    {UNLINK, ROOT, "b", .want = 0},
    {UNLINK, ROOT, "c", .want = 0},
    {UNLINK, ROOT, "empty", .want = 0},
    {UNLINK, ROOT, "symlink", .want = 0},
    {UNLINK, ROOT, "fifo", .want = 0},
    {UNLINK, DIR, "inside", .want = 0},
    {UNLINK, ROOT, "dir", .want = -EISDIR},
    {UNLINK, ROOT, "missing", .want = -ENOENT},
    {RMDIR, ROOT, "hollow", .want = 0},
    {RMDIR, ROOT, "dir", .want = -ENOTEMPTY},
    {RMDIR, ROOT, "a", .want = -ENOTDIR},
    {RENAME, ROOT, "a", 0, .to = ROOT, .to_name = "new"},
    {RENAME, ROOT, "a", 0, .to = DIR, .to_name = LONG_NAME},
    {RENAME, ROOT, "a", 0, .to = ROOT, .to_name = "b"},
    {RENAME, ROOT, "b", 0, .to = ROOT, .to_name = "a"},
    {RENAME, ROOT, "a", 0, .to = ROOT, .to_name = "c"},
    {RENAME, ROOT, "c", 0, .to = ROOT, .to_name = "c2"},
    {RENAME, ROOT, "c", 0, .to = DIR, .to_name = "inside"},
    {RENAME, ROOT, "dir", 0, .to = ROOT, .to_name = "hollow"},
    {RENAME, DIR, "sub", 0, .to = HOLLOW, .to_name = "sub"},
    {RENAME, ROOT, "hollow", 0, .to = SUB, .to_name = "hollow"},
    {RENAME, ROOT, "symlink", 0, .to = ROOT, .to_name = "fifo"},
    {RENAME, ROOT, "a", 0, .to = ROOT, .to_name = "new", .flags = RENAME_NOREPLACE},
    {RENAME, ROOT, "a", -EEXIST, .to = ROOT, .to_name = "b", .flags = RENAME_NOREPLACE},
    {RENAME, ROOT, "a", 0, .to = ROOT, .to_name = "b", .flags = RENAME_EXCHANGE},
    {RENAME, ROOT, "hollow", 0, .to = DIR, .to_name = "inside", .flags = RENAME_EXCHANGE},
    {RENAME, DIR, "sub", 0, .to = ROOT, .to_name = "hollow", .flags = RENAME_EXCHANGE},
    {RENAME, ROOT, "a", -ENOENT, .to = ROOT, .to_name = "new", .flags = RENAME_EXCHANGE},
    {RENAME, ROOT, "dir", -EINVAL, .to = SUB, .to_name = "new"},
    {RENAME, ROOT, "hollow", -ENOTEMPTY, .to = ROOT, .to_name = "dir"},
    {RENAME, ROOT, "a", -EISDIR, .to = ROOT, .to_name = "hollow"},
    {RENAME, ROOT, "dir", -ENOTDIR, .to = ROOT, .to_name = "a"},
    {RENAME, ROOT, "a", -EINVAL, .to = ROOT, .to_name = "b", .flags = RENAME_WHITEOUT},
    {SETATTR, FILE_A, .flags = SHMFS_CHANGE_MODE, .mode = 0600},
    {SETATTR, DIR, .flags = SHMFS_CHANGE_UID | SHMFS_CHANGE_GID},
    {SETATTR, SYMLINK, .flags = SHMFS_CHANGE_ATIME | SHMFS_CHANGE_MTIME_NOW},
    {SETATTR, FILE_A, .flags = SHMFS_CHANGE_ATIME | SHMFS_CHANGE_MTIME},
    {SETATTR, FILE_A, .flags = SHMFS_CHANGE_SIZE, .size = 20000},
    {SETATTR, FILE_A, .flags = SHMFS_CHANGE_SIZE, .size = 10000},
    {SETATTR, FILE_A, .flags = SHMFS_CHANGE_SIZE, .size = 4095},
    {SETATTR, FILE_A, .flags = SHMFS_CHANGE_SIZE, .size = 0},
    {SETATTR, EMPTY, .flags = SHMFS_CHANGE_SIZE | SHMFS_CHANGE_MODE, .size = 5000},
    {SETATTR, FILE_A, .want = -EFBIG, .flags = SHMFS_CHANGE_SIZE, .size = UINT64_MAX},
    {SETATTR, DIR, .want = -EISDIR, .flags = SHMFS_CHANGE_SIZE | SHMFS_CHANGE_MODE},
    {SETATTR, FIFO, .want = -EINVAL, .flags = SHMFS_CHANGE_SIZE},
    {OPEN, FILE_A, .flags = O_RDWR},
    {OPEN, FILE_A, .flags = O_RDWR | O_TRUNC},
    {OPEN, FILE_C, .flags = O_RDONLY},
    {OPEN, EMPTY, .flags = O_WRONLY},
    {OPEN, INSIDE, .flags = O_RDWR},
    {OPEN, DIR, .want = -EISDIR, .flags = O_RDONLY},
    {OPEN, SYMLINK, .want = -ELOOP, .flags = O_RDONLY},
    {OPEN, FIFO, .want = -ENXIO, .flags = O_RDONLY},
    {OPEN, ORPHAN, .flags = O_RDWR},
    {SETATTR, ORPHAN, .flags = SHMFS_CHANGE_SIZE, .size = 20000},
    {OPEN, NOBODY, .want = -ESTALE, .flags = O_RDONLY},
    {RELEASE, READER, .size = 0},
    {RELEASE, EMPTY_RW, .size = 0},
    {RELEASE, UNNAMED_RW, .size = 0},
    {RELEASE, NOBODY, .size = 0},
    {READ, READER, .want = 100, .size = 100},
    {READ, READER, .want = 1000, .size = 2000, .offset = 9000},
    {READ, EMPTY_RW, .want = 0, .size = 2000},
    {READ, WRITER, .want = -EBADF, .size = 1},
    {READ_PAGES, READER, .want = 100, .size = 100},
    {READ_PAGES, READER, .want = 1000, .size = 2000, .offset = 9000},
    {READ_PAGES, WRITER, .want = -EBADF, .size = 1},
    {WRITE, WRITER, .want = 100, .size = 100},
    {WRITE, READ_WRITE, .want = 1000, .size = 2000, .offset = 9000},
    {WRITE, READ_WRITE, .want = -EFBIG, .size = 1, .offset = 10000},
    {WRITE, GROWING_RW, .want = 10000, .size = 10000, .offset = 50},
    {WRITE, GROWING_RW, .want = 1, .size = 1, .offset = 1 << 20},
    {WRITE, READER, .want = -EBADF, .size = 1},
    {WRITE_BACK, WRITER, .want = 4096, .size = 4096, .offset = 8192},
    {FALLOCATE, WRITER, .flags = 0, .size = 30000},
    {FALLOCATE, EMPTY_RW, .flags = 0, .size = 1},
    {FALLOCATE, WRITER, .flags = KEEP, .size = 30000},
    {FALLOCATE, FULL_RW, .flags = PUNCH, .offset = 10, .size = 100},
    {FALLOCATE, WRITER, .flags = ZERO, .offset = 9000, .size = 30000},
    {FALLOCATE, EMPTY_RW, .flags = ZERO, .offset = 9000, .size = 30000},
    {FALLOCATE, WRITER, .want = -EINVAL, .size = 0},
    {FALLOCATE, READER, .want = -EBADF, .size = 1},
    {SETXATTR, FILE_A, "user.new", .want = 0, .size = 0},
    {SETXATTR, DIR, "user.new", .want = 0, .size = 100},
    {SETXATTR, SYMLINK, "trusted.new", .want = 0, .size = 5000},
    {SETXATTR, FILE_B, "user.kept", .want = 0, .size = 9000},
    {SETXATTR, FILE_B, "user.kept", .want = 0, .size = 65536},
    {SETXATTR, FILE_B, "user.kept", .want = -EEXIST, .flags = XATTR_CREATE, .size = 1},
    {SETXATTR, FILE_A, "user.new", .want = -ENODATA, .flags = XATTR_REPLACE, .size = 1},
    {SETXATTR, FILE_A, "system.other", .want = -EOPNOTSUPP, .size = 1},
    {SETXATTR, REMOVED_DIR, "user.new", .want = 0, .size = 5000},
    {SETXATTR, FILE_A, "system.posix_acl_access", .want = 0, .size = 44},
    {SETXATTR, FILE_B, "system.posix_acl_access", .want = 0, .size = 28},
    {SETXATTR, DIR, "system.posix_acl_default", .want = 0, .size = 44},
    {SETXATTR, FILE_A, "system.posix_acl_default", .want = -EACCES, .size = 44},
    {SETXATTR, FILE_A, "system.posix_acl_access", .want = -EINVAL, .size = 36},
    {SETXATTR, EMPTY, "user.shmfs.grow", .want = 0, .size = 1},
    {SETXATTR, FILE_C, "user.shmfs.seals", .want = 0, .size = 5},
    {SETXATTR, FILE_A, "user.shmfs.seals", .want = -EBUSY, .size = 5},
    {SETXATTR, FILE_C, "user.shmfs.seals", .want = -EINVAL, .size = 6},
    {READ_PAGES, READER, .want = 0, .flags = O_NOATIME},
    {READ_PAGES, NOBODY, .want = -EBADF, .flags = O_NOATIME},
    {REMOVEXATTR, FILE_B, "user.kept", .want = 0},
    {REMOVEXATTR, FILE_B, "user.kept.too", .want = 0},
    {REMOVEXATTR, SUB, "system.posix_acl_default", .want = 0},
    {REMOVEXATTR, FILE_A, "system.posix_acl_access", .want = 0},
    {REMOVEXATTR, FILE_A, "user.kept", .want = -ENODATA},
    {COPY, READER, .want = 4096, .to = FULL_RW, .size = 10000},
    {COPY, READER, .want = 10000, .to = GROWING_RW, .size = 20000},
    {COPY, READER, .want = 0, .to = FULL_RW, .offset = 10000, .size = 10000},
    {COPY, READER, .want = -EFBIG, .to = FULL_RW, .offset = 5000, .size = 10000},
    {COPY, READER, .want = -EBADF, .to = READER, .size = 10000},
    {PIN, FILE_A, .offset = 100, .size = 9900},
    {PIN, FILE_B, .flags = 1, .size = 1},
    {PIN, FILE_A, .want = -EINVAL, .offset = 100, .size = 9901},
    {PIN, EMPTY, .want = -EINVAL, .size = 0},
    {PIN, DIR, .want = -EINVAL, .size = 1},
    {PIN, NOBODY, .want = -ESTALE, .size = 1},
    {SETATTR, PINNED, .want = -EBUSY, .flags = SHMFS_CHANGE_SIZE, .size = 8999},
    {SETATTR, PINNED, .flags = SHMFS_CHANGE_SIZE, .size = 9001},
    {OPEN, PINNED, .want = -EBUSY, .flags = O_RDWR | O_TRUNC},
    {UNPIN, A_PIN, .want = 0},
    {UNPIN, NOBODY, .want = 0},
    {SET_LIMITS, ROOT, .flags = SHMFS_SCOPE_MOUNT, .offset = 1 << 20, .size = 5000},
    {SET_LIMITS, ROOT, .flags = SHMFS_SCOPE_USERS, .offset = 5000, .size = 0},
    {SET_LIMITS, ROOT, .flags = SHMFS_SCOPE_USER, .mode = 1001, .offset = 5000, .size = 7},
    {SET_LIMITS, ROOT, .flags = SHMFS_SCOPE_USER, .mode = 77, .offset = 5000, .size = 7},
    {SET_LIMITS, ROOT, .flags = SHMFS_SCOPE_USER, .mode = 77},
    {SET_LIMITS, ROOT, .want = -ENOENT, .flags = SHMFS_SCOPE_USER, .mode = 78},
    {SET_LIMITS, ROOT, .want = -EINVAL, .flags = SHMFS_SCOPE_USER, .mode = 0, .size = 7},
    {SET_LIMITS, ROOT, .want = -EINVAL, .flags = SHMFS_SCOPE_MOUNT},
    {SETXATTR, FILE_B, "user.shmfs.lifetime", .want = 0, .size = 7},
    {SETXATTR, EXPIRING, "user.shmfs.lifetime", .want = 0, .size = 5},
    {SETXATTR, FILE_B, "user.shmfs.lifetime", .want = -EINVAL, .size = 6},
    {REAP, INSIDE, .want = 0},
    {REAP, FILE_A, .want = -EBUSY},
    {REAP, DIR, .want = -EINVAL},
    {REAP, ORPHAN, .want = -ENOENT},
    {REAP, NOBODY, .want = -ESTALE},
    {END_MEMORY, ORPHAN, .want = 0},
    {END_MEMORY, UNNAMED, .want = 0},
    {END_MEMORY, FILE_A, .want = 0},
    {END_MEMORY, NOBODY, .want = 0},
    {EXPIRE, ROOT, .want = 1},
    {DROP_RIGHTS, READER, .flags = SHMFS_RIGHT_READ},
    {DROP_RIGHTS, READ_WRITE, .flags = SHMFS_RIGHT_WRITE | SHMFS_RIGHT_ALLOCATE},
    {DROP_RIGHTS, READER, .want = -EOPNOTSUPP, .flags = SHMFS_RIGHT_MMAP},
    {DROP_RIGHTS, READER, .want = -EINVAL, .flags = 32},
    {DROP_RIGHTS, NOBODY, .want = -EBADF, .flags = SHMFS_RIGHT_READ},
    {SET_SUBJECTS, NOBODY, .size = 1},
    {SET_SUBJECTS, NOBODY, .size = 100},
    {SET_SUBJECTS, NOBODY, .want = -EINVAL, .size = 0},
    {SET_SUBJECTS, NOBODY, .want = -E2BIG, .size = SHMFS_SUBJECTS_MAX + 1},
};

const size_t operation_count = sizeof operations / sizeof operations[0];

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

static int64_t run_looking_after(const struct operation *o, struct world *w, uint64_t id)
{
	struct shmfs_removal removal;
	uint64_t pin, from = 0;

	switch (o->action) {
	case PIN:
		return shmfs_pin(w->fs, id, o->offset, o->size, o->flags != 0, &pin);
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
	    "set_subjects"};
	static char text[200];

	snprintf(text, sizeof text,
	    "operation %d: %s thing %d, name %.20s, to %d %.20s, flags %u, size %llu (situation "
	    "%d)",
	    (int)(o - operations), actions[o->action], (int)o->thing,
	    o->name != NULL ? o->name : "-", (int)o->to, o->to_name != NULL ? o->to_name : "-",
	    o->flags, (unsigned long long)o->size, (int)situation);
	return text;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door of the shmfs namespace: names, directories and shared-memory objects.
 *
 * This library knows nothing of FUSE. It keeps all of its state in one shared region, the arena, so
 * that the state outlives the process; see arena.h and txn.h for how a half-done change is undone.
 *
 * Conventions, true of every function here unless it says otherwise:
 *  - Results are 0 (or a count) on success and a negative errno on failure; out-parameters come
 *    last and are untouched on failure.
 *  - One thread at a time: there are no locks, the caller is the only reader and writer.
 *  - A function that changes anything must be called between shmfs_begin() and shmfs_commit() or
 *    shmfs_rollback(). A failed function may leave half of its change behind: after any negative
 *    result of a changing function the caller rolls back.
 *  - Node ids and handle ids come from outside and are looked up, never trusted: an unknown node is
 *    -ESTALE, an unknown handle -EBADF, both whatever the function. A node that nobody but the
 *    caller knows any more has given its memory back, and is -ESTALE to whoever wants to open it,
 *    resize it or give it attributes: as if that had come after its end.
 *  - Sizes, offsets and lengths are bytes. Names are NUL-terminated byte strings.
 *  - The memory of arguments belongs to the caller and is not kept.
 *  - cred is who asks. What the policies (shmfs_mac.h) deny is -EACCES, whatever the function.
 *    NULL stands for the namespace itself, to whom nothing is denied, but not where a uid is
 *    needed: in what makes nodes, writes, or sets attributes.
 *  - Permission bits are the caller's business (the kernel checks them), but for shmfs_create() of
 *    a name that exists, and where FreeBSD's rules ask the object.
 */
#ifndef SHMFS_H
#define SHMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shmfs_mac.h"
#include "shmfs_os.h"
#include "shmfs_tenants.h"
#include "shmfs_tools.h"
#include "shmfs_types.h"

/* --- the namespace as a whole ----------------------------------------------------------------- */

/*
 * Makes an empty namespace in a new arena. The caller ends it with shmfs_close().
 * -ENOMEM, -EMFILE, -ENFILE: the arena cannot be made; -EEXIST: its addresses are taken;
 * -EINVAL: the arena is too small, or the root's mode, the patterns, the subjects or a bound are
 * malformed; -EOPNOTSUPP: the system says of its pages what cannot be; errors of
 * shmfs_set_subjects().
 */
int shmfs_open_new(const struct shmfs_config *config, struct shmfs **out);

/*
 * Finds the namespace that another struct shmfs left in the arena behind arena_fd, which is already
 * mapped at its address or gets mapped there. Changes nothing: shmfs_recover() does, which whoever
 * goes on with it calls first. Takes over arena_fd on success.
 * -EPROTO: not an arena of this layout; -ENOMEM, -EEXIST, -EOPNOTSUPP as above.
 */
int shmfs_open_again(int arena_fd, const struct shmfs_os *os, struct shmfs **out);

/*
 * For a process that is to go on where another one ended: rolls an unfinished transaction back, and
 * completes an interrupted commit. -EPROTO: what was left would change more than the namespace and
 * its descriptors, so nothing was changed; or there is no namespace.
 */
int shmfs_recover(struct shmfs *fs);

/* After what was left to do has been asked for again. */
void shmfs_recovered(struct shmfs *fs);

/*
 * Whether shmfs_open_again() could map what is behind a descriptor: 0; -EPROTO: not an arena of
 * this layout; -EEXIST: its address is taken in this program; -ENOMEM. Changes nothing.
 */
int shmfs_check(int arena_fd);

/* The descriptor of the arena, which stays the namespace's. */
int shmfs_arena_fd(const struct shmfs *fs);

/* Ends the namespace: closes every object and frees the arena. NULL is allowed. */
void shmfs_close(struct shmfs *fs);

/*
 * Starts a transaction; none may be active. It is for one request: its log is bounded (txn.h), and
 * an object that shrinks in it must not grow again before its end.
 */
void shmfs_begin(struct shmfs *fs);
/* Makes the changes since shmfs_begin() final and then does what cannot be undone: frees memory. */
void shmfs_commit(struct shmfs *fs);
/* Undoes every change since shmfs_begin(), byte for byte. */
void shmfs_rollback(struct shmfs *fs);
/* Whether a transaction is active. */
bool shmfs_active(const struct shmfs *fs);
/* Whether the transaction that is active has changed anything. */
bool shmfs_changed(const struct shmfs *fs);

/*
 * How far the caller has come: which request, and where in it. The mark changes with the
 * transaction in which it is set, so whoever takes over after a crash learns from it which changes
 * are final.
 */
struct shmfs_mark {
	uint64_t request, progress;
};
void shmfs_set_mark(struct shmfs *fs, struct shmfs_mark mark);
struct shmfs_mark shmfs_mark(const struct shmfs *fs);

/*
 * What a request has done to an object's memory, which no rollback takes back: how many bytes a
 * write has stored, or how many parts of a punch are done. Whoever serves the same request after a
 * crash goes on behind that, since another process may have stored there meanwhile, and may have
 * told so. It has to outlive the server; all zeros is that of no request.
 */
struct shmfs_done {
	uint64_t request, amount;
};
uint64_t shmfs_done(const struct shmfs_done *done, uint64_t request);
void shmfs_note_done(struct shmfs_done *done, uint64_t request, uint64_t amount);

/* Has what the active transaction does noted as this request's. Without, nothing is noted. */
void shmfs_set_done(struct shmfs *fs, struct shmfs_done *done, uint64_t request);

/* The backing id that was noted last (0: none yet), whether or not it is still open. One that was
 * given out later is known to nobody. */
int shmfs_last_backing(const struct shmfs *fs);

/* --- names ------------------------------------------------------------------------------------ */
/*
 * Functions that answer with attributes of a named node also take one reference of the caller
 * ("lookup count") on it, to be given back with shmfs_forget(): lookup, create, mknod, mkdir,
 * symlink, link.
 *
 * With FreeBSD's rules the namespace is flat: mkdir, symlink, link and mknod of anything but an
 * object are -EPERM.
 *
 * Common errors: -ENOTDIR the parent is no directory; -ENOENT the name does not exist, or the
 * parent was removed; -EEXIST the name exists; -ENAMETOOLONG; -EINVAL the name is empty, "." or
 * "..", or has a slash; -ENOSPC the limit on nodes, -EDQUOT that of the user (ENOSPC with FreeBSD's
 * rules); -ENOMEM.
 */
/*
 * "." is the node itself, of whatever kind, and ".." a directory's parent: so somebody who kept an
 * id finds it again. -ESTALE: it is gone, or ".." of a directory that was removed.
 */
int shmfs_lookup(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    struct shmfs_attr *out);

/* Gives back count references on a node; more than there are counts as all, unknown ids as none. */
void shmfs_forget(struct shmfs *fs, uint64_t id, uint64_t count);

/*
 * Opens the object called name, and makes it if it does not exist: one atomic step. flags are those
 * of open(2): O_ACCMODE, O_EXCL and O_TRUNC count. With O_EXCL -EEXIST. An existing node that is
 * not an object: -EISDIR, -ELOOP or -ENXIO; one that the caller may not open so: -EACCES; the other
 * errors of shmfs_open(). -ENFILE: no descriptor is left.
 */
int shmfs_create(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, int flags, struct shmfs_attr *out, struct shmfs_opened *opened);

/*
 * Makes an object without a name in a directory's care and opens it: open(2) with O_TMPFILE, and
 * SHM_ANON of shm_open(2) on FreeBSD. shmfs_link() can name it once, unless flags has O_EXCL.
 * The errors of shmfs_open().
 */
int shmfs_tmpfile(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, mode_t mode,
    int flags, struct shmfs_attr *out, struct shmfs_opened *opened);

/* Regular objects, FIFOs and sockets by the type in mode; device nodes are -EPERM, others -EINVAL.
 */
int shmfs_mknod(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, struct shmfs_attr *out);

int shmfs_mkdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, struct shmfs_attr *out);

/* -ENAMETOOLONG also for a target of more than SHMFS_TARGET_MAX bytes, -ENOENT for an empty one. */
int shmfs_symlink(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    const char *target, struct shmfs_attr *out);

/* -EPERM: id is a directory; -ENOENT: id has lost its last name, or may have none; -EMLINK: 2^32-1
 * names; -EXDEV: id and dir are not of one tenant. */
int shmfs_link(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, uint64_t dir,
    const char *name, struct shmfs_attr *out);

/* -EISDIR: a directory; -EACCES: FreeBSD's rules, and no permission to read and write the object.
 */
int shmfs_unlink(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name);

/* -ENOTDIR: not a directory; -ENOTEMPTY. */
int shmfs_rmdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name);

/*
 * rename(2) with the flags RENAME_NOREPLACE (-EEXIST) or RENAME_EXCHANGE (-ENOENT); any other or
 * both: -EINVAL. -EISDIR, -ENOTDIR, -ENOTEMPTY as for rename(2); -EINVAL for a directory that would
 * come to lie below itself; -ENAMETOOLONG for one with directories that would come to lie below
 * many thousands of others; -EXDEV where a node, either with RENAME_EXCHANGE, would come to lie
 * outside of its tenant, or a tenant in another; -EACCES as for shmfs_unlink(), for either object.
 * Two names of one node: 0, nothing happens.
 */
int shmfs_rename(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t from_dir,
    const char *from, uint64_t to_dir, const char *to, unsigned flags);

/* Writes the target and its NUL to out. -EINVAL: no symbolic link. Returns the target's length. */
int shmfs_readlink(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, char out[SHMFS_TARGET_MAX + 1]);

/* One entry of a directory. To go on behind it, read from next. */
struct shmfs_entry {
	const char *name;
	uint64_t id;
	mode_t mode; /* the type alone counts */
	uint64_t next;
};

/*
 * Hands the entries of a directory, from the cookie `from` on (0 = the first), to visit until it
 * returns other than 0. A cookie stays valid while entries come and go: every entry that stays in
 * the directory, under whatever name, is visited exactly once by a reader that goes on from `next`,
 * and one that is made meanwhile is not visited. "." and ".." come first, then the newest. What
 * cred may not observe is left out. -ENOTDIR.
 */
int shmfs_readdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, uint64_t from,
    int (*visit)(void *arg, const struct shmfs_entry *entry), void *arg);

/* --- attributes ------------------------------------------------------------------------------- */

/* -ESTALE and -EACCES, and nothing else: what the system does not tell of the memory is 0. */
int shmfs_getattr(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, struct shmfs_attr *out);

/*
 * Applies the members of change that change->what names, then answers with the new attributes.
 * Size: -EISDIR or -EINVAL not an object; -EPERM sealed against it; -EBUSY smaller, and pinned;
 * -EFBIG larger than 2^63-1;
 * -ENOSPC the limit on bytes, -EDQUOT that of the user (both ENOMEM with FreeBSD's rules); -ENFILE
 * no descriptor is left; -ENOMEM; -EPERM the handle has lost the right, -EBADF it is not of id.
 */
int shmfs_setattr(
    struct shmfs *fs, uint64_t id, const struct shmfs_change *change, struct shmfs_attr *out);

/* --- extended attributes ---------------------------------------------------------------------- */
/*
 * user.*, trusted.* and security.* are stored, and so are POSIX ACLs (system.posix_acl_access and
 * system.posix_acl_default), which agree with the mode and are inherited. Five are not stored:
 * user.shmfs.seals is the list of an object's seals, to which setting it adds; user.shmfs.grow is 1
 * for an object that a write past its end extends, and 0 for one that keeps its size;
 * user.shmfs.lifetime, which only the owner and root set, is "holders" for one that
 * shmfs_expire() may remove, and "names" for others; user.shmfs.huge, which the same may set and
 * only while an object has no size, is 1 where memory comes in huge pages, 0 where it does not, and
 * "advise" where programs ask for them (-EOPNOTSUPP: that cannot be had, or told);
 * user.shmfs.label is a node's label, where there are policies, and is never set.
 *
 * Common errors: -EOPNOTSUPP a name of another kind, or for another kind of node; -EINVAL a name
 * that is no more than "user.", "trusted." or "security."; -ERANGE a name of more than 255 bytes,
 * or a result that is larger than size; -ENODATA there is no such attribute.
 */

/*
 * Flags as for setxattr(2): XATTR_CREATE -EEXIST, XATTR_REPLACE -ENODATA. -E2BIG: more than 64 KiB;
 * -ENOSPC: more than 128 KiB or 256 attributes for one node, or the limit on bytes, to which the
 * attributes of a node count in whole pages; -EDQUOT: that of the user (ENOSPC with FreeBSD's
 * rules); -EINVAL: a malformed list or value, or unknown flags; -EACCES: a default list of
 * no directory; -EPERM: user.shmfs.* that cannot be set, or a sealed object; -EBUSY: the seal
 * "write" while the object is open for writing or mapped writable, or user.shmfs.huge of one that
 * has a size, is open or mapped; -ENOMEM.
 */
int shmfs_setxattr(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, const char *name,
    const void *value, size_t size, int flags);

/* Both answer with the length, and with size 0 with nothing else. Names are NUL-terminated. */
ssize_t shmfs_getxattr(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id,
    const char *name, void *out, size_t size);
ssize_t shmfs_listxattr(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, char *out, size_t size);

/* -EPERM: user.shmfs.*. */
int shmfs_removexattr(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, const char *name);

/* --- open objects ----------------------------------------------------------------------------- */

/*
 * Opens an object by id; flags as those of shmfs_create(). -EPERM: for writing, and sealed, or
 * O_TRUNC, and sealed against shrinking; -EBUSY: O_TRUNC, and pinned; -EISDIR, -ELOOP, -ENXIO: not
 * an object; -EINVAL: FreeBSD's rules, and not for reading, or with flags that shm_open(2) does not
 * have; -ENFILE: no descriptor is left; -ENOMEM. With backing ids, any error of making one.
 */
int shmfs_open(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, int flags,
    struct shmfs_opened *opened);

/* Ends an opening, and its object where that was the last that knew it. Cannot fail: an unknown
 * handle is none. */
void shmfs_release(struct shmfs *fs, uint64_t handle);

/* Whether a handle is one of this node. */
bool shmfs_is_open(const struct shmfs *fs, uint64_t handle, uint64_t id);

/*
 * What may be done through an opening, after Capsicum: those that its access mode gives, and only
 * ever fewer. What is not there any more is -EPERM: read, write, fallocate (whose holes and zeros
 * need write too) and setting the size. Mapping is decided when the object is opened and cannot be
 * given up.
 */
enum shmfs_right {
	SHMFS_RIGHT_READ = 1,
	SHMFS_RIGHT_WRITE = 2,
	SHMFS_RIGHT_TRUNCATE = 4,
	SHMFS_RIGHT_ALLOCATE = 8,
	SHMFS_RIGHT_MMAP = 16,
	SHMFS_RIGHTS = 31,
};

/* Through which openings the kernel reads by itself, so that nobody is asked. */
enum shmfs_native { SHMFS_NATIVE_NONE, SHMFS_NATIVE_READERS, SHMFS_NATIVE_ALL };

/* Those that are left. -EBADF. */
int shmfs_rights(const struct shmfs *fs, uint64_t handle, unsigned *out);

/* -EINVAL: an unknown right; -EOPNOTSUPP: one whose use is not seen here, mapping among them. */
int shmfs_drop_rights(struct shmfs *fs, uint64_t handle, unsigned rights, enum shmfs_native native);

/* A place in an open object. */
struct shmfs_range {
	uint64_t handle;
	uint64_t offset;
};

/*
 * Copies between two open objects, as shmfs_read() into buffer, which has room for size bytes, and
 * shmfs_write() from it would; with the errors of shmfs_read() and shmfs_write(). 0 at the source's
 * end. -EINVAL: ranges of one object that overlap.
 */
ssize_t shmfs_copy(struct shmfs *fs, const struct shmfs_cred *cred, const struct shmfs_range *from,
    const struct shmfs_range *to, void *buffer, size_t size);

/*
 * Reads at most size bytes at offset, but never past the end: returns the count, 0 at the end.
 * -EBADF: not open for reading; -EPERM: that right was given up; -EINVAL: offset over 2^63-1;
 * -EACCES where the policies revoke. Any error of pread(2) on the object's memory.
 */
ssize_t shmfs_read(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t handle, void *buffer,
    size_t size, uint64_t offset);

/* A read as a program asks for it. */
struct shmfs_read_request {
	uint64_t handle;
	uint64_t offset;
	size_t size;
	/* Of the open file, which fcntl(F_SETFL) may have changed: O_NOATIME counts from now on. */
	int flags;
};

/*
 * Writes at most size bytes at offset. An object keeps its size: a write across the end stores and
 * returns what fits; where nothing fits, -EFBIG (a count of 0 would make stdio spin for ever), or
 * with FreeBSD's rules 0. Objects that grow are extended and charged first: -ENOSPC the limit on
 * bytes, -EDQUOT that of the user (both ENOMEM with FreeBSD's rules), -ENFILE, -ENOMEM, and -EFBIG
 * past 2^63-1. -EPERM: that right was given up, or sealed against writing or against growing.
 * A write by anybody but root takes the set-user-id bit away, and the set-group-id bit where the
 * group may execute; one by anybody the capabilities (security.capability). -EBADF: not open for
 * writing; -EACCES where the policies revoke. Any error of pwrite(2) on the object's memory.
 */
ssize_t shmfs_write(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t handle,
    const void *buffer, size_t size, uint64_t offset);

/* Where a part of an open object's memory is, for somebody else to move bytes to or from. */
struct shmfs_memory {
	int fd;
	size_t size;
	uint64_t offset;
};

/*
 * shmfs_read() and shmfs_write() without moving the bytes, which the caller does while the
 * handle stays open: size bytes at that offset of memory's descriptor. 0: so it can be; 1:
 * there is nothing to move, or to write there would extend the object, and the result is to be had
 * from shmfs_read() or shmfs_write(). The errors of shmfs_read() and shmfs_write().
 */
int shmfs_read_begin(struct shmfs *fs, const struct shmfs_cred *cred,
    const struct shmfs_read_request *what, struct shmfs_memory *out);
int shmfs_write_begin(struct shmfs *fs, const struct shmfs_cred *cred, const struct shmfs_range *to,
    size_t size, struct shmfs_memory *out);

/* After shmfs_read_begin(), the bytes: how many, which is fewer where the object was cut meanwhile.
 * Any error of pread(2). Any thread may call it, and the next one. */
ssize_t shmfs_memory_read(const struct shmfs *fs, const struct shmfs_memory *memory, void *buffer);

/*
 * The same, but a pipe gets the pages themselves, and no hole becomes memory: how many bytes, fewer
 * where the object was cut, or the pipe filled. What is stored to a page before the pipe is read is
 * read; of what is punched out or cut off it has the page as it was. -EAGAIN: the pipe is full. Any
 * error of splice(2).
 */
ssize_t shmfs_memory_splice(const struct shmfs *fs, const struct shmfs_memory *memory, int pipe);

/* count bytes were written after shmfs_write_begin(). Returns count. -EBADF: not open for writing.
 */
ssize_t shmfs_write_end(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t handle, size_t count);

/*
 * Stores pages that the kernel cached for mappings: never extends, drops what lies past the end,
 * changes no time, and counts all of it as written, since nobody is there to take an error. -EBADF:
 * not open for writing. Any error of pwrite(2) on the object's memory.
 */
ssize_t shmfs_write_back(
    struct shmfs *fs, uint64_t handle, const void *buffer, size_t size, uint64_t offset);

/*
 * fallocate(2). Mode 0 extends the object to offset+length and charges it, but leaves its pages to
 * those who touch them first; FALLOC_FL_KEEP_SIZE alone only checks its arguments, since memory
 * below the size is charged already and nothing can be kept beyond it. FALLOC_FL_PUNCH_HOLE with
 * KEEP_SIZE and FALLOC_FL_ZERO_RANGE with or without work to the byte. Other modes: -EOPNOTSUPP.
 * By anybody but root it takes set-id bits away, as a write does.
 * -EINVAL: length 0; -EFBIG: end over 2^63-1; -ENOSPC the limit on bytes, -EDQUOT that of the user
 * (ENOSPC with FreeBSD's rules); -EPERM: a right that it needs was given up, or sealed against
 * growing or, for holes and zeros, writing; -ENFILE; -ENOMEM; -EBADF: not open for writing. Any
 * error of fallocate(2) on the object's memory.
 */
int shmfs_fallocate(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t handle, int mode,
    uint64_t offset, uint64_t length);

/* lseek(2) with SEEK_DATA or SEEK_HOLE (others: -EINVAL); -ENXIO as there; -EACCES where the
 * policies revoke. Any error of lseek(2) on the object's memory. */
int shmfs_lseek(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t handle, uint64_t offset,
    int whence, uint64_t *out);

/* The same in two parts: where to look, and how far at most; and the look, which takes time in
 * proportion to the pages that it passes, and which any thread may do while the handle stays open.
 */
int shmfs_lseek_begin(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t handle,
    uint64_t offset, int whence, struct shmfs_memory *out);
int shmfs_memory_seek(
    const struct shmfs *fs, const struct shmfs_memory *memory, int whence, uint64_t *out);

#endif

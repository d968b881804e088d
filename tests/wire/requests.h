/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function for each request, and typed views of the replies.
 *
 * An ask_ function answers with 0 or a negative errno; after 0 the reply can be looked at with one
 * of the views, which check its size.
 */
#ifndef SHMFS_TESTS_WIRE_REQUESTS_H
#define SHMFS_TESTS_WIRE_REQUESTS_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "wire.h"

/* An opening: what RELEASE and others want to know. */
struct file {
	uint64_t id, handle;
};

int ask_lookup(struct wire *w, uint64_t dir, const char *name);
int ask_getattr(struct wire *w, uint64_t id);
int ask_setattr(struct wire *w, uint64_t id, const struct fuse_setattr_in *in);
int ask_resize(struct wire *w, uint64_t id, uint64_t size);
int ask_readlink(struct wire *w, uint64_t id);
int ask_symlink(struct wire *w, uint64_t dir, const char *name, const char *target);
int ask_mknod(struct wire *w, uint64_t dir, const char *name, mode_t mode);
int ask_mkdir(struct wire *w, uint64_t dir, const char *name, mode_t mode);
int ask_unlink(struct wire *w, uint64_t dir, const char *name);
int ask_rmdir(struct wire *w, uint64_t dir, const char *name);
int ask_rename(
    struct wire *w, uint64_t from_dir, const char *from, uint64_t to_dir, const char *to);
int ask_rename2(struct wire *w, uint64_t from_dir, const char *from, uint64_t to_dir,
    const char *to, uint32_t flags);
int ask_link(struct wire *w, uint64_t id, uint64_t dir, const char *name);
int ask_open(struct wire *w, uint64_t id, int flags);
int ask_create(struct wire *w, uint64_t dir, const char *name, mode_t mode, int flags);
int ask_tmpfile(struct wire *w, uint64_t dir, mode_t mode, int flags);
/* On behalf of a caller; and as the kernel fills its page cache. */
int ask_read(struct wire *w, struct file file, uint32_t size, uint64_t offset);
int ask_read_ahead(struct wire *w, struct file file, uint32_t size, uint64_t offset);
int ask_write(struct wire *w, struct file file, const void *data, size_t size, uint64_t offset);
int ask_write_back(
    struct wire *w, struct file file, const void *data, size_t size, uint64_t offset);
int ask_release(struct wire *w, struct file file);
int ask_fallocate(
    struct wire *w, struct file file, uint32_t mode, uint64_t offset, uint64_t length);
int ask_lseek(struct wire *w, struct file file, uint64_t offset, uint32_t whence);
int ask_readdir(struct wire *w, uint64_t dir, uint32_t size, uint64_t offset);
int ask_statfs(struct wire *w);
int ask_statfs_of(struct wire *w, uint64_t id);
int ask_statx(struct wire *w, uint64_t id);
int ask_copy(struct wire *w, struct file from, uint64_t from_offset, struct file to,
    uint64_t to_offset, uint64_t length, uint64_t flags);
/* The later opcode, whose reply can count further. */
int ask_copy_64(struct wire *w, struct file from, uint64_t from_offset, struct file to,
    uint64_t to_offset, uint64_t length, uint64_t flags);
int ask_setxattr(
    struct wire *w, uint64_t id, const char *name, const void *value, size_t size, uint32_t flags);
int ask_getxattr(struct wire *w, uint64_t id, const char *name, uint32_t size);
int ask_listxattr(struct wire *w, uint64_t id, uint32_t size);
int ask_removexattr(struct wire *w, uint64_t id, const char *name);
/* A request of only these bytes behind the header. */
int ask_plain(struct wire *w, uint32_t opcode, uint64_t node, const void *body, size_t size);

/* The message that a request is to be interrupted; to be sent. */
void begin_interrupt(struct wire *w, uint64_t unique);

void tell_forget(struct wire *w, uint64_t id, uint64_t count);
void tell_forgets(struct wire *w, const struct fuse_forget_one *forgets, uint32_t count);

/* --- replies ---------------------------------------------------------------------------------- */

struct created {
	struct fuse_entry_out entry;
	struct abi_open_out open;
};

const struct fuse_entry_out *entry_of(const struct wire *w);
const struct fuse_attr_out *attr_of(const struct wire *w);
const struct abi_open_out *open_of(const struct wire *w);
const struct created *created_of(const struct wire *w);
uint32_t written_of(const struct wire *w);
uint64_t offset_of(const struct wire *w);
const struct fuse_kstatfs *statfs_of(const struct wire *w);
const struct abi_statx_out *statx_of(const struct wire *w);
/* Of GETXATTR and LISTXATTR with size 0. */
uint32_t length_of(const struct wire *w);

/* --- what must succeed ------------------------------------------------------------------------ */
/* Each of the new_ functions answers with an id, of which the kernel holds one reference. */

uint64_t new_object(struct wire *w, uint64_t dir, const char *name);
uint64_t new_object_of(struct wire *w, uint64_t dir, const char *name, uint64_t size);
uint64_t new_directory(struct wire *w, uint64_t dir, const char *name);
uint64_t new_symlink(struct wire *w, uint64_t dir, const char *name, const char *target);
struct file open_file(struct wire *w, uint64_t id, int flags);

/* What a name stands for, 0 = nothing. Takes no reference. */
uint64_t id_of(struct wire *w, uint64_t dir, const char *name);
/* The attributes that GETATTR tells. */
struct fuse_attr attributes(struct wire *w, uint64_t id);
bool exists(struct wire *w, uint64_t id);
/* `size` bytes at `offset` are all there and all `byte`. */
void expect_bytes(struct wire *w, struct file file, char byte, uint32_t size, uint64_t offset);

struct file create_file(struct wire *w, const char *name, int flags);
/* An open object of this size that does not grow. */
struct file file_of_size(struct wire *w, uint64_t size);
/* A WRITE tells that it has written this much. */
void expect_written(struct wire *w, struct file file, uint32_t want, uint64_t offset,
    const void *data, size_t size);

#endif

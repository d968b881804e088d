/* SPDX-License-Identifier: BSD-2-Clause */
/* The layouts of requests and replies; see requests.h. */
#include "requests.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of the protocol, 7.9 and later; so that nobody's header can move the goal. */
_Static_assert(sizeof(struct fuse_in_header) == 40, "protocol");
_Static_assert(sizeof(struct fuse_out_header) == 16, "protocol");
_Static_assert(sizeof(struct fuse_entry_out) == 128, "protocol");
_Static_assert(sizeof(struct fuse_attr_out) == 104, "protocol");
_Static_assert(sizeof(struct created) == 144, "protocol");
_Static_assert(sizeof(struct fuse_write_out) == 8, "protocol");
_Static_assert(sizeof(struct fuse_lseek_out) == 8, "protocol");
_Static_assert(sizeof(struct fuse_kstatfs) == 80, "protocol");

int ask_plain(struct wire *w, uint32_t opcode, uint64_t node, const void *body, size_t size)
{
	message_begin(w, opcode, node);
	message_add(w, body, size);
	return ask(w);
}

/* A request of a fixed part and a name. */
static int ask_named(
    struct wire *w, uint32_t opcode, uint64_t node, const void *body, size_t size, const char *name)
{
	message_begin(w, opcode, node);
	message_add(w, body, size);
	message_add_string(w, name);
	return ask(w);
}

int ask_lookup(struct wire *w, uint64_t dir, const char *name)
{
	return ask_named(w, FUSE_LOOKUP, dir, NULL, 0, name);
}

int ask_getattr(struct wire *w, uint64_t id)
{
	struct fuse_getattr_in in = {.fh = 0};

	return ask_plain(w, FUSE_GETATTR, id, &in, sizeof in);
}

int ask_setattr(struct wire *w, uint64_t id, const struct fuse_setattr_in *in)
{
	return ask_plain(w, FUSE_SETATTR, id, in, sizeof *in);
}

int ask_resize(struct wire *w, uint64_t id, uint64_t size)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = size};

	return ask_setattr(w, id, &in);
}

int ask_readlink(struct wire *w, uint64_t id)
{
	return ask_plain(w, FUSE_READLINK, id, NULL, 0);
}

int ask_symlink(struct wire *w, uint64_t dir, const char *name, const char *target)
{
	message_begin(w, FUSE_SYMLINK, dir);
	message_add_string(w, name);
	message_add_string(w, target);
	return ask(w);
}

int ask_mknod(struct wire *w, uint64_t dir, const char *name, mode_t mode)
{
	struct fuse_mknod_in in = {.mode = mode};

	return ask_named(w, FUSE_MKNOD, dir, &in, sizeof in, name);
}

int ask_mkdir(struct wire *w, uint64_t dir, const char *name, mode_t mode)
{
	struct fuse_mkdir_in in = {.mode = mode};

	return ask_named(w, FUSE_MKDIR, dir, &in, sizeof in, name);
}

int ask_unlink(struct wire *w, uint64_t dir, const char *name)
{
	return ask_named(w, FUSE_UNLINK, dir, NULL, 0, name);
}

int ask_rmdir(struct wire *w, uint64_t dir, const char *name)
{
	return ask_named(w, FUSE_RMDIR, dir, NULL, 0, name);
}

int ask_rename(struct wire *w, uint64_t from_dir, const char *from, uint64_t to_dir, const char *to)
{
	struct fuse_rename_in in = {.newdir = to_dir};

	message_begin(w, FUSE_RENAME, from_dir);
	message_add(w, &in, sizeof in);
	message_add_string(w, from);
	message_add_string(w, to);
	return ask(w);
}

int ask_rename2(struct wire *w, uint64_t from_dir, const char *from, uint64_t to_dir,
    const char *to, uint32_t flags)
{
	struct fuse_rename2_in in = {.newdir = to_dir, .flags = flags};

	message_begin(w, FUSE_RENAME2, from_dir);
	message_add(w, &in, sizeof in);
	message_add_string(w, from);
	message_add_string(w, to);
	return ask(w);
}

int ask_link(struct wire *w, uint64_t id, uint64_t dir, const char *name)
{
	struct fuse_link_in in = {.oldnodeid = id};

	return ask_named(w, FUSE_LINK, dir, &in, sizeof in, name);
}

int ask_open(struct wire *w, uint64_t id, int flags)
{
	struct fuse_open_in in = {.flags = (uint32_t)flags};

	return ask_plain(w, FUSE_OPEN, id, &in, sizeof in);
}

int ask_create(struct wire *w, uint64_t dir, const char *name, mode_t mode, int flags)
{
	struct fuse_create_in in = {.flags = (uint32_t)(flags | O_CREAT), .mode = S_IFREG | mode};

	return ask_named(w, FUSE_CREATE, dir, &in, sizeof in, name);
}

int ask_tmpfile(struct wire *w, uint64_t dir, mode_t mode, int flags)
{
	struct fuse_create_in in = {.flags = (uint32_t)(flags | O_TMPFILE), .mode = S_IFREG | mode};

	return ask_named(w, ABI_TMPFILE, dir, &in, sizeof in, "/");
}

int ask_read(struct wire *w, struct file file, uint32_t size, uint64_t offset)
{
	struct fuse_read_in in = {
	    .fh = file.handle,
	    .size = size,
	    .offset = offset,
	    .read_flags = FUSE_READ_LOCKOWNER,
	    .lock_owner = 0x1234,
	};

	return ask_plain(w, FUSE_READ, file.id, &in, sizeof in);
}

int ask_read_ahead(struct wire *w, struct file file, uint32_t size, uint64_t offset)
{
	struct fuse_read_in in = {.fh = file.handle, .size = size, .offset = offset};

	return ask_plain(w, FUSE_READ, file.id, &in, sizeof in);
}

static int ask_writing(struct wire *w, struct file file, const void *data, size_t size,
    uint64_t offset, uint32_t flags)
{
	struct fuse_write_in in = {
	    .fh = file.handle, .size = (uint32_t)size, .offset = offset, .write_flags = flags};

	message_begin(w, FUSE_WRITE, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, data, size);
	return ask(w);
}

int ask_write(struct wire *w, struct file file, const void *data, size_t size, uint64_t offset)
{
	return ask_writing(w, file, data, size, offset, 0);
}

int ask_write_back(struct wire *w, struct file file, const void *data, size_t size, uint64_t offset)
{
	return ask_writing(w, file, data, size, offset, FUSE_WRITE_CACHE);
}

int ask_release(struct wire *w, struct file file)
{
	struct fuse_release_in in = {.fh = file.handle};

	return ask_plain(w, FUSE_RELEASE, file.id, &in, sizeof in);
}

int ask_fallocate(struct wire *w, struct file file, uint32_t mode, uint64_t offset, uint64_t length)
{
	struct fuse_fallocate_in in = {
	    .fh = file.handle, .mode = mode, .offset = offset, .length = length};

	return ask_plain(w, FUSE_FALLOCATE, file.id, &in, sizeof in);
}

int ask_lseek(struct wire *w, struct file file, uint64_t offset, uint32_t whence)
{
	struct fuse_lseek_in in = {.fh = file.handle, .offset = offset, .whence = whence};

	return ask_plain(w, FUSE_LSEEK, file.id, &in, sizeof in);
}

int ask_readdir(struct wire *w, uint64_t dir, uint32_t size, uint64_t offset)
{
	struct fuse_read_in in = {.size = size, .offset = offset};

	return ask_plain(w, FUSE_READDIR, dir, &in, sizeof in);
}

int ask_statfs(struct wire *w)
{
	return ask_statfs_of(w, ROOT);
}

int ask_statfs_of(struct wire *w, uint64_t id)
{
	return ask_plain(w, FUSE_STATFS, id, NULL, 0);
}

int ask_statx(struct wire *w, uint64_t id)
{
	struct abi_statx_in in = {.sx_mask = 0xfff};

	return ask_plain(w, ABI_STATX, id, &in, sizeof in);
}

static int ask_copy_as(struct wire *w, uint32_t opcode, struct file from, uint64_t from_offset,
    struct file to, uint64_t to_offset, uint64_t length, uint64_t flags)
{
	struct fuse_copy_file_range_in in = {
	    .fh_in = from.handle,
	    .off_in = from_offset,
	    .nodeid_out = to.id,
	    .fh_out = to.handle,
	    .off_out = to_offset,
	    .len = length,
	    .flags = flags,
	};

	return ask_plain(w, opcode, from.id, &in, sizeof in);
}

int ask_copy(struct wire *w, struct file from, uint64_t from_offset, struct file to,
    uint64_t to_offset, uint64_t length, uint64_t flags)
{
	return ask_copy_as(
	    w, FUSE_COPY_FILE_RANGE, from, from_offset, to, to_offset, length, flags);
}

int ask_copy_64(struct wire *w, struct file from, uint64_t from_offset, struct file to,
    uint64_t to_offset, uint64_t length, uint64_t flags)
{
	return ask_copy_as(
	    w, ABI_COPY_FILE_RANGE_64, from, from_offset, to, to_offset, length, flags);
}

/* The form that is sent where FUSE_SETXATTR_EXT is not agreed on. */
int ask_setxattr(
    struct wire *w, uint64_t id, const char *name, const void *value, size_t size, uint32_t flags)
{
	const uint32_t in[] = {(uint32_t)size, flags};

	message_begin(w, FUSE_SETXATTR, id);
	message_add(w, in, sizeof in);
	message_add_string(w, name);
	message_add(w, value, size);
	return ask(w);
}

int ask_getxattr(struct wire *w, uint64_t id, const char *name, uint32_t size)
{
	struct fuse_getxattr_in in = {.size = size};

	return ask_named(w, FUSE_GETXATTR, id, &in, sizeof in, name);
}

int ask_listxattr(struct wire *w, uint64_t id, uint32_t size)
{
	struct fuse_getxattr_in in = {.size = size};

	return ask_plain(w, FUSE_LISTXATTR, id, &in, sizeof in);
}

int ask_removexattr(struct wire *w, uint64_t id, const char *name)
{
	return ask_named(w, FUSE_REMOVEXATTR, id, NULL, 0, name);
}

void begin_interrupt(struct wire *w, uint64_t unique)
{
	const struct fuse_interrupt_in in = {.unique = unique};

	message_begin(w, FUSE_INTERRUPT, 0);
	message_add(w, &in, sizeof in);
}

void tell_forget(struct wire *w, uint64_t id, uint64_t count)
{
	struct fuse_forget_in in = {.nlookup = count};

	message_begin(w, FUSE_FORGET, id);
	message_add(w, &in, sizeof in);
	tell(w);
}

void tell_forgets(struct wire *w, const struct fuse_forget_one *forgets, uint32_t count)
{
	struct fuse_batch_forget_in in = {.count = count};

	message_begin(w, FUSE_BATCH_FORGET, 0);
	message_add(w, &in, sizeof in);
	message_add(w, forgets, count * sizeof *forgets);
	tell(w);
}

/* --- replies ---------------------------------------------------------------------------------- */

const struct fuse_entry_out *entry_of(const struct wire *w)
{
	return reply_body(w, sizeof(struct fuse_entry_out));
}

const struct fuse_attr_out *attr_of(const struct wire *w)
{
	return reply_body(w, sizeof(struct fuse_attr_out));
}

const struct abi_open_out *open_of(const struct wire *w)
{
	return reply_body(w, sizeof(struct abi_open_out));
}

const struct created *created_of(const struct wire *w)
{
	return reply_body(w, sizeof(struct created));
}

uint32_t written_of(const struct wire *w)
{
	const struct fuse_write_out *out = reply_body(w, sizeof *out);

	ck_assert_uint_eq(out->padding, 0);
	return out->size;
}

uint64_t offset_of(const struct wire *w)
{
	const struct fuse_lseek_out *out = reply_body(w, sizeof *out);

	return out->offset;
}

const struct fuse_kstatfs *statfs_of(const struct wire *w)
{
	const struct fuse_statfs_out *out = reply_body(w, sizeof *out);

	return &out->st;
}

const struct abi_statx_out *statx_of(const struct wire *w)
{
	return reply_body(w, sizeof(struct abi_statx_out));
}

uint32_t length_of(const struct wire *w)
{
	const struct fuse_getxattr_out *out = reply_body(w, sizeof *out);

	ck_assert_uint_eq(out->padding, 0);
	return out->size;
}

/* --- what must succeed ------------------------------------------------------------------------ */

uint64_t new_object(struct wire *w, uint64_t dir, const char *name)
{
	GIVES(0, ask_mknod(w, dir, name, S_IFREG | 0644));
	return entry_of(w)->nodeid;
}

uint64_t new_object_of(struct wire *w, uint64_t dir, const char *name, uint64_t size)
{
	uint64_t id = new_object(w, dir, name);

	GIVES(0, ask_resize(w, id, size));
	return id;
}

uint64_t new_directory(struct wire *w, uint64_t dir, const char *name)
{
	GIVES(0, ask_mkdir(w, dir, name, 0755));
	return entry_of(w)->nodeid;
}

uint64_t new_symlink(struct wire *w, uint64_t dir, const char *name, const char *target)
{
	GIVES(0, ask_symlink(w, dir, name, target));
	return entry_of(w)->nodeid;
}

struct file open_file(struct wire *w, uint64_t id, int flags)
{
	GIVES(0, ask_open(w, id, flags));
	ck_assert_uint_ne(open_of(w)->fh, 0);
	return (struct file){.id = id, .handle = open_of(w)->fh};
}

uint64_t id_of(struct wire *w, uint64_t dir, const char *name)
{
	uint64_t id;

	GIVES(0, ask_lookup(w, dir, name));
	id = entry_of(w)->nodeid;
	if (id != 0)
		tell_forget(w, id, 1);
	return id;
}

struct fuse_attr attributes(struct wire *w, uint64_t id)
{
	GIVES(0, ask_getattr(w, id));
	return attr_of(w)->attr;
}

bool exists(struct wire *w, uint64_t id)
{
	int rc = ask_getattr(w, id);

	ck_assert_msg(
	    rc == 0 || rc == -ESTALE, "GETATTR: expected 0 or -ESTALE, got %s", result_text(rc));
	return rc == 0;
}

void expect_bytes(struct wire *w, struct file file, char byte, uint32_t size, uint64_t offset)
{
	const char *data;

	GIVES(0, ask_read(w, file, size, offset));
	data = reply_body(w, size);
	for (uint32_t i = 0; i < size; i++) {
		if (data[i] != byte)
			ck_abort_msg("byte %llu: expected 0x%02x, got 0x%02x",
			    (unsigned long long)(offset + i), (unsigned char)byte,
			    (unsigned char)data[i]);
	}
}

struct file create_file(struct wire *w, const char *name, int flags)
{
	GIVES(0, ask_create(w, ROOT, name, 0644, flags));
	return (struct file){created_of(w)->entry.nodeid, created_of(w)->open.fh};
}

/* An open object of this size that does not grow. */
struct file file_of_size(struct wire *w, uint64_t size)
{
	struct file file = create_file(w, "sized", O_RDWR);

	GIVES(0, ask_resize(w, file.id, size));
	return file;
}

void expect_written(
    struct wire *w, struct file file, uint32_t want, uint64_t offset, const void *data, size_t size)
{
	GIVES(0, ask_write(w, file, data, size, offset));
	ck_assert_uint_eq(written_of(w), want);
}

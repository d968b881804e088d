/* SPDX-License-Identifier: BSD-2-Clause */
/* See fuzz.h. */
#include "fuzz.h"

#include <linux/falloc.h>
#include <string.h>

#include "requests.h"

/* --- values ----------------------------------------------------------------------------------- */

static uint64_t any_number(struct fuzz *f)
{
	static const uint64_t edges[] = {0, 1, 2, 511, 512, 4095, 4096, 4097, 8192, 65536, BYTES,
	    BYTES + 1, INT32_MAX, UINT64_C(1) << 31, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX - 1,
	    INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};

	if (percent(f, 40))
		return below(f, 20000);
	if (percent(f, 10))
		return random_next(&f->random);
	return edges[below(f, sizeof edges / sizeof edges[0])];
}

/* Mostly of the last few hundred nodes. */
uint64_t any_node(struct fuzz *f)
{
	uint64_t newest = f->model->newest;

	if (percent(f, 35))
		return ROOT;
	if (percent(f, 5))
		return any_number(f);
	return newest - below(f, newest < 400 ? (uint32_t)newest : 400);
}

static uint64_t any_handle(struct fuzz *f)
{
	if (f->model->handle_count == 0 || percent(f, 3))
		return any_number(f);
	return f->model->handles[below(f, f->model->handle_count)].handle;
}

static void add_name(struct fuzz *f)
{
	static const char *const odd[] = {"", ".", "..", "/", "a/b", "sem.", "\xff\xfe"};
	char name[300];
	uint32_t length;

	if (percent(f, 3)) {
		message_add_string(f->w, odd[below(f, sizeof odd / sizeof odd[0])]);
		return;
	}
	snprintf(name, sizeof name, "%s%u", percent(f, 20) ? "sem." : "n", below(f, NAMES));
	if (percent(f, 2)) {
		length = 250 + below(f, 10);
		memset(name, 'l', length);
		name[length] = '\0';
	}
	message_add_string(f->w, name);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void body_setattr(struct fuzz *f)
{
	struct fuse_setattr_in in;

	random_bytes(&f->random, &in, sizeof in);
	in.size = any_number(f);
	if (percent(f, 60))
		in.valid = FATTR_SIZE;
	message_add(f->w, &in, sizeof in);
}

static void body_mknod(struct fuzz *f)
{
	static const uint32_t types[] = {S_IFREG, S_IFREG, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, 0};
	struct fuse_mknod_in in = {
	    .mode = types[below(f, sizeof types / sizeof types[0])] | below(f, 010000)};

	message_add(f->w, &in, sizeof in);
	add_name(f);
}

static void body_mkdir(struct fuzz *f)
{
	struct fuse_mkdir_in in = {.mode = below(f, 010000)};

	message_add(f->w, &in, sizeof in);
	add_name(f);
}

static void body_two_names(struct fuzz *f)
{
	add_name(f);
	add_name(f);
}

static void body_rename(struct fuzz *f)
{
	struct fuse_rename_in in = {.newdir = any_node(f)};

	message_add(f->w, &in, sizeof in);
	body_two_names(f);
}

static void body_rename2(struct fuzz *f)
{
	struct fuse_rename2_in in = {.newdir = any_node(f), .flags = below(f, 5)};

	message_add(f->w, &in, sizeof in);
	body_two_names(f);
}

static void body_link(struct fuzz *f)
{
	struct fuse_link_in in = {.oldnodeid = any_node(f)};

	message_add(f->w, &in, sizeof in);
	add_name(f);
}

static void body_open(struct fuzz *f)
{
	struct fuse_open_in in = {.flags = percent(f, 90) ? O_RDWR : below(f, UINT32_MAX)};

	message_add(f->w, &in, sizeof in);
}

static void body_create(struct fuzz *f)
{
	struct fuse_create_in in = {
	    .flags = percent(f, 90) ? O_RDWR : below(f, UINT32_MAX), .mode = below(f, 010000)};

	message_add(f->w, &in, sizeof in);
	add_name(f);
}

static void body_read(struct fuzz *f)
{
	struct fuse_read_in in = {
	    .fh = any_handle(f), .offset = any_number(f), .size = (uint32_t)any_number(f)};

	in.lock_owner = percent(f, 90);
	message_add(f->w, &in, sizeof in);
}

static void body_write(struct fuzz *f)
{
	static const char data[65536] = "data";
	struct fuse_write_in in = {
	    .fh = any_handle(f), .offset = any_number(f), .write_flags = below(f, 8)};

	in.size = percent(f, 90) ? below(f, 6000) : below(f, sizeof data);
	message_add(f->w, &in, sizeof in);
	message_add(f->w, data, in.size);
}

static void body_release(struct fuzz *f)
{
	struct fuse_release_in in = {.fh = any_handle(f)};

	message_add(f->w, &in, sizeof in);
}

static void body_fallocate(struct fuzz *f)
{
	struct fuse_fallocate_in in = {
	    .fh = any_handle(f), .offset = any_number(f), .length = any_number(f)};

	in.mode = percent(f, 50) ? 0 : below(f, 0x20);
	message_add(f->w, &in, sizeof in);
}

static void body_lseek(struct fuzz *f)
{
	struct fuse_lseek_in in = {
	    .fh = any_handle(f), .offset = any_number(f), .whence = 2 + below(f, 4)};

	message_add(f->w, &in, sizeof in);
}

static void body_forget(struct fuzz *f)
{
	struct fuse_forget_in in = {.nlookup = percent(f, 90) ? below(f, 3) : any_number(f)};

	message_add(f->w, &in, sizeof in);
}

static void body_forgets(struct fuzz *f)
{
	struct fuse_batch_forget_in in = {.count = below(f, 40)};

	message_add(f->w, &in, sizeof in);
	for (uint32_t i = 0; i < in.count; i++) {
		struct fuse_forget_one one = {any_node(f), below(f, 4)};

		message_add(f->w, &one, sizeof one);
	}
}

static void body_interrupt(struct fuzz *f)
{
	struct fuse_interrupt_in in = {.unique = f->w->unique + below(f, 6)};

	message_add(f->w, &in, sizeof in);
}

static void body_statx(struct fuzz *f)
{
	struct abi_statx_in in = {.sx_mask = below(f, UINT32_MAX)};

	message_add(f->w, &in, sizeof in);
}

static void body_copy(struct fuzz *f)
{
	struct fuse_copy_file_range_in in = {
	    .fh_in = any_handle(f),
	    .off_in = any_number(f),
	    .fh_out = any_handle(f),
	    .off_out = any_number(f),
	    .len = any_number(f),
	    .flags = percent(f, 5),
	};

	message_add(f->w, &in, sizeof in);
}

static void add_attribute(struct fuzz *f)
{
	static const char *const names[] = {"user.a", "user.b", "user.c", "trusted.a", "security.a",
	    "system.a", "user.shmfs.seals", "user.shmfs.grow", "user.shmfs.lifetime",
	    "user.shmfs.huge", "user.shmfs.x", "system.posix_acl_access",
	    "system.posix_acl_default", "user.", ""};

	message_add_string(f->w, names[below(f, sizeof names / sizeof names[0])]);
}

static void body_setxattr(struct fuzz *f)
{
	static const char *const values[] = {"1", "0", "shrink", "grow,write", "seal", ""};
	static const char data[8192] = "data";
	const char *value = percent(f, 50) ? data : values[below(f, 6)];
	uint32_t in[] = {value == data ? below(f, sizeof data) : (uint32_t)strlen(value), 0};

	in[1] = percent(f, 70) ? 0 : below(f, 4);
	message_add(f->w, in, sizeof in);
	add_attribute(f);
	message_add(f->w, value, in[0]);
}

static void body_getxattr(struct fuzz *f)
{
	struct fuse_getxattr_in in = {.size = (uint32_t)any_number(f)};

	message_add(f->w, &in, sizeof in);
	add_attribute(f);
}

static void body_none(struct fuzz *f)
{
	(void)f;
}

static void body_zeros(struct fuzz *f)
{
	static const char zeros[128];

	message_add(f->w, zeros, sizeof zeros);
}

static const struct recipe {
	uint32_t opcode;
	void (*body)(struct fuzz *f);
	unsigned weight;
} recipes[] = {
    {FUSE_LOOKUP, add_name, 8},
    {FUSE_FORGET, body_forget, 8},
    {FUSE_BATCH_FORGET, body_forgets, 2},
    {FUSE_GETATTR, body_zeros, 3},
    {FUSE_SETATTR, body_setattr, 8},
    {FUSE_READLINK, body_none, 2},
    {FUSE_SYMLINK, body_two_names, 3},
    {FUSE_MKNOD, body_mknod, 6},
    {FUSE_MKDIR, body_mkdir, 5},
    {FUSE_UNLINK, add_name, 8},
    {FUSE_RMDIR, add_name, 5},
    {FUSE_RENAME, body_rename, 4},
    {FUSE_RENAME2, body_rename2, 5},
    {FUSE_LINK, body_link, 5},
    {FUSE_OPEN, body_open, 6},
    {FUSE_CREATE, body_create, 8},
    {FUSE_READ, body_read, 6},
    {FUSE_WRITE, body_write, 10},
    {FUSE_RELEASE, body_release, 11},
    {FUSE_FALLOCATE, body_fallocate, 6},
    {FUSE_LSEEK, body_lseek, 3},
    {FUSE_READDIR, body_read, 3},
    {FUSE_STATFS, body_none, 1},
    {FUSE_OPENDIR, body_open, 1},
    {FUSE_RELEASEDIR, body_release, 1},
    {FUSE_INTERRUPT, body_interrupt, 1},
    {FUSE_NOTIFY_REPLY, body_zeros, 1},
    {FUSE_COPY_FILE_RANGE, body_copy, 2},
    {ABI_COPY_FILE_RANGE_64, body_copy, 2},
    {FUSE_SETXATTR, body_setxattr, 5},
    {FUSE_GETXATTR, body_getxattr, 3},
    {FUSE_LISTXATTR, body_getxattr, 2},
    {FUSE_REMOVEXATTR, add_attribute, 2},
    {ABI_TMPFILE, body_create, 4},
    {ABI_STATX, body_statx, 2},
    {FUSE_FSYNC, body_release, 1},
    {FUSE_INIT, body_zeros, 1},
};

static const struct recipe *any_recipe(struct fuzz *f)
{
	unsigned total = 0, at;

	for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
		total += recipes[i].weight;
	at = below(f, total);
	for (size_t i = 0;; i++) {
		if (at < recipes[i].weight)
			return &recipes[i];
		at -= recipes[i].weight;
	}
}

void any_message(struct fuzz *f)
{
	const struct recipe *recipe = any_recipe(f);

	message_begin(f->w, recipe->opcode, any_node(f));
	recipe->body(f);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* TMPFILE, STATX and COPY_FILE_RANGE. */
#include <string.h>

#include "requests.h"
#include "suites.h"
#include "test_memory.h"

#define DAY 86400

static struct file tmpfile_of(struct wire *w, uint64_t dir, int flags)
{
	GIVES(0, ask_tmpfile(w, dir, 0600, flags));
	return (struct file){created_of(w)->entry.nodeid, created_of(w)->open.fh};
}

/* --- TMPFILE ---------------------------------------------------------------------------------- */

START_TEST(tmpfile_makes_an_object_without_a_name)
{
	struct wire *w = wire_open();
	struct fuse_entry_out want = {.entry_valid = DAY, .attr_valid = DAY};
	struct fuse_entry_out got;
	uint64_t seconds = (uint64_t)w->outside->now.tv_sec;

	w->uid = 1001;
	w->gid = 2002;
	GIVES(0, ask_tmpfile(w, ROOT, 0640, O_RDWR));
	got = created_of(w)->entry;
	want.nodeid = got.nodeid;
	want.attr = (struct fuse_attr){
	    .ino = got.nodeid,
	    .atime = seconds,
	    .mtime = seconds,
	    .ctime = seconds,
	    .atimensec = 123,
	    .mtimensec = 123,
	    .ctimensec = 123,
	    .mode = S_IFREG | 0640,
	    .nlink = 0,
	    .uid = 1001,
	    .gid = 2002,
	    .blksize = PAGE,
	};
	ck_assert_mem_eq(&got, &want, sizeof want);
	GIVES(0, ask_readdir(w, ROOT, 4096, 0));
	ck_assert_uint_eq(reply_body_size(w), 64);
	wire_close(w);
}
END_TEST

START_TEST(tmpfile_works_like_any_object_and_goes_with_its_handle)
{
	struct wire *w = wire_open();
	struct file file = tmpfile_of(w, ROOT, O_RDWR);

	GIVES(0, ask_resize(w, file.id, 5000));
	GIVES(0, ask_write(w, file, "abc", 3, 4998));
	ck_assert_uint_eq(written_of(w), 2);
	GIVES(0, ask_read(w, file, 10, 4998));
	ck_assert_mem_eq(reply_body(w, 2), "ab", 2);
	tell_forget(w, file.id, 1);
	ck_assert_uint_eq(usage(w).used_pages, PAGES(5000));
	GIVES(0, ask_release(w, file));
	ck_assert(!exists(w, file.id));
	ck_assert_uint_eq(usage(w).used_pages, 0);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	wire_close(w);
}
END_TEST

START_TEST(tmpfile_gives_one_reference)
{
	struct wire *w = wire_open();
	struct file file = tmpfile_of(w, ROOT, O_RDWR);

	GIVES(0, ask_release(w, file));
	ck_assert(exists(w, file.id));
	tell_forget(w, file.id, 1);
	ck_assert(!exists(w, file.id));
	wire_close(w);
}
END_TEST

START_TEST(tmpfile_can_be_named_once)
{
	struct wire *w = wire_open();
	struct file file = tmpfile_of(w, ROOT, O_RDWR);

	GIVES(0, ask_link(w, file.id, ROOT, "a"));
	ck_assert_uint_eq(entry_of(w)->nodeid, file.id);
	ck_assert_uint_eq(entry_of(w)->attr.nlink, 1);
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	GIVES(0, ask_link(w, file.id, ROOT, "b"));
	ck_assert_uint_eq(usage(w).used_nodes, 3);
	GIVES(0, ask_unlink(w, ROOT, "a"));
	GIVES(0, ask_unlink(w, ROOT, "b"));
	GIVES(-ENOENT, ask_link(w, file.id, ROOT, "c"));
	wire_close(w);
}
END_TEST

START_TEST(tmpfile_can_be_named_while_the_kernel_knows_it)
{
	struct wire *w = wire_open();
	struct file file = tmpfile_of(w, ROOT, O_RDWR);

	GIVES(0, ask_release(w, file));
	GIVES(0, ask_link(w, file.id, ROOT, "a"));
	GIVES(0, ask_unlink(w, ROOT, "a"));
	GIVES(-ENOENT, ask_link(w, file.id, ROOT, "a"));
	tell_forget(w, file.id, 2);
	GIVES(-ESTALE, ask_link(w, file.id, ROOT, "a"));
	wire_close(w);
}
END_TEST

START_TEST(tmpfile_with_o_excl_cannot_be_named)
{
	struct wire *w = wire_open();
	struct file file = tmpfile_of(w, ROOT, O_RDWR | O_EXCL);

	GIVES(-ENOENT, ask_link(w, file.id, ROOT, "a"));
	wire_close(w);
}
END_TEST

START_TEST(tmpfile_needs_a_directory_and_room)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t dir;

	config.node_limit = 3;
	w = wire_open_with(TIER_CACHED, config);
	GIVES(-ESTALE, ask_tmpfile(w, 999, 0600, O_RDWR));
	GIVES(-ENOTDIR, ask_tmpfile(w, new_object(w, ROOT, "a"), 0600, O_RDWR));
	dir = new_directory(w, ROOT, "d");
	GIVES(-ENOSPC, ask_tmpfile(w, ROOT, 0600, O_RDWR));
	GIVES(0, ask_rmdir(w, ROOT, "d"));
	GIVES(-ENOENT, ask_tmpfile(w, dir, 0600, O_RDWR));
	GIVES(-ENOSPC, ask_tmpfile(w, ROOT, 0600, O_RDWR));
	tell_forget(w, dir, 1);
	GIVES(0, ask_tmpfile(w, ROOT, 0600, O_RDWR));
	wire_close(w);
}
END_TEST

/* FUSE_DONT_MASK is agreed on: what a default list does not say, the mask does. */
START_TEST(the_mask_of_the_caller_applies)
{
	struct wire *w = wire_open();
	struct fuse_create_in create = {.flags = O_RDWR, .mode = S_IFREG | 0666, .umask = 027};
	struct fuse_mkdir_in mkdir = {.mode = 0777, .umask = 027};
	struct fuse_mknod_in mknod = {.mode = S_IFREG | 0666, .umask = 027};

	message_begin(w, ABI_TMPFILE, ROOT);
	message_add(w, &create, sizeof create);
	message_add_string(w, "/");
	GIVES(0, ask(w));
	ck_assert_uint_eq(created_of(w)->entry.attr.mode, S_IFREG | 0640);
	message_begin(w, FUSE_CREATE, ROOT);
	message_add(w, &create, sizeof create);
	message_add_string(w, "a");
	GIVES(0, ask(w));
	ck_assert_uint_eq(created_of(w)->entry.attr.mode, S_IFREG | 0640);
	message_begin(w, FUSE_MKDIR, ROOT);
	message_add(w, &mkdir, sizeof mkdir);
	message_add_string(w, "d");
	GIVES(0, ask(w));
	ck_assert_uint_eq(entry_of(w)->attr.mode, S_IFDIR | 0750);
	message_begin(w, FUSE_MKNOD, ROOT);
	message_add(w, &mknod, sizeof mknod);
	message_add_string(w, "n");
	GIVES(0, ask(w));
	ck_assert_uint_eq(entry_of(w)->attr.mode, S_IFREG | 0640);
	wire_close(w);
}
END_TEST

/* --- STATX ------------------------------------------------------------------------------------ */

static struct abi_sx_time sx_time(uint64_t sec, uint32_t nsec)
{
	return (struct abi_sx_time){.sec = (int64_t)sec, .nsec = nsec};
}

START_TEST(statx_tells_what_getattr_tells_and_the_birth)
{
	test_memory_is_small();

	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 5000);
	struct abi_statx_out want;
	struct fuse_attr attr;

	w->outside->now = (struct timespec){1000000100, 456};
	GIVES(0, ask_write(w, open_file(w, id, O_RDWR), "x", 1, 0));
	attr = attributes(w, id);
	want = (struct abi_statx_out){
	    .attr_valid = 1,
	    .mask = 0x7ff | 0x800,
	    .blksize = PAGE,
	    .nlink = 1,
	    .mode = S_IFREG | 0644,
	    .ino = id,
	    .size = 5000,
	    .blocks = SYSTEM_PAGE / 512,
	    .atime = sx_time(attr.atime, attr.atimensec),
	    .btime = sx_time(1000000000, 123),
	    .ctime = sx_time(attr.ctime, attr.ctimensec),
	    .mtime = sx_time(attr.mtime, attr.mtimensec),
	};
	GIVES(0, ask_statx(w, id));
	ck_assert_mem_eq(statx_of(w), &want, sizeof want);
	wire_close(w);
}
END_TEST

START_TEST(statx_is_valid_for_as_long_as_getattr)
{
	struct wire *w = wire_open();
	struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = 04755};
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_statx(w, ROOT));
	ck_assert_uint_eq(statx_of(w)->attr_valid, DAY);
	GIVES(0, ask_statx(w, id));
	ck_assert_uint_eq(statx_of(w)->attr_valid, DAY);
	GIVES(0, ask_setattr(w, id, &in));
	GIVES(0, ask_statx(w, id));
	ck_assert_uint_eq(statx_of(w)->attr_valid, 0);
	GIVES(-ESTALE, ask_statx(w, 999));
	wire_close(w);
}
END_TEST

/* --- COPY_FILE_RANGE -------------------------------------------------------------------------- */

struct copies {
	struct file from, to;
};

/* "0123456789" and ten zeros. */
static struct copies two_files(struct wire *w)
{
	struct copies c = {
	    .from = open_file(w, new_object_of(w, ROOT, "from", 10), O_RDWR),
	    .to = open_file(w, new_object_of(w, ROOT, "to", 10), O_RDWR),
	};

	GIVES(0, ask_write(w, c.from, "0123456789", 10, 0));
	return c;
}

static void expect_copied(struct wire *w, struct copies c, uint64_t from_offset, uint64_t to_offset,
    uint64_t length, uint32_t want)
{
	GIVES(0, ask_copy(w, c.from, from_offset, c.to, to_offset, length, 0));
	ck_assert_uint_eq(written_of(w), want);
}

START_TEST(copies_are_short_at_either_end)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	struct copies c = two_files(w);

	expect_copied(w, c, 1, 2, 3, 3);
	GIVES(0, ask_read(w, c.to, 10, 0));
	ck_assert_mem_eq(reply_body(w, 10),
	    "\0\0"
	    "123\0\0\0\0",
	    10);
	expect_copied(w, c, 8, 0, 10, 2);
	expect_copied(w, c, 0, 7, 10, 3);
	GIVES(0, ask_read(w, c.to, 10, 0));
	ck_assert_mem_eq(reply_body(w, 10),
	    "89"
	    "123\0\0"
	    "012",
	    10);
	expect_copied(w, c, 10, 0, 10, 0);
	expect_copied(w, c, 0, 0, 0, 0);
	expect_copied(w, c, 9, 0, UINT64_MAX, 1);
	GIVES(-EFBIG, ask_copy(w, c.from, 0, c.to, 10, 1, 0));
	ck_assert_uint_eq(attributes(w, c.to.id).size, 10);
	wire_close(w);
}
END_TEST

START_TEST(both_opcodes_copy)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	struct copies c = two_files(w);
	uint64_t copied;

	GIVES(0, ask_copy_64(w, c.from, 1, c.to, 2, 3, 0));
	ck_assert_uint_eq(reply_body_size(w), sizeof copied);
	memcpy(&copied, reply_body(w, sizeof copied), sizeof copied);
	ck_assert_uint_eq(copied, 3);
	expect_bytes(w, c.to, '1', 1, 2);
	GIVES(0, ask_copy_64(w, c.from, 9, c.to, 0, UINT64_MAX, 0));
	memcpy(&copied, reply_body(w, sizeof copied), sizeof copied);
	ck_assert_uint_eq(copied, 1);
	GIVES(-EFBIG, ask_copy_64(w, c.from, 0, c.to, 10, 1, 0));
	GIVES(-EINVAL, ask_copy_64(w, c.from, 0, c.to, 0, 1, 1));
	GIVES(-EBADF, ask_copy_64(w, c.from, 0, (struct file){c.to.id, 999}, 0, 1, 0));
	wire_close(w);
}
END_TEST

START_TEST(copies_within_an_object_must_not_overlap)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	struct copies c = two_files(w);

	GIVES(-EINVAL, ask_copy(w, c.from, 0, c.from, 0, 1, 0));
	GIVES(-EINVAL, ask_copy(w, c.from, 0, c.from, 4, 5, 0));
	GIVES(-EINVAL, ask_copy(w, c.from, 4, c.from, 0, 5, 0));
	GIVES(0, ask_copy(w, c.from, 0, c.from, 5, 5, 0));
	expect_bytes(w, c.from, '0', 1, 5);
	wire_close(w);
}
END_TEST

START_TEST(copies_need_handles_that_read_and_write)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	struct copies c = two_files(w);
	struct file reader = open_file(w, c.to.id, O_RDONLY);
	struct file writer = open_file(w, c.from.id, O_WRONLY), unknown = {c.to.id, 999};

	GIVES(-EBADF, ask_copy(w, c.from, 0, reader, 0, 1, 0));
	GIVES(-EBADF, ask_copy(w, writer, 0, c.to, 0, 1, 0));
	GIVES(-EBADF, ask_copy(w, unknown, 0, c.to, 0, 1, 0));
	GIVES(-EBADF, ask_copy(w, c.from, 0, unknown, 0, 1, 0));
	GIVES(-EINVAL, ask_copy(w, c.from, 0, c.to, 0, 1, 1));
	wire_close(w);
}
END_TEST

/* It would drop what mappings store meanwhile, and reads and writes if it gets none. */
START_TEST(through_the_page_cache_the_kernel_is_to_read_and_write_instead)
{
	struct wire *w = wire_open_with(TIER_CACHED, wire_config());
	struct copies c = two_files(w);

	GIVES(-EOPNOTSUPP, ask_copy(w, c.from, 0, c.to, 0, 1, 0));
	GIVES(-EOPNOTSUPP, ask_copy_64(w, c.from, 0, c.to, 0, 1, 0));
	expect_bytes(w, c.to, 0, 0, 10);
	wire_close(w);
}
END_TEST

Suite *newer_suite(void)
{
	const TTest *const tests[] = {
	    tmpfile_makes_an_object_without_a_name,
	    tmpfile_works_like_any_object_and_goes_with_its_handle,
	    tmpfile_gives_one_reference,
	    tmpfile_can_be_named_once,
	    tmpfile_can_be_named_while_the_kernel_knows_it,
	    tmpfile_with_o_excl_cannot_be_named,
	    tmpfile_needs_a_directory_and_room,
	    the_mask_of_the_caller_applies,
	    statx_tells_what_getattr_tells_and_the_birth,
	    statx_is_valid_for_as_long_as_getattr,
	    copies_are_short_at_either_end,
	    both_opcodes_copy,
	    through_the_page_cache_the_kernel_is_to_read_and_write_instead,
	    copies_within_an_object_must_not_overlap,
	    copies_need_handles_that_read_and_write,
	};

	return suite_of("newer", tests, sizeof tests / sizeof tests[0]);
}

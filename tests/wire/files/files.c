/* SPDX-License-Identifier: BSD-2-Clause */
/* CREATE, OPEN, READ, WRITE and RELEASE. */
#include <unistd.h>

#include "requests.h"
#include "suites.h"
#include "test_memory.h"

static const struct timespec later = {1000000100, 456};

/* The replies to CREATE and to others are laid out in two places. */
START_TEST(create_tells_the_same_of_a_node_as_lookup)
{
	struct wire *w = wire_open();
	struct fuse_entry_out created;

	test_memory_is_small();
	w->uid = 1001;
	w->gid = 2002;
	GIVES(0, ask_create(w, ROOT, "a", 06751, O_RDWR));
	created = created_of(w)->entry;
	ck_assert_uint_eq(created.attr.mode, S_IFREG | 06751);
	ck_assert_uint_eq(created.attr.uid, 1001);
	GIVES(0, ask_lookup(w, ROOT, "a"));
	ck_assert_mem_eq(&created, entry_of(w), sizeof created);
	GIVES(0, ask_resize(w, created.nodeid, 9000));
	GIVES(0, ask_write(w, open_file(w, created.nodeid, O_RDWR), "x", 1, 0));
	GIVES(0, ask_create(w, ROOT, "a", 0600, O_RDWR));
	created = created_of(w)->entry;
	ck_assert_uint_eq(created.attr.size, 9000);
	ck_assert_uint_eq(created.attr.blocks, SYSTEM_PAGE / 512);
	GIVES(0, ask_lookup(w, ROOT, "a"));
	ck_assert_mem_eq(&created, entry_of(w), sizeof created);
	wire_close(w);
}
END_TEST

START_TEST(create_opens_what_exists_and_leaves_its_mode)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);

	GIVES(0, ask_create(w, ROOT, "a", 0, O_RDWR));
	ck_assert_uint_eq(created_of(w)->entry.nodeid, id);
	ck_assert_uint_eq(created_of(w)->entry.attr.mode, S_IFREG | 0644);
	ck_assert_uint_eq(created_of(w)->entry.attr.size, 100);
	GIVES(0, ask_create(w, ROOT, "a", 0, O_RDWR | O_TRUNC));
	ck_assert_uint_eq(created_of(w)->entry.attr.size, 0);
	GIVES(-EEXIST, ask_create(w, ROOT, "a", 0, O_RDWR | O_EXCL));
	ck_assert_uint_eq(usage(w).handles, 2);
	wire_close(w);
}
END_TEST

/* The name came up after the kernel had looked, so it has checked nothing. */
START_TEST(create_of_an_existing_object_checks_its_mode)
{
	static const struct {
		uint32_t uid, gid;
		mode_t mode;
		int flags, want;
	} cases[] = {
	    {10, 20, 0600, O_RDWR, 0},
	    {10, 99, 0400, O_RDWR, -EACCES},
	    {10, 99, 0400, O_RDONLY, 0},
	    {10, 99, 0400, O_RDONLY | O_TRUNC, -EACCES},
	    {10, 20, 0066, O_RDONLY, -EACCES},
	    {11, 20, 0060, O_RDWR, 0},
	    {11, 20, 0606, O_RDONLY, -EACCES},
	    {11, 21, 0006, O_RDWR, 0},
	    {11, 21, 0660, O_RDONLY, -EACCES},
	    {11, 21, 0004, O_WRONLY, -EACCES},
	    {0, 0, 0000, O_RDWR, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire *w = wire_open();
		int rc;

		w->uid = 10;
		w->gid = 20;
		GIVES(0, ask_mknod(w, ROOT, "a", S_IFREG | cases[i].mode));
		w->uid = cases[i].uid;
		w->gid = cases[i].gid;
		rc = ask_create(w, ROOT, "a", 0600, cases[i].flags);
		ck_assert_msg(rc == cases[i].want, "case %zu: expected %s, got %s", i,
		    result_text(cases[i].want), result_text(rc));
		wire_close(w);
	}
}
END_TEST

START_TEST(only_objects_can_be_opened)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d"), link = new_symlink(w, ROOT, "l", "t"), fifo;

	GIVES(0, ask_mknod(w, ROOT, "f", S_IFIFO | 0600));
	fifo = entry_of(w)->nodeid;
	GIVES(-EISDIR, ask_open(w, dir, O_RDONLY));
	GIVES(-EISDIR, ask_open(w, ROOT, O_RDWR));
	GIVES(-ELOOP, ask_open(w, link, O_RDONLY));
	GIVES(-ENXIO, ask_open(w, fifo, O_RDONLY));
	GIVES(-ESTALE, ask_open(w, 999, O_RDONLY));
	GIVES(-ESTALE, ask_open(w, 0, O_RDONLY));
	GIVES(-EISDIR, ask_create(w, ROOT, "d", 0600, O_RDWR));
	GIVES(-ELOOP, ask_create(w, ROOT, "l", 0600, O_RDWR));
	GIVES(-ENXIO, ask_create(w, ROOT, "f", 0600, O_RDWR));
	ck_assert_uint_eq(usage(w).handles, 0);
	wire_close(w);
}
END_TEST

/* Linux sends the truncation as a request of its own, as FUSE_ATOMIC_O_TRUNC is not agreed on. */
START_TEST(open_truncates_if_it_is_told_to)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);

	GIVES(0, ask_open(w, id, O_RDWR | O_CREAT | O_EXCL));
	ck_assert_uint_eq(attributes(w, id).size, 100);
	GIVES(0, ask_open(w, id, O_RDWR | O_TRUNC));
	ck_assert_uint_eq(attributes(w, id).size, 0);
	wire_close(w);
}
END_TEST

START_TEST(handles_are_never_used_again)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	struct file first = open_file(w, id, O_RDWR), second;

	GIVES(0, ask_release(w, first));
	second = open_file(w, id, O_RDWR);
	ck_assert_uint_gt(second.handle, first.handle);
	GIVES(-EBADF, ask_read(w, first, 1, 0));
	wire_close(w);
}
END_TEST

/* --- READ ------------------------------------------------------------------------------------- */

START_TEST(read_stops_at_the_end)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 5000);

	expect_written(w, file, 3, 4997, "end", 3);
	GIVES(0, ask_read(w, file, 4096, 4990));
	ck_assert_mem_eq(reply_body(w, 10), "\0\0\0\0\0\0\0end", 10);
	expect_bytes(w, file, 0, 4096, 0);
	GIVES(0, ask_read(w, file, 4096, 5000));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(0, ask_read(w, file, 0, 0));
	ck_assert_uint_eq(reply_body_size(w), 0);
	wire_close(w);
}
END_TEST

START_TEST(read_beyond_any_file_is_einval_and_beyond_this_one_nothing)
{
	static const uint64_t past[] = {
	    101, INT32_MAX, UINT64_C(1) << 31, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX};
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 100);

	for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
		GIVES(0, ask_read(w, file, 4096, past[i]));
		ck_assert_uint_eq(reply_body_size(w), 0);
	}
	GIVES(-EINVAL, ask_read(w, file, 1, UINT64_C(1) << 63));
	GIVES(-EINVAL, ask_read(w, file, 1, UINT64_MAX));
	GIVES(-EINVAL, ask_read(w, file, 0, UINT64_MAX));
	wire_close(w);
}
END_TEST

START_TEST(read_of_an_empty_object_is_empty)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 0);

	GIVES(0, ask_read(w, file, 4096, 0));
	ck_assert_uint_eq(reply_body_size(w), 0);
	wire_close(w);
}
END_TEST

START_TEST(read_gives_at_most_one_mebibyte)
{
	static const uint32_t sizes[] = {1 << 20, (1 << 20) + 1, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 2 << 20);

	if (wire_carries(w, 1 << 20, "read_gives_at_most_one_mebibyte")) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			GIVES(0, ask_read(w, file, sizes[i], 0));
			ck_assert_uint_eq(reply_body_size(w), 1 << 20);
		}
	}
	/* Huge sizes near the end need no large message. */
	GIVES(0, ask_read(w, file, UINT32_MAX, (2 << 20) - 7));
	ck_assert_uint_eq(reply_body_size(w), 7);
	wire_close(w);
}
END_TEST

START_TEST(reading_needs_a_handle_that_reads)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 10);
	struct file file = open_file(w, id, O_WRONLY);

	GIVES(-EBADF, ask_read(w, file, 1, 0));
	GIVES(-EBADF, ask_read(w, file, 1, UINT64_MAX));
	GIVES(0, ask_write(w, file, "x", 1, 0));
	wire_close(w);
}
END_TEST

/* relatime: the first read after a change sets atime, the next one does not. */
START_TEST(read_sets_atime_once_after_a_change)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 10);

	w->outside->now = later;
	GIVES(0, ask_read(w, file, 1, 0));
	ck_assert_uint_eq(attributes(w, file.id).atime, (uint64_t)later.tv_sec);
	w->outside->now.tv_sec += 10;
	GIVES(0, ask_read(w, file, 1, 0));
	ck_assert_uint_eq(attributes(w, file.id).atime, (uint64_t)later.tv_sec);
	wire_close(w);
}
END_TEST

/* --- handles ---------------------------------------------------------------------------------- */

START_TEST(an_unknown_handle_is_ebadf)
{
	static const uint64_t handles[] = {0, 2, 1000, UINT64_C(1) << 32, UINT64_MAX};
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 100);

	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
		file.handle = handles[i];
		GIVES(-EBADF, ask_read(w, file, 1, 0));
		GIVES(-EBADF, ask_write(w, file, "x", 1, 0));
		GIVES(-EBADF, ask_write(w, file, "", 0, 0));
		GIVES(-EBADF, ask_write_back(w, file, "x", 1, 0));
		GIVES(-EBADF, ask_fallocate(w, file, 0, 0, 1));
		GIVES(-EBADF, ask_lseek(w, file, 0, SEEK_DATA));
		/* The kernel does not look at the result of RELEASE. */
		GIVES(0, ask_release(w, file));
	}
	ck_assert_uint_eq(usage(w).handles, 1);
	wire_close(w);
}
END_TEST

START_TEST(release_ends_the_handle_alone)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 100), other = open_file(w, file.id, O_RDONLY);

	GIVES(0, ask_release(w, file));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(-EBADF, ask_read(w, file, 1, 0));
	GIVES(0, ask_release(w, file));
	expect_bytes(w, other, 0, 100, 0);
	ck_assert_uint_eq(usage(w).handles, 1);
	ck_assert_uint_eq(attributes(w, file.id).size, 100);
	wire_close(w);
}
END_TEST

Suite *files_suite(void)
{
	const TTest *const tests[] = {
	    create_tells_the_same_of_a_node_as_lookup,
	    create_opens_what_exists_and_leaves_its_mode,
	    create_of_an_existing_object_checks_its_mode,
	    only_objects_can_be_opened,
	    open_truncates_if_it_is_told_to,
	    handles_are_never_used_again,
	    read_stops_at_the_end,
	    read_beyond_any_file_is_einval_and_beyond_this_one_nothing,
	    read_of_an_empty_object_is_empty,
	    read_gives_at_most_one_mebibyte,
	    reading_needs_a_handle_that_reads,
	    read_sets_atime_once_after_a_change,
	    an_unknown_handle_is_ebadf,
	    release_ends_the_handle_alone,
	};

	return suite_of("files", tests, sizeof tests / sizeof tests[0]);
}

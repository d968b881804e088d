/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that are made without a name, and copying between objects. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_attr attr;
static struct shmfs_opened opened;

static int64_t tmpfile_in(uint64_t dir, mode_t mode, int flags)
{
	return TX(fs, shmfs_tmpfile(fs, ALICE, dir, mode, flags, &attr, &opened));
}

START_TEST(it_has_no_name_and_is_charged)
{
	fs = open_small();
	GIVES(0, tmpfile_in(SHMFS_ROOT, S_IFDIR | 0640, O_RDWR));
	ck_assert_uint_eq(attr.mode, S_IFREG | 0640);
	ck_assert_uint_eq(attr.nlink, 0);
	ck_assert_uint_eq(attr.uid, ALICE->uid);
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 0);
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	resize(fs, attr.id, 10000);
	write_bytes(fs, opened.handle, 'x', 10000, 0);
	expect_bytes(fs, opened.handle, 'x', 10000, 0);
	release(fs, opened.handle);
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	forget(fs, attr.id, 1);
	ck_assert(!exists(fs, attr.id));
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	close_checked(fs);
}
END_TEST

START_TEST(it_can_be_named_once)
{
	struct shmfs_attr linked;

	fs = open_small();
	GIVES(0, tmpfile_in(SHMFS_ROOT, 0600, O_RDWR));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, "a", &linked)));
	ck_assert_uint_eq(linked.nlink, 1);
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, "b", &linked)));
	ck_assert_uint_eq(usage(fs).used_nodes, 3);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	GIVES(-ENOENT, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, "c", &linked)));
	close_checked(fs);
}
END_TEST

START_TEST(exclusively_it_is_never_named)
{
	struct shmfs_attr linked;

	fs = open_small();
	GIVES(0, tmpfile_in(SHMFS_ROOT, 0600, O_RDWR | O_EXCL));
	GIVES(-ENOENT, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, "a", &linked)));
	close_checked(fs);
}
END_TEST

/* A descriptor of O_PATH is no handle. */
START_TEST(without_handles_it_can_be_named_while_it_is_known)
{
	struct shmfs_attr linked;

	fs = open_small();
	GIVES(0, tmpfile_in(SHMFS_ROOT, 0600, O_RDWR));
	resize(fs, attr.id, 10000);
	release(fs, opened.handle);
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, "a", &linked)));
	ck_assert_uint_eq(linked.size, 10000);
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	close_checked(fs);
}
END_TEST

START_TEST(it_needs_a_directory_that_is_there)
{
	uint64_t object, dir;

	fs = open_small();
	object = new_object(fs, SHMFS_ROOT, "a");
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	GIVES(-ENOTDIR, tmpfile_in(object, 0600, O_RDWR));
	GIVES(-ENOENT, tmpfile_in(dir, 0600, O_RDWR));
	GIVES(-ESTALE, tmpfile_in(12345, 0600, O_RDWR));
	close_checked(fs);
}
END_TEST

START_TEST(a_node_limit_holds_for_it)
{
	struct shmfs_config config = small_config();

	config.node_limit = 2;
	fs = open_with(config);
	GIVES(0, tmpfile_in(SHMFS_ROOT, 0600, O_RDWR));
	GIVES(-ENOSPC, tmpfile_in(SHMFS_ROOT, 0600, O_RDWR));
	close_checked(fs);
}
END_TEST

static int64_t copy(
    uint64_t from, uint64_t from_offset, uint64_t to, uint64_t to_offset, size_t size)
{
	static char buffer[20000];
	const struct shmfs_range source = {from, from_offset}, target = {to, to_offset};

	return TX(fs, shmfs_copy(fs, ALICE, &source, &target, buffer, size));
}

START_TEST(copies_stop_at_both_ends)
{
	uint64_t a, b;

	fs = open_small();
	a = open_object(fs, new_object_of(fs, SHMFS_ROOT, "a", 10000), O_RDWR);
	b = open_object(fs, new_object_of(fs, SHMFS_ROOT, "b", 5000), O_RDWR);
	write_bytes(fs, a, 'a', 10000, 0);
	GIVES(5000, copy(a, 0, b, 0, 20000));
	expect_bytes(fs, b, 'a', 5000, 0);
	GIVES(100, copy(a, 9900, b, 0, 5000));
	GIVES(0, copy(a, 10000, b, 0, 5000));
	GIVES(-EFBIG, copy(a, 0, b, 5000, 1));
	GIVES(-EINVAL, copy(a, UINT64_MAX, b, 0, 1));
	GIVES(-EFBIG, copy(a, 0, b, UINT64_MAX, 1));
	GIVES(0, copy(a, 0, b, 0, 0));
	close_checked(fs);
}
END_TEST

START_TEST(copies_within_an_object_must_not_overlap)
{
	uint64_t id, a, b;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	a = open_object(fs, id, O_RDONLY);
	b = open_object(fs, id, O_RDWR);
	write_bytes(fs, b, 'a', 100, 0);
	GIVES(100, copy(a, 0, b, 100, 100));
	expect_bytes(fs, a, 'a', 200, 0);
	GIVES(-EINVAL, copy(a, 0, b, 99, 100));
	GIVES(-EINVAL, copy(a, 99, b, 0, 100));
	GIVES(-EINVAL, copy(b, 0, b, 0, 1));
	GIVES(100, copy(b, 100, b, 0, 100));
	close_checked(fs);
}
END_TEST

START_TEST(copies_need_the_right_handles)
{
	uint64_t id, reader, writer;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 100);
	reader = open_object(fs, id, O_RDONLY);
	writer = open_object(fs, id, O_WRONLY);
	GIVES(-EBADF, copy(writer, 0, writer, 50, 10));
	GIVES(-EBADF, copy(reader, 0, reader, 50, 10));
	GIVES(-EBADF, copy(0, 0, writer, 0, 10));
	GIVES(-EBADF, copy(reader, 0, 4711, 0, 10));
	GIVES(10, copy(reader, 0, writer, 50, 10));
	close_checked(fs);
}
END_TEST

Suite *tmpfile_suite(void)
{
	Suite *suite = suite_create("tmpfile");
	TCase *tests = harness_case(suite, "tmpfile");
	TCase *copies = harness_case(suite, "copy");

	tcase_add_test(tests, it_has_no_name_and_is_charged);
	tcase_add_test(tests, it_can_be_named_once);
	tcase_add_test(tests, exclusively_it_is_never_named);
	tcase_add_test(tests, without_handles_it_can_be_named_while_it_is_known);
	tcase_add_test(tests, it_needs_a_directory_that_is_there);
	tcase_add_test(tests, a_node_limit_holds_for_it);
	tcase_add_test(copies, copies_stop_at_both_ends);
	tcase_add_test(copies, copies_within_an_object_must_not_overlap);
	tcase_add_test(copies, copies_need_the_right_handles);
	return suite;
}

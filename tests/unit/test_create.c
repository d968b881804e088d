/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating and opening objects: modes, flags and who may. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

static int64_t create(struct shmfs *fs, const struct shmfs_cred *cred, const char *name,
    mode_t mode, int flags, struct shmfs_attr *attr)
{
	struct shmfs_opened opened;
	int64_t rc = TX(fs, shmfs_create(fs, cred, SHMFS_ROOT, name, mode, flags, attr, &opened));

	if (rc == 0)
		release(fs, opened.handle);
	return rc;
}

START_TEST(create_makes_an_empty_object)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	GIVES(0, create(fs, ALICE, "a", S_IFDIR | 04640, O_RDWR, &attr));
	ck_assert_uint_eq(attr.mode, S_IFREG | 04640);
	ck_assert_uint_eq(attr.size, 0);
	ck_assert_uint_eq(attr.nlink, 1);
	ck_assert_uint_eq(attr.uid, ALICE->uid);
	ck_assert_uint_eq(attr.gid, ALICE->gid);
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "a"), attr.id);
	close_checked(fs);
}
END_TEST

START_TEST(create_opens_what_exists)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 100);
	struct shmfs_attr attr;

	GIVES(0, create(fs, ALICE, "a", 0, O_RDWR, &attr));
	ck_assert_uint_eq(attr.id, id);
	ck_assert_uint_eq(attr.size, 100);
	ck_assert_uint_eq(attr.mode, S_IFREG | 0644);
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 1);
	close_checked(fs);
}
END_TEST

START_TEST(exclusive_creation_refuses_whatever_exists)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	(void)new_object(fs, SHMFS_ROOT, "object");
	(void)new_directory(fs, SHMFS_ROOT, "dir");
	(void)new_symlink(fs, SHMFS_ROOT, "symlink", "nowhere");
	GIVES(-EEXIST, create(fs, ALICE, "object", 0600, O_RDWR | O_EXCL, &attr));
	GIVES(-EEXIST, create(fs, ALICE, "dir", 0600, O_RDWR | O_EXCL, &attr));
	GIVES(-EEXIST, create(fs, ALICE, "symlink", 0600, O_RDWR | O_EXCL, &attr));
	GIVES(0, create(fs, ALICE, "new", 0600, O_RDWR | O_EXCL, &attr));
	close_checked(fs);
}
END_TEST

START_TEST(create_opens_objects_only)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	(void)new_directory(fs, SHMFS_ROOT, "dir");
	(void)new_symlink(fs, SHMFS_ROOT, "symlink", "nowhere");
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "fifo", S_IFIFO | 0600, &attr)));
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "socket", S_IFSOCK | 0600, &attr)));
	GIVES(-EISDIR, create(fs, ALICE, "dir", 0600, O_RDWR, &attr));
	GIVES(-ELOOP, create(fs, ALICE, "symlink", 0600, O_RDWR, &attr));
	GIVES(-ENXIO, create(fs, ALICE, "fifo", 0600, O_RDWR, &attr));
	GIVES(-ENXIO, create(fs, ALICE, "socket", 0600, O_RDWR, &attr));
	GIVES(-EISDIR, create(fs, SUPERUSER, "dir", 0600, O_RDONLY | O_TRUNC, &attr));
	close_checked(fs);
}
END_TEST

/* Mode, who opens how, and whether they may. */
static void expect_open(
    struct shmfs *fs, mode_t mode, const struct shmfs_cred *cred, int flags, int64_t want)
{
	struct shmfs_attr attr;

	GIVES(0, create(fs, ALICE, "object", mode, O_RDWR, &attr));
	GIVES(want, create(fs, cred, "object", 0, flags, &attr));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "object")));
}

START_TEST(creation_of_what_exists_asks_for_permission)
{
	const struct shmfs_cred colleague = {.uid = BOB->uid, .gid = ALICE->gid};
	struct shmfs *fs = open_small();

	expect_open(fs, 0400, ALICE, O_RDONLY, 0);
	expect_open(fs, 0400, ALICE, O_WRONLY, -EACCES);
	expect_open(fs, 0400, ALICE, O_RDWR, -EACCES);
	expect_open(fs, 0200, ALICE, O_RDONLY, -EACCES);
	expect_open(fs, 0200, ALICE, O_WRONLY, 0);
	expect_open(fs, 0600, ALICE, O_RDWR, 0);
	expect_open(fs, 0600, BOB, O_RDONLY, -EACCES);
	expect_open(fs, 0604, BOB, O_RDONLY, 0);
	expect_open(fs, 0606, BOB, O_RDWR, 0);
	expect_open(fs, 0640, &colleague, O_RDONLY, 0);
	expect_open(fs, 0640, &colleague, O_RDWR, -EACCES);
	/* The first class that fits decides, even where a later one would allow more. */
	expect_open(fs, 0606, &colleague, O_RDONLY, -EACCES);
	expect_open(fs, 0066, ALICE, O_RDONLY, -EACCES);
	expect_open(fs, 0000, SUPERUSER, O_RDWR | O_TRUNC, 0);
	/* Truncation is writing. */
	expect_open(fs, 0444, BOB, O_RDONLY | O_TRUNC, -EACCES);
	expect_open(fs, 0666, BOB, O_RDONLY | O_TRUNC, 0);
	/* The fourth access mode, which Linux keeps for itself, is no way around. */
	expect_open(fs, 0444, BOB, O_ACCMODE, -EACCES);
	close_checked(fs);
}
END_TEST

START_TEST(creation_needs_no_permission_of_its_own_mode)
{
	struct shmfs *fs = open_small();
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "sem.a", 0, O_RDWR, &attr, &opened)));
	write_bytes(fs, opened.handle, 'x', 10, 0);
	close_checked(fs);
}
END_TEST

START_TEST(creation_truncates_where_asked)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;
	uint64_t handle;

	handle = open_object(fs, new_object_of(fs, SHMFS_ROOT, "a", 10000), O_RDWR);
	write_bytes(fs, handle, 'x', 10000, 0);
	outside_advance(10, 0);
	GIVES(0, create(fs, ALICE, "a", 0, O_RDWR | O_TRUNC, &attr));
	ck_assert_uint_eq(attr.size, 0);
	ck_assert_uint_eq(attr.blocks, 0);
	SAME_TIME(outside->now, attr.mtime);
	SAME_TIME(outside->now, attr.ctime);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	resize(fs, attr.id, 10000);
	expect_bytes(fs, handle, '\0', 10000, 0);
	close_checked(fs);
}
END_TEST

START_TEST(truncation_at_opening_marks_the_times_of_an_empty_object_too)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	(void)new_object(fs, SHMFS_ROOT, "a");
	outside_advance(10, 0);
	GIVES(0, create(fs, ALICE, "a", 0, O_RDWR | O_TRUNC, &attr));
	SAME_TIME(outside->now, attr.mtime);
	SAME_TIME(outside->now, attr.ctime);
	close_checked(fs);
}
END_TEST

START_TEST(open_truncates_where_asked)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10000);

	outside_advance(10, 0);
	release(fs, open_object(fs, id, O_RDWR));
	ck_assert_uint_eq(attributes(fs, id).size, 10000);
	release(fs, open_object(fs, id, O_RDWR | O_TRUNC));
	ck_assert_uint_eq(attributes(fs, id).size, 0);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	SAME_TIME(outside->now, attributes(fs, id).mtime);
	close_checked(fs);
}
END_TEST

START_TEST(open_opens_objects_only)
{
	struct shmfs *fs = open_small();
	uint64_t symlink = new_symlink(fs, SHMFS_ROOT, "symlink", "x");
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "fifo", S_IFIFO | 0600, &attr)));
	GIVES(-ENXIO, TX(fs, shmfs_open(fs, ALICE, attr.id, O_RDONLY, &opened)));
	GIVES(-EISDIR, TX(fs, shmfs_open(fs, ALICE, SHMFS_ROOT, O_RDONLY, &opened)));
	GIVES(-ELOOP, TX(fs, shmfs_open(fs, ALICE, symlink, O_RDONLY, &opened)));
	GIVES(-ESTALE, TX(fs, shmfs_open(fs, ALICE, 0, O_RDONLY, &opened)));
	GIVES(-ESTALE, TX(fs, shmfs_open(fs, ALICE, 31, O_RDONLY, &opened)));
	GIVES(-ESTALE, TX(fs, shmfs_open(fs, ALICE, UINT64_MAX, O_RDONLY, &opened)));
	ck_assert_uint_eq(usage(fs).handles, 0);
	close_checked(fs);
}
END_TEST

START_TEST(handles_do_what_they_were_opened_for)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10);
	uint64_t reader = open_object(fs, id, O_RDONLY), writer = open_object(fs, id, O_WRONLY);
	uint64_t out;
	char byte[1];

	GIVES(1, TX(fs, shmfs_read(fs, ALICE, reader, byte, 1, 0)));
	GIVES(-EBADF, TX(fs, shmfs_write(fs, ALICE, reader, byte, 1, 0)));
	GIVES(-EBADF, TX(fs, shmfs_write_back(fs, reader, byte, 1, 0)));
	GIVES(-EBADF, TX(fs, shmfs_fallocate(fs, ALICE, reader, 0, 0, 1)));
	GIVES(0, shmfs_lseek(fs, ALICE, reader, 0, SEEK_HOLE, &out));
	GIVES(-EBADF, TX(fs, shmfs_read(fs, ALICE, writer, byte, 1, 0)));
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, writer, byte, 1, 0)));
	GIVES(1, TX(fs, shmfs_write_back(fs, writer, byte, 1, 0)));
	GIVES(0, TX(fs, shmfs_fallocate(fs, ALICE, writer, 0, 0, 1)));
	GIVES(0, shmfs_lseek(fs, ALICE, writer, 0, SEEK_HOLE, &out));
	close_checked(fs);
}
END_TEST

START_TEST(objects_share_one_backing_id_while_they_live)
{
	struct shmfs_config config = small_config();
	struct shmfs_opened one, two, other;
	struct shmfs_attr attr;
	struct shmfs *fs;

	config.backing = true;
	fs = open_with(config);
	GIVES(0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "a", 0600, O_RDWR, &attr, &one)));
	GIVES(0, TX(fs, shmfs_open(fs, ALICE, attr.id, O_RDONLY, &two)));
	ck_assert_int_gt(one.backing, 0);
	ck_assert_int_eq(one.backing, two.backing);
	GIVES(0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "b", 0600, O_RDWR, &attr, &other)));
	ck_assert_int_ne(one.backing, other.backing);
	ck_assert_uint_eq(outside->books.backings, 2);
	close_checked(fs);
}
END_TEST

START_TEST(without_backing_there_are_no_ids)
{
	struct shmfs *fs = open_small();
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "a", 0600, O_RDWR, &attr, &opened)));
	ck_assert_int_eq(opened.backing, 0);
	ck_assert_uint_eq(outside->calls[OUTSIDE_BACKING_OPEN], 0);
	close_checked(fs);
}
END_TEST

Suite *create_suite(void)
{
	Suite *suite = suite_create("create");
	TCase *tests = harness_case(suite, "create");

	tcase_add_test(tests, create_makes_an_empty_object);
	tcase_add_test(tests, create_opens_what_exists);
	tcase_add_test(tests, exclusive_creation_refuses_whatever_exists);
	tcase_add_test(tests, create_opens_objects_only);
	tcase_add_test(tests, creation_of_what_exists_asks_for_permission);
	tcase_add_test(tests, creation_needs_no_permission_of_its_own_mode);
	tcase_add_test(tests, creation_truncates_where_asked);
	tcase_add_test(tests, truncation_at_opening_marks_the_times_of_an_empty_object_too);
	tcase_add_test(tests, open_truncates_where_asked);
	tcase_add_test(tests, open_opens_objects_only);
	tcase_add_test(tests, handles_do_what_they_were_opened_for);
	tcase_add_test(tests, objects_share_one_backing_id_while_they_live);
	tcase_add_test(tests, without_backing_there_are_no_ids);
	return suite;
}

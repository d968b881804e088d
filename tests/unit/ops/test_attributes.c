/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and changing attributes. */
#include <fcntl.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

static int64_t try_size(struct shmfs *fs, uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};
	struct shmfs_attr attr;

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

START_TEST(unknown_nodes_have_no_attributes)
{
	static const uint64_t ids[] = {0, 2, 3, 1000, UINT64_MAX};
	struct shmfs_change what = {.what = SHMFS_CHANGE_MODE, .mode = 0};
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		GIVES(-ESTALE, shmfs_getattr(fs, ALICE, ids[i], &attr));
		GIVES(-ESTALE, TX(fs, shmfs_setattr(fs, ids[i], &what, &attr)));
	}
	close_checked(fs);
}
END_TEST

START_TEST(mode_changes_bits_and_never_the_type)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr;

	attr = change_attributes(
	    fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = 07531});
	ck_assert_uint_eq(attr.mode, S_IFREG | 07531);
	attr = change_attributes(
	    fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = S_IFDIR | 0600});
	ck_assert_uint_eq(attr.mode, S_IFREG | 0600);
	attr = change_attributes(
	    fs, SHMFS_ROOT, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = UINT32_MAX});
	ck_assert_uint_eq(attr.mode, S_IFDIR | 07777);
	close_checked(fs);
}
END_TEST

START_TEST(owner_and_group_change_by_themselves)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr;

	attr = change_attributes(
	    fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_UID, .uid = 11, .gid = 12});
	ck_assert_uint_eq(attr.uid, 11);
	ck_assert_uint_eq(attr.gid, ALICE->gid);
	attr = change_attributes(
	    fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_GID, .uid = 13, .gid = 14});
	ck_assert_uint_eq(attr.uid, 11);
	ck_assert_uint_eq(attr.gid, 14);
	close_checked(fs);
}
END_TEST

START_TEST(nothing_to_change_changes_the_change_time_alone)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 100);
	struct shmfs_attr before = attributes(fs, id), after;

	outside_advance(1, 1);
	after = change_attributes(
	    fs, id, (struct shmfs_change){.what = 0, .mode = 0, .uid = 5, .size = 7});
	SAME_TIME(outside->now, after.ctime);
	after.ctime = before.ctime;
	ck_assert_mem_eq(&before, &after, sizeof before);
	close_checked(fs);
}
END_TEST

static mode_t mode_after(struct shmfs *fs, uint64_t id, mode_t mode, struct shmfs_change what)
{
	change_attributes(fs, id,
	    (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = mode, .by = *SUPERUSER});
	return change_attributes(fs, id, what).mode & 07777;
}

static uint64_t new_fifo(struct shmfs *fs, const char *name)
{
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, name, S_IFIFO | 0600, &attr)));
	return attr.id;
}

START_TEST(set_id_bits_go_with_owner_and_size)
{
	struct shmfs_change owner = {.what = SHMFS_CHANGE_UID, .uid = 11};
	struct shmfs_change size = {.what = SHMFS_CHANGE_SIZE, .size = 5};
	struct shmfs_change none = {.what = 0};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a"), dir = new_directory(fs, SHMFS_ROOT, "d");
	uint64_t fifo = new_fifo(fs, "f");

	owner.by = size.by = *SUPERUSER;
	ck_assert_uint_eq(mode_after(fs, id, 06777, owner), 0777);
	ck_assert_uint_eq(mode_after(fs, id, 06777, size), 06777);
	ck_assert_uint_eq(mode_after(fs, id, 06777, none), 0777);
	ck_assert_uint_eq(mode_after(fs, id, 06767, owner), 02767);
	size.by = *ALICE;
	ck_assert_uint_eq(mode_after(fs, id, 06777, size), 0777);
	ck_assert_uint_eq(mode_after(fs, id, 06767, size), 02767);
	size.by = *BOB;
	ck_assert_uint_eq(mode_after(fs, id, 06767, size), 0767);
	size.by.pid = outside->member = 77;
	outside->group = ALICE->gid;
	ck_assert_uint_eq(mode_after(fs, id, 06767, size), 02767);
	ck_assert_uint_eq(mode_after(fs, fifo, 06777, owner), 0777);
	/* On a directory the bits mean something else. */
	ck_assert_uint_eq(mode_after(fs, dir, 07777, owner), 07777);
	close_checked(fs);
}
END_TEST

START_TEST(several_members_change_at_once)
{
	const struct shmfs_change what = {
	    .what = SHMFS_CHANGE_MODE | SHMFS_CHANGE_UID | SHMFS_CHANGE_GID | SHMFS_CHANGE_SIZE |
		    SHMFS_CHANGE_ATIME | SHMFS_CHANGE_MTIME | SHMFS_CHANGE_CTIME,
	    .mode = 0711,
	    .uid = 1,
	    .gid = 2,
	    .size = 3,
	    .atime = {4, 5},
	    .mtime = {6, 7},
	    .ctime = {8, 9},
	};
	struct shmfs *fs = open_small();
	struct shmfs_attr attr = change_attributes(fs, new_object(fs, SHMFS_ROOT, "a"), what);

	ck_assert_uint_eq(attr.mode, S_IFREG | 0711);
	ck_assert_uint_eq(attr.uid, 1);
	ck_assert_uint_eq(attr.gid, 2);
	ck_assert_uint_eq(attr.size, 3);
	SAME_TIME(what.atime, attr.atime);
	SAME_TIME(what.mtime, attr.mtime);
	SAME_TIME(what.ctime, attr.ctime);
	close_checked(fs);
}
END_TEST

START_TEST(sizes_can_be_anything_up_to_2_63)
{
	static const uint64_t sizes[] = {1, 0, 511, 512, 513, 4095, 4096, 4097, 1 << 20,
	    UINT64_C(1) << 40, UINT64_C(1) << 62, INT64_MAX, 0};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		GIVES(0, try_size(fs, id, sizes[i]));
		ck_assert_uint_eq(attributes(fs, id).size, sizes[i]);
		ck_assert_uint_eq(usage(fs).used_pages, PAGES(sizes[i]));
	}
	GIVES(-EFBIG, try_size(fs, id, (uint64_t)INT64_MAX + 1));
	GIVES(-EFBIG, try_size(fs, id, UINT64_MAX));
	ck_assert_uint_eq(attributes(fs, id).size, 0);
	close_checked(fs);
}
END_TEST

START_TEST(only_objects_have_a_size_to_change)
{
	struct shmfs *fs = open_small();
	uint64_t symlink = new_symlink(fs, SHMFS_ROOT, "l", "x");
	struct shmfs_attr fifo;

	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "f", S_IFIFO, &fifo)));
	GIVES(-EISDIR, try_size(fs, SHMFS_ROOT, 0));
	GIVES(-EINVAL, try_size(fs, symlink, 0));
	GIVES(-EINVAL, try_size(fs, fifo.id, 10));
	close_checked(fs);
}
END_TEST

START_TEST(shrinking_keeps_what_stays_and_zeroes_what_goes)
{
	static const uint64_t sizes[] = {4097, 4096, 4095, 513, 512, 511, 1};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	uint64_t handle = open_object(fs, id, O_RDWR);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		resize(fs, id, 10000);
		write_bytes(fs, handle, 'x', 10000, 0);
		resize(fs, id, sizes[i]);
		expect_bytes(fs, handle, 'x', sizes[i], 0);
		resize(fs, id, 10000);
		expect_bytes(fs, handle, 'x', sizes[i], 0);
		expect_bytes(fs, handle, '\0', 10000 - sizes[i], sizes[i]);
	}
	close_checked(fs);
}
END_TEST

START_TEST(blocks_are_pages_that_were_touched)
{
	test_memory_is_small();

	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10 * PAGE);
	uint64_t handle = open_object(fs, id, O_RDWR);

	ck_assert_uint_eq(attributes(fs, id).blocks, 0);
	write_bytes(fs, handle, 'x', 1, 5 * PAGE);
	ck_assert_uint_eq(attributes(fs, id).blocks, PAGE / 512);
	write_bytes(fs, handle, 'x', 2, 8 * PAGE - 1);
	ck_assert_uint_eq(attributes(fs, id).blocks, 3 * PAGE / 512);
	resize(fs, id, 6 * PAGE);
	ck_assert_uint_eq(attributes(fs, id).blocks, PAGE / 512);
	close_checked(fs);
}
END_TEST

START_TEST(a_shrink_tells_its_pages_as_free_at_once)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = PAGE + 1};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10 * PAGE);
	struct shmfs_attr attr;

	write_bytes(fs, open_object(fs, id, O_RDWR), 'x', 10 * PAGE, 0);
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &what, &attr)));
	ck_assert_uint_eq(attr.blocks, 2 * PAGE / 512);
	close_checked(fs);
}
END_TEST

static void set_mtime(struct shmfs *fs, uint64_t id, time_t seconds)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_MTIME, .mtime.tv_sec = seconds};
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &what, &attr)));
	ck_assert_int_eq(attr.mtime.tv_sec, seconds);
}

static void expect_times(struct shmfs *fs, uint64_t id, time_t mtime, time_t ctime)
{
	ck_assert_int_eq(attributes(fs, id).mtime.tv_sec, mtime);
	ck_assert_int_eq(attributes(fs, id).ctime.tv_sec, ctime);
}

/* Mappings are of the memory itself, by backing ids; and that of ten pages is freed later. */
static struct shmfs *open_native(void)
{
	struct shmfs_config config = small_config();

	config.backing = true;
	config.deferred_free_min = 10 * PAGE;
	return open_with(config);
}

START_TEST(a_store_moves_the_times_that_are_earlier)
{
	time_t now = outside->now.tv_sec;
	struct shmfs *fs = open_native();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", PAGE);

	(void)open_object(fs, id, O_RDWR);
	expect_times(fs, id, now, now);
	outside->written.tv_sec = now + 10;
	expect_times(fs, id, now + 10, now + 10);
	outside_advance(20, 0);
	set_mtime(fs, id, now - 100);
	expect_times(fs, id, now - 100, now + 20);
	outside->written.tv_sec = now + 25;
	expect_times(fs, id, now + 25, now + 25);
	set_mtime(fs, id, now + 1000);
	expect_times(fs, id, now + 1000, now + 25);
	resize(fs, id, 0);
	expect_times(fs, id, now + 20, now + 20);
	close_checked(fs);
}
END_TEST

START_TEST(a_time_that_was_set_before_an_opening_stays)
{
	time_t now = outside->now.tv_sec;
	struct shmfs *fs = open_native();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", PAGE);

	outside->written.tv_sec = now + 1;
	set_mtime(fs, id, now - 100);
	(void)open_object(fs, id, O_RDONLY);
	expect_times(fs, id, now - 100, now);
	close_checked(fs);
}
END_TEST

START_TEST(a_time_is_set_while_nobody_frees_pages)
{
	time_t now = outside->now.tv_sec;
	struct shmfs *fs = open_native();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 100 * PAGE);
	uint64_t handle = open_object(fs, id, O_RDWR);
	struct shmfs_free_range range;

	write_bytes(fs, handle, 'x', PAGE, 50 * PAGE);
	resize(fs, id, PAGE);
	ck_assert(shmfs_free_begin(fs, &range));
	set_mtime(fs, id, now - 100);
	ck_assert_uint_eq(outside->quiesced, 1);
	expect_times(fs, id, now - 100, now);
	while (shmfs_free_step(fs, 1))
		continue;
	expect_times(fs, id, now - 100, now);
	close_checked(fs);
}
END_TEST

START_TEST(where_the_system_tells_no_blocks_there_are_none)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 4096);

	write_bytes(fs, open_object(fs, id, O_RDWR), 'x', 1, 0);
	outside_fail(1, EIO, false);
	ck_assert_uint_eq(attributes(fs, id).blocks, 0);
	ck_assert_int_eq(outside->failed, OUTSIDE_LOOK);
	close_checked(fs);
}
END_TEST

Suite *attributes_suite(void)
{
	Suite *suite = suite_create("attributes");
	TCase *tests = harness_case(suite, "attributes");

	tcase_add_test(tests, unknown_nodes_have_no_attributes);
	tcase_add_test(tests, mode_changes_bits_and_never_the_type);
	tcase_add_test(tests, owner_and_group_change_by_themselves);
	tcase_add_test(tests, nothing_to_change_changes_the_change_time_alone);
	tcase_add_test(tests, set_id_bits_go_with_owner_and_size);
	tcase_add_test(tests, several_members_change_at_once);
	tcase_add_test(tests, sizes_can_be_anything_up_to_2_63);
	tcase_add_test(tests, only_objects_have_a_size_to_change);
	tcase_add_test(tests, shrinking_keeps_what_stays_and_zeroes_what_goes);
	tcase_add_test(tests, blocks_are_pages_that_were_touched);
	tcase_add_test(tests, a_shrink_tells_its_pages_as_free_at_once);
	tcase_add_test(tests, a_store_moves_the_times_that_are_earlier);
	tcase_add_test(tests, a_time_that_was_set_before_an_opening_stays);
	tcase_add_test(tests, a_time_is_set_while_nobody_frees_pages);
	tcase_add_test(tests, where_the_system_tells_no_blocks_there_are_none);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and changing attributes, and which operation marks which time. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

static struct shmfs_attr change(struct shmfs *fs, uint64_t id, struct shmfs_change what)
{
	struct shmfs_attr attr, again;

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &what, &attr)));
	again = attributes(fs, id);
	/* What is padding at the end is anything. */
	ck_assert_mem_eq(&attr, &again, offsetof(struct shmfs_attr, expires) + sizeof attr.expires);
	return attr;
}

static int64_t try_size(struct shmfs *fs, uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};
	struct shmfs_attr attr;

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

/* Which of the times of a node are now, as bits. */
enum { ATIME = 1, MTIME = 2, CTIME = 4 };

static int marked(struct shmfs *fs, uint64_t id)
{
	struct shmfs_attr attr = attributes(fs, id);

	return (compare_times(attr.atime, outside->now) == 0 ? ATIME : 0) |
	       (compare_times(attr.mtime, outside->now) == 0 ? MTIME : 0) |
	       (compare_times(attr.ctime, outside->now) == 0 ? CTIME : 0);
}

static void later(void)
{
	outside_advance(1, 1);
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

	attr = change(fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = 07531});
	ck_assert_uint_eq(attr.mode, S_IFREG | 07531);
	attr = change(
	    fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = S_IFDIR | 0600});
	ck_assert_uint_eq(attr.mode, S_IFREG | 0600);
	attr = change(
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

	attr =
	    change(fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_UID, .uid = 11, .gid = 12});
	ck_assert_uint_eq(attr.uid, 11);
	ck_assert_uint_eq(attr.gid, ALICE->gid);
	attr =
	    change(fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_GID, .uid = 13, .gid = 14});
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

	later();
	after = change(fs, id, (struct shmfs_change){.what = 0, .mode = 0, .uid = 5, .size = 7});
	SAME_TIME(outside->now, after.ctime);
	after.ctime = before.ctime;
	ck_assert_mem_eq(&before, &after, sizeof before);
	close_checked(fs);
}
END_TEST

static mode_t mode_after(struct shmfs *fs, uint64_t id, mode_t mode, struct shmfs_change what)
{
	change(fs, id,
	    (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = mode, .by = *SUPERUSER});
	return change(fs, id, what).mode & 07777;
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
	struct shmfs_attr attr = change(fs, new_object(fs, SHMFS_ROOT, "a"), what);

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
		ck_assert_uint_eq(
		    usage(fs).used_pages, sizes[i] / 4096 + (sizes[i] % 4096 != 0 ? 1 : 0));
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
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10 * 4096);
	uint64_t handle = open_object(fs, id, O_RDWR);

	ck_assert_uint_eq(attributes(fs, id).blocks, 0);
	write_bytes(fs, handle, 'x', 1, 5 * 4096);
	ck_assert_uint_eq(attributes(fs, id).blocks, 8);
	write_bytes(fs, handle, 'x', 2, 8 * 4096 - 1);
	ck_assert_uint_eq(attributes(fs, id).blocks, 24);
	resize(fs, id, 6 * 4096);
	ck_assert_uint_eq(attributes(fs, id).blocks, 8);
	close_checked(fs);
}
END_TEST

START_TEST(a_shrink_tells_its_pages_as_free_at_once)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = 4097};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10 * 4096);
	struct shmfs_attr attr;

	write_bytes(fs, open_object(fs, id, O_RDWR), 'x', 10 * 4096, 0);
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &what, &attr)));
	ck_assert_uint_eq(attr.blocks, 16);
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
	ck_assert_int_eq(outside->failed, OUTSIDE_BLOCKS);
	close_checked(fs);
}
END_TEST

/* --- times ---------------------------------------------------------------------------------------
 */

START_TEST(changes_of_attributes_mark_the_change_time)
{
	static const unsigned whats[] = {SHMFS_CHANGE_MODE, SHMFS_CHANGE_UID, SHMFS_CHANGE_GID};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	for (int i = 0; i < 3; i++) {
		later();
		change(fs, id, (struct shmfs_change){.what = whats[i]});
		ck_assert_int_eq(marked(fs, id), CTIME);
	}
	close_checked(fs);
}
END_TEST

START_TEST(size_changes_mark_modification_and_change_time)
{
	static const uint64_t sizes[] = {10, 5000, 5000, 100, 0, 0};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	for (int i = 0; i < 6; i++) {
		later();
		resize(fs, id, sizes[i]);
		ck_assert_int_eq(marked(fs, id), MTIME | CTIME);
	}
	close_checked(fs);
}
END_TEST

START_TEST(times_are_set_to_what_is_said_or_to_now)
{
	struct shmfs_change what = {.atime = {10, 1}, .mtime = {20, 2}, .ctime = {30, 3}};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr;

	later();
	what.what = SHMFS_CHANGE_ATIME;
	attr = change(fs, id, what);
	SAME_TIME(what.atime, attr.atime);
	ck_assert_int_eq(marked(fs, id), CTIME);
	later();
	what.what = SHMFS_CHANGE_MTIME | SHMFS_CHANGE_ATIME_NOW;
	attr = change(fs, id, what);
	SAME_TIME(what.mtime, attr.mtime);
	ck_assert_int_eq(marked(fs, id), ATIME | CTIME);
	later();
	what.what = SHMFS_CHANGE_MTIME_NOW | SHMFS_CHANGE_CTIME;
	attr = change(fs, id, what);
	SAME_TIME(what.ctime, attr.ctime);
	ck_assert_int_eq(marked(fs, id), MTIME);
	later();
	what.what = SHMFS_CHANGE_ATIME | SHMFS_CHANGE_ATIME_NOW | SHMFS_CHANGE_MTIME_NOW;
	change(fs, id, what);
	ck_assert_int_eq(marked(fs, id), ATIME | MTIME | CTIME);
	close_checked(fs);
}
END_TEST

START_TEST(names_mark_their_directory_and_their_node)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir"), id;
	struct shmfs_attr attr;

	later();
	id = new_object(fs, dir, "a");
	ck_assert_int_eq(marked(fs, dir), MTIME | CTIME);
	ck_assert_int_eq(marked(fs, id), ATIME | MTIME | CTIME);
	later();
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, dir, "b", &attr)));
	ck_assert_int_eq(marked(fs, dir), MTIME | CTIME);
	ck_assert_int_eq(marked(fs, id), CTIME);
	later();
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "b")));
	ck_assert_int_eq(marked(fs, dir), MTIME | CTIME);
	ck_assert_int_eq(marked(fs, id), CTIME);
	later();
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, dir, "a", &attr)));
	ck_assert_int_eq(marked(fs, dir), 0);
	ck_assert_int_eq(marked(fs, id), 0);
	close_checked(fs);
}
END_TEST

START_TEST(writing_marks_modification_and_change_time)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	later();
	write_bytes(fs, handle, 'x', 1, 0);
	ck_assert_int_eq(marked(fs, id), MTIME | CTIME);
	later();
	write_bytes(fs, handle, 'x', 0, 0);
	ck_assert_int_eq(marked(fs, id), 0);
	GIVES(-EFBIG, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 10)));
	ck_assert_int_eq(marked(fs, id), 0);
	GIVES(1, TX(fs, shmfs_write_back(fs, handle, "x", 1, 0)));
	ck_assert_int_eq(marked(fs, id), 0);
	close_checked(fs);
}
END_TEST

static void read_byte(struct shmfs *fs, uint64_t handle, uint64_t offset, int64_t want)
{
	char byte;

	GIVES(want, TX(fs, shmfs_read(fs, ALICE, handle, &byte, 1, offset)));
}

static void read_with_flags(struct shmfs *fs, uint64_t handle, int flags, int64_t want)
{
	char byte;
	const struct shmfs_read_request what = {
	    .handle = handle, .size = 1, .flags = flags, .buffer = &byte, .room = 1};
	const void *data;

	GIVES(want, TX(fs, shmfs_read_mapped(fs, ALICE, &what, &data)));
}

START_TEST(reading_marks_the_access_time_as_relatime_does)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	later();
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	later();
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	write_bytes(fs, handle, 'x', 1, 0);
	/* At the very time of the change the read is noted as well: it may have come after. */
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME | MTIME | CTIME);
	later();
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	later();
	change(fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = 0644});
	read_byte(fs, handle, 10, 0);
	ck_assert_int_eq(marked(fs, id), ATIME | CTIME);
	close_checked(fs);
}
END_TEST

START_TEST(a_read_is_noted_once_a_day)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	later();
	read_byte(fs, handle, 0, 1);
	outside_advance(24 * 60 * 60 - 1, 0);
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	outside_advance(1, 0);
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	close_checked(fs);
}
END_TEST

START_TEST(a_noatime_handle_leaves_no_access_time)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10);
	uint64_t silent = open_object(fs, id, O_RDWR | O_NOATIME),
		 loud = open_object(fs, id, O_RDWR);

	later();
	read_byte(fs, silent, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	/* Flags are those of the last request. */
	read_with_flags(fs, loud, O_RDWR | O_NOATIME, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	read_byte(fs, loud, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	read_with_flags(fs, 12345, O_RDWR, -EBADF);
	read_with_flags(fs, silent, O_RDWR, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	later();
	read_byte(fs, silent, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	outside_advance(24 * 60 * 60, 0);
	read_byte(fs, loud, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	read_byte(fs, silent, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	close_checked(fs);
}
END_TEST

START_TEST(times_far_away_do_no_harm)
{
	static const time_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};
	enum { ENDS = sizeof ends / sizeof ends[0] };
	struct shmfs_change what = {
	    .what = SHMFS_CHANGE_ATIME | SHMFS_CHANGE_MTIME | SHMFS_CHANGE_CTIME};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	for (int i = 0; i < ENDS * ENDS; i++) {
		what.atime.tv_sec = ends[i / ENDS];
		what.mtime.tv_sec = what.ctime.tv_sec = ends[i % ENDS];
		change(fs, id, what);
		read_byte(fs, handle, 0, 1);
	}
	close_checked(fs);
}
END_TEST

Suite *attributes_suite(void)
{
	Suite *suite = suite_create("attributes");
	TCase *tests = harness_case(suite, "attributes");
	TCase *times = harness_case(suite, "times");

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
	tcase_add_test(tests, where_the_system_tells_no_blocks_there_are_none);
	tcase_add_test(times, changes_of_attributes_mark_the_change_time);
	tcase_add_test(times, size_changes_mark_modification_and_change_time);
	tcase_add_test(times, times_are_set_to_what_is_said_or_to_now);
	tcase_add_test(times, names_mark_their_directory_and_their_node);
	tcase_add_test(times, writing_marks_modification_and_change_time);
	tcase_add_test(times, reading_marks_the_access_time_as_relatime_does);
	tcase_add_test(times, a_read_is_noted_once_a_day);
	tcase_add_test(times, a_noatime_handle_leaves_no_access_time);
	tcase_add_test(times, times_far_away_do_no_harm);
	return suite;
}

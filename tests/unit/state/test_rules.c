/* SPDX-License-Identifier: BSD-2-Clause */
/* Where FreeBSD's rules differ from Linux's. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_attr attr;

static void begin(uint64_t pages)
{
	struct shmfs_config config = small_config();

	config.rules = SHMFS_RULES_FREEBSD;
	config.size_limit = pages * PAGE;
	fs = open_with(config);
}

static int64_t try_size(uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

START_TEST(the_namespace_is_flat)
{
	uint64_t id;

	begin(0);
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(-EPERM, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "d", 0755, &attr)));
	GIVES(-EPERM, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, "l", "a", &attr)));
	GIVES(-EPERM, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	GIVES(-EPERM, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "f", S_IFIFO, &attr)));
	GIVES(-EPERM, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "s", S_IFSOCK, &attr)));
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 1);
	close_checked(fs);
}
END_TEST

START_TEST(a_write_without_room_is_no_error)
{
	uint64_t handle;

	begin(0);
	handle = open_object(fs, new_object_of(fs, SHMFS_ROOT, "a", 10), O_RDWR);
	GIVES(0, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 10)));
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, handle, "xy", 2, 9)));
	close_checked(fs);
}
END_TEST

START_TEST(no_room_is_enomem_for_truncation_and_enospc_for_allocation)
{
	uint64_t id, handle;

	begin(2);
	id = new_object(fs, SHMFS_ROOT, "a");
	handle = open_object(fs, id, O_RDWR);
	GIVES(-ENOMEM, try_size(id, 2 * PAGE + 1));
	GIVES(-ENOSPC, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 2 * PAGE + 1)));
	GIVES(0, try_size(id, 2 * PAGE));
	handle = open_object(fs, new_object(fs, SHMFS_ROOT, "sem.a"), O_RDWR);
	GIVES(-ENOMEM, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 0)));
	close_checked(fs);
}
END_TEST

START_TEST(a_user_s_own_limit_is_told_like_that_of_all)
{
	struct shmfs_config config = small_config();
	uint64_t handle;

	config.rules = SHMFS_RULES_FREEBSD;
	config.user_size_limit = 2 * PAGE;
	config.user_node_limit = 1;
	fs = open_with(config);
	handle = open_object(fs, new_object(fs, SHMFS_ROOT, "a"), O_RDWR);
	GIVES(-ENOSPC, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "b", S_IFREG, &attr)));
	GIVES(-ENOSPC, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 2 * PAGE + 1)));
	GIVES(-ENOMEM, try_size(id_of(fs, SHMFS_ROOT, "a"), 2 * PAGE + 1));
	close_checked(fs);
}
END_TEST

START_TEST(openings_are_those_of_shm_open)
{
	struct shmfs_opened opened;
	uint64_t id;

	begin(0);
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(-EINVAL, TX(fs, shmfs_open(fs, ALICE, id, O_WRONLY, &opened)));
	GIVES(-EINVAL, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR | O_APPEND, &opened)));
	GIVES(0, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR | O_TRUNC, &opened)));
	GIVES(0, TX(fs, shmfs_open(fs, ALICE, id, O_RDONLY, &opened)));
	GIVES(-EINVAL,
	    TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "b", 0600, O_WRONLY, &attr, &opened)));
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "b"), 0);
	close_checked(fs);
}
END_TEST

START_TEST(removing_a_name_asks_the_object)
{
	const struct shmfs_change public = {.what = SHMFS_CHANGE_MODE, .mode = 0606};
	uint64_t id;

	begin(0);
	id = new_object(fs, SHMFS_ROOT, "a");
	(void)new_object(fs, SHMFS_ROOT, "b");
	GIVES(-EACCES, TX(fs, shmfs_unlink(fs, BOB, SHMFS_ROOT, "a")));
	GIVES(-EACCES, TX(fs, shmfs_rename(fs, BOB, SHMFS_ROOT, "a", SHMFS_ROOT, "c", 0)));
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &public, &attr)));
	GIVES(-EACCES, TX(fs, shmfs_rename(fs, BOB, SHMFS_ROOT, "a", SHMFS_ROOT, "b", 0)));
	GIVES(-EACCES, TX(fs, shmfs_rename(fs, BOB, SHMFS_ROOT, "b", SHMFS_ROOT, "a", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, BOB, SHMFS_ROOT, "a", SHMFS_ROOT, "c", 0)));
	GIVES(0, TX(fs, shmfs_unlink(fs, BOB, SHMFS_ROOT, "c")));
	GIVES(0, TX(fs, shmfs_unlink(fs, SUPERUSER, SHMFS_ROOT, "b")));
	close_checked(fs);
}
END_TEST

/* user::rw-, user:1002:---, group::rw-, mask::rw-, other::rw- */
static const unsigned char denies_bob[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 0, 0,
    0xea, 3, 0, 0, 4, 0, 6, 0, 255, 255, 255, 255, 16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 6, 0,
    255, 255, 255, 255};

START_TEST(access_lists_count_where_the_object_is_asked)
{
	static const struct shmfs_subject bob = {.uid = 1002, .gid = 2002};
	struct shmfs_removal removal;
	struct shmfs_opened opened;
	uint64_t id;

	begin(0);
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "system.posix_acl_access", denies_bob,
			    sizeof denies_bob, 0)));
	forget(fs, id, 1);
	GIVES(-EACCES, TX(fs, shmfs_unlink(fs, BOB, SHMFS_ROOT, "a")));
	GIVES(-EACCES, TX(fs, shmfs_rename(fs, BOB, SHMFS_ROOT, "a", SHMFS_ROOT, "c", 0)));
	GIVES(-EACCES, TX(fs, shmfs_reap(fs, &bob, id, &removal)));
	GIVES(-EACCES,
	    TX(fs, shmfs_create(fs, BOB, SHMFS_ROOT, "a", 0600, O_RDONLY, &attr, &opened)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	close_checked(fs);
}
END_TEST

START_TEST(names_may_have_1022_bytes)
{
	char name[SHMFS_NAME_MAX_FREEBSD + 2];

	begin(0);
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	GIVES(
	    -ENAMETOOLONG, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, name, S_IFREG | 0600, &attr)));
	name[SHMFS_NAME_MAX_FREEBSD] = '\0';
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, name, S_IFREG | 0600, &attr)));
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, name), attr.id);
	ck_assert_int_eq(usage(fs).name_max, SHMFS_NAME_MAX_FREEBSD);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
	close_checked(fs);
}
END_TEST

START_TEST(modes_have_no_set_id_and_sticky_bits)
{
	const struct shmfs_change chmod = {.what = SHMFS_CHANGE_MODE, .mode = 07777};

	begin(0);
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "a", S_IFREG | 07640, &attr)));
	ck_assert_uint_eq(attr.mode & 07777, 0640);
	GIVES(0, TX(fs, shmfs_setattr(fs, attr.id, &chmod, &attr)));
	ck_assert_uint_eq(attr.mode & 07777, 0777);
	close_checked(fs);
}
END_TEST

START_TEST(only_a_change_of_size_marks_times)
{
	const struct shmfs_change chmod = {.what = SHMFS_CHANGE_MODE, .mode = 0600};
	struct timespec made;
	uint64_t id, handle;
	char byte;

	begin(0);
	id = new_object_of(fs, SHMFS_ROOT, "a", 100);
	handle = open_object(fs, id, O_RDWR);
	made = outside->now;
	outside_advance(5, 0);
	write_bytes(fs, handle, 'x', 1, 0);
	GIVES(1, TX(fs, shmfs_read(fs, ALICE, handle, &byte, 1, 0)));
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &chmod, &attr)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", 0)));
	GIVES(0, try_size(id, 100));
	attr = attributes(fs, id);
	SAME_TIME(made, attr.atime);
	SAME_TIME(made, attr.mtime);
	SAME_TIME(made, attr.ctime);
	GIVES(0, try_size(id, 101));
	attr = attributes(fs, id);
	SAME_TIME(outside->now, attr.mtime);
	SAME_TIME(outside->now, attr.ctime);
	close_checked(fs);
}
END_TEST

Suite *rules_suite(void)
{
	Suite *suite = suite_create("rules");
	TCase *tests = harness_case(suite, "rules");

	tcase_add_test(tests, the_namespace_is_flat);
	tcase_add_test(tests, a_write_without_room_is_no_error);
	tcase_add_test(tests, no_room_is_enomem_for_truncation_and_enospc_for_allocation);
	tcase_add_test(tests, a_user_s_own_limit_is_told_like_that_of_all);
	tcase_add_test(tests, openings_are_those_of_shm_open);
	tcase_add_test(tests, removing_a_name_asks_the_object);
	tcase_add_test(tests, access_lists_count_where_the_object_is_asked);
	tcase_add_test(tests, names_may_have_1022_bytes);
	tcase_add_test(tests, modes_have_no_set_id_and_sticky_bits);
	tcase_add_test(tests, only_a_change_of_size_marks_times);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Owner, mode and permission of nodes, and what statfs tells. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl_list.h"
#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { OTHER_USER = 65534, THIRD_USER = 65533, OWN_GROUP = 4001, FOREIGN_GROUP = 4002 };

/* What chown leaves alone. */
static const uid_t same = (uid_t)-1;

START_TEST(stat_tells_what_the_object_is)
{
	int fd = OK(open("a", O_RDWR | O_CREAT, 0640));
	struct stat status;

	OK(ftruncate(fd, 10000));
	OK(fstat(fd, &status));
	ck_assert_int_eq(status.st_mode, S_IFREG | 0640);
	ck_assert_uint_eq(status.st_nlink, 1);
	ck_assert_int_eq(status.st_uid, 0);
	ck_assert_int_eq(status.st_gid, 0);
	ck_assert_int_eq(status.st_size, 10000);
	ck_assert_int_eq(status.st_blocks, 0);
	ck_assert_int_eq(status.st_blksize, PAGE);
	ck_assert_uint_eq(status.st_rdev, 0);
}
END_TEST

static bool blocks_are(void *context)
{
	return status_of("a").st_blocks == *(const blkcnt_t *)context;
}

static void expect_blocks_soon(blkcnt_t want)
{
	ck_assert_msg(within_a_second(blocks_are, &want),
	    "st_blocks within a second: expected %ld, got %ld", (long)want,
	    (long)status_of("a").st_blocks);
}

START_TEST(st_blocks_counts_the_pages_that_exist)
{
	int fd = new_object("a", 100 * PAGE);
	unsigned char *map = map_object(fd, 100 * PAGE, PROT_READ | PROT_WRITE);

	write_pattern(fd, 0, 3 * PAGE);
	ck_assert_int_eq(status_of("a").st_blocks, 3 * 8);
	write_pattern(fd, 50 * PAGE + 1, 1);
	ck_assert_int_eq(status_of("a").st_blocks, 4 * 8);
	map[70 * PAGE] = 1;
	map[80 * PAGE] = 1;
	settle_mapped_stores(map, 100 * PAGE);
	expect_blocks_soon(6 * 8);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 3 * PAGE));
	expect_blocks_soon(3 * 8);
	OK(ftruncate(fd, PAGE));
	expect_blocks_soon(0);
}
END_TEST

START_TEST(reading_a_hole_makes_no_page)
{
	int fd = new_object("a", 100 * PAGE);
	int reader = OK(open("a", O_RDONLY));

	expect_zeros(fd, 0, 100 * PAGE);
	expect_zeros(reader, 0, 100 * PAGE);
	expect_zeros(fd, 10 * PAGE + 1, 1);
	ck_assert_int_eq(status_of("a").st_blocks, 0);
	FAILS(ENXIO, lseek(fd, 0, SEEK_DATA));
}
END_TEST

static const mode_t modes[] = {0, 0400, 0600, 0644, 0777, 01777, 02755, 04755, 07777};

START_TEST(chmod_sets_all_twelve_bits)
{
	int fd = new_object("a", 0);
	mode_t mode = modes[_i];

	OK(chmod("a", mode));
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | mode);
	OK(fchmod(fd, 0));
	OK(fchmod(fd, mode));
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | mode);
	OK(mkdir("d", 0700));
	OK(chmod("d", mode));
	ck_assert_int_eq(status_of("d").st_mode, S_IFDIR | mode);
}
END_TEST

static void change_what_is_not_ours(void *context)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};

	(void)context;
	FAILS(EPERM, chmod("a", 0777));
	FAILS(EPERM, chown("a", OTHER_USER, OTHER_USER));
	FAILS(EPERM, chown("a", OTHER_USER, same));
	FAILS(EPERM, chown("a", same, OTHER_USER));
	FAILS(EPERM, utimensat(AT_FDCWD, "a", times, 0));
	FAILS(EACCES, utimensat(AT_FDCWD, "a", NULL, 0));
}

START_TEST(only_the_owner_changes_attributes)
{
	make_object("a", 0);
	OK(chmod("a", 0644));
	in_child_as(OTHER_USER, change_what_is_not_ours, NULL);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0644);
	ck_assert_int_eq(status_of("a").st_uid, 0);
}
END_TEST

static void change_what_is_ours(void *context)
{
	(void)context;
	OK(chmod("a", 0640));
	OK(chown("a", OTHER_USER, OTHER_USER));
	FAILS(EPERM, chown("a", THIRD_USER, same));
	FAILS(EPERM, chown("a", same, THIRD_USER));
	FAILS(EPERM, chown("a", 0, 0));
	OK(utimensat(AT_FDCWD, "a", NULL, 0));
}

START_TEST(the_owner_changes_mode_but_not_owner)
{
	make_object("a", 0);
	OK(chown("a", OTHER_USER, OTHER_USER));
	in_child_as(OTHER_USER, change_what_is_ours, NULL);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0640);
	ck_assert_int_eq(status_of("a").st_uid, OTHER_USER);
}
END_TEST

START_TEST(root_changes_the_owner)
{
	int fd = new_object("a", 0);

	OK(chown("a", 1, 2));
	ck_assert_int_eq(status_of("a").st_uid, 1);
	ck_assert_int_eq(status_of("a").st_gid, 2);
	OK(fchown(fd, same, 3));
	ck_assert_int_eq(status_of("a").st_uid, 1);
	ck_assert_int_eq(status_of("a").st_gid, 3);
	OK(chown("a", 4, same));
	ck_assert_int_eq(status_of("a").st_uid, 4);
	ck_assert_int_eq(status_of("a").st_gid, 3);
	OK(symlink("a", "l"));
	OK(lchown("l", 5, 6));
	ck_assert_int_eq(status_of("l").st_uid, 5);
	ck_assert_int_eq(status_of("a").st_uid, 4);
}
END_TEST

static void open_what_is_closed(void *context)
{
	(void)context;
	FAILS(EACCES, open("secret", O_RDONLY));
	FAILS(EACCES, open("secret", O_RDWR));
	FAILS(EACCES, open("secret", O_WRONLY));
	FAILS(EACCES, open("readable", O_RDWR));
	FAILS(EACCES, open("readable", O_WRONLY | O_TRUNC));
	OK(close(OK(open("readable", O_RDONLY))));
	OK(close(OK(open("writable", O_WRONLY))));
	FAILS(EACCES, open("writable", O_RDONLY));
	FAILS(EACCES, access("secret", R_OK));
	OK(access("readable", R_OK));
}

START_TEST(open_needs_permission)
{
	make_object("secret", 10);
	make_object("readable", 10);
	OK(chmod("readable", 0644));
	make_object("writable", 10);
	OK(chmod("writable", 0622));
	in_child_as(OTHER_USER, open_what_is_closed, NULL);
	ck_assert_int_eq(status_of("readable").st_size, 10);
}
END_TEST

static void open_after_chmod(void *context)
{
	struct turn *turns = context;

	become_user(OTHER_USER);
	FAILS(EACCES, open("a", O_RDONLY));
	turn_give(&turns[0]);
	turn_wait(&turns[1]);
	OK(close(OK(open("a", O_RDONLY))));
	turn_give(&turns[0]);
	turn_wait(&turns[1]);
	FAILS(EACCES, open("a", O_RDONLY));
}

START_TEST(a_permission_counts_from_the_next_open)
{
	struct turn turns[2];
	pid_t child;

	turn_init(&turns[0]);
	turn_init(&turns[1]);
	make_object("a", 10);
	child = start_child(open_after_chmod, turns);
	turn_wait(&turns[0]);
	OK(chmod("a", 0644));
	turn_give(&turns[1]);
	turn_wait(&turns[0]);
	OK(chmod("a", 0600));
	turn_give(&turns[1]);
	end_child(child);
}
END_TEST

START_TEST(an_open_descriptor_keeps_its_rights)
{
	int fd = new_object("a", 10);

	OK(chmod("a", 0));
	OK(chown("a", THIRD_USER, THIRD_USER));
	write_pattern(fd, 0, 10);
	expect_pattern(fd, 0, 10);
	OK(ftruncate(fd, 20));
}
END_TEST

START_TEST(creating_read_only_gives_a_writable_descriptor)
{
	int fd = OK(open("a", O_RDWR | O_CREAT, 0400));

	OK(ftruncate(fd, 10));
	write_pattern(fd, 0, 10);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0400);
}
END_TEST

START_TEST(the_umask_is_applied_once)
{
	umask(027);
	OK(close(OK(open("a", O_RDWR | O_CREAT, 0666))));
	OK(mkdir("d", 0777));
	OK(mknod("f", S_IFIFO | 0666, 0));
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0640);
	ck_assert_int_eq(status_of("d").st_mode, S_IFDIR | 0750);
	ck_assert_int_eq(status_of("f").st_mode, S_IFIFO | 0640);
	umask(0);
	OK(close(OK(open("b", O_RDWR | O_CREAT, 0666))));
	ck_assert_int_eq(status_of("b").st_mode, S_IFREG | 0666);
}
END_TEST

static void make_setuid_object(const char *name, uid_t uid)
{
	make_object(name, 100);
	OK(chown(name, uid, OWN_GROUP));
	OK(chmod(name, 06777));
	ck_assert_int_eq(status_of(name).st_mode, S_IFREG | 06777);
}

static void chown_to_own_group(void *context)
{
	gid_t groups[] = {OWN_GROUP, FOREIGN_GROUP};

	(void)context;
	OK(setgroups(2, groups));
	OK(setresgid(OWN_GROUP, OWN_GROUP, OWN_GROUP));
	OK(setresuid(OTHER_USER, OTHER_USER, OTHER_USER));
	OK(chown("a", same, FOREIGN_GROUP));
}

START_TEST(chown_drops_setuid_and_setgid)
{
	make_setuid_object("a", OTHER_USER);
	in_child(chown_to_own_group, NULL);
	ck_assert_int_eq(status_of("a").st_gid, FOREIGN_GROUP);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0777);
}
END_TEST

static void write_one_byte(void *context)
{
	(void)context;
	GIVES(1, pwrite(OK(open("a", O_RDWR)), "x", 1, 0));
}

START_TEST(a_write_by_another_user_drops_setuid_and_setgid)
{
	make_setuid_object("a", 0);
	in_child_as(OTHER_USER, write_one_byte, NULL);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0777);
}
END_TEST

static void truncate_to_ten(void *context)
{
	(void)context;
	OK(truncate("a", 10));
}

START_TEST(a_truncate_by_another_user_drops_setuid_and_setgid)
{
	make_setuid_object("a", 0);
	in_child_as(OTHER_USER, truncate_to_ten, NULL);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0777);
}
END_TEST

START_TEST(a_write_by_root_keeps_setuid)
{
	make_setuid_object("a", OTHER_USER);
	write_one_byte(NULL);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 06777);
}
END_TEST

static void set_group_bit(void *context)
{
	(void)context;
	OK(chmod("a", 02755));
}

START_TEST(chmod_from_outside_the_group_drops_setgid)
{
	make_object("a", 0);
	OK(chown("a", OTHER_USER, FOREIGN_GROUP));
	in_child_as(OTHER_USER, set_group_bit, NULL);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0755);
}
END_TEST

/* Of the nodes' group by a further group only, which the kernel does not tell the daemon of. */
static void become_member(void)
{
	static const gid_t groups[] = {OWN_GROUP, FOREIGN_GROUP};

	OK(setgroups(2, groups));
	OK(setresgid(OTHER_USER, OTHER_USER, OTHER_USER));
	OK(setresuid(OTHER_USER, OTHER_USER, OTHER_USER));
}

static void change_each_way(void *context)
{
	const bool *member = context;

	if (*member)
		become_member();
	else
		become_user(OTHER_USER);
	GIVES(1, pwrite(OK(open("written", O_WRONLY)), "x", 1, 0));
	OK(truncate("truncated", 10));
	OK(chown("given", OTHER_USER, (gid_t)-1));
	OK(chown("fifo", OTHER_USER, (gid_t)-1));
	OK(set_acl("listed", ACL_ACCESS, "u::rw u:1001:r g::rw m::rw o::rw"));
	OK(removexattr("unlisted", ACL_ACCESS));
}

static const char *const changed_names[] = {
    "written", "truncated", "given", "fifo", "listed", "unlisted"};

static void make_setgid_nodes(void)
{
	for (size_t i = 0; i < sizeof changed_names / sizeof changed_names[0]; i++) {
		const char *name = changed_names[i];

		if (strcmp(name, "fifo") == 0)
			OK(mkfifo(name, 0));
		else
			make_object(name, PAGE);
		OK(chown(name, OTHER_USER, FOREIGN_GROUP));
		OK(chmod(name, 06666));
	}
}

/* Where the group may not execute, it asks for mandatory locks and is the members' to keep. */
static void expect_setgid_after(bool member, mode_t bits)
{
	make_setgid_nodes();
	in_child(change_each_way, &member);
	for (size_t i = 0; i < sizeof changed_names / sizeof changed_names[0]; i++) {
		mode_t mode = status_of(changed_names[i]).st_mode & 07777;

		/* A list says nothing of the other bit. */
		if (strstr(changed_names[i], "listed") != NULL)
			mode &= ~(mode_t)S_ISUID;
		ck_assert_msg(mode == (bits | 0666), "%s: mode %o", changed_names[i], mode);
	}
}

START_TEST(changes_by_a_member_of_the_group_keep_setgid)
{
	expect_setgid_after(true, S_ISGID);
}
END_TEST

START_TEST(changes_by_a_stranger_to_the_group_drop_setgid)
{
	expect_setgid_after(false, 0);
}
END_TEST

START_TEST(statfs_tells_the_limits_and_what_is_left)
{
	struct statfs before;
	struct statfs after;
	struct statvfs posix;

	OK(statfs(".", &before));
	ck_assert_int_eq((long)before.f_bsize, PAGE);
	ck_assert_uint_eq(before.f_blocks, 256UL * 1024 * 1024 / PAGE);
	ck_assert_uint_eq(before.f_files, 20000);
	ck_assert_int_eq((long)before.f_namelen, 255);
	ck_assert_uint_eq(before.f_bavail, before.f_bfree);
	make_object("a", 10 * PAGE + 1);
	OK(mkdir("d", 0755));
	OK(statfs(".", &after));
	ck_assert_uint_eq(after.f_blocks, before.f_blocks);
	ck_assert_uint_eq(after.f_bfree, before.f_bfree - 11);
	ck_assert_uint_eq(after.f_bavail, after.f_bfree);
	ck_assert_uint_eq(after.f_ffree, before.f_ffree - 2);
	OK(statvfs("a", &posix));
	ck_assert_uint_eq(posix.f_namemax, 255);
	ck_assert_uint_eq(posix.f_frsize, PAGE);
	ck_assert_uint_eq(posix.f_bfree, after.f_bfree);
	ck_assert_uint_eq(posix.f_favail, after.f_ffree);
}
END_TEST

void add_attribute_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "attributes", NULL);
	TCase *pages = case_on_mount(suite, "blocks", start_mount_of_small_pages);

	tcase_add_test(tcase, stat_tells_what_the_object_is);
	tcase_add_test(pages, st_blocks_counts_the_pages_that_exist);
	tcase_add_test(pages, reading_a_hole_makes_no_page);
	tcase_add_loop_test(tcase, chmod_sets_all_twelve_bits, 0, 9);
	tcase_add_test(tcase, only_the_owner_changes_attributes);
	tcase_add_test(tcase, the_owner_changes_mode_but_not_owner);
	tcase_add_test(tcase, root_changes_the_owner);
	tcase_add_test(tcase, open_needs_permission);
	tcase_add_test(tcase, a_permission_counts_from_the_next_open);
	tcase_add_test(tcase, an_open_descriptor_keeps_its_rights);
	tcase_add_test(tcase, creating_read_only_gives_a_writable_descriptor);
	tcase_add_test(tcase, the_umask_is_applied_once);
	tcase_add_test(tcase, chown_drops_setuid_and_setgid);
	tcase_add_test(tcase, a_write_by_another_user_drops_setuid_and_setgid);
	tcase_add_test(tcase, a_truncate_by_another_user_drops_setuid_and_setgid);
	tcase_add_test(tcase, a_write_by_root_keeps_setuid);
	tcase_add_test(tcase, chmod_from_outside_the_group_drops_setgid);
	tcase_add_test(tcase, changes_by_a_member_of_the_group_keep_setgid);
	tcase_add_test(tcase, changes_by_a_stranger_to_the_group_drop_setgid);
	tcase_add_test(tcase, statfs_tells_the_limits_and_what_is_left);
}

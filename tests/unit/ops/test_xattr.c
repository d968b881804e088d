/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes: storing, bounds, charges, and what becomes of them when their node goes. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "fs/state/state.h"
#include "harness.h"
#include "snapshot.h"
#include "suites.h"

static struct shmfs *fs;
static uint64_t id;
static char value[65537], out[65537];

static void begin(void)
{
	fs = open_small();
	id = new_object(fs, SHMFS_ROOT, "a");
}

static int64_t set(uint64_t node, const char *name, size_t size, int flags)
{
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (char)('a' + (i + size) % 26);
	return TX(fs, shmfs_setxattr(fs, ALICE, node, name, value, size, flags));
}

static int64_t drop(uint64_t node, const char *name)
{
	return TX(fs, shmfs_removexattr(fs, ALICE, node, name));
}

static void expect_value(uint64_t node, const char *name, size_t size)
{
	GIVES(size, shmfs_getxattr(fs, ALICE, node, name, out, 0));
	memset(out, 0, sizeof out);
	GIVES(size, shmfs_getxattr(fs, ALICE, node, name, out, sizeof out));
	for (size_t i = 0; i < size; i++)
		REQUIRE(
		    out[i] == (char)('a' + (i + size) % 26), "byte %zu of %s is wrong", i, name);
}

START_TEST(values_of_every_length_are_kept)
{
	static const size_t sizes[] = {0, 1, 4079, 4080, 4081, 8160, 8161, 65535, 65536};

	begin();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		GIVES(0, set(id, "user.a", sizes[i], 0));
		expect_value(id, "user.a", sizes[i]);
	}
	GIVES(-E2BIG, set(id, "user.a", 65537, 0));
	expect_value(id, "user.a", 65536);
	close_checked(fs);
}
END_TEST

START_TEST(flags_ask_for_new_or_existing_attributes)
{
	begin();
	GIVES(-ENODATA, set(id, "user.a", 1, XATTR_REPLACE));
	GIVES(0, set(id, "user.a", 1, XATTR_CREATE));
	GIVES(-EEXIST, set(id, "user.a", 2, XATTR_CREATE));
	GIVES(0, set(id, "user.a", 3, XATTR_REPLACE));
	expect_value(id, "user.a", 3);
	GIVES(-EINVAL, set(id, "user.a", 3, 4));
	GIVES(-EINVAL, set(id, "user.a", 3, -1));
	close_checked(fs);
}
END_TEST

START_TEST(names_decide_what_is_kept)
{
	static const char *const kept[] = {"user.a", "trusted.b", "security.c", "user. "};
	static const char *const refused[] = {
	    "", "a", "user", "system.a", "USER.a", "system.posix_acl"};
	char longest[SHMFS_NAME_MAX + 2];

	begin();
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		GIVES(0, set(id, kept[i], 5, 0));
		expect_value(id, kept[i], 5);
		GIVES(0, drop(id, kept[i]));
		GIVES(-ENODATA, drop(id, kept[i]));
		GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, id, kept[i], out, 100));
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		GIVES(-EOPNOTSUPP, set(id, refused[i], 5, 0));
		GIVES(-EOPNOTSUPP, drop(id, refused[i]));
		GIVES(-EOPNOTSUPP, shmfs_getxattr(fs, ALICE, id, refused[i], out, 100));
	}
	GIVES(-EINVAL, set(id, "user.", 5, 0));
	GIVES(-EINVAL, drop(id, "trusted."));
	GIVES(-EINVAL, shmfs_getxattr(fs, ALICE, id, "security.", out, 100));
	snprintf(longest, sizeof longest, "user.%0*d", SHMFS_NAME_MAX - 4, 0);
	GIVES(-ERANGE, set(id, longest, 5, 0));
	GIVES(-ERANGE, drop(id, longest));
	GIVES(-ERANGE, shmfs_getxattr(fs, ALICE, id, longest, out, 100));
	longest[SHMFS_NAME_MAX] = '\0';
	GIVES(0, set(id, longest, 5, 0));
	expect_value(id, longest, 5);
	close_checked(fs);
}
END_TEST

START_TEST(unknown_nodes_have_no_attributes)
{
	begin();
	GIVES(-ESTALE, set(999, "user.a", 1, 0));
	GIVES(-ESTALE, drop(999, "user.a"));
	GIVES(-ESTALE, shmfs_getxattr(fs, ALICE, 999, "user.a", out, 1));
	GIVES(-ESTALE, shmfs_listxattr(fs, ALICE, 999, out, 1));
	close_checked(fs);
}
END_TEST

START_TEST(answers_must_have_room)
{
	begin();
	GIVES(0, set(id, "user.a", 10, 0));
	GIVES(-ERANGE, shmfs_getxattr(fs, ALICE, id, "user.a", out, 9));
	GIVES(10, shmfs_getxattr(fs, ALICE, id, "user.a", out, 10));
	GIVES(0, set(id, "user.bc", 0, 0));
	GIVES(15, shmfs_listxattr(fs, ALICE, id, out, 0));
	GIVES(-ERANGE, shmfs_listxattr(fs, ALICE, id, out, 14));
	GIVES(15, shmfs_listxattr(fs, ALICE, id, out, 15));
	ck_assert_mem_eq(out, "user.bc\0user.a", 15);
	close_checked(fs);
}
END_TEST

START_TEST(lists_show_trusted_attributes_to_root_alone)
{
	begin();
	GIVES(0, set(id, "trusted.a", 10, 0));
	GIVES(0, shmfs_listxattr(fs, ALICE, id, out, 100));
	GIVES(10, shmfs_listxattr(fs, SUPERUSER, id, out, 100));
	close_checked(fs);
}
END_TEST

START_TEST(attributes_are_charged_in_whole_pages)
{
	/* The name counts too. */
	size_t edge = PAGE - 6, more = PAGE < 65536 ? 65536 : 1000;

	begin();
	GIVES(0, set(id, "user.a", edge, 0));
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	GIVES(0, set(id, "user.a", edge + 1, 0));
	ck_assert_uint_eq(usage(fs).used_pages, 2);
	GIVES(0, set(id, "user.b", more, 0));
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(2 * 6 + edge + 1 + more));
	GIVES(0, drop(id, "user.b"));
	ck_assert_uint_eq(usage(fs).used_pages, 2);
	GIVES(0, drop(id, "user.a"));
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	close_checked(fs);
}
END_TEST

START_TEST(the_limit_on_bytes_holds_for_attributes)
{
	struct shmfs_config config = small_config();
	size_t edge = (PAGE < 65536 ? 2 : 1) * PAGE - 6;

	config.size_limit = edge + 6;
	fs = open_with(config);
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(-ENOSPC, set(id, "user.a", edge + 1, 0));
	GIVES(0, set(id, "user.a", edge, 0));
	GIVES(-ENOSPC, set(id, "user.b", 1, 0));
	GIVES(-ENOSPC, set(id, "user.a", edge + 6, 0));
	expect_value(id, "user.a", edge);
	close_checked(fs);
}
END_TEST

START_TEST(one_node_has_attributes_up_to_a_bound)
{
	begin();
	GIVES(0, set(id, "user.a", 65536, 0));
	GIVES(0, set(id, "user.b", 65536 - 12, 0));
	GIVES(-ENOSPC, set(id, "user.c", 0, 0));
	GIVES(-ENOSPC, set(id, "user.b", 65536, 0));
	expect_value(id, "user.b", 65536 - 12);
	GIVES(0, drop(id, "user.b"));
	GIVES(0, set(id, "user.c", 100, 0));
	close_checked(fs);
}
END_TEST

/* As many as there can be of one size, on a node that then goes. */
static void fill_and_remove(size_t size)
{
	uint64_t arena = usage(fs).arena_bytes, log;
	struct snapshot *before;
	unsigned count = 0;
	char name[32];

	id = new_object(fs, SHMFS_ROOT, "many");
	check_every_transaction(false);
	do
		snprintf(name, sizeof name, "user.%u", count++);
	while (count < 20000 && set(id, name, size, 0) == 0);
	check_every_transaction(true);
	ck_assert_uint_lt(count, 20000);
	ck_assert_uint_gt(count, 10);
	check_namespace(fs);
	before = snapshot_take(fs->arena);
	shmfs_begin(fs);
	GIVES(0, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "many"));
	log = fs->arena->txn.log_used;
	shmfs_rollback(fs);
	snapshot_expect(before, fs->arena, "removing an object with many attributes");
	snapshot_free(before);
	printf("removing %u attributes of %zu bytes saves %" PRIu64 " bytes\n", count, size, log);
	fflush(stdout);
	ck_assert_uint_le(log, TXN_LOG_SIZE / 2);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "many")));
	forget(fs, id, 1);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_le(usage(fs).arena_bytes, arena + 8192);
}

START_TEST(a_node_with_as_many_attributes_as_it_can_have_can_go)
{
	static const size_t sizes[] = {0, 1, 20, 100, 500, 2000, 4080, 8192};

	begin();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		fill_and_remove(sizes[i]);
	close_checked(fs);
}
END_TEST

START_TEST(attributes_of_a_removed_directory_go_with_it)
{
	uint64_t dir, arena;

	begin();
	arena = usage(fs).arena_bytes;
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	GIVES(0, set(dir, "user.a", 10000, 0));
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	/* Who has it open still can use them. */
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	GIVES(0, set(dir, "user.b", 20000, 0));
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(30000));
	GIVES(0, drop(dir, "user.a"));
	forget(fs, dir, 1);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_le(usage(fs).arena_bytes, arena + 4096);
	close_checked(fs);
}
END_TEST

START_TEST(attributes_mark_the_change_time)
{
	begin();
	outside_advance(1, 0);
	GIVES(0, set(id, "user.a", 10, 0));
	SAME_TIME(outside->now, attributes(fs, id).ctime);
	outside_advance(1, 0);
	GIVES(0, drop(id, "user.a"));
	SAME_TIME(outside->now, attributes(fs, id).ctime);
	ck_assert_int_ne(compare_times(outside->now, attributes(fs, id).mtime), 0);
	close_checked(fs);
}
END_TEST

START_TEST(whether_an_object_grows_can_be_said)
{
	uint64_t handle;

	begin();
	handle = open_object(fs, id, O_RDWR);
	GIVES(1, shmfs_getxattr(fs, ALICE, id, "user.shmfs.grow", out, 10));
	ck_assert_int_eq(out[0], '0');
	GIVES(-EFBIG, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 0)));
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.grow", "1", 1, 0)));
	GIVES(1, shmfs_getxattr(fs, ALICE, id, "user.shmfs.grow", out, 10));
	ck_assert_int_eq(out[0], '1');
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 0)));
	GIVES(-EINVAL, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.grow", "2", 1, 0)));
	GIVES(-EINVAL, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.grow", "", 0, 0)));
	GIVES(-EINVAL, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.grow", "11", 2, 0)));
	GIVES(-EPERM, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.other", "1", 1, 0)));
	GIVES(-EOPNOTSUPP,
	    TX(fs, shmfs_setxattr(fs, ALICE, SHMFS_ROOT, "user.shmfs.grow", "1", 1, 0)));
	GIVES(-EPERM, drop(id, "user.shmfs.grow"));
	GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, SHMFS_ROOT, "user.shmfs.grow", out, 10));
	close_checked(fs);
}
END_TEST

/* --- access control lists -----------------------------------------------------------------------
 */

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

/* The layout of <linux/posix_acl_xattr.h>, on a little-endian machine as the tests assume. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entry[5];
};

static struct acl acl_of(
    uint16_t user, uint16_t named, uint16_t group, uint16_t mask, uint16_t other)
{
	return (struct acl){2, {{1, user, UINT32_MAX}, {2, named, 1234}, {4, group, UINT32_MAX},
				   {16, mask, UINT32_MAX}, {32, other, UINT32_MAX}}};
}

static int64_t set_acl(uint64_t node, const char *name, const struct acl *acl, size_t size)
{
	return TX(fs, shmfs_setxattr(fs, ALICE, node, name, acl, size, 0));
}

START_TEST(an_access_list_and_the_mode_agree)
{
	const struct shmfs_change chmod = {.what = SHMFS_CHANGE_MODE, .mode = 0751};
	struct acl acl = acl_of(6, 7, 4, 5, 1), got;
	struct shmfs_attr attr;

	begin();
	GIVES(0, set_acl(id, ACCESS, &acl, sizeof acl));
	ck_assert_uint_eq(attributes(fs, id).mode & 0777, 0651);
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &chmod, &attr)));
	GIVES(sizeof got, shmfs_getxattr(fs, ALICE, id, ACCESS, &got, sizeof got));
	ck_assert_uint_eq(got.entry[0].permissions, 7);
	ck_assert_uint_eq(got.entry[1].permissions, 7);
	ck_assert_uint_eq(got.entry[2].permissions, 4);
	ck_assert_uint_eq(got.entry[3].permissions, 5);
	ck_assert_uint_eq(got.entry[4].permissions, 1);
	GIVES(0, drop(id, ACCESS));
	/* The list that the mode is can be removed as often as one likes. */
	GIVES(0, drop(id, ACCESS));
	GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, id, ACCESS, &got, sizeof got));
	close_checked(fs);
}
END_TEST

START_TEST(malformed_lists_are_refused)
{
	struct acl good = acl_of(7, 7, 7, 7, 7), bad;
	uint64_t dir;

	begin();
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	for (size_t size = 0; size < sizeof good; size++)
		GIVES(-EINVAL, set_acl(id, ACCESS, &good, size));
	bad = good;
	bad.version = 1;
	GIVES(-EINVAL, set_acl(id, ACCESS, &bad, sizeof bad));
	for (int i = 0; i < 5; i++) {
		bad = good;
		bad.entry[i].permissions = 8;
		GIVES(-EINVAL, set_acl(id, ACCESS, &bad, sizeof bad));
		bad = good;
		bad.entry[i].tag = 0;
		GIVES(-EINVAL, set_acl(id, ACCESS, &bad, sizeof bad));
		bad.entry[i].tag = 64;
		GIVES(-EINVAL, set_acl(id, ACCESS, &bad, sizeof bad));
	}
	bad = good;
	bad.entry[1] = bad.entry[0];
	GIVES(-EINVAL, set_acl(id, ACCESS, &bad, sizeof bad));
	GIVES(-EACCES, set_acl(id, DEFAULT, &good, sizeof good));
	GIVES(0, set_acl(dir, DEFAULT, &good, sizeof good));
	ck_assert_uint_eq(attributes(fs, dir).mode & 0777, 0755);
	close_checked(fs);
}
END_TEST

START_TEST(a_default_list_is_inherited)
{
	struct acl acl = acl_of(7, 6, 5, 7, 0), got;
	struct shmfs_attr attr;
	uint64_t dir;

	begin();
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	GIVES(0, set_acl(dir, DEFAULT, &acl, sizeof acl));
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, dir, "object", S_IFREG | 0664, &attr)));
	ck_assert_uint_eq(attr.mode & 0777, 0660);
	GIVES(sizeof got, shmfs_getxattr(fs, ALICE, attr.id, ACCESS, &got, sizeof got));
	ck_assert_uint_eq(got.entry[1].permissions, 6);
	ck_assert_uint_eq(got.entry[3].permissions, 6);
	GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, attr.id, DEFAULT, &got, sizeof got));
	GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, dir, "sub", 0777, &attr)));
	GIVES(sizeof got, shmfs_getxattr(fs, ALICE, attr.id, DEFAULT, &got, sizeof got));
	ck_assert_mem_eq(&got, &acl, sizeof acl);
	close_checked(fs);
}
END_TEST

START_TEST(without_a_default_list_the_mask_of_the_maker_counts)
{
	const struct shmfs_cred careful = {.uid = 5, .gid = 5, .umask = 027};
	struct shmfs_attr attr;

	begin();
	GIVES(0, TX(fs, shmfs_mknod(fs, &careful, SHMFS_ROOT, "b", S_IFREG | 0666, &attr)));
	ck_assert_uint_eq(attr.mode & 07777, 0640);
	GIVES(0, TX(fs, shmfs_mkdir(fs, &careful, SHMFS_ROOT, "d", 01777, &attr)));
	ck_assert_uint_eq(attr.mode & 07777, 01750);
	GIVES(0, TX(fs, shmfs_symlink(fs, &careful, SHMFS_ROOT, "l", "x", &attr)));
	ck_assert_uint_eq(attr.mode & 07777, 0777);
	close_checked(fs);
}
END_TEST

Suite *xattr_suite(void)
{
	Suite *suite = suite_create("xattr");
	TCase *tests = harness_case(suite, "xattr");

	tcase_add_test(tests, values_of_every_length_are_kept);
	tcase_add_test(tests, flags_ask_for_new_or_existing_attributes);
	tcase_add_test(tests, names_decide_what_is_kept);
	tcase_add_test(tests, unknown_nodes_have_no_attributes);
	tcase_add_test(tests, answers_must_have_room);
	tcase_add_test(tests, lists_show_trusted_attributes_to_root_alone);
	tcase_add_test(tests, attributes_are_charged_in_whole_pages);
	tcase_add_test(tests, the_limit_on_bytes_holds_for_attributes);
	tcase_add_test(tests, one_node_has_attributes_up_to_a_bound);
	tcase_add_test(tests, a_node_with_as_many_attributes_as_it_can_have_can_go);
	tcase_add_test(tests, attributes_of_a_removed_directory_go_with_it);
	tcase_add_test(tests, attributes_mark_the_change_time);
	tcase_add_test(tests, whether_an_object_grows_can_be_said);
	tcase_add_test(tests, an_access_list_and_the_mode_agree);
	tcase_add_test(tests, malformed_lists_are_refused);
	tcase_add_test(tests, a_default_list_is_inherited);
	tcase_add_test(tests, without_a_default_list_the_mask_of_the_maker_counts);
	return suite;
}

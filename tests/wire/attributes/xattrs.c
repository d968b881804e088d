/* SPDX-License-Identifier: BSD-2-Clause */
/* SETXATTR, GETXATTR, LISTXATTR and REMOVEXATTR. */
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "requests.h"
#include "suites.h"

#define LONGEST 65536

static int set(struct wire *w, uint64_t id, const char *name, const char *value)
{
	return ask_setxattr(w, id, name, value, strlen(value), 0);
}

static void expect_value(struct wire *w, uint64_t id, const char *name, const char *value)
{
	size_t size = strlen(value);

	GIVES(0, ask_getxattr(w, id, name, 0));
	ck_assert_uint_eq(length_of(w), size);
	GIVES(0, ask_getxattr(w, id, name, 1000));
	ck_assert_mem_eq(reply_body(w, size), value, size);
}

/* libfuse 3.13.0 to 3.14.0 hand over the name without its first eight bytes. */
START_TEST(names_and_values_come_whole)
{
	static const char *const names[] = {
	    "user.a", "user.abcdefghijkl", "trusted.x", "security.y", "user.user.user.user"};
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		GIVES(0, set(w, id, names[i], "some value"));
		ck_assert_uint_eq(reply_body_size(w), 0);
		expect_value(w, id, names[i], "some value");
		GIVES(0, set(w, id, names[i], ""));
		expect_value(w, id, names[i], "");
		GIVES(0, ask_removexattr(w, id, names[i]));
		GIVES(-ENODATA, ask_getxattr(w, id, names[i], 0));
	}
	wire_close(w);
}
END_TEST

START_TEST(values_may_have_any_byte)
{
	struct wire *w = wire_open();

	GIVES(0, ask_setxattr(w, ROOT, "user.a", "\0\xff\0", 3, 0));
	GIVES(0, ask_getxattr(w, ROOT, "user.a", 3));
	ck_assert_mem_eq(reply_body(w, 3), "\0\xff\0", 3);
	wire_close(w);
}
END_TEST

START_TEST(a_result_that_does_not_fit_is_erange)
{
	struct wire *w = wire_open();

	GIVES(0, set(w, ROOT, "user.a", "12345"));
	GIVES(-ERANGE, ask_getxattr(w, ROOT, "user.a", 4));
	GIVES(0, ask_getxattr(w, ROOT, "user.a", 5));
	ck_assert_mem_eq(reply_body(w, 5), "12345", 5);
	GIVES(0, ask_getxattr(w, ROOT, "user.a", UINT32_MAX));
	ck_assert_mem_eq(reply_body(w, 5), "12345", 5);
	GIVES(-ERANGE, ask_listxattr(w, ROOT, 6));
	GIVES(0, ask_listxattr(w, ROOT, 7));
	ck_assert_mem_eq(reply_body(w, 7), "user.a", 7);
	GIVES(0, ask_listxattr(w, ROOT, 0));
	ck_assert_uint_eq(length_of(w), 7);
	wire_close(w);
}
END_TEST

START_TEST(listing_nothing_is_empty)
{
	struct wire *w = wire_open();

	GIVES(0, ask_listxattr(w, ROOT, 0));
	ck_assert_uint_eq(length_of(w), 0);
	GIVES(0, ask_listxattr(w, ROOT, 100));
	ck_assert_uint_eq(reply_body_size(w), 0);
	wire_close(w);
}
END_TEST

START_TEST(trusted_names_are_listed_for_root_alone)
{
	struct wire *w = wire_open();

	GIVES(0, set(w, ROOT, "trusted.a", "x"));
	w->uid = 1000;
	GIVES(0, ask_listxattr(w, ROOT, 100));
	ck_assert_uint_eq(reply_body_size(w), 0);
	w->uid = 0;
	GIVES(0, ask_listxattr(w, ROOT, 100));
	ck_assert_mem_eq(reply_body(w, 10), "trusted.a", 10);
	wire_close(w);
}
END_TEST

START_TEST(flags_say_whether_it_may_or_must_exist)
{
	struct wire *w = wire_open();

	GIVES(-ENODATA, ask_setxattr(w, ROOT, "user.a", "x", 1, XATTR_REPLACE));
	GIVES(0, ask_setxattr(w, ROOT, "user.a", "x", 1, XATTR_CREATE));
	GIVES(-EEXIST, ask_setxattr(w, ROOT, "user.a", "y", 1, XATTR_CREATE));
	expect_value(w, ROOT, "user.a", "x");
	GIVES(0, ask_setxattr(w, ROOT, "user.a", "y", 1, XATTR_REPLACE));
	expect_value(w, ROOT, "user.a", "y");
	GIVES(-EINVAL, ask_setxattr(w, ROOT, "user.a", "y", 1, 4));
	GIVES(-EINVAL, ask_setxattr(w, ROOT, "user.a", "y", 1, UINT32_MAX));
	wire_close(w);
}
END_TEST

START_TEST(names_of_no_known_kind_are_eopnotsupp)
{
	static const char *const names[] = {
	    "", "user", "system.a", "users.a", "User.a", "system.posix_acl_accesses"};
	static const char *const prefixes[] = {"user.", "trusted.", "security."};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		GIVES(-EOPNOTSUPP, set(w, ROOT, names[i], "x"));
		GIVES(-EOPNOTSUPP, ask_getxattr(w, ROOT, names[i], 100));
		GIVES(-EOPNOTSUPP, ask_removexattr(w, ROOT, names[i]));
	}
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		GIVES(-EINVAL, set(w, ROOT, prefixes[i], "x"));
		GIVES(-EINVAL, ask_getxattr(w, ROOT, prefixes[i], 100));
		GIVES(-EINVAL, ask_removexattr(w, ROOT, prefixes[i]));
	}
	wire_close(w);
}
END_TEST

START_TEST(what_is_missing_is_enodata)
{
	static const char *const names[] = {"user.a", "trusted.a", "security.a",
	    "system.posix_acl_access", "system.posix_acl_default"};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		GIVES(-ENODATA, ask_getxattr(w, ROOT, names[i], 0));
		GIVES(-ENODATA, ask_getxattr(w, ROOT, names[i], 100));
	}
	/* To take away a list that is not there is to leave the one that the mode is. */
	for (size_t i = 0; i < 3; i++)
		GIVES(-ENODATA, ask_removexattr(w, ROOT, names[i]));
	for (size_t i = 3; i < sizeof names / sizeof names[0]; i++)
		GIVES(0, ask_removexattr(w, ROOT, names[i]));
	wire_close(w);
}
END_TEST

START_TEST(unknown_nodes_are_estale)
{
	struct wire *w = wire_open();

	GIVES(-ESTALE, set(w, 999, "user.a", "x"));
	GIVES(-ESTALE, ask_getxattr(w, 999, "user.a", 0));
	GIVES(-ESTALE, ask_listxattr(w, 999, 0));
	GIVES(-ESTALE, ask_removexattr(w, 999, "user.a"));
	wire_close(w);
}
END_TEST

START_TEST(names_have_at_most_255_bytes)
{
	struct wire *w = wire_open();
	char name[257] = "user.";

	memset(name + 5, 'n', sizeof name - 5);
	name[256] = '\0';
	GIVES(-ERANGE, set(w, ROOT, name, "x"));
	GIVES(-ERANGE, ask_getxattr(w, ROOT, name, 0));
	GIVES(-ERANGE, ask_removexattr(w, ROOT, name));
	name[255] = '\0';
	GIVES(0, set(w, ROOT, name, "x"));
	expect_value(w, ROOT, name, "x");
	wire_close(w);
}
END_TEST

START_TEST(values_have_at_most_64_kibibytes)
{
	struct wire *w = wire_open();
	char *value = malloc(LONGEST + 1);

	ck_assert_ptr_nonnull(value);
	for (size_t i = 0; i <= LONGEST; i++)
		value[i] = (char)(i * 7 / 5);
	GIVES(-E2BIG, ask_setxattr(w, ROOT, "user.a", value, LONGEST + 1, 0));
	GIVES(0, ask_setxattr(w, ROOT, "user.a", value, LONGEST, 0));
	GIVES(0, ask_getxattr(w, ROOT, "user.a", LONGEST));
	ck_assert_mem_eq(reply_body(w, LONGEST), value, LONGEST);
	/* All of one node together have at most twice as much. */
	GIVES(-ENOSPC, ask_setxattr(w, ROOT, "user.b", value, LONGEST, 0));
	GIVES(-ENODATA, ask_getxattr(w, ROOT, "user.b", 0));
	GIVES(0, ask_setxattr(w, ROOT, "user.b", value, LONGEST - 100, 0));
	free(value);
	wire_close(w);
}
END_TEST

START_TEST(attributes_are_charged_and_go_with_their_node)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	static char value[65536];
	size_t size = PAGE < 65536 ? 2 * PAGE - 100 : 60000;

	config.size_limit = size + 1000;
	w = wire_open_with(TIER_CACHED, config);
	new_object(w, ROOT, "a");
	GIVES(0, ask_setxattr(w, 2, "user.a", value, size, 0));
	ck_assert_uint_eq(usage(w).used_pages, PAGES(size));
	GIVES(-ENOSPC, ask_setxattr(w, 2, "user.b", value, size, 0));
	ck_assert_uint_eq(usage(w).used_pages, PAGES(size));
	GIVES(0, ask_unlink(w, ROOT, "a"));
	tell_forget(w, 2, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

/* As on tmpfs: who has it open, or may open it, can use them. */
START_TEST(a_removed_node_has_attributes_until_it_is_forgotten)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d"), id = new_object(w, ROOT, "a");

	GIVES(0, set(w, dir, "user.a", "x"));
	GIVES(0, ask_rmdir(w, ROOT, "d"));
	GIVES(0, ask_unlink(w, ROOT, "a"));
	ck_assert_uint_eq(usage(w).used_pages, 1);
	expect_value(w, dir, "user.a", "x");
	GIVES(0, set(w, dir, "user.b", "x"));
	GIVES(0, set(w, id, "user.b", "x"));
	GIVES(0, set(w, id, "user.shmfs.grow", "1"));
	ck_assert_uint_eq(usage(w).used_pages, 2);
	tell_forget(w, dir, 1);
	ck_assert_uint_eq(usage(w).used_pages, 1);
	tell_forget(w, id, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	GIVES(-ESTALE, set(w, dir, "user.b", "x"));
	GIVES(-ESTALE, ask_getxattr(w, id, "user.b", 0));
	wire_close(w);
}
END_TEST

/* In one transaction, whose undo log has an end. */
START_TEST(a_node_with_all_it_can_carry_is_removed_at_once)
{
	struct wire *w = wire_open();
	uint64_t many = new_object(w, ROOT, "many"), large = new_object(w, ROOT, "large");
	char *value = calloc(1, LONGEST), name[300];
	int rc = 0;

	ck_assert_ptr_nonnull(value);
	for (int i = 0; rc == 0; i++) {
		snprintf(name, sizeof name, "user.%0200d", i);
		rc = set(w, many, name, "x");
	}
	GIVES(-ENOSPC, rc);
	GIVES(0, ask_setxattr(w, large, "user.a", value, LONGEST, 0));
	GIVES(0, ask_setxattr(w, large, "user.b", value, LONGEST - 100, 0));
	GIVES(0, ask_setxattr(w, large, "user.a", value, LONGEST, 0));
	tell_forget(w, many, 1);
	GIVES(0, ask_unlink(w, ROOT, "many"));
	GIVES(0, ask_rename(w, ROOT, "large", ROOT, "other"));
	GIVES(0, ask_unlink(w, ROOT, "other"));
	tell_forget(w, large, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	free(value);
	wire_close(w);
}
END_TEST

START_TEST(setting_one_is_a_change_of_the_node)
{
	struct wire *w = wire_open();

	w->outside->now.tv_sec += 100;
	GIVES(0, set(w, ROOT, "user.a", "x"));
	ck_assert_uint_eq(attributes(w, ROOT).ctime, 1000000100);
	ck_assert_uint_eq(attributes(w, ROOT).mtime, 1000000000);
	w->outside->now.tv_sec += 100;
	GIVES(0, ask_removexattr(w, ROOT, "user.a"));
	ck_assert_uint_eq(attributes(w, ROOT).ctime, 1000000200);
	wire_close(w);
}
END_TEST

/* --- those that are not stored ---------------------------------------------------------------- */

START_TEST(growth_can_be_read_and_set)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object(w, ROOT, "a"), O_RDWR);

	expect_value(w, file.id, "user.shmfs.grow", "0");
	expect_value(w, new_object(w, ROOT, "sem.a"), "user.shmfs.grow", "1");
	GIVES(-EFBIG, ask_write(w, file, "x", 1, 0));
	GIVES(0, set(w, file.id, "user.shmfs.grow", "1"));
	GIVES(0, ask_write(w, file, "x", 1, 0));
	expect_value(w, file.id, "user.shmfs.grow", "1");
	GIVES(-EINVAL, set(w, file.id, "user.shmfs.grow", "2"));
	GIVES(-EINVAL, set(w, file.id, "user.shmfs.grow", ""));
	GIVES(-EINVAL, set(w, file.id, "user.shmfs.grow", "11"));
	GIVES(-EOPNOTSUPP, set(w, ROOT, "user.shmfs.grow", "1"));
	GIVES(-ENODATA, ask_getxattr(w, ROOT, "user.shmfs.grow", 0));
	GIVES(-EPERM, ask_removexattr(w, file.id, "user.shmfs.grow"));
	GIVES(-EPERM, set(w, file.id, "user.shmfs.other", "1"));
	GIVES(-ENODATA, ask_getxattr(w, file.id, "user.shmfs.other", 0));
	wire_close(w);
}
END_TEST

START_TEST(seals_of_the_size_refuse_its_change)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 100), O_RDWR);

	expect_value(w, file.id, "user.shmfs.seals", "");
	GIVES(0, set(w, file.id, "user.shmfs.seals", "shrink"));
	GIVES(-EPERM, ask_resize(w, file.id, 99));
	GIVES(-EPERM, ask_open(w, file.id, O_RDWR | O_TRUNC));
	GIVES(-EPERM, ask_create(w, ROOT, "a", 0600, O_RDWR | O_TRUNC));
	GIVES(0, ask_resize(w, file.id, 200));
	GIVES(0, set(w, file.id, "user.shmfs.seals", "grow"));
	GIVES(-EPERM, ask_resize(w, file.id, 201));
	GIVES(-EPERM, ask_fallocate(w, file, 0, 0, 201));
	GIVES(0, ask_resize(w, file.id, 200));
	GIVES(0, ask_write(w, file, "x", 1, 199));
	GIVES(0, set(w, file.id, "user.shmfs.seals", "seal"));
	expect_value(w, file.id, "user.shmfs.seals", "seal,shrink,grow");
	GIVES(-EPERM, set(w, file.id, "user.shmfs.seals", "shrink"));
	wire_close(w);
}
END_TEST

START_TEST(the_seal_of_the_data_needs_that_nobody_writes)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 100), O_RDWR);

	GIVES(-EBUSY, set(w, file.id, "user.shmfs.seals", "write"));
	GIVES(0, ask_release(w, file));
	GIVES(0, set(w, file.id, "user.shmfs.seals", "write"));
	GIVES(-EPERM, ask_open(w, file.id, O_RDWR));
	GIVES(-EPERM, ask_open(w, file.id, O_WRONLY));
	GIVES(-EPERM, ask_create(w, ROOT, "a", 0600, O_RDWR));
	expect_bytes(w, open_file(w, file.id, O_RDONLY), 0, 100, 0);
	wire_close(w);
}
END_TEST

START_TEST(malformed_seals_are_einval)
{
	static const char *const lists[] = {"", ",", "shrink,", ",shrink", "shrink grow", "Shrink",
	    "shrinks", "write,none", "shrin"};
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		GIVES(-EINVAL, set(w, id, "user.shmfs.seals", lists[i]));
	expect_value(w, id, "user.shmfs.seals", "");
	GIVES(-EOPNOTSUPP, set(w, ROOT, "user.shmfs.seals", "shrink"));
	GIVES(-EPERM, ask_removexattr(w, id, "user.shmfs.seals"));
	wire_close(w);
}
END_TEST

Suite *xattrs_suite(void)
{
	const TTest *const tests[] = {
	    names_and_values_come_whole,
	    values_may_have_any_byte,
	    a_result_that_does_not_fit_is_erange,
	    listing_nothing_is_empty,
	    trusted_names_are_listed_for_root_alone,
	    flags_say_whether_it_may_or_must_exist,
	    names_of_no_known_kind_are_eopnotsupp,
	    what_is_missing_is_enodata,
	    unknown_nodes_are_estale,
	    names_have_at_most_255_bytes,
	    values_have_at_most_64_kibibytes,
	    attributes_are_charged_and_go_with_their_node,
	    a_removed_node_has_attributes_until_it_is_forgotten,
	    a_node_with_all_it_can_carry_is_removed_at_once,
	    setting_one_is_a_change_of_the_node,
	    growth_can_be_read_and_set,
	    seals_of_the_size_refuse_its_change,
	    the_seal_of_the_data_needs_that_nobody_writes,
	    malformed_seals_are_einval,
	};

	return suite_of("xattrs", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes: the calls, their flags, names and values. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"
#include "xattr_values.h"

enum { VALUE_MAX = 65536 };

/* The three families of calls, on the object "a". */
static int by_descriptor(void)
{
	return OK(open("a", O_RDONLY));
}

static int set_by(int way, const char *name, const void *value, size_t size, int flags)
{
	if (way == 0)
		return setxattr("a", name, value, size, flags);
	if (way == 1)
		return lsetxattr("a", name, value, size, flags);
	return fsetxattr(by_descriptor(), name, value, size, flags);
}

static ssize_t get_by(int way, const char *name, void *value, size_t size)
{
	if (way == 0)
		return getxattr("a", name, value, size);
	if (way == 1)
		return lgetxattr("a", name, value, size);
	return fgetxattr(by_descriptor(), name, value, size);
}

static ssize_t list_by(int way, char *list, size_t size)
{
	if (way == 0)
		return listxattr("a", list, size);
	if (way == 1)
		return llistxattr("a", list, size);
	return flistxattr(by_descriptor(), list, size);
}

static int remove_by(int way, const char *name)
{
	if (way == 0)
		return removexattr("a", name);
	if (way == 1)
		return lremovexattr("a", name);
	return fremovexattr(by_descriptor(), name);
}

START_TEST(an_attribute_is_set_read_listed_and_removed)
{
	char data[100];

	make_object("a", 0);
	GIVES(0, list_by(_i, data, sizeof(data)));
	OK(set_by(_i, "user.a", "value", 5, 0));
	GIVES(5, get_by(_i, "user.a", data, sizeof(data)));
	ck_assert_int_eq(memcmp(data, "value", 5), 0);
	GIVES(7, list_by(_i, data, sizeof(data)));
	ck_assert_str_eq(data, "user.a");
	OK(remove_by(_i, "user.a"));
	FAILS(ENODATA, get_by(_i, "user.a", data, sizeof(data)));
	FAILS(ENODATA, remove_by(_i, "user.a"));
	GIVES(0, list_by(_i, data, sizeof(data)));
}
END_TEST

START_TEST(every_way_reaches_the_same_attribute)
{
	char value[10];

	make_object("a", 0);
	OK(set_by(_i, "user.a", "v", 1, 0));
	for (int way = 0; way < 3; way++)
		GIVES(1, get_by(way, "user.a", value, sizeof(value)));
	OK(remove_by((_i + 1) % 3, "user.a"));
	FAILS(ENODATA, get_by((_i + 2) % 3, "user.a", value, sizeof(value)));
}
END_TEST

START_TEST(flags_ask_for_a_new_or_an_existing_attribute)
{
	make_object("a", 0);
	FAILS(ENODATA, set_by(_i, "user.a", "1", 1, XATTR_REPLACE));
	FAILS(ENODATA, getxattr("a", "user.a", NULL, 0));
	OK(set_by(_i, "user.a", "2", 1, XATTR_CREATE));
	FAILS(EEXIST, set_by(_i, "user.a", "3", 1, XATTR_CREATE));
	expect_text("a", "user.a", "2");
	OK(set_by(_i, "user.a", "44", 2, XATTR_REPLACE));
	expect_text("a", "user.a", "44");
	FAILS(EINVAL, set_by(_i, "user.a", "5", 1, 4));
	expect_text("a", "user.a", "44");
}
END_TEST

START_TEST(an_existing_value_is_replaced_whatever_its_length)
{
	make_object("a", 0);
	OK(set_text("a", "user.a", "long value"));
	OK(set_text("a", "user.a", "short"));
	expect_text("a", "user.a", "short");
	OK(set_text("a", "user.a", ""));
	expect_text("a", "user.a", "");
	OK(set_text("a", "user.a", "a longer value than before"));
	expect_text("a", "user.a", "a longer value than before");
	GIVES(7, listxattr("a", NULL, 0));
}
END_TEST

static const int sizes[] = {0, 1, 2, 100, 4095, 4096, 4097, 40000, VALUE_MAX - 1, VALUE_MAX};

START_TEST(a_value_of_any_size_comes_back_byte_for_byte)
{
	size_t size = (size_t)sizes[_i];
	unsigned char *value = malloc(size + 1);
	unsigned char *found = malloc(VALUE_MAX);

	ck_assert(value != NULL && found != NULL);
	for (size_t i = 0; i < size; i++)
		value[i] = (unsigned char)(i * 7 + i / 256);
	make_object("a", 0);
	OK(setxattr("a", "user.a", value, size, 0));
	GIVES((long)size, getxattr("a", "user.a", NULL, 0));
	GIVES((long)size, getxattr("a", "user.a", found, VALUE_MAX));
	BYTES_EQUAL(value, found, size);
	if (size > 0)
		GIVES((long)size, getxattr("a", "user.a", found, size));
	if (size > 1)
		FAILS(ERANGE, getxattr("a", "user.a", found, size - 1));
	free(value);
	free(found);
}
END_TEST

START_TEST(a_value_above_64_kib_is_e2big)
{
	static char value[VALUE_MAX + 1];

	make_object("a", 0);
	OK(set_text("a", "user.a", "old"));
	FAILS(E2BIG, setxattr("a", "user.a", value, sizeof(value), 0));
	expect_text("a", "user.a", "old");
}
END_TEST

START_TEST(a_list_that_does_not_fit_is_erange)
{
	char list[100];

	make_object("a", 0);
	OK(set_text("a", "user.a", "1"));
	OK(set_text("a", "user.bc", "2"));
	GIVES(15, listxattr("a", NULL, 0));
	FAILS(ERANGE, listxattr("a", list, 14));
	FAILS(ERANGE, listxattr("a", list, 1));
	GIVES(15, listxattr("a", list, 15));
	ck_assert_uint_eq(times_listed(list, 15, "user.a"), 1);
	ck_assert_uint_eq(times_listed(list, 15, "user.bc"), 1);
}
END_TEST

START_TEST(what_was_never_set_is_enodata)
{
	static const char *const names[] = {"user.a", "trusted.a", "security.a"};
	char value[10];

	make_object("a", 0);
	for (int i = 0; i < 3; i++) {
		FAILS(ENODATA, getxattr("a", names[i], value, sizeof(value)));
		FAILS(ENODATA, getxattr("a", names[i], NULL, 0));
		FAILS(ENODATA, removexattr("a", names[i]));
	}
	OK(set_text("a", "user.ab", "x"));
	FAILS(ENODATA, getxattr("a", "user.a", value, sizeof(value)));
	FAILS(ENODATA, getxattr("a", "user.abc", value, sizeof(value)));
	FAILS(ENOENT, setxattr("missing", "user.a", "x", 1, 0));
	FAILS(ENOENT, getxattr("missing", "user.a", value, sizeof(value)));
}
END_TEST

static const char *const bad_names[] = {
    "a", "user", "nothing.a", "User.a", "users.a", "system.a", "btrfs.a", "user:a"};

START_TEST(a_name_of_no_known_namespace_is_eopnotsupp)
{
	char value[10];

	make_object("a", 0);
	FAILS(EOPNOTSUPP, set_text("a", bad_names[_i], "x"));
	FAILS(EOPNOTSUPP, getxattr("a", bad_names[_i], value, sizeof(value)));
	FAILS(EOPNOTSUPP, removexattr("a", bad_names[_i]));
	GIVES(0, listxattr("a", NULL, 0));
}
END_TEST

START_TEST(a_namespace_alone_is_no_name)
{
	static const char *const names[] = {"user.", "trusted.", "security."};

	make_object("a", 0);
	FAILS(EINVAL, set_text("a", names[_i], "x"));
	FAILS(EINVAL, getxattr("a", names[_i], NULL, 0));
	FAILS(EINVAL, removexattr("a", names[_i]));
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
	char name[258];
	char value[10];
	char list[300];

	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = '\0';
	make_object("a", 0);
	FAILS(ERANGE, set_text("a", name, "x"));
	FAILS(ERANGE, getxattr("a", name, value, sizeof(value)));
	FAILS(ERANGE, removexattr("a", name));
	FAILS(ERANGE, set_text("a", "", "x"));
	name[255] = '\0';
	OK(set_text("a", name, "x"));
	expect_text("a", name, "x");
	GIVES(256, listxattr("a", list, sizeof(list)));
	ck_assert_str_eq(list, name);
	OK(removexattr("a", name));
}
END_TEST

/* Some versions of libfuse lost the first bytes of a name, or of a value, on their way. */
START_TEST(names_of_every_length_arrive_whole)
{
	char name[256] = "user.";
	char value[300];

	make_object("a", 0);
	for (size_t length = 6; length < 256; length += 1 + length / 32) {
		char list[600];

		memset(name + 5, 'a' + (int)(length % 26), length - 5);
		name[length] = '\0';
		snprintf(value, sizeof(value), "<%s>", name);
		OK(setxattr("a", name, value, strlen(value), XATTR_CREATE));
		GIVES((long)length + 1, listxattr("a", list, sizeof(list)));
		ck_assert_str_eq(list, name);
		GIVES((long)length + 2, getxattr("a", name, list, sizeof(list)));
		ck_assert_int_eq(memcmp(list, value, length + 2), 0);
		OK(removexattr("a", name));
	}
}
END_TEST

START_TEST(a_name_may_have_any_bytes)
{
	static const char *const names[] = {
	    "user.\x01", "user. ", "user.\xff\xfe", "user./", "user..", "user.user.a", "user.\n"};
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	char list[200];
	size_t size;

	make_object("a", 0);
	for (int i = 0; i < COUNT; i++)
		OK(set_text("a", names[i], names[i] + 5));
	size = (size_t)OK(listxattr("a", list, sizeof(list)));
	for (int i = 0; i < COUNT; i++) {
		expect_text("a", names[i], names[i] + 5);
		ck_assert_uint_eq(times_listed(list, size, names[i]), 1);
	}
}
END_TEST

START_TEST(many_attributes_are_each_listed_once)
{
	enum { COUNT = 200 };
	char name[32];
	char list[COUNT * 16];
	size_t size;

	make_object("a", 0);
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "user.n%d", i);
		OK(set_text("a", name, name));
	}
	for (int i = 0; i < COUNT; i += 2) {
		snprintf(name, sizeof(name), "user.n%d", i);
		OK(removexattr("a", name));
	}
	size = (size_t)OK(listxattr("a", list, sizeof(list)));
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "user.n%d", i);
		ck_assert_uint_eq(times_listed(list, size, name), i % 2 == 1 ? 1 : 0);
		if (i % 2 == 1)
			expect_text("a", name, name);
	}
}
END_TEST

void add_xattr_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "extended attributes", NULL);

	tcase_add_loop_test(tcase, an_attribute_is_set_read_listed_and_removed, 0, 3);
	tcase_add_loop_test(tcase, every_way_reaches_the_same_attribute, 0, 3);
	tcase_add_loop_test(tcase, flags_ask_for_a_new_or_an_existing_attribute, 0, 3);
	tcase_add_test(tcase, an_existing_value_is_replaced_whatever_its_length);
	tcase_add_loop_test(tcase, a_value_of_any_size_comes_back_byte_for_byte, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tcase, a_value_above_64_kib_is_e2big);
	tcase_add_test(tcase, a_list_that_does_not_fit_is_erange);
	tcase_add_test(tcase, what_was_never_set_is_enodata);
	tcase_add_loop_test(tcase, a_name_of_no_known_namespace_is_eopnotsupp, 0,
	    sizeof(bad_names) / sizeof(bad_names[0]));
	tcase_add_loop_test(tcase, a_namespace_alone_is_no_name, 0, 3);
	tcase_add_test(tcase, a_name_has_at_most_255_bytes);
	tcase_add_test(tcase, names_of_every_length_arrive_whole);
	tcase_add_test(tcase, a_name_may_have_any_bytes);
	tcase_add_test(tcase, many_attributes_are_each_listed_once);
}

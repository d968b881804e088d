/* SPDX-License-Identifier: BSD-2-Clause */
/* Legal names and patterns. */
#include <string.h>

#include "fs/state/name.h"
#include "harness.h"
#include "suites.h"

START_TEST(a_name_is_anything_without_a_slash)
{
	char name[300];

	GIVES(1, name_length("a", SHMFS_NAME_MAX));
	GIVES(3, name_length("...", SHMFS_NAME_MAX));
	GIVES(2, name_length(".a", SHMFS_NAME_MAX));
	GIVES(3, name_length("..a", SHMFS_NAME_MAX));
	GIVES(1, name_length(" ", SHMFS_NAME_MAX));
	GIVES(2, name_length("\n\\", SHMFS_NAME_MAX));
	GIVES(4, name_length("\xff\xfe\x80\x01", SHMFS_NAME_MAX));
	memset(name, 'n', sizeof name);
	name[SHMFS_NAME_MAX] = '\0';
	GIVES(SHMFS_NAME_MAX, name_length(name, SHMFS_NAME_MAX));
}
END_TEST

START_TEST(empty_names_dots_and_slashes_are_illegal)
{
	GIVES(-EINVAL, name_length("", SHMFS_NAME_MAX));
	GIVES(-EINVAL, name_length(".", SHMFS_NAME_MAX));
	GIVES(-EINVAL, name_length("..", SHMFS_NAME_MAX));
	GIVES(-EINVAL, name_length("/", SHMFS_NAME_MAX));
	GIVES(-EINVAL, name_length("a/b", SHMFS_NAME_MAX));
	GIVES(-EINVAL, name_length("a/", SHMFS_NAME_MAX));
	GIVES(-EINVAL, name_length("/a", SHMFS_NAME_MAX));
}
END_TEST

START_TEST(names_over_255_bytes_are_too_long)
{
	static char name[100001];

	memset(name, 'n', sizeof name - 1);
	GIVES(-ENAMETOOLONG, name_length(name, SHMFS_NAME_MAX));
	name[256] = '\0';
	GIVES(-ENAMETOOLONG, name_length(name, SHMFS_NAME_MAX));
	name[3] = '/';
	GIVES(-ENAMETOOLONG, name_length(name, SHMFS_NAME_MAX));
	name[255] = '\0';
	GIVES(-EINVAL, name_length(name, SHMFS_NAME_MAX));
}
END_TEST

START_TEST(patterns_match_whole_names)
{
	ck_assert(name_matches("sem.*", "sem.x"));
	ck_assert(name_matches("sem.*", "sem."));
	ck_assert(!name_matches("sem.*", "sem"));
	ck_assert(!name_matches("sem.*", "asem.x"));
	ck_assert(!name_matches("sem", "sem.x"));
	ck_assert(name_matches("*", ".hidden"));
	ck_assert(name_matches("[ab]?", "bx"));
	ck_assert(!name_matches("[ab]?", "cx"));
}
END_TEST

START_TEST(the_ends_of_a_pattern_may_stand_for_others)
{
	static const char *const patterns[] = {"a*", "?b", "*b", "[a]b", "[!x]b", "\\ab"};
	static const char *const ends[] = {"a*", "a?", "a[b]", "a[!x]", "a\\b", "*", "ab*"};

	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		ck_assert_msg(name_matches(patterns[i], "ab"), "%s does not match", patterns[i]);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		ck_assert_msg(name_matches(ends[i], "ab"), "%s does not match", ends[i]);
	ck_assert(name_matches("a\\*", "a*"));
	ck_assert(!name_matches("a\\*", "ab"));
	ck_assert(name_matches("a]", "a]"));
	ck_assert(name_matches("[a", "[a"));
	ck_assert(name_matches("*", ""));
	ck_assert(!name_matches("a", ""));
	ck_assert(!name_matches("\\ab", "\\ab"));
	ck_assert(name_matches("\\*b", "*b"));
	ck_assert(!name_matches("\\*b", "ab"));
	ck_assert(name_matches("+a", "+a"));
	ck_assert(!name_matches("ba:Ab:", "ab"));
}
END_TEST

START_TEST(any_of_several_patterns_is_enough)
{
	ck_assert(name_matches("sem.*:tmp-*", "sem.x"));
	ck_assert(name_matches("sem.*:tmp-*", "tmp-1"));
	ck_assert(!name_matches("sem.*:tmp-*", "other"));
	ck_assert(name_matches(":a::b:", "b"));
	ck_assert(name_matches(":a::b:", "a"));
	ck_assert(!name_matches(":a::b:", ""));
}
END_TEST

START_TEST(no_pattern_matches_nothing)
{
	ck_assert(!name_matches("", "a"));
	ck_assert(!name_matches(":", "a"));
	ck_assert(!name_matches(":::", "a"));
}
END_TEST

START_TEST(a_pattern_of_255_bytes_matches)
{
	char pattern[SHMFS_NAME_MAX + 1], name[SHMFS_NAME_MAX + 1];

	memset(pattern, '?', sizeof pattern);
	memset(name, 'n', sizeof name);
	pattern[SHMFS_NAME_MAX] = name[SHMFS_NAME_MAX] = '\0';
	ck_assert(name_matches(pattern, name));
	name[SHMFS_NAME_MAX - 1] = '\0';
	ck_assert(!name_matches(pattern, name));
}
END_TEST

Suite *name_suite(void)
{
	Suite *suite = suite_create("name");
	TCase *tests = harness_case(suite, "name");

	tcase_add_test(tests, a_name_is_anything_without_a_slash);
	tcase_add_test(tests, empty_names_dots_and_slashes_are_illegal);
	tcase_add_test(tests, names_over_255_bytes_are_too_long);
	tcase_add_test(tests, patterns_match_whole_names);
	tcase_add_test(tests, the_ends_of_a_pattern_may_stand_for_others);
	tcase_add_test(tests, any_of_several_patterns_is_enough);
	tcase_add_test(tests, no_pattern_matches_nothing);
	tcase_add_test(tests, a_pattern_of_255_bytes_matches);
	return suite;
}

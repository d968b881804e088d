/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking up, making, linking and removing names: results and every errno. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

/* Every function that takes a directory and a name, called with good arguments otherwise. */
enum { NAMING = 9 };

static int64_t call_naming(struct shmfs *fs, int which, uint64_t dir, const char *name)
{
	static uint64_t linked;
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	switch (which) {
	case 0:
		return TX(fs, shmfs_lookup(fs, ALICE, dir, name, &attr));
	case 1:
		return TX(fs, shmfs_create(fs, ALICE, dir, name, 0644, O_RDWR, &attr, &opened));
	case 2:
		return TX(fs, shmfs_mknod(fs, ALICE, dir, name, S_IFREG | 0644, &attr));
	case 3:
		return TX(fs, shmfs_mkdir(fs, ALICE, dir, name, 0755, &attr));
	case 4:
		return TX(fs, shmfs_symlink(fs, ALICE, dir, name, "target", &attr));
	case 5:
		return TX(fs, shmfs_unlink(fs, ALICE, dir, name));
	case 6:
		return TX(fs, shmfs_rmdir(fs, ALICE, dir, name));
	case 7:
		return TX(fs, shmfs_rename(fs, ALICE, dir, name, SHMFS_ROOT, "to", 0));
	default:
		if (!exists(fs, linked))
			linked = new_object(fs, SHMFS_ROOT, "linked");
		return TX(fs, shmfs_link(fs, ALICE, linked, dir, name, &attr));
	}
}

static void expect_from(int first, struct shmfs *fs, uint64_t dir, const char *name, int64_t want)
{
	for (int which = first; which < NAMING; which++) {
		int64_t result = call_naming(fs, which, dir, name);
		char got[32];

		snprintf(got, sizeof got, "%s", result_text(result));
		ck_assert_msg(result == want, "function %d, name '%.20s': expected %s, got %s",
		    which, name, result_text(want), got);
	}
}

static void expect_of_all(struct shmfs *fs, uint64_t dir, const char *name, int64_t want)
{
	expect_from(0, fs, dir, name, want);
}

START_TEST(illegal_names_are_refused_everywhere)
{
	struct shmfs *fs = open_small();
	char longest[SHMFS_NAME_MAX + 2];

	expect_of_all(fs, SHMFS_ROOT, "", -EINVAL);
	expect_from(1, fs, SHMFS_ROOT, ".", -EINVAL);
	expect_from(1, fs, SHMFS_ROOT, "..", -EINVAL);
	expect_of_all(fs, SHMFS_ROOT, "a/b", -EINVAL);
	expect_of_all(fs, SHMFS_ROOT, "/", -EINVAL);
	memset(longest, 'n', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	expect_of_all(fs, SHMFS_ROOT, longest, -ENAMETOOLONG);
	close_checked(fs);
}
END_TEST

START_TEST(a_node_is_found_again_by_its_id)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");
	uint64_t nodes[] = {new_object(fs, dir, "a"), new_symlink(fs, dir, "b", "a"),
	    new_directory(fs, dir, "c"), SHMFS_ROOT};
	struct shmfs_attr attr;

	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, nodes[i], ".", &attr)));
		ck_assert_uint_eq(attr.id, nodes[i]);
	}
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, nodes[2], "..", &attr)));
	ck_assert_uint_eq(attr.id, dir);
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "..", &attr)));
	ck_assert_uint_eq(attr.id, SHMFS_ROOT);
	GIVES(-ENOTDIR, TX(fs, shmfs_lookup(fs, ALICE, nodes[0], "..", &attr)));
	close_checked(fs);
}
END_TEST

/* With and without references of the kernel, and whatever stood there. */
START_TEST(what_is_gone_is_not_found_by_its_id)
{
	static const uint64_t none[] = {0, 98765, UINT64_MAX};
	struct shmfs *fs = open_small();
	uint64_t object = new_object(fs, SHMFS_ROOT, "a");
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");
	struct shmfs_attr attr;

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		GIVES(-ESTALE, TX(fs, shmfs_lookup(fs, ALICE, none[i], ".", &attr)));
		GIVES(-ESTALE, TX(fs, shmfs_lookup(fs, ALICE, none[i], "..", &attr)));
	}
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, object, 1);
	GIVES(-ESTALE, TX(fs, shmfs_lookup(fs, ALICE, object, ".", &attr)));
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	GIVES(-ESTALE, TX(fs, shmfs_lookup(fs, ALICE, dir, "..", &attr)));
	forget(fs, dir, 1);
	GIVES(-ESTALE, TX(fs, shmfs_lookup(fs, ALICE, dir, ".", &attr)));
	close_checked(fs);
}
END_TEST

START_TEST(parents_are_checked_everywhere)
{
	struct shmfs *fs = open_small();
	uint64_t removed = new_directory(fs, SHMFS_ROOT, "removed");

	expect_of_all(fs, new_object(fs, SHMFS_ROOT, "object"), "a", -ENOTDIR);
	expect_of_all(fs, new_symlink(fs, SHMFS_ROOT, "symlink", "."), "a", -ENOTDIR);
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "removed")));
	expect_of_all(fs, removed, "a", -ENOENT);
	expect_of_all(fs, 0, "a", -ESTALE);
	expect_of_all(fs, 98765, "a", -ESTALE);
	expect_of_all(fs, UINT64_MAX, "a", -ESTALE);
	forget(fs, removed, 1);
	expect_of_all(fs, removed, "a", -ESTALE);
	close_checked(fs);
}
END_TEST

START_TEST(the_longest_name_works_everywhere)
{
	struct shmfs *fs = open_small();
	char longest[SHMFS_NAME_MAX + 1];
	struct shmfs_attr attr;
	uint64_t id;

	memset(longest, 'n', sizeof longest);
	longest[SHMFS_NAME_MAX] = '\0';
	id = new_object(fs, SHMFS_ROOT, longest);
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, longest, &attr)));
	ck_assert_uint_eq(attr.id, id);
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, longest), id);
	longest[SHMFS_NAME_MAX - 1] = '\0';
	GIVES(-ENOENT, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, longest, &attr)));
	close_checked(fs);
}
END_TEST

START_TEST(names_that_are_not_there)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	(void)new_object(fs, SHMFS_ROOT, "there");
	GIVES(-ENOENT, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "ther", &attr)));
	GIVES(-ENOENT, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "theree")));
	GIVES(-ENOENT, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "There")));
	close_checked(fs);
}
END_TEST

START_TEST(names_that_are_taken)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "object");
	static const char *const taken[] = {"object", "dir", "symlink"};
	struct shmfs_attr attr;

	(void)new_directory(fs, SHMFS_ROOT, "dir");
	(void)new_symlink(fs, SHMFS_ROOT, "symlink", "nowhere");
	for (int i = 0; i < 3; i++) {
		GIVES(
		    -EEXIST, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, taken[i], S_IFREG, &attr)));
		GIVES(-EEXIST, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, taken[i], 0755, &attr)));
		GIVES(-EEXIST, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, taken[i], "x", &attr)));
		GIVES(-EEXIST, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, taken[i], &attr)));
	}
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 3);
	close_checked(fs);
}
END_TEST

START_TEST(mknod_makes_objects_fifos_and_sockets)
{
	static const mode_t types[] = {S_IFREG, S_IFIFO, S_IFSOCK};
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('a' + i), '\0'};

		GIVES(0, TX(fs, shmfs_mknod(fs, BOB, SHMFS_ROOT, name, types[i] | 06751, &attr)));
		ck_assert_uint_eq(attr.mode, types[i] | 06751);
		ck_assert_uint_eq(attr.uid, BOB->uid);
		ck_assert_uint_eq(attr.gid, BOB->gid);
		ck_assert_uint_eq(attr.nlink, 1);
		ck_assert_uint_eq(attr.size, 0);
		ck_assert_uint_eq(attr.blocks, 0);
		SAME_TIME(outside->now, attr.btime);
		ck_assert_uint_eq(attributes(fs, attr.id).mode, types[i] | 06751);
	}
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

START_TEST(mknod_refuses_other_types)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	GIVES(-EPERM, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "a", S_IFCHR | 0644, &attr)));
	GIVES(-EPERM, TX(fs, shmfs_mknod(fs, SUPERUSER, SHMFS_ROOT, "a", S_IFBLK, &attr)));
	GIVES(-EINVAL, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "a", S_IFDIR | 0755, &attr)));
	GIVES(-EINVAL, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "a", S_IFLNK | 0777, &attr)));
	GIVES(-EINVAL, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "a", 0644, &attr)));
	GIVES(-EINVAL, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "a", S_IFMT, &attr)));
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 0);
	close_checked(fs);
}
END_TEST

START_TEST(mkdir_counts_links_and_sizes)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");

	ck_assert_uint_eq(attributes(fs, dir).nlink, 2);
	ck_assert_uint_eq(attributes(fs, dir).size, 40);
	ck_assert_uint_eq(attributes(fs, SHMFS_ROOT).nlink, 3);
	(void)new_directory(fs, dir, "sub");
	(void)new_object(fs, dir, "object");
	ck_assert_uint_eq(attributes(fs, dir).nlink, 3);
	ck_assert_uint_eq(attributes(fs, dir).size, 80);
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, dir, "sub")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "object")));
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	ck_assert_uint_eq(attributes(fs, dir).nlink, 0);
	ck_assert_uint_eq(attributes(fs, SHMFS_ROOT).nlink, 2);
	close_checked(fs);
}
END_TEST

START_TEST(mode_bits_beyond_07777_are_dropped)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "d", S_IFREG | 01777, &attr)));
	ck_assert_uint_eq(attr.mode, S_IFDIR | 01777);
	close_checked(fs);
}
END_TEST

START_TEST(a_set_group_id_directory_hands_down_its_group)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;
	uint64_t dir;

	GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "dir", 02775, &attr)));
	dir = attr.id;
	GIVES(0, TX(fs, shmfs_mkdir(fs, BOB, dir, "sub", 0755, &attr)));
	ck_assert_uint_eq(attr.uid, BOB->uid);
	ck_assert_uint_eq(attr.gid, ALICE->gid);
	ck_assert_uint_eq(attr.mode, S_IFDIR | 02755);
	GIVES(0, TX(fs, shmfs_mknod(fs, BOB, dir, "object", S_IFREG | 0644, &attr)));
	ck_assert_uint_eq(attr.gid, ALICE->gid);
	ck_assert_uint_eq(attr.mode, S_IFREG | 0644);
	GIVES(0, TX(fs, shmfs_symlink(fs, BOB, dir, "link", "x", &attr)));
	ck_assert_uint_eq(attr.gid, ALICE->gid);
	close_checked(fs);
}
END_TEST

START_TEST(symlinks_keep_their_target)
{
	static const size_t lengths[] = {1, 30, 31, 32, 33, 2015, 2016, 2017, 4094, 4095};
	struct shmfs *fs = open_small();
	char target[SHMFS_TARGET_MAX + 2], out[SHMFS_TARGET_MAX + 1];
	struct shmfs_attr attr;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		char name[] = {(char)('a' + i), '\0'};

		memset(target, 'a' + (int)i, lengths[i]);
		target[lengths[i]] = '\0';
		GIVES(0, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, name, target, &attr)));
		ck_assert_uint_eq(attr.mode, S_IFLNK | 0777);
		ck_assert_uint_eq(attr.size, lengths[i]);
		GIVES(lengths[i], shmfs_readlink(fs, ALICE, attr.id, out));
		ck_assert_str_eq(out, target);
	}
	memset(target, 't', SHMFS_TARGET_MAX + 1);
	target[SHMFS_TARGET_MAX + 1] = '\0';
	GIVES(-ENAMETOOLONG, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, "z", target, &attr)));
	GIVES(-ENOENT, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, "z", "", &attr)));
	close_checked(fs);
}
END_TEST

START_TEST(only_symlinks_are_read_as_such)
{
	struct shmfs *fs = open_small();
	char out[SHMFS_TARGET_MAX + 1];

	GIVES(-EINVAL, shmfs_readlink(fs, ALICE, SHMFS_ROOT, out));
	GIVES(-EINVAL, shmfs_readlink(fs, ALICE, new_object(fs, SHMFS_ROOT, "a"), out));
	GIVES(-ESTALE, shmfs_readlink(fs, ALICE, 0, out));
	GIVES(-ESTALE, shmfs_readlink(fs, ALICE, 4711, out));
	close_checked(fs);
}
END_TEST

START_TEST(links_are_names_of_one_object)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10);
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, dir, "b", &attr)));
	ck_assert_uint_eq(attr.id, id);
	ck_assert_uint_eq(attr.nlink, 2);
	ck_assert_uint_eq(attr.size, 10);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	ck_assert_uint_eq(attributes(fs, id).nlink, 1);
	ck_assert_uint_eq(id_of(fs, dir, "b"), id);
	close_checked(fs);
}
END_TEST

START_TEST(symlinks_and_fifos_can_be_linked)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_symlink(fs, SHMFS_ROOT, "a", "x");
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	ck_assert_uint_eq(attr.nlink, 2);
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "fifo", S_IFIFO, &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, "fifo2", &attr)));
	ck_assert_uint_eq(attr.nlink, 2);
	close_checked(fs);
}
END_TEST

START_TEST(links_that_cannot_be_made)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a"), handle = open_object(fs, id, O_RDWR);
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "d");
	struct shmfs_attr attr;
	struct node *node;

	GIVES(-EPERM, TX(fs, shmfs_link(fs, ALICE, SHMFS_ROOT, SHMFS_ROOT, "b", &attr)));
	GIVES(-EPERM, TX(fs, shmfs_link(fs, ALICE, dir, SHMFS_ROOT, "b", &attr)));
	GIVES(-ESTALE, TX(fs, shmfs_link(fs, ALICE, 0, SHMFS_ROOT, "b", &attr)));
	GIVES(-ESTALE, TX(fs, shmfs_link(fs, ALICE, 777, SHMFS_ROOT, "b", &attr)));
	node = node_get(fs, id);
	node->names = UINT32_MAX;
	shmfs_begin(fs);
	GIVES(-EMLINK, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr));
	shmfs_rollback(fs);
	node->names = 1;
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(-ENOENT, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	release(fs, handle);
	close_checked(fs);
}
END_TEST

START_TEST(unlink_and_rmdir_tell_directories_from_others)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");

	(void)new_object(fs, dir, "inside");
	(void)new_symlink(fs, SHMFS_ROOT, "symlink", "dir");
	GIVES(-EISDIR, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "dir")));
	GIVES(-ENOTEMPTY, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	GIVES(-ENOTDIR, TX(fs, shmfs_rmdir(fs, ALICE, dir, "inside")));
	GIVES(-ENOTDIR, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "symlink")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "inside")));
	GIVES(-EISDIR, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "dir")));
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "symlink")));
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 0);
	close_checked(fs);
}
END_TEST

START_TEST(a_removed_directory_keeps_its_attributes)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");

	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	ck_assert_uint_eq(attributes(fs, dir).mode, S_IFDIR | 0755);
	ck_assert_uint_eq(attributes(fs, dir).nlink, 0);
	close_checked(fs);
}
END_TEST

START_TEST(answers_are_untouched_on_failure)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr, untouched;
	struct shmfs_opened opened, unopened;

	memset(&attr, 0xa5, sizeof attr);
	memset(&opened, 0xa5, sizeof opened);
	untouched = attr;
	unopened = opened;
	GIVES(-ENOENT, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "a", &attr)));
	GIVES(-ESTALE, TX(fs, shmfs_open(fs, ALICE, 99, O_RDWR, &opened)));
	GIVES(-ESTALE, shmfs_getattr(fs, ALICE, 99, &attr));
	(void)new_object(fs, SHMFS_ROOT, "b");
	GIVES(-EEXIST, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "b", 0600, O_RDWR | O_EXCL, &attr,
				  &opened)));
	ck_assert_mem_eq(&attr, &untouched, sizeof attr);
	ck_assert_mem_eq(&opened, &unopened, sizeof opened);
	close_checked(fs);
}
END_TEST

Suite *names_suite(void)
{
	Suite *suite = suite_create("names");
	TCase *tests = harness_case(suite, "names");

	tcase_add_test(tests, illegal_names_are_refused_everywhere);
	tcase_add_test(tests, a_node_is_found_again_by_its_id);
	tcase_add_test(tests, what_is_gone_is_not_found_by_its_id);
	tcase_add_test(tests, parents_are_checked_everywhere);
	tcase_add_test(tests, the_longest_name_works_everywhere);
	tcase_add_test(tests, names_that_are_not_there);
	tcase_add_test(tests, names_that_are_taken);
	tcase_add_test(tests, mknod_makes_objects_fifos_and_sockets);
	tcase_add_test(tests, mknod_refuses_other_types);
	tcase_add_test(tests, mkdir_counts_links_and_sizes);
	tcase_add_test(tests, mode_bits_beyond_07777_are_dropped);
	tcase_add_test(tests, a_set_group_id_directory_hands_down_its_group);
	tcase_add_test(tests, symlinks_keep_their_target);
	tcase_add_test(tests, only_symlinks_are_read_as_such);
	tcase_add_test(tests, links_are_names_of_one_object);
	tcase_add_test(tests, symlinks_and_fifos_can_be_linked);
	tcase_add_test(tests, links_that_cannot_be_made);
	tcase_add_test(tests, unlink_and_rmdir_tell_directories_from_others);
	tcase_add_test(tests, a_removed_directory_keeps_its_attributes);
	tcase_add_test(tests, answers_are_untouched_on_failure);
	return suite;
}

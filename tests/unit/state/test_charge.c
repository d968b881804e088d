/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits on bytes and nodes: below, at and above. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

enum { LIMIT = 10 };

static struct shmfs *open_limited(uint64_t pages, uint64_t nodes)
{
	struct shmfs_config config = small_config();

	config.size_limit = pages * PAGE;
	config.node_limit = nodes;
	return open_with(config);
}

static int64_t try_size(struct shmfs *fs, uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};
	struct shmfs_attr attr;

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

static int64_t try_object(struct shmfs *fs, const char *name)
{
	struct shmfs_attr attr;

	return TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, name, S_IFREG | 0600, &attr));
}

START_TEST(sizes_are_charged_in_whole_pages_up_to_the_limit)
{
	struct shmfs *fs = open_limited(LIMIT, 0);
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	GIVES(0, try_size(fs, id, 1));
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	GIVES(0, try_size(fs, id, 9 * PAGE + 1));
	ck_assert_uint_eq(usage(fs).used_pages, 10);
	GIVES(0, try_size(fs, id, 10 * PAGE));
	GIVES(-ENOSPC, try_size(fs, id, 10 * PAGE + 1));
	ck_assert_uint_eq(attributes(fs, id).size, 10 * PAGE);
	GIVES(-ENOSPC, try_size(fs, id, INT64_MAX));
	GIVES(0, try_size(fs, id, PAGE));
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	close_checked(fs);
}
END_TEST

START_TEST(objects_share_the_limit)
{
	struct shmfs *fs = open_limited(LIMIT, 0);
	uint64_t a = new_object(fs, SHMFS_ROOT, "a"), b = new_object(fs, SHMFS_ROOT, "b");

	GIVES(0, try_size(fs, a, 6 * PAGE));
	GIVES(-ENOSPC, try_size(fs, b, 4 * PAGE + 1));
	GIVES(0, try_size(fs, b, 4 * PAGE));
	GIVES(-ENOSPC, try_size(fs, a, 6 * PAGE + 1));
	GIVES(0, try_size(fs, b, 3 * PAGE));
	GIVES(0, try_size(fs, a, 6 * PAGE + 1));
	close_checked(fs);
}
END_TEST

START_TEST(every_way_to_grow_is_limited)
{
	struct shmfs *fs = open_limited(LIMIT, 0);
	uint64_t id = new_object(fs, SHMFS_ROOT, "sem.a"), handle = open_object(fs, id, O_RDWR);

	GIVES(-ENOSPC, TX(fs, shmfs_write(fs, ALICE, handle, "ab", 2, 10 * PAGE - 1)));
	GIVES(-ENOSPC, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 10 * PAGE + 1)));
	GIVES(-ENOSPC,
	    TX(fs, shmfs_fallocate(fs, ALICE, handle, FALLOC_FL_ZERO_RANGE, 10 * PAGE, 1)));
	ck_assert_uint_eq(attributes(fs, id).size, 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	GIVES(2, TX(fs, shmfs_write(fs, ALICE, handle, "ab", 2, 10 * PAGE - 2)));
	GIVES(0, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 10 * PAGE)));
	ck_assert_uint_eq(usage(fs).used_pages, 10);
	close_checked(fs);
}
END_TEST

START_TEST(room_comes_back_when_an_object_goes)
{
	struct shmfs *fs = open_limited(LIMIT, 0);
	uint64_t a = new_object_of(fs, SHMFS_ROOT, "a", LIMIT * PAGE);
	uint64_t b = new_object(fs, SHMFS_ROOT, "b"), handle = open_object(fs, a, O_RDWR);

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(-ENOSPC, try_size(fs, b, 1));
	release(fs, handle);
	GIVES(-ENOSPC, try_size(fs, b, 1));
	forget(fs, a, 1);
	GIVES(0, try_size(fs, b, LIMIT * PAGE));
	close_checked(fs);
}
END_TEST

START_TEST(a_limit_of_one_page_and_none_at_all)
{
	struct shmfs *fs = open_limited(1, 0);
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	GIVES(0, try_size(fs, id, PAGE));
	GIVES(-ENOSPC, try_size(fs, id, PAGE + 1));
	close_checked(fs);
	fs = open_limited(0, 0);
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(0, try_size(fs, id, INT64_MAX));
	close_checked(fs);
}
END_TEST

START_TEST(nodes_are_counted_up_to_the_limit)
{
	struct shmfs *fs = open_limited(0, 4);
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	uint64_t link;

	GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "dir", 0755, &attr)));
	link = new_symlink(fs, SHMFS_ROOT, "link", "x");
	GIVES(0, try_object(fs, "object"));
	ck_assert_uint_eq(usage(fs).used_nodes, 4);
	GIVES(-ENOSPC, try_object(fs, "a"));
	GIVES(-ENOSPC, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "a", 0755, &attr)));
	GIVES(-ENOSPC, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, "a", "x", &attr)));
	GIVES(-ENOSPC,
	    TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "a", 0600, O_RDWR, &attr, &opened)));
	GIVES(-ENOSPC, TX(fs, shmfs_link(fs, ALICE, link, SHMFS_ROOT, "a", &attr)));
	/* What exists needs no new node. */
	GIVES(0,
	    TX(fs, shmfs_create(fs, SUPERUSER, SHMFS_ROOT, "object", 0, O_RDWR, &attr, &opened)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "object", SHMFS_ROOT, "other", 0)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "link")));
	ck_assert_uint_eq(usage(fs).used_nodes, 4);
	forget(fs, link, 1);
	ck_assert_uint_eq(usage(fs).used_nodes, 3);
	GIVES(0, try_object(fs, "a"));
	GIVES(-ENOSPC, try_object(fs, "b"));
	close_checked(fs);
}
END_TEST

START_TEST(each_further_name_counts_as_a_node)
{
	struct shmfs *fs = open_limited(0, 4);
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	ck_assert_uint_eq(usage(fs).used_nodes, 3);
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "c", &attr)));
	GIVES(-ENOSPC, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "d", &attr)));
	GIVES(-ENOSPC, try_object(fs, "d"));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	ck_assert_uint_eq(usage(fs).used_nodes, 3);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "c")));
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	forget(fs, id, 3);
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	close_checked(fs);
}
END_TEST

START_TEST(a_node_without_name_is_charged_while_it_is_open_or_known)
{
	struct shmfs *fs = open_limited(0, 2);
	uint64_t id = new_object(fs, SHMFS_ROOT, "a"), handle = open_object(fs, id, O_RDWR);

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	GIVES(-ENOSPC, try_object(fs, "b"));
	release(fs, handle);
	GIVES(-ENOSPC, try_object(fs, "b"));
	forget(fs, id, 1);
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	GIVES(0, try_object(fs, "b"));
	close_checked(fs);
}
END_TEST

START_TEST(a_limit_of_one_node_is_the_root_alone)
{
	struct shmfs *fs = open_limited(0, 1);

	GIVES(-ENOSPC, try_object(fs, "a"));
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 0);
	close_checked(fs);
}
END_TEST

START_TEST(a_refused_name_is_refused_before_the_limit)
{
	struct shmfs *fs = open_limited(0, 2);
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr;

	GIVES(-EEXIST, try_object(fs, "a"));
	GIVES(-EINVAL, try_object(fs, ""));
	GIVES(-EEXIST, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "a", &attr)));
	close_checked(fs);
}
END_TEST

Suite *charge_suite(void)
{
	Suite *suite = suite_create("charge");
	TCase *tests = harness_case(suite, "charge");

	tcase_add_test(tests, sizes_are_charged_in_whole_pages_up_to_the_limit);
	tcase_add_test(tests, objects_share_the_limit);
	tcase_add_test(tests, every_way_to_grow_is_limited);
	tcase_add_test(tests, room_comes_back_when_an_object_goes);
	tcase_add_test(tests, a_limit_of_one_page_and_none_at_all);
	tcase_add_test(tests, nodes_are_counted_up_to_the_limit);
	tcase_add_test(tests, each_further_name_counts_as_a_node);
	tcase_add_test(tests, a_node_without_name_is_charged_while_it_is_open_or_known);
	tcase_add_test(tests, a_limit_of_one_node_is_the_root_alone);
	tcase_add_test(tests, a_refused_name_is_refused_before_the_limit);
	return suite;
}

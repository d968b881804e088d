/* SPDX-License-Identifier: BSD-2-Clause */
/* How long nodes live: names, references and handles let go in every order. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/object/node.h"
#include "fs/state/charge.h"
#include "harness.h"
#include "suites.h"

enum holder { NAME, SECOND_NAME, REFERENCE, HANDLE, SECOND_HANDLE, HOLDERS };

static void let_go(struct shmfs *fs, enum holder holder, uint64_t id, const uint64_t handle[2])
{
	switch (holder) {
	case NAME:
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "name")));
		break;
	case SECOND_NAME:
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "second")));
		break;
	case REFERENCE:
		forget(fs, id, 2);
		break;
	case HANDLE:
		release(fs, handle[0]);
		break;
	default:
		release(fs, handle[1]);
		break;
	}
}

/* One order of letting go, a permutation given by its number. */
static void let_go_in_order(unsigned permutation)
{
	enum holder left[HOLDERS] = {NAME, SECOND_NAME, REFERENCE, HANDLE, SECOND_HANDLE};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "name", 6000), handle[2];
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "second", &attr)));
	handle[0] = open_object(fs, id, O_RDWR);
	handle[1] = open_object(fs, id, O_RDONLY);
	write_bytes(fs, handle[0], 'd', 6000, 0);
	outside->in_use = true;
	for (unsigned count = HOLDERS; count > 0; count--) {
		unsigned which = permutation % count;

		ck_assert(exists(fs, id));
		ck_assert_uint_eq(usage(fs).used_pages, PAGES(6000));
		permutation /= count;
		let_go(fs, left[which], id, handle);
		left[which] = left[count - 1];
	}
	ck_assert(!exists(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}

START_TEST(an_object_lives_until_the_last_of_its_holders_goes)
{
	for (unsigned permutation = 0; permutation < 120; permutation++)
		let_go_in_order(permutation);
}
END_TEST

START_TEST(data_stays_readable_without_a_name)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 100), handle = open_object(fs, id, O_RDWR);

	write_bytes(fs, handle, 'x', 100, 0);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, id, 1);
	expect_bytes(fs, handle, 'x', 100, 0);
	write_bytes(fs, handle, 'y', 100, 0);
	expect_bytes(fs, handle, 'y', 100, 0);
	release(fs, handle);
	ck_assert(!exists(fs, id));
	close_checked(fs);
}
END_TEST

/* It may have a way to it of which there is no word: a descriptor of O_PATH, a mount. */
START_TEST(what_only_the_caller_knows_is_whole_and_charged)
{
	struct shmfs_change change = {.what = SHMFS_CHANGE_SIZE, .size = 4096};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	ck_assert(exists(fs, id));
	ck_assert_uint_eq(attributes(fs, id).nlink, 0);
	ck_assert_uint_eq(outside->books.memories, 1);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	GIVES(0, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR, &opened)));
	write_bytes(fs, opened.handle, 'x', 10, 4000);
	release(fs, opened.handle);
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &change, &attr)));
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	GIVES(-ENOENT, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	fs = take_up(fs);
	GIVES(0, TX(fs, shmfs_open(fs, ALICE, id, O_RDONLY, &opened)));
	expect_bytes(fs, opened.handle, 'x', 10, 4000);
	release(fs, opened.handle);
	forget(fs, id, 1);
	ck_assert(!exists(fs, id));
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	close_checked(fs);
}
END_TEST

/* Each of what a node lives by is enough alone, and without all of them it goes. */
START_TEST(a_node_lives_by_a_name_a_reference_a_handle_or_a_pin)
{
	enum { BY_NAME, BY_REFERENCE, BY_HANDLE, BY_PIN, WAYS };

	for (unsigned last = 0; last < WAYS; last++) {
		struct shmfs *fs = open_small();
		uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10000), pin;
		uint64_t handle = open_object(fs, id, O_RDWR);

		GIVES(0, TX(fs, shmfs_pin(fs, id, &(struct shmfs_part){0, 1, false}, 7, &pin)));
		for (unsigned step = 1; step <= WAYS; step++) {
			unsigned way = (last + step) % WAYS;

			ck_assert_msg(exists(fs, id), "way %u went before the last", way);
			ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
			ck_assert_uint_eq(usage(fs).used_nodes, 2);
			if (way == BY_NAME)
				GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
			else if (way == BY_REFERENCE)
				forget(fs, id, 1);
			else if (way == BY_HANDLE)
				release(fs, handle);
			else
				TX_VOID(fs, shmfs_unpin(fs, pin));
			fs = take_up(fs);
		}
		ck_assert_msg(!exists(fs, id), "it outlives way %u", last);
		ck_assert_uint_eq(usage(fs).used_pages, 0);
		ck_assert_uint_eq(usage(fs).used_nodes, 1);
		ck_assert_uint_eq(outside->books.memories, 0);
		close_checked(fs);
	}
}
END_TEST

/* As servers before this one left it: of what the kernel alone knew, all was given back but the
 * node. */
static uint64_t left_uncharged(struct shmfs *fs, const char *name, const char *target)
{
	uint64_t id = new_symlink(fs, SHMFS_ROOT, name, target);
	struct node *node = node_get(fs, id);

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
	shmfs_begin(fs);
	node_change(fs, node);
	node->ended = NODE_ENDED_UNCHARGED;
	charge_reduce(fs, node, node_target_charge(node->symlink.length), 0);
	charge_node_end(fs, node->creator, node->tenant);
	shmfs_commit(fs);
	return id;
}

START_TEST(what_an_earlier_server_left_uncharged_is_charged_no_more)
{
	struct shmfs *fs = open_small();
	char target[300];
	uint64_t ids[2];

	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	ids[0] = left_uncharged(fs, "a", target);
	ids[1] = left_uncharged(fs, "b", "short");
	for (int i = 0; i < 2; i++) {
		check_namespace(fs);
		ck_assert_uint_eq(usage(fs).used_pages, 0);
		ck_assert_uint_eq(usage(fs).used_nodes, 1);
		forget(fs, ids[i], 1);
		ck_assert(!exists(fs, ids[i]));
	}
	close_checked(fs);
}
END_TEST

static int the_only_memory(void)
{
	int fd = 0;

	ck_assert_uint_eq(outside->books.memories, 1);
	while (!outside->books.memory[fd])
		fd++;
	return fd;
}

/* As the kernel maps it for passthrough: over an opening of its own, which the mapping keeps. */
static void *map_by_opening(int memory)
{
	char path[40];
	void *map;
	int fd;

	snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	map = mmap(NULL, 10000, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	close(fd);
	return map;
}

START_TEST(a_mapping_keeps_the_memory_until_the_reference_goes)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	uint64_t handle = open_object(fs, id, O_RDWR);
	void *map = map_by_opening(the_only_memory());

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	handle = open_object(fs, id, O_RDWR);
	munmap(map, 10000);
	release(fs, handle);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	forget(fs, id, 1);
	ck_assert(!exists(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

START_TEST(an_empty_object_gives_its_memory_back_with_its_last_handle)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;
	uint64_t id, first, second;

	config.backing = true;
	fs = open_with(config);
	id = new_object(fs, SHMFS_ROOT, "a");
	first = open_object(fs, id, O_RDWR);
	second = open_object(fs, id, O_RDONLY);
	ck_assert_uint_eq(outside->books.memories, 1);
	release(fs, first);
	ck_assert_uint_eq(outside->books.memories, 1);
	release(fs, second);
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_uint_eq(outside->books.backings, 0);
	resize(fs, id, 10);
	ck_assert_uint_eq(outside->books.memories, 1);
	release(fs, open_object(fs, id, O_RDONLY));
	ck_assert_uint_eq(outside->books.memories, 1);
	ck_assert_uint_eq(outside->books.backings, 1);
	close_checked(fs);
}
END_TEST

START_TEST(other_nodes_live_until_name_and_reference_are_gone)
{
	struct shmfs *fs = open_small();
	uint64_t used = usage(fs).arena_bytes, id[4];
	char target[4000];

	for (int reference_first = 0; reference_first < 2; reference_first++) {
		struct shmfs_attr attr;

		for (size_t i = 0; i < sizeof target - 1; i++)
			target[i] = 't';
		target[sizeof target - 1] = '\0';
		GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "fifo", S_IFIFO, &attr)));
		id[0] = attr.id;
		id[1] = new_symlink(fs, SHMFS_ROOT, "short", "target");
		id[2] = new_symlink(fs, SHMFS_ROOT, "long", target);
		id[3] = new_directory(fs, SHMFS_ROOT, "dir");
		for (int i = 0; i < 4 && reference_first; i++)
			forget(fs, id[i], 1);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "fifo")));
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "short")));
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "long")));
		GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
		for (unsigned i = 0; i < 4 && !reference_first; i++) {
			ck_assert_uint_eq(usage(fs).used_nodes, 5 - i);
			ck_assert_uint_eq(usage(fs).used_pages, i <= 2);
			ck_assert(exists(fs, id[i]));
			ck_assert_uint_eq(attributes(fs, id[i]).nlink, 0);
			forget(fs, id[i], 1);
		}
		for (int i = 0; i < 4; i++)
			ck_assert(!exists(fs, id[i]));
		ck_assert_uint_eq(usage(fs).used_nodes, 1);
		ck_assert_uint_eq(usage(fs).used_pages, 0);
	}
	ck_assert_uint_le(usage(fs).arena_bytes, used + 4096);
	close_checked(fs);
}
END_TEST

START_TEST(references_count_up_by_every_answer_and_down_by_forget)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "a", &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	GIVES(0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "b", 0, O_RDWR, &attr, &opened)));
	release(fs, opened.handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	forget(fs, id, 3);
	ck_assert(exists(fs, id));
	forget(fs, id, 0);
	ck_assert(exists(fs, id));
	forget(fs, id, 1);
	ck_assert(!exists(fs, id));
	close_checked(fs);
}
END_TEST

START_TEST(forgetting_more_than_there_is_forgets_all)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a"), other = new_object(fs, SHMFS_ROOT, "b");
	struct shmfs_attr attr;

	forget(fs, id, UINT64_MAX);
	ck_assert(exists(fs, id));
	forget(fs, id, 1);
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "a", &attr)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	forget(fs, id, 2);
	forget(fs, other, UINT64_MAX);
	ck_assert(!exists(fs, id));
	ck_assert(!exists(fs, other));
	close_checked(fs);
}
END_TEST

START_TEST(forgetting_the_unknown_or_the_root_does_nothing)
{
	static const uint64_t ids[] = {0, 2, 12345, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};
	struct shmfs *fs = open_small();

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		forget(fs, ids[i], UINT64_MAX);
	forget(fs, SHMFS_ROOT, 1);
	forget(fs, SHMFS_ROOT, UINT64_MAX);
	ck_assert(exists(fs, SHMFS_ROOT));
	close_checked(fs);
}
END_TEST

START_TEST(releasing_the_unknown_does_nothing)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a"), handle = open_object(fs, id, O_RDWR);

	release(fs, 0);
	release(fs, handle + 1);
	release(fs, UINT64_MAX);
	ck_assert_uint_eq(usage(fs).handles, 1);
	release(fs, handle);
	release(fs, handle);
	ck_assert_uint_eq(usage(fs).handles, 0);
	close_checked(fs);
}
END_TEST

START_TEST(ids_are_never_used_again)
{
	struct shmfs *fs = open_small();
	uint64_t last_node = SHMFS_ROOT, last_handle = 0;

	for (unsigned i = 0; i < 500; i++) {
		uint64_t id = new_object(fs, SHMFS_ROOT, "a"), handle;

		ck_assert_uint_gt(id, last_node);
		last_node = id;
		handle = open_object(fs, id, O_RDWR);
		ck_assert_uint_gt(handle, last_handle);
		last_handle = handle;
		release(fs, handle);
		forget(fs, id, 1);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
		ck_assert(!exists(fs, id));
	}
	close_checked(fs);
}
END_TEST

START_TEST(a_handle_id_is_no_node_id_of_another_kind)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a"), handle = open_object(fs, id, O_RDWR);
	char buffer[1];

	release(fs, handle);
	GIVES(-EBADF, TX(fs, shmfs_read(fs, ALICE, handle, buffer, 1, 0)));
	GIVES(-EBADF, TX(fs, shmfs_read(fs, ALICE, id, buffer, 1, 0)));
	GIVES(-EBADF, TX(fs, shmfs_read(fs, ALICE, SHMFS_ROOT, buffer, 1, 0)));
	close_checked(fs);
}
END_TEST

Suite *node_suite(void)
{
	Suite *suite = suite_create("node");
	TCase *tests = harness_case(suite, "node");

	tcase_add_test(tests, an_object_lives_until_the_last_of_its_holders_goes);
	tcase_add_test(tests, data_stays_readable_without_a_name);
	tcase_add_test(tests, what_only_the_caller_knows_is_whole_and_charged);
	tcase_add_test(tests, a_node_lives_by_a_name_a_reference_a_handle_or_a_pin);
	tcase_add_test(tests, what_an_earlier_server_left_uncharged_is_charged_no_more);
	tcase_add_test(tests, a_mapping_keeps_the_memory_until_the_reference_goes);
	tcase_add_test(tests, an_empty_object_gives_its_memory_back_with_its_last_handle);
	tcase_add_test(tests, other_nodes_live_until_name_and_reference_are_gone);
	tcase_add_test(tests, references_count_up_by_every_answer_and_down_by_forget);
	tcase_add_test(tests, forgetting_more_than_there_is_forgets_all);
	tcase_add_test(tests, forgetting_the_unknown_or_the_root_does_nothing);
	tcase_add_test(tests, releasing_the_unknown_does_nothing);
	tcase_add_test(tests, ids_are_never_used_again);
	tcase_add_test(tests, a_handle_id_is_no_node_id_of_another_kind);
	return suite;
}

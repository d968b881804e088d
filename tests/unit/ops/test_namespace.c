/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, ending and describing a namespace, and transactions at its door. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

START_TEST(a_new_namespace_is_an_empty_root_directory)
{
	struct shmfs_config config = small_config();
	struct shmfs_attr root;
	struct shmfs *fs;

	config.root_mode = 02750;
	config.root_uid = 7;
	config.root_gid = 8;
	fs = open_with(config);
	root = attributes(fs, SHMFS_ROOT);
	ck_assert_uint_eq(root.id, SHMFS_ROOT);
	ck_assert_uint_eq(root.mode, S_IFDIR | 02750);
	ck_assert_uint_eq(root.uid, 7);
	ck_assert_uint_eq(root.gid, 8);
	ck_assert_uint_eq(root.nlink, 2);
	SAME_TIME(outside->now, root.atime);
	SAME_TIME(outside->now, root.mtime);
	SAME_TIME(outside->now, root.ctime);
	SAME_TIME(outside->now, root.btime);
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 0);
	close_checked(fs);
}
END_TEST

START_TEST(usage_tells_limits_and_what_is_used)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;
	uint64_t id, handle;

	config.size_limit = 100 * PAGE;
	config.node_limit = 10;
	fs = open_with(config);
	ck_assert_uint_eq(usage(fs).limit_pages, 100);
	ck_assert_uint_eq(usage(fs).limit_nodes, 10);
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_gt(usage(fs).arena_bytes, 0);
	ck_assert_uint_lt(usage(fs).arena_bytes, 64 << 10);
	id = new_object_of(fs, SHMFS_ROOT, "a", PAGE + 1);
	handle = open_object(fs, id, O_RDONLY);
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	ck_assert_uint_eq(usage(fs).used_pages, 2);
	ck_assert_uint_eq(usage(fs).handles, 1);
	release(fs, handle);
	ck_assert_uint_eq(usage(fs).handles, 0);
	close_checked(fs);
}
END_TEST

START_TEST(the_size_limit_is_rounded_up_to_pages)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.size_limit = PAGE + 1;
	fs = open_with(config);
	ck_assert_uint_eq(usage(fs).limit_pages, 2);
	close_checked(fs);
}
END_TEST

START_TEST(no_limits_are_shown_as_zero)
{
	struct shmfs *fs = open_small();

	ck_assert_uint_eq(usage(fs).limit_pages, 0);
	ck_assert_uint_eq(usage(fs).limit_nodes, 0);
	close_checked(fs);
}
END_TEST

static int open_result(struct shmfs_config config)
{
	struct shmfs *untouched = (struct shmfs *)&config, *fs = untouched;
	int rc = shmfs_open_new(&config, &fs);

	if (rc == 0)
		close_checked(fs);
	else
		ck_assert_ptr_eq(fs, untouched);
	return rc;
}

START_TEST(malformed_configurations_are_refused)
{
	struct shmfs_config config = small_config();
	char pattern[2 * SHMFS_NAME_MAX];

	config.root_mode = S_IFDIR | 0755;
	GIVES(-EINVAL, open_result(config));
	config.root_mode = 010000;
	GIVES(-EINVAL, open_result(config));
	config = small_config();
	config.arena_size = 64 << 10;
	GIVES(-EINVAL, open_result(config));
	config = small_config();
	memset(pattern, 'p', sizeof pattern);
	pattern[SHMFS_NAME_MAX + 1] = '\0';
	config.grow_patterns = pattern;
	GIVES(-EINVAL, open_result(config));
	pattern[SHMFS_NAME_MAX] = ':';
	GIVES(0, open_result(config));
}
END_TEST

START_TEST(more_patterns_than_a_page_holds_are_refused)
{
	struct shmfs_config config = small_config();
	static char patterns[5000];

	memset(patterns, 'p', sizeof patterns - 1);
	for (size_t i = 100; i < sizeof patterns - 1; i += 100)
		patterns[i] = ':';
	config.grow_patterns = patterns;
	GIVES(-EINVAL, open_result(config));
	patterns[4096] = '\0';
	GIVES(-EINVAL, open_result(config));
	patterns[4095] = '\0';
	GIVES(0, open_result(config));
}
END_TEST

START_TEST(no_patterns_may_be_null_or_empty)
{
	struct shmfs_config config = small_config();
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	struct shmfs *fs;

	config.grow_patterns = "";
	GIVES(0, open_result(config));
	config.grow_patterns = NULL;
	fs = open_with(config);
	GIVES(
	    0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "sem.x", 0600, O_RDWR, &attr, &opened)));
	GIVES(-EFBIG, TX(fs, shmfs_write(fs, ALICE, opened.handle, "x", 1, 0)));
	close_checked(fs);
}
END_TEST

START_TEST(without_random_numbers_there_is_no_namespace)
{
	outside_fail(1, EIO, false);
	GIVES(-EIO, open_result(small_config()));
	ck_assert_int_eq(outside->failed, OUTSIDE_RANDOM);
}
END_TEST

START_TEST(page_sizes_that_cannot_be_are_refused)
{
	static const size_t sizes[] = {0, 1, 2048, 4095, 4097, 12288, (size_t)1 << 32};
	struct shmfs_config config = small_config();
	struct shmfs *fs = open_small(), *other;
	size_t page = outside->page_size;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		outside->page_size = sizes[i];
		GIVES(-EOPNOTSUPP, shmfs_open_new(&config, &other));
		GIVES(-EOPNOTSUPP, shmfs_open_again(shmfs_arena_fd(fs), outside_os(), &other));
	}
	outside->page_size = page;
	close_checked(fs);
}
END_TEST

/* An object of one byte takes a page, and is charged one, whatever its size. */
START_TEST(charges_and_limits_are_in_pages_of_the_system)
{
	static const size_t sizes[] = {4096, 8192, 16384, 65536};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct shmfs_config config = small_config();
		struct shmfs_object object;
		struct shmfs *fs;
		uint64_t id;

		if (sizes[i] < (size_t)sysconf(_SC_PAGESIZE))
			continue;
		outside->page_size = sizes[i];
		config.size_limit = 3 * PAGE - 1;
		fs = open_with(config);
		ck_assert_uint_eq(usage(fs).limit_pages, 3);
		id = new_object_of(fs, SHMFS_ROOT, "a", 1);
		write_bytes(fs, open_object(fs, id, O_RDWR), 'x', 1, 0);
		ck_assert_uint_eq(usage(fs).page_size, sizes[i]);
		ck_assert_uint_eq(usage(fs).used_pages, 1);
		GIVES(0, shmfs_object(fs, id, &object));
		ck_assert_uint_eq(object.charged, sizes[i]);
		ck_assert_uint_eq(object.attr.page_size, sizes[i]);
		ck_assert_uint_eq(object.attr.blocks, sizes[i] / 512);
		resize(fs, id, 3 * PAGE);
		ck_assert_uint_eq(usage(fs).used_pages, 3);
		close_checked(fs);
	}
}
END_TEST

/* Whatever is mapped somewhere; false: it is taken. */
static bool take_address(void *at)
{
	void *taken =
	    mmap(at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return taken == at;
}

static pid_t die_within_a_transaction(struct shmfs *fs)
{
	pid_t pid = fork();
	struct shmfs_attr attr;

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	shmfs_begin(fs);
	(void)shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "half", 0755, &attr);
	kill(getpid(), SIGKILL);
	_exit(1);
}

/* Of the same process after a death, and of a program that has to map the arena itself. */
START_TEST(where_one_address_is_taken_another_is_kept_for_good)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;
	void *usual, *other;
	uint64_t id;
	int status, fd;
	pid_t pid;

	config.arena_fixed = true;
	fs = open_with(config);
	usual = fs->arena;
	close_checked(fs);
	ck_assert(take_address(usual));
	if (slowness() > 1 || (uintptr_t)usual >> 40 == 0) {
		printf("skip: a sanitizer, or a small address space, has no other\n");
		return;
	}
	fs = open_with(config);
	other = fs->arena;
	ck_assert_ptr_ne(other, usual);
	id = new_object_of(fs, SHMFS_ROOT, "a", 1);
	pid = die_within_a_transaction(fs);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	GIVES(0, shmfs_recover(fs));
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "half"), 0);
	/* A program that is executed has nothing mapped there, or something else. */
	fd = shmfs_arena_fd(fs);
	arena_unmap(fs->arena);
	GIVES(0, shmfs_check(fd));
	ck_assert(take_address(other));
	GIVES(-EEXIST, shmfs_check(fd));
	GIVES(-EEXIST, shmfs_open_again(fd, outside_os(), &(struct shmfs *){NULL}));
	ck_assert_int_eq(munmap(other, PAGE), 0);
	fs = take_up(fs);
	ck_assert_ptr_eq(fs->arena, other);
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "a"), id);
	close_checked(fs);
}
END_TEST

START_TEST(close_takes_null)
{
	shmfs_close(NULL);
}
END_TEST

START_TEST(close_lets_go_of_everything)
{
	struct shmfs_config config = small_config();
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	struct shmfs *fs;

	config.backing = true;
	fs = open_with(config);
	(void)new_object_of(fs, SHMFS_ROOT, "a", 5000);
	GIVES(0, TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "b", 0600, O_RDWR, &attr, &opened)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	ck_assert_uint_eq(outside->books.memories, 2);
	ck_assert_uint_eq(outside->books.backings, 1);
	close_checked(fs);
}
END_TEST

START_TEST(a_transaction_is_active_between_its_ends)
{
	struct shmfs *fs = open_small();

	ck_assert(!shmfs_active(fs));
	shmfs_begin(fs);
	ck_assert(shmfs_active(fs));
	shmfs_commit(fs);
	ck_assert(!shmfs_active(fs));
	shmfs_begin(fs);
	ck_assert(shmfs_active(fs));
	shmfs_rollback(fs);
	ck_assert(!shmfs_active(fs));
	close_checked(fs);
}
END_TEST

START_TEST(what_is_rolled_back_never_happened)
{
	struct shmfs *fs = open_small();
	struct shmfs_attr attr;

	shmfs_begin(fs);
	GIVES(0, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "d", 0755, &attr));
	shmfs_rollback(fs);
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "d"), 0);
	ck_assert(!exists(fs, attr.id));
	GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "d", 0755, &attr)));
	close_checked(fs);
}
END_TEST

START_TEST(the_arena_has_a_descriptor_that_programs_do_not_inherit)
{
	struct shmfs *fs = open_small();

	ck_assert_int_eq(fcntl(shmfs_arena_fd(fs), F_GETFD), FD_CLOEXEC);
	close_checked(fs);
}
END_TEST

static void count_complaint(void *arg, const char *line)
{
	ck_assert_uint_gt(strlen(line), 0);
	++*(unsigned *)arg;
}

START_TEST(verify_hands_each_complaint_to_the_listener)
{
	struct shmfs *fs = open_small();
	unsigned complaints = 0;

	ck_assert_uint_eq(shmfs_verify(fs, count_complaint, &complaints), 0);
	ck_assert_uint_eq(complaints, 0);
	ck_assert_uint_eq(shmfs_verify(fs, NULL, NULL), 0);
	close_checked(fs);
}
END_TEST

Suite *namespace_suite(void)
{
	Suite *suite = suite_create("namespace");
	TCase *tests = harness_case(suite, "namespace");

	tcase_add_test(tests, a_new_namespace_is_an_empty_root_directory);
	tcase_add_test(tests, usage_tells_limits_and_what_is_used);
	tcase_add_test(tests, the_size_limit_is_rounded_up_to_pages);
	tcase_add_test(tests, no_limits_are_shown_as_zero);
	tcase_add_test(tests, malformed_configurations_are_refused);
	tcase_add_test(tests, more_patterns_than_a_page_holds_are_refused);
	tcase_add_test(tests, no_patterns_may_be_null_or_empty);
	tcase_add_test(tests, without_random_numbers_there_is_no_namespace);
	tcase_add_test(tests, where_one_address_is_taken_another_is_kept_for_good);
	tcase_add_test(tests, page_sizes_that_cannot_be_are_refused);
	tcase_add_test(tests, charges_and_limits_are_in_pages_of_the_system);
	tcase_add_test(tests, close_takes_null);
	tcase_add_test(tests, close_lets_go_of_everything);
	tcase_add_test(tests, a_transaction_is_active_between_its_ends);
	tcase_add_test(tests, what_is_rolled_back_never_happened);
	tcase_add_test(tests, the_arena_has_a_descriptor_that_programs_do_not_inherit);
	tcase_add_test(tests, verify_hands_each_complaint_to_the_listener);
	return suite;
}

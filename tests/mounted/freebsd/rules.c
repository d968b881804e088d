/* SPDX-License-Identifier: BSD-2-Clause */
/* rules=freebsd: sizes, limits, flags of open, names and modes. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "expect.h"
#include "flat_mount.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"
#include "xattr_values.h"

enum { LIMIT = 1024 * 1024, LIMIT_PAGES = LIMIT / PAGE, NODES = 20, NAME_MAX_FLAT = 1022 };

/* Through the page cache, the kernel takes a count of 0 for a broken filesystem. */
#define FINDS_NO_ROOM(call)                                                                        \
	do {                                                                                       \
		if (fixture_is_cached())                                                           \
			FAILS(EFBIG, call);                                                        \
		else                                                                               \
			GIVES(0, call);                                                            \
	} while (0)

START_TEST(a_write_with_no_room_stores_nothing)
{
	int fd = new_object("a", 100);
	int empty = new_object("b", 0);

	FINDS_NO_ROOM(pwrite(fd, "x", 1, 100));
	FINDS_NO_ROOM(pwrite(fd, "x", 1, 101));
	FINDS_NO_ROOM(pwrite(fd, "x", 1, PAGE));
	FINDS_NO_ROOM(write(empty, "x", 1));
	OK(lseek(fd, 0, SEEK_END));
	FINDS_NO_ROOM(write(fd, "x", 1));
	GIVES(100, lseek(fd, 0, SEEK_CUR));
	ck_assert_int_eq(size_of(fd), 100);
	ck_assert_int_eq(size_of(empty), 0);
	expect_zeros(fd, 0, 100);
}
END_TEST

START_TEST(a_write_across_the_end_is_short)
{
	int fd = new_object("a", 100);
	char data[200];

	memset(data, 'x', sizeof(data));
	GIVES(10, pwrite(fd, data, sizeof(data), 90));
	GIVES(100, write(fd, data, sizeof(data)));
	GIVES(100, lseek(fd, 0, SEEK_CUR));
	ck_assert_int_eq(size_of(fd), 100);
}
END_TEST

START_TEST(a_read_ends_at_the_end)
{
	int fd = new_object("a", 100);
	char data[200];

	GIVES(100, pread(fd, data, sizeof(data), 0));
	BYTES_ARE(0, data, 100);
	GIVES(1, pread(fd, data, sizeof(data), 99));
	GIVES(0, pread(fd, data, sizeof(data), 100));
	GIVES(0, pread(fd, data, sizeof(data), 5000));
	GIVES(0, read(new_object("b", 0), data, 1));
}
END_TEST

START_TEST(what_goes_from_one_object_to_another_stops_at_its_size)
{
	int from = new_object("a", PAGE);
	int to = new_object("b", 100);
	off_t from_offset = 0;
	off_t to_offset = 90;
	int ends[2];

	write_pattern(from, 0, PAGE);
	GIVES(10, copy_file_range(from, &from_offset, to, &to_offset, PAGE, 0));
	FINDS_NO_ROOM(copy_file_range(from, &from_offset, to, &to_offset, PAGE, 0));
	ck_assert_int_eq(to_offset, 100);
	OK(pipe(ends));
	GIVES(4, write(ends[1], "data", 4));
	FINDS_NO_ROOM(splice(ends[0], NULL, to, &to_offset, 4, 0));
	to_offset = 98;
	GIVES(2, splice(ends[0], NULL, to, &to_offset, 4, 0));
	ck_assert_int_eq(size_of(to), 100);
}
END_TEST

static const off_t odd_lengths[] = {1, 2, 511, 512, 513, PAGE - 1, PAGE, PAGE + 1};

START_TEST(shrinking_keeps_what_is_below_and_zeroes_what_is_above)
{
	off_t length = odd_lengths[_i];
	int fd = new_object("a", 2 * PAGE);
	unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

	pattern(map, 0, 2 * PAGE);
	OK(ftruncate(fd, length));
	expect_pattern(fd, 0, (size_t)length);
	OK(ftruncate(fd, 2 * PAGE));
	expect_pattern(fd, 0, (size_t)length);
	expect_zeros(fd, length, (size_t)(2 * PAGE - length));
	BYTES_ARE(0, map + length, (size_t)(2 * PAGE - length));
}
END_TEST

START_TEST(no_name_makes_an_object_grow)
{
	static const char *const names[] = {"sem.a", "tmp-a", "a"};

	for (int i = 0; i < 3; i++) {
		int fd = new_object(names[i], 0);

		FINDS_NO_ROOM(write(fd, "x", 1));
		expect_text(names[i], "user.shmfs.grow", "0");
		ck_assert_int_eq(size_of(fd), 0);
	}
}
END_TEST

static void start_small(void)
{
	shared_mount = mount_start("rules=freebsd,size=1m,grow=g*,nr_inodes=20");
}

START_TEST(growing_past_the_limit_by_ftruncate_is_enomem)
{
	int fd = new_object("a", PAGE);

	FAILS(ENOMEM, ftruncate(fd, LIMIT + 1));
	FAILS(ENOMEM, truncate("a", LIMIT + PAGE));
	FAILS(ENOMEM, ftruncate(fd, (off_t)1 << 40));
	ck_assert_int_eq(size_of(fd), PAGE);
	ck_assert_uint_eq(pages_left(), LIMIT_PAGES - 1);
	OK(ftruncate(fd, LIMIT));
	FAILS(ENOMEM, ftruncate(new_object("b", 0), 1));
}
END_TEST

START_TEST(growing_past_the_limit_by_fallocate_is_enospc)
{
	int fd = new_object("a", PAGE);

	FAILS(ENOSPC, fallocate(fd, 0, 0, LIMIT + 1));
	FAILS(ENOSPC, fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, LIMIT + 1));
	GIVES(ENOSPC, posix_fallocate(fd, LIMIT, 1));
	ck_assert_int_eq(size_of(fd), PAGE);
	OK(fallocate(fd, 0, 0, LIMIT));
	ck_assert_uint_eq(pages_left(), 0);
}
END_TEST

/* A write across the limit may be cut by the kernel into one that fits and one that does not. */
START_TEST(growing_past_the_limit_by_write_is_enomem)
{
	int fd = new_object("grows", LIMIT - 10);
	char data[20] = {1};
	ssize_t written;

	FAILS(ENOMEM, pwrite(fd, data, 1, LIMIT));
	ck_assert_int_eq(size_of(fd), LIMIT - 10);
	written = pwrite(fd, data, sizeof(data), LIMIT - 10);
	if (written != 10)
		FAILS(ENOMEM, written);
	ck_assert_int_eq(size_of(fd), LIMIT - 10 + (written == 10 ? 10 : 0));
	GIVES(10, pwrite(fd, data, 10, LIMIT - 10));
	FAILS(ENOMEM, pwrite(fd, data, 1, LIMIT));
	ck_assert_int_eq(size_of(fd), LIMIT);
}
END_TEST

START_TEST(room_is_back_after_shrinking_and_removing)
{
	int fd = new_object("a", LIMIT);
	int other = new_object("b", 0);
	unsigned char *map = map_object(fd, LIMIT, PROT_READ);

	FAILS(ENOMEM, ftruncate(other, PAGE));
	OK(ftruncate(fd, LIMIT / 2));
	OK(ftruncate(other, LIMIT / 2));
	FAILS(ENOMEM, ftruncate(other, LIMIT));
	OK(unlink("a"));
	FAILS(ENOMEM, ftruncate(other, LIMIT));
	OK(close(fd));
	pause_ms(50);
	FAILS(ENOMEM, ftruncate(other, LIMIT));
	unmap(map, LIMIT);
	expect_pages_left_soon(LIMIT_PAGES / 2);
	OK(ftruncate(other, LIMIT));
}
END_TEST

START_TEST(too_many_objects_are_enospc)
{
	char name[16];

	for (int i = 1; i < NODES; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		make_object(name, 0);
	}
	FAILS(ENOSPC, open("new", O_RDWR | O_CREAT, 0600));
	FAILS(ENOSPC, open(".", O_TMPFILE | O_RDWR, 0600));
	OK(unlink("o1"));
	expect_nodes_left_soon(1);
	OK(open("new", O_RDWR | O_CREAT, 0600));
}
END_TEST

static const int extra_flags[] = {
    O_APPEND, O_DIRECT, O_SYNC, O_DSYNC, O_ASYNC, O_NOATIME, O_APPEND | O_SYNC};

START_TEST(a_flag_that_shm_open_does_not_have_is_einval)
{
	make_object("a", 10);
	FAILS(EINVAL, open("a", O_RDWR | extra_flags[_i]));
	FAILS(EINVAL, open("a", O_RDONLY | extra_flags[_i]));
	FAILS(EINVAL, open("new", O_RDWR | O_CREAT | extra_flags[_i], 0600));
	FAILS(EINVAL, open("new", O_RDONLY | O_CREAT | O_EXCL | extra_flags[_i], 0600));
	FAILS(EINVAL, open(".", O_TMPFILE | O_RDWR | extra_flags[_i], 0600));
	ck_assert(!exists("new"));
	FAILS(ENOENT, open("new", O_RDWR | extra_flags[_i]));
}
END_TEST

START_TEST(o_wronly_is_einval)
{
	make_object("a", 10);
	FAILS(EINVAL, open("a", O_WRONLY));
	FAILS(EINVAL, open("a", O_WRONLY | O_CREAT, 0600));
	FAILS(EINVAL, open("new", O_WRONLY | O_CREAT, 0600));
	FAILS(EINVAL, open("new", O_WRONLY | O_CREAT | O_EXCL, 0600));
	ck_assert(!exists("new"));
	FAILS(ENOENT, open("new", O_WRONLY));
}
END_TEST

START_TEST(flags_of_the_c_library_are_no_matter)
{
	static const int flags[] = {O_NOFOLLOW, O_NONBLOCK, O_CLOEXEC, O_NOCTTY, O_LARGEFILE};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		OK(close(OK(open("a", O_RDWR | O_CREAT | flags[i], 0600))));
		OK(close(OK(open("a", O_RDONLY | flags[i]))));
	}
}
END_TEST

/* The kernel truncates before it opens, and does not say what for. */
START_TEST(o_trunc_of_an_opening_for_reading_truncates_as_on_linux)
{
	int fd = new_object("a", PAGE);

	OK(open("a", O_RDONLY | O_TRUNC));
	ck_assert_int_eq(size_of(fd), 0);
}
END_TEST

START_TEST(the_namespace_is_flat)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "new"};

	make_object("a", 0);
	FAILS(EPERM, mkdir("new", 0755));
	FAILS(EPERM, symlink("a", "new"));
	FAILS(EPERM, link("a", "new"));
	FAILS(EPERM, mkfifo("new", 0600));
	FAILS(EPERM, mknod("new", S_IFSOCK | 0600, 0));
	FAILS(EPERM, bind(OK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address,
			 sizeof(address)));
	FAILS(EPERM, mknod("new", S_IFCHR | 0600, makedev(1, 3)));
	FAILS(EPERM, mknod("new", S_IFBLK | 0600, makedev(7, 0)));
	ck_assert(!exists("new"));
	OK(mknod("new", S_IFREG | 0600, 0));
	ck_assert_uint_eq(status_of(".").st_nlink, 2);
}
END_TEST

START_TEST(an_anonymous_object_gets_one_name)
{
	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0600));

	OK(linkat(fd, "", AT_FDCWD, "a", AT_EMPTY_PATH));
	FAILS(EPERM, linkat(fd, "", AT_FDCWD, "b", AT_EMPTY_PATH));
	ck_assert_uint_eq(status_of("a").st_nlink, 1);
	ck_assert(!exists("b"));
}
END_TEST

/* readdir of the C library cuts nothing off: the length of an entry tells where its name ends. */
START_TEST(a_name_has_up_to_1022_bytes)
{
	char name[NAME_MAX_FLAT + 1] = {0};
	struct statfs status;
	struct dirent *entry;
	DIR *directory;
	int found = 0;

	memset(name, 'n', NAME_MAX_FLAT);
	make_object(name, 10);
	ck_assert_int_eq(status_of(name).st_size, 10);
	directory = opendir(".");
	ck_assert(directory != NULL);
	while ((entry = readdir(directory)) != NULL)
		found += strcmp(entry->d_name, name) == 0;
	closedir(directory);
	ck_assert_int_eq(found, 1);
	OK(rename(name, "short"));
	OK(rename("short", name));
	OK(unlink(name));
	OK(statfs(".", &status));
	ck_assert_int_eq((long)status.f_namelen, NAME_MAX_FLAT);
}
END_TEST

static const struct {
	mode_t asked, mask, want;
} modes[] = {{07777, 0, 0777}, {04755, 0, 0755}, {02666, 022, 0644}, {01777, 077, 0700}};

static void expect_mode(const char *name, mode_t want)
{
	ck_assert_msg(status_of(name).st_mode == (S_IFREG | want),
	    "mode of %s: expected %o, got %o", name, S_IFREG | want, status_of(name).st_mode);
}

START_TEST(objects_have_nine_mode_bits)
{
	int fd;

	umask(modes[_i].mask);
	OK(open("a", O_RDWR | O_CREAT, modes[_i].asked));
	expect_mode("a", modes[_i].want);
	OK(mknod("b", S_IFREG | modes[_i].asked, 0));
	expect_mode("b", modes[_i].want);
	fd = OK(open(".", O_TMPFILE | O_RDWR, modes[_i].asked));
	OK(linkat(fd, "", AT_FDCWD, "c", AT_EMPTY_PATH));
	expect_mode("c", modes[_i].want);
}
END_TEST

START_TEST(chmod_drops_the_other_bits_without_a_word)
{
	int fd = new_object("a", 0);

	OK(fchmod(fd, 07777));
	expect_mode("a", 0777);
	OK(chmod("a", 06640));
	expect_mode("a", 0640);
	OK(fchmod(fd, 0));
	expect_mode("a", 0);
}
END_TEST

START_TEST(everybody_may_make_objects)
{
	ck_assert_int_eq(status_of(".").st_mode, S_IFDIR | 0777);
}
END_TEST

static void start_with_mode(void)
{
	shared_mount = mount_start("rules=freebsd,mode=1750,grow=*");
}

START_TEST(options_decide_before_rules)
{
	int fd = new_object("a", 0);

	ck_assert_int_eq(status_of(".").st_mode, S_IFDIR | 01750);
	GIVES(3, pwrite(fd, "abc", 3, 10));
	ck_assert_int_eq(size_of(fd), 13);
}
END_TEST

static void add_room(TCase *tcase)
{
	tcase_add_test(tcase, a_write_with_no_room_stores_nothing);
	tcase_add_test(tcase, a_write_across_the_end_is_short);
	tcase_add_test(tcase, a_read_ends_at_the_end);
	tcase_add_test(tcase, what_goes_from_one_object_to_another_stops_at_its_size);
	tcase_add_loop_test(tcase, shrinking_keeps_what_is_below_and_zeroes_what_is_above, 0,
	    sizeof(odd_lengths) / sizeof(odd_lengths[0]));
	tcase_add_test(tcase, no_name_makes_an_object_grow);
}

static void add_names_and_modes(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_flag_that_shm_open_does_not_have_is_einval, 0,
	    sizeof(extra_flags) / sizeof(extra_flags[0]));
	tcase_add_test(tcase, o_wronly_is_einval);
	tcase_add_test(tcase, flags_of_the_c_library_are_no_matter);
	tcase_add_test(tcase, o_trunc_of_an_opening_for_reading_truncates_as_on_linux);
	tcase_add_test(tcase, the_namespace_is_flat);
	tcase_add_test(tcase, an_anonymous_object_gets_one_name);
	tcase_add_test(tcase, a_name_has_up_to_1022_bytes);
	tcase_add_loop_test(
	    tcase, objects_have_nine_mode_bits, 0, sizeof(modes) / sizeof(modes[0]));
	tcase_add_test(tcase, chmod_drops_the_other_bits_without_a_word);
	tcase_add_test(tcase, everybody_may_make_objects);
}

void add_freebsd_rule_cases(Suite *suite)
{
	TCase *tcase = case_on_flat_mount(suite, "rules=freebsd", NULL);
	TCase *limits = case_on_flat_mount(suite, "rules=freebsd, limits", start_small);
	TCase *options = case_on_flat_mount(suite, "rules=freebsd, options", start_with_mode);

	add_room(tcase);
	add_names_and_modes(tcase);
	tcase_add_test(limits, growing_past_the_limit_by_ftruncate_is_enomem);
	tcase_add_test(limits, growing_past_the_limit_by_fallocate_is_enospc);
	tcase_add_test(limits, growing_past_the_limit_by_write_is_enomem);
	tcase_add_test(limits, room_is_back_after_shrinking_and_removing);
	tcase_add_test(limits, too_many_objects_are_enospc);
	tcase_add_test(options, options_decide_before_rules);
}

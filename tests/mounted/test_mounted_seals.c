/* SPDX-License-Identifier: BSD-2-Clause */
/* Seals of objects, through the attribute user.shmfs.seals. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"
#include "xattr_values.h"

#define SEALS "user.shmfs.seals"

enum { OTHER_USER = 65534 };

static int seal(const char *name, const char *seals)
{
	return set_text(name, SEALS, seals);
}

/* A process that has "a" open or mapped and lets go when told to. */
struct holder {
	bool mapped;
	struct turn has_it, let_go;
};

static void hold(void *context)
{
	struct holder *holder = context;
	int fd = OK(open("a", O_RDWR));

	if (holder->mapped) {
		map_object(fd, PAGE, PROT_READ | PROT_WRITE);
		OK(close(fd));
	}
	turn_give(&holder->has_it);
	turn_wait(&holder->let_go);
}

static pid_t start_holder(struct holder *holder, bool mapped)
{
	pid_t pid;

	holder->mapped = mapped;
	turn_init(&holder->has_it);
	turn_init(&holder->let_go);
	pid = start_child(hold, holder);
	turn_wait(&holder->has_it);
	return pid;
}

static bool seal_write_works(void *context)
{
	(void)context;
	return seal("a", "write") == 0;
}

/* The kernel tells the daemon of the last close a moment later. */
static void expect_write_seal_soon(void)
{
	ck_assert_msg(within_a_second(seal_write_works, NULL),
	    "the seal 'write' within a second: expected success, got %s", strerrorname_np(errno));
}

static void make_sealed(off_t size, const char *seals)
{
	int fd = new_object("a", size);

	write_pattern(fd, 0, (size_t)size);
	OK(close(fd));
	if (strstr(seals, "write") != NULL)
		expect_write_seal_soon();
	OK(seal("a", seals));
}

START_TEST(a_new_object_has_no_seal)
{
	make_object("a", PAGE);
	expect_text("a", SEALS, "");
	OK(mknod("b", S_IFREG | 0600, 0));
	expect_text("b", SEALS, "");
}
END_TEST

START_TEST(setting_adds_and_reading_lists)
{
	int fd = new_object("a", 0);
	char list[10];

	OK(seal("a", "grow"));
	expect_text("a", SEALS, "grow");
	OK(seal("a", "shrink"));
	expect_text("a", SEALS, "shrink,grow");
	OK(seal("a", "grow,shrink,grow"));
	expect_text("a", SEALS, "shrink,grow");
	OK(fsetxattr(fd, SEALS, "seal", 4, 0));
	GIVES(16, fgetxattr(fd, SEALS, NULL, 0));
	FAILS(ERANGE, fgetxattr(fd, SEALS, list, sizeof(list)));
	expect_text("a", SEALS, "seal,shrink,grow");
}
END_TEST

START_TEST(all_seals_can_be_set_at_once)
{
	make_sealed(PAGE, "write,grow,shrink,seal");
	expect_text("a", SEALS, "seal,shrink,grow,write");
}
END_TEST

static const char *const unknown[] = {"", "nothing", "shrink,nothing", "shrink,", ",shrink",
    "shrink,,grow", "shrink grow", " shrink", "shrink\n", "SHRINK", "shrinks", "shrin", ","};

START_TEST(an_unknown_seal_is_einval_and_adds_nothing)
{
	make_object("a", PAGE);
	FAILS(EINVAL, seal("a", unknown[_i]));
	expect_text("a", SEALS, "");
	OK(truncate("a", 0));
}
END_TEST

START_TEST(a_nul_is_no_part_of_a_seal)
{
	make_object("a", PAGE);
	FAILS(EINVAL, setxattr("a", SEALS, "shrink", 7, 0));
	FAILS(EINVAL, setxattr("a", SEALS, "\0", 1, 0));
	expect_text("a", SEALS, "");
}
END_TEST

START_TEST(no_seal_is_ever_taken_off)
{
	make_sealed(PAGE, "shrink");
	FAILS(EPERM, removexattr("a", SEALS));
	FAILS(EINVAL, seal("a", ""));
	OK(seal("a", "grow"));
	expect_text("a", SEALS, "shrink,grow");
}
END_TEST

START_TEST(the_seal_seal_ends_sealing)
{
	make_sealed(PAGE, "shrink,seal");
	FAILS(EPERM, seal("a", "grow"));
	FAILS(EPERM, seal("a", "shrink"));
	FAILS(EPERM, seal("a", "seal"));
	expect_text("a", SEALS, "seal,shrink");
	OK(truncate("a", 2 * PAGE));
	FAILS(EPERM, truncate("a", PAGE));
}
END_TEST

START_TEST(the_seal_shrink_keeps_the_object_from_shrinking)
{
	int fd;

	make_sealed(2 * PAGE, "shrink");
	fd = OK(open("a", O_RDWR));
	FAILS(EPERM, ftruncate(fd, 2 * PAGE - 1));
	FAILS(EPERM, ftruncate(fd, 0));
	FAILS(EPERM, truncate("a", 0));
	FAILS(EPERM, open("a", O_RDWR | O_TRUNC));
	FAILS(EPERM, open("a", O_WRONLY | O_CREAT | O_TRUNC, 0600));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	expect_pattern(fd, 0, 2 * PAGE);
	OK(ftruncate(fd, 2 * PAGE));
	OK(ftruncate(fd, 3 * PAGE));
	FAILS(EPERM, ftruncate(fd, 2 * PAGE));
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	expect_zeros(fd, 0, PAGE);
	write_pattern(fd, 0, 3 * PAGE);
}
END_TEST

START_TEST(the_seal_grow_keeps_the_object_from_growing)
{
	int fd;

	make_sealed(2 * PAGE, "grow");
	fd = OK(open("a", O_RDWR));
	FAILS(EPERM, ftruncate(fd, 2 * PAGE + 1));
	FAILS(EPERM, truncate("a", 3 * PAGE));
	FAILS(EPERM, fallocate(fd, 0, 0, 2 * PAGE + 1));
	FAILS(EPERM, fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE, 2 * PAGE));
	GIVES(EPERM, posix_fallocate(fd, 2 * PAGE, 1));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	expect_pattern(fd, 0, 2 * PAGE);
	OK(fallocate(fd, 0, 0, 2 * PAGE));
	OK(ftruncate(fd, 2 * PAGE));
	FAILS(EFBIG, pwrite(fd, "x", 1, 2 * PAGE));
	GIVES(1, pwrite(fd, "xy", 2, 2 * PAGE - 1));
	OK(ftruncate(fd, PAGE));
	FAILS(EPERM, ftruncate(fd, PAGE + 1));
}
END_TEST

START_TEST(a_growing_object_that_is_sealed_against_it_does_not_grow)
{
	int fd = new_object("tmp-a", 10);

	OK(seal("tmp-a", "grow"));
	FAILS(EPERM, pwrite(fd, "x", 1, 10));
	FAILS(EPERM, pwrite(fd, "x", 1, 2 * PAGE));
	FAILS(EPERM, pwrite(fd, "xy", 2, 9));
	ck_assert_int_eq(size_of(fd), 10);
	expect_zeros(fd, 0, 10);
	GIVES(2, pwrite(fd, "xy", 2, 8));
}
END_TEST

START_TEST(the_seal_write_refuses_every_opening_for_writing)
{
	char path[64];
	int fd;

	make_sealed(2 * PAGE, "write");
	fd = OK(open("a", O_RDONLY));
	FAILS(EPERM, open("a", O_RDWR));
	FAILS(EPERM, open("a", O_WRONLY));
	FAILS(EPERM, open("a", O_WRONLY | O_APPEND));
	FAILS(EPERM, open("a", O_RDWR | O_CREAT, 0600));
	FAILS(EPERM, open("a", O_RDWR | O_TRUNC));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(EPERM, open(path, O_RDWR));
	FAILS(EBADF, pwrite(fd, "x", 1, 0));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	expect_pattern(fd, 0, 2 * PAGE);
}
END_TEST

START_TEST(the_seal_write_leaves_reading_alone)
{
	unsigned char *map;
	unsigned char *private;
	int fd;

	make_sealed(2 * PAGE, "write");
	fd = OK(open("a", O_RDONLY));
	map = map_object(fd, 2 * PAGE, PROT_READ);
	ck_assert_int_eq(map[PAGE], pattern_at(PAGE));
	FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	FAILS(EACCES, mprotect(map, PAGE, PROT_READ | PROT_WRITE));
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ck_assert(private != MAP_FAILED);
	private[0] = 0;
	ck_assert_int_eq(map[0], pattern_at(0));
	expect_pattern(fd, 0, 2 * PAGE);
}
END_TEST

/* As for a memfd: the size is a matter of two other seals. */
START_TEST(the_seal_write_alone_does_not_fix_the_size)
{
	int fd;

	make_sealed(2 * PAGE, "write");
	fd = OK(open("a", O_RDONLY));
	OK(truncate("a", 3 * PAGE));
	OK(truncate("a", PAGE));
	ck_assert_int_eq(size_of(fd), PAGE);
	expect_pattern(fd, 0, PAGE);
	OK(seal("a", "shrink,grow"));
	FAILS(EPERM, truncate("a", 0));
	FAILS(EPERM, truncate("a", 2 * PAGE));
}
END_TEST

START_TEST(an_empty_object_can_be_sealed_against_writing)
{
	make_sealed(0, "write");
	FAILS(EPERM, open("a", O_RDWR));
	OK(truncate("a", PAGE));
	FAILS(EPERM, open("a", O_RDWR));
	expect_zeros(OK(open("a", O_RDONLY)), 0, PAGE);
}
END_TEST

START_TEST(the_seal_write_is_ebusy_while_open_for_writing)
{
	static const int ways[] = {O_RDWR, O_WRONLY};
	int fd;

	make_object("a", PAGE);
	fd = OK(open("a", ways[_i]));
	FAILS(EBUSY, seal("a", "write"));
	FAILS(EBUSY, fsetxattr(fd, SEALS, "shrink,write", 12, 0));
	expect_text("a", SEALS, "");
	GIVES(1, pwrite(fd, "x", 1, 0));
	OK(truncate("a", 0));
	OK(seal("a", "shrink"));
	OK(close(fd));
	expect_write_seal_soon();
	expect_text("a", SEALS, "shrink,write");
}
END_TEST

START_TEST(the_seal_write_is_ebusy_while_another_process_has_it_open_for_writing)
{
	struct holder holder;
	pid_t child;

	make_object("a", PAGE);
	child = start_holder(&holder, false);
	FAILS(EBUSY, seal("a", "write"));
	turn_give(&holder.let_go);
	end_child(child);
	expect_write_seal_soon();
}
END_TEST

START_TEST(the_seal_write_is_ebusy_while_mapped_writable)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);

	OK(close(fd));
	pause_ms(50);
	FAILS(EBUSY, seal("a", "write"));
	pattern(map, 0, PAGE);
	unmap(map, PAGE);
	expect_write_seal_soon();
	expect_pattern(OK(open("a", O_RDONLY)), 0, PAGE);
}
END_TEST

START_TEST(the_seal_write_is_ebusy_while_another_process_has_it_mapped_writable)
{
	struct holder holder;
	pid_t child;

	make_object("a", PAGE);
	child = start_holder(&holder, true);
	pause_ms(50);
	FAILS(EBUSY, seal("a", "write"));
	expect_text("a", SEALS, "");
	OK(kill(child, _i == 0 ? SIGKILL : SIGCONT));
	if (_i == 1)
		turn_give(&holder.let_go);
	expect_write_seal_soon();
	FAILS(EPERM, open("a", O_RDWR));
}
END_TEST

/* It could be made writable by mprotect, and FreeBSD counts it too. */
START_TEST(the_seal_write_is_ebusy_while_mapped_readable_from_an_opening_for_writing)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = map_object(fd, PAGE, PROT_READ);

	OK(close(fd));
	pause_ms(50);
	FAILS(EBUSY, seal("a", "write"));
	unmap(map, PAGE);
	expect_write_seal_soon();
}
END_TEST

/* A private mapping keeps the opening, where mappings are of FUSE's page cache. */
START_TEST(a_private_mapping_counts_only_as_the_opening_that_it_keeps)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	ck_assert(map != MAP_FAILED);
	OK(close(fd));
	if (!fixture_maps_natively()) {
		pause_ms(50);
		FAILS(EBUSY, seal("a", "write"));
		unmap(map, PAGE);
	}
	expect_write_seal_soon();
}
END_TEST

START_TEST(the_seal_write_does_not_mind_readers)
{
	unsigned char *map;
	int fd;

	make_object("a", PAGE);
	fd = OK(open("a", O_RDONLY));
	map = map_object(fd, PAGE, PROT_READ);
	expect_write_seal_soon();
	ck_assert_int_eq(map[0], 0);
	OK(seal("a", "write"));
	expect_zeros(fd, 0, PAGE);
}
END_TEST

static void write_until_sealed(void *context)
{
	unsigned char byte = 0;

	(void)context;
	for (;;) {
		int fd = open("a", O_RDWR);

		if (fd == -1) {
			FAILS(EPERM, fd);
			return;
		}
		byte++;
		GIVES(1, pwrite(fd, &byte, 1, 0));
		OK(close(fd));
	}
}

/* Whoever opens for writing and whoever seals, one of them comes first. */
START_TEST(nobody_writes_once_the_seal_is_set)
{
	for (int round = 0; round < 20; round++) {
		unsigned char first;
		unsigned char later;
		pid_t child;
		int fd;

		make_object("a", PAGE);
		fd = OK(open("a", O_RDONLY));
		child = start_child(write_until_sealed, NULL);
		while (seal("a", "write") == -1)
			ck_assert_int_eq(errno, EBUSY);
		GIVES(1, pread(fd, &first, 1, 0));
		end_child(child);
		GIVES(1, pread(fd, &later, 1, 0));
		ck_assert_int_eq(first, later);
		OK(unlink("a"));
		OK(close(fd));
	}
}
END_TEST

START_TEST(seals_belong_to_the_object_and_not_to_its_name)
{
	int fd;

	make_sealed(PAGE, "shrink");
	OK(link("a", "b"));
	OK(rename("a", "c"));
	expect_text("b", SEALS, "shrink");
	OK(seal("b", "grow"));
	expect_text("c", SEALS, "shrink,grow");
	OK(unlink("b"));
	OK(chmod("c", 0640));
	OK(chown("c", 1, 1));
	fd = OK(open("c", O_RDWR));
	OK(unlink("c"));
	FAILS(EPERM, ftruncate(fd, 0));
	make_object("c", PAGE);
	OK(truncate("c", 0));
}
END_TEST

START_TEST(a_sealed_object_goes_like_any_other)
{
	unsigned long before = pages_left();

	make_sealed(4 * PAGE, "write,shrink,grow,seal");
	make_object("b", 0);
	OK(rename("b", "a"));
	expect_pages_left_soon(before);
	expect_text("a", SEALS, "");
}
END_TEST

/* The way to hand out an object that nobody can change any more. */
START_TEST(an_anonymous_object_can_be_sealed)
{
	int writer = OK(open(".", O_TMPFILE | O_RDWR, 0600));
	char path[64];
	int reader;

	OK(ftruncate(writer, PAGE));
	write_pattern(writer, 0, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", writer);
	reader = OK(open(path, O_RDONLY));
	FAILS(EBUSY, fsetxattr(reader, SEALS, "write", 5, 0));
	OK(close(writer));
	pause_ms(50);
	OK(fsetxattr(reader, SEALS, "write,shrink,grow,seal", 22, 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", reader);
	FAILS(EPERM, open(path, O_RDWR));
	FAILS(EPERM, truncate(path, 0));
	expect_pattern(reader, 0, PAGE);
}
END_TEST

static void expect_not_allowed(void *context)
{
	(void)context;
	FAILS(EACCES, seal("a", "shrink"));
	expect_text("a", SEALS, "");
}

START_TEST(sealing_needs_permission_to_write_the_object)
{
	make_object("a", 0);
	OK(chmod("a", 0644));
	in_child_as(OTHER_USER, expect_not_allowed, NULL);
}
END_TEST

static void add_sealing(TCase *tcase)
{
	tcase_add_test(tcase, a_new_object_has_no_seal);
	tcase_add_test(tcase, setting_adds_and_reading_lists);
	tcase_add_test(tcase, all_seals_can_be_set_at_once);
	tcase_add_loop_test(tcase, an_unknown_seal_is_einval_and_adds_nothing, 0,
	    sizeof(unknown) / sizeof(unknown[0]));
	tcase_add_test(tcase, a_nul_is_no_part_of_a_seal);
	tcase_add_test(tcase, no_seal_is_ever_taken_off);
	tcase_add_test(tcase, the_seal_seal_ends_sealing);
	tcase_add_test(tcase, the_seal_shrink_keeps_the_object_from_shrinking);
	tcase_add_test(tcase, the_seal_grow_keeps_the_object_from_growing);
	tcase_add_test(tcase, a_growing_object_that_is_sealed_against_it_does_not_grow);
	tcase_add_test(tcase, seals_belong_to_the_object_and_not_to_its_name);
	tcase_add_test(tcase, a_sealed_object_goes_like_any_other);
	tcase_add_test(tcase, sealing_needs_permission_to_write_the_object);
}

static void add_write_seal(TCase *tcase)
{
	tcase_add_test(tcase, the_seal_write_refuses_every_opening_for_writing);
	tcase_add_test(tcase, the_seal_write_leaves_reading_alone);
	tcase_add_test(tcase, the_seal_write_alone_does_not_fix_the_size);
	tcase_add_test(tcase, an_empty_object_can_be_sealed_against_writing);
	tcase_add_loop_test(tcase, the_seal_write_is_ebusy_while_open_for_writing, 0, 2);
	tcase_add_test(
	    tcase, the_seal_write_is_ebusy_while_another_process_has_it_open_for_writing);
	tcase_add_test(tcase, the_seal_write_is_ebusy_while_mapped_writable);
	tcase_add_loop_test(
	    tcase, the_seal_write_is_ebusy_while_another_process_has_it_mapped_writable, 0, 2);
	tcase_add_test(
	    tcase, the_seal_write_is_ebusy_while_mapped_readable_from_an_opening_for_writing);
	tcase_add_test(tcase, a_private_mapping_counts_only_as_the_opening_that_it_keeps);
	tcase_add_test(tcase, the_seal_write_does_not_mind_readers);
	tcase_add_test(tcase, nobody_writes_once_the_seal_is_set);
	tcase_add_test(tcase, an_anonymous_object_can_be_sealed);
}

void add_seal_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "seals", NULL);

	add_sealing(tcase);
	add_write_seal(tcase);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The seal that nobody writes any more, and who keeps it from being set. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"
#include "mount_fixture.h"
#include "objects.h"
#include "sealing.h"
#include "suites.h"
#include "xattr_values.h"

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

/* A private mapping keeps the opening, which the kernel can tell from others in a memfd that the
 * kernel maps natively. */
START_TEST(a_private_mapping_counts_only_as_the_opening_that_it_keeps)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	ck_assert(map != MAP_FAILED);
	OK(close(fd));
	if (!fixture_maps_natively() || !launch_has_memfds()) {
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

void add_write_seal_cases(Suite *suite)
{
	add_write_seal(case_on_mount(suite, "write seals", NULL));
}

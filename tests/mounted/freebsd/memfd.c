/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules=freebsd: what FreeBSD's tests of memfd_create(2) ask of growth and seals. A memfd there is
 * an anonymous object that grows; a seal is a word of user.shmfs.seals.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "flat_mount.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"
#include "xattr_values.h"

#define SEALS "user.shmfs.seals"
#define GROW "user.shmfs.grow"

static int add_seals(int fd, const char *seals)
{
	return fsetxattr(fd, SEALS, seals, strlen(seals), 0);
}

static void expect_seals(int fd, const char *want)
{
	char seals[64] = {0};

	GIVES((long)strlen(want), fgetxattr(fd, SEALS, seals, sizeof(seals)));
	ck_assert_str_eq(seals, want);
}

static int open_again(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static int new_memfd(void)
{
	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0600));

	OK(fsetxattr(fd, GROW, "1", 1, 0));
	return fd;
}

static bool write_is_sealed(void *context)
{
	return add_seals(*(const int *)context, "write") == 0;
}

/* What is left of an object when only readers have it, and nobody can ever write again. */
static int sealed_against_writing(int fd)
{
	int reader = OK(open_again(fd, O_RDONLY));

	OK(close(fd));
	ck_assert(within_a_second(write_is_sealed, &reader));
	return reader;
}

START_TEST(writing_extends_a_growing_object)
{
	int fd = new_memfd();
	char data[8] = "12345678";

	ck_assert_int_eq(size_of(fd), 0);
	GIVES(8, write(fd, data, 8));
	ck_assert_int_eq(size_of(fd), 8);
	OK(ftruncate(fd, 14));
	ck_assert_int_eq(size_of(fd), 14);
	GIVES(8, write(fd, data, 8));
	ck_assert_int_eq(size_of(fd), 16);
	GIVES(8, pread(fd, data, 8, 6));
	ck_assert_int_eq(memcmp(data, "78123456", 8), 0);
}
END_TEST

START_TEST(close_on_exec_is_honoured)
{
	GIVES(FD_CLOEXEC, fcntl(OK(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)), F_GETFD));
	GIVES(0, fcntl(new_memfd(), F_GETFD));
}
END_TEST

START_TEST(what_is_sealed_against_sealing_stays_writable)
{
	int fd = new_memfd();

	OK(add_seals(fd, "seal"));
	expect_seals(fd, "seal");
	FAILS(EPERM, add_seals(fd, "write"));
	expect_seals(fd, "seal");
	GIVES(1, write(fd, "x", 1));
	OK(ftruncate(fd, PAGE));
	OK(ftruncate(fd, 0));
}
END_TEST

START_TEST(a_private_mapping_is_writable_whatever_the_seals)
{
	int fd = new_memfd();
	unsigned char *map;
	int reader;

	OK(ftruncate(fd, PAGE));
	reader = sealed_against_writing(fd);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
	ck_assert(map != MAP_FAILED);
	map[0] = 1;
	expect_zeros(reader, 0, PAGE);
	FAILS(EPERM, open_again(reader, O_RDWR));
	FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
	map_object(reader, PAGE, PROT_READ);
}
END_TEST

static const int protections[] = {PROT_READ | PROT_WRITE, PROT_READ};

START_TEST(a_shared_mapping_from_a_writable_opening_is_in_the_way_of_the_seal)
{
	int fd = new_memfd();
	unsigned char *map;
	int reader;

	OK(ftruncate(fd, PAGE));
	map = map_object(fd, PAGE, protections[_i]);
	reader = OK(open_again(fd, O_RDONLY));
	FAILS(EBUSY, add_seals(reader, "write"));
	OK(close(fd));
	pause_ms(50);
	FAILS(EBUSY, add_seals(reader, "write"));
	expect_seals(reader, "");
	unmap(map, PAGE);
	ck_assert(within_a_second(write_is_sealed, &reader));
	FAILS(EPERM, open_again(reader, O_RDWR));
	expect_zeros(reader, 0, PAGE);
}
END_TEST

START_TEST(the_seals_of_size_allow_what_they_do_not_name)
{
	int fd = new_memfd();

	OK(ftruncate(fd, 2 * PAGE));
	OK(add_seals(fd, _i == 0 ? "grow" : "shrink"));
	OK(ftruncate(fd, 2 * PAGE));
	if (_i == 0) {
		FAILS(EPERM, ftruncate(fd, 3 * PAGE));
		FAILS(EPERM, pwrite(fd, "x", 1, 2 * PAGE));
		GIVES(EPERM, posix_fallocate(fd, 0, 3 * PAGE));
		OK(ftruncate(fd, PAGE));
	} else {
		FAILS(EPERM, ftruncate(fd, PAGE));
		OK(ftruncate(fd, 3 * PAGE));
	}
	OK(add_seals(fd, "grow,shrink"));
	FAILS(EPERM, ftruncate(fd, 0));
	FAILS(EPERM, ftruncate(fd, 4 * PAGE));
}
END_TEST

START_TEST(seals_are_read_as_they_were_set)
{
	int fd = new_memfd();

	expect_seals(fd, "");
	OK(add_seals(fd, "shrink"));
	OK(add_seals(fd, "grow"));
	expect_seals(fd, "shrink,grow");
	FAILS(EINVAL, add_seals(fd, "exec"));
	expect_seals(sealed_against_writing(fd), "shrink,grow,write");
}
END_TEST

START_TEST(seals_are_the_objects_and_not_the_descriptors)
{
	int fd = new_memfd();
	int copy = OK(dup(fd));
	int other = OK(open_again(fd, O_RDONLY));

	OK(add_seals(copy, "shrink"));
	expect_seals(fd, "shrink");
	expect_seals(other, "shrink");
	OK(add_seals(other, "seal"));
	FAILS(EPERM, add_seals(fd, "grow"));
	FAILS(EPERM, add_seals(copy, "shrink"));
	expect_seals(copy, "seal,shrink");
}
END_TEST

/* F_ADD_SEALS itself is for memfds alone. */
START_TEST(fcntl_knows_no_seals_here)
{
	int fd = new_memfd();

	FAILS(EINVAL, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	FAILS(EINVAL, fcntl(fd, F_GET_SEALS));
	OK(ftruncate(fd, PAGE));
	OK(ftruncate(fd, 0));
}
END_TEST

void add_freebsd_memfd_cases(Suite *suite)
{
	TCase *tcase = case_on_flat_mount(suite, "posixshm memfd", NULL);

	tcase_add_test(tcase, writing_extends_a_growing_object);
	tcase_add_test(tcase, close_on_exec_is_honoured);
	tcase_add_test(tcase, what_is_sealed_against_sealing_stays_writable);
	tcase_add_test(tcase, a_private_mapping_is_writable_whatever_the_seals);
	tcase_add_loop_test(
	    tcase, a_shared_mapping_from_a_writable_opening_is_in_the_way_of_the_seal, 0, 2);
	tcase_add_loop_test(tcase, the_seals_of_size_allow_what_they_do_not_name, 0, 2);
	tcase_add_test(tcase, seals_are_read_as_they_were_set);
	tcase_add_test(tcase, seals_are_the_objects_and_not_the_descriptors);
	tcase_add_test(tcase, fcntl_knows_no_seals_here);
}

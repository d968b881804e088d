/* SPDX-License-Identifier: BSD-2-Clause */
/* Seals: what each forbids, and when they can be set. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

#define SEALS "user.shmfs.seals"

static struct shmfs *fs;
static uint64_t id;

static void begin(uint64_t size)
{
	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", size);
}

static int64_t seal(const char *list)
{
	return TX(fs, shmfs_setxattr(fs, ALICE, id, SEALS, list, strlen(list), 0));
}

static void expect_seals(const char *list)
{
	char out[64] = "";

	GIVES(strlen(list), shmfs_getxattr(fs, ALICE, id, SEALS, out, sizeof out - 1));
	ck_assert_str_eq(out, list);
}

static int64_t try_size(uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};
	struct shmfs_attr attr;

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

static int64_t try_open(int flags)
{
	struct shmfs_opened opened;
	int64_t rc = TX(fs, shmfs_open(fs, ALICE, id, flags, &opened));

	if (rc == 0)
		release(fs, opened.handle);
	return rc;
}

START_TEST(seals_add_up)
{
	begin(10);
	expect_seals("");
	GIVES(0, seal("grow"));
	expect_seals("grow");
	GIVES(0, seal("grow"));
	GIVES(0, seal("shrink,grow"));
	expect_seals("shrink,grow");
	GIVES(0, seal("write,seal"));
	expect_seals("seal,shrink,grow,write");
	GIVES(-EPERM, seal("grow"));
	close_checked(fs);
}
END_TEST

START_TEST(malformed_lists_are_refused)
{
	static const char *const lists[] = {"", ",", "grow,", ",grow", "grow,,shrink", "Grow",
	    "grow ", "gro", "growx", "grow;shrink", "grow,nothing"};

	begin(10);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		GIVES(-EINVAL, seal(lists[i]));
	expect_seals("");
	close_checked(fs);
}
END_TEST

START_TEST(sizes_are_sealed_in_one_direction)
{
	begin(100);
	GIVES(0, seal("grow"));
	GIVES(-EPERM, try_size(101));
	GIVES(0, try_size(100));
	GIVES(0, try_size(50));
	GIVES(-EPERM, try_size(51));
	GIVES(0, seal("shrink"));
	GIVES(-EPERM, try_size(49));
	GIVES(-EPERM, try_open(O_RDWR | O_TRUNC));
	GIVES(0, try_open(O_RDWR));
	ck_assert_uint_eq(attributes(fs, id).size, 50);
	close_checked(fs);
}
END_TEST

START_TEST(a_sealed_size_stops_every_way_to_grow)
{
	uint64_t handle;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "sem.a", 100);
	handle = open_object(fs, id, O_RDWR);
	GIVES(0, seal("grow"));
	GIVES(-EPERM, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 101)));
	GIVES(-EPERM, TX(fs, shmfs_write(fs, ALICE, handle, "xy", 2, 99)));
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 99)));
	GIVES(0, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 100)));
	close_checked(fs);
}
END_TEST

START_TEST(sealed_data_is_never_changed_again)
{
	uint64_t handle;
	char byte;

	begin(100);
	GIVES(0, seal("write"));
	GIVES(-EPERM, try_open(O_RDWR));
	GIVES(-EPERM, try_open(O_WRONLY));
	handle = open_object(fs, id, O_RDONLY);
	GIVES(1, TX(fs, shmfs_read(fs, ALICE, handle, &byte, 1, 0)));
	GIVES(-EBADF, TX(fs, shmfs_write(fs, SUPERUSER, handle, &byte, 1, 0)));
	close_checked(fs);
}
END_TEST

START_TEST(data_is_not_sealed_while_somebody_can_write)
{
	uint64_t writer, reader;

	begin(100);
	writer = open_object(fs, id, O_WRONLY);
	reader = open_object(fs, id, O_RDONLY);
	GIVES(-EBUSY, seal("write"));
	expect_seals("");
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, writer, "x", 1, 0)));
	release(fs, writer);
	GIVES(0, seal("write"));
	expect_bytes(fs, reader, 'x', 1, 0);
	close_checked(fs);
}
END_TEST

START_TEST(data_is_not_sealed_while_it_is_mapped_writable)
{
	int fd = 0;
	void *map;

	begin(4096);
	while (!outside->books.memory[fd])
		fd++;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	GIVES(-EBUSY, seal("write"));
	expect_seals("");
	munmap(map, 4096);
	GIVES(0, seal("write"));
	close_checked(fs);
}
END_TEST

START_TEST(only_objects_are_sealed)
{
	begin(0);
	id = new_directory(fs, SHMFS_ROOT, "dir");
	GIVES(-EOPNOTSUPP, seal("grow"));
	GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, id, SEALS, NULL, 0));
	close_checked(fs);
}
END_TEST

START_TEST(seals_outlive_the_memory_of_an_empty_object)
{
	begin(0);
	GIVES(0, seal("write,grow"));
	release(fs, open_object(fs, id, O_RDONLY));
	expect_seals("grow,write");
	GIVES(-EPERM, try_size(1));
	GIVES(-EPERM, try_open(O_RDWR));
	close_checked(fs);
}
END_TEST

Suite *seal_suite(void)
{
	Suite *suite = suite_create("seal");
	TCase *tests = harness_case(suite, "seal");

	tcase_add_test(tests, seals_add_up);
	tcase_add_test(tests, malformed_lists_are_refused);
	tcase_add_test(tests, sizes_are_sealed_in_one_direction);
	tcase_add_test(tests, a_sealed_size_stops_every_way_to_grow);
	tcase_add_test(tests, sealed_data_is_never_changed_again);
	tcase_add_test(tests, data_is_not_sealed_while_somebody_can_write);
	tcase_add_test(tests, data_is_not_sealed_while_it_is_mapped_writable);
	tcase_add_test(tests, only_objects_are_sealed);
	tcase_add_test(tests, seals_outlive_the_memory_of_an_empty_object);
	return suite;
}

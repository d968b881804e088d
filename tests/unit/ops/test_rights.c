/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights of openings, and giving them up. */
#include <fcntl.h>

#include "fs/mac/subjects.h"
#include "harness.h"
#include "labels.h"
#include "suites.h"

struct rights_case {
	int flags;
	unsigned drop;
	enum shmfs_native native;
	int want;
	unsigned left;
};

#define RD SHMFS_RIGHT_READ
#define WR SHMFS_RIGHT_WRITE
#define TR SHMFS_RIGHT_TRUNCATE
#define AL SHMFS_RIGHT_ALLOCATE

START_TEST(rights_are_those_of_the_opening_and_only_ever_fewer)
{
	static const struct rights_case cases[] = {
	    {O_RDONLY, 0, SHMFS_NATIVE_NONE, 0, RD},
	    {O_WRONLY, 0, SHMFS_NATIVE_NONE, 0, WR | TR | AL},
	    {O_RDWR, 0, SHMFS_NATIVE_NONE, 0, RD | WR | TR | AL},
	    {O_RDWR, RD, SHMFS_NATIVE_NONE, 0, WR | TR | AL},
	    {O_RDWR, WR, SHMFS_NATIVE_NONE, 0, RD | TR | AL},
	    {O_RDWR, TR | AL, SHMFS_NATIVE_NONE, 0, RD | WR},
	    {O_RDWR, RD | WR | TR | AL, SHMFS_NATIVE_NONE, 0, 0},
	    {O_RDONLY, WR, SHMFS_NATIVE_NONE, 0, RD},
	    {O_RDONLY, RD, SHMFS_NATIVE_NONE, 0, 0},
	    {O_RDWR, SHMFS_RIGHT_MMAP, SHMFS_NATIVE_NONE, -EOPNOTSUPP, RD | WR | TR | AL},
	    {O_RDWR, WR | SHMFS_RIGHT_MMAP, SHMFS_NATIVE_NONE, -EOPNOTSUPP, RD | WR | TR | AL},
	    {O_RDWR, 32, SHMFS_NATIVE_NONE, -EINVAL, RD | WR | TR | AL},
	    {O_RDWR, UINT32_MAX, SHMFS_NATIVE_NONE, -EINVAL, RD | WR | TR | AL},
	    {O_RDONLY, RD, SHMFS_NATIVE_READERS, -EOPNOTSUPP, RD},
	    {O_RDWR, RD, SHMFS_NATIVE_READERS, 0, WR | TR | AL},
	    {O_WRONLY, RD, SHMFS_NATIVE_ALL, 0, WR | TR | AL},
	    {O_RDWR, RD, SHMFS_NATIVE_ALL, -EOPNOTSUPP, RD | WR | TR | AL},
	    {O_RDWR, WR | TR | AL, SHMFS_NATIVE_ALL, 0, RD},
	};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 100);
	unsigned rights;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct rights_case *c = &cases[i];
		uint64_t handle = open_object(fs, id, c->flags);

		GIVES(c->want, TX(fs, shmfs_drop_rights(fs, handle, c->drop, c->native)));
		GIVES(0, shmfs_rights(fs, handle, &rights));
		REQUIRE(
		    rights == c->left, "case %zu: expected rights %u, got %u", i, c->left, rights);
		/* Again, and nothing comes back. */
		GIVES(c->want, TX(fs, shmfs_drop_rights(fs, handle, c->drop, c->native)));
		GIVES(0, TX(fs, shmfs_drop_rights(fs, handle, 0, c->native)));
		GIVES(0, shmfs_rights(fs, handle, &rights));
		REQUIRE(
		    rights == c->left, "case %zu: expected rights %u, got %u", i, c->left, rights);
		release(fs, handle);
	}
	GIVES(-EBADF, shmfs_rights(fs, 4711, &rights));
	GIVES(-EBADF, TX(fs, shmfs_drop_rights(fs, 4711, RD, SHMFS_NATIVE_NONE)));
	close_checked(fs);
}
END_TEST

static int resize_through(struct shmfs *fs, uint64_t id, uint64_t handle)
{
	const struct shmfs_change change = {
	    .what = SHMFS_CHANGE_SIZE, .size = 50, .handle = handle};
	struct shmfs_attr attr;

	return shmfs_setattr(fs, id, &change, &attr);
}

static void expect_rights(struct shmfs *fs, uint64_t id, uint64_t handle, unsigned has)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	const int read = has & RD ? 0 : -EPERM, write = has & WR ? 0 : -EPERM;
	uint64_t other = open_object(fs, id, O_RDWR);
	const struct shmfs_range from = {handle, 0}, to = {other, 10};
	const struct shmfs_read_request what = {.handle = handle, .size = 5};
	struct shmfs_memory memory;
	char buffer[10];

	GIVES(read < 0 ? read : 10, TX(fs, shmfs_read(fs, ALICE, handle, buffer, 10, 0)));
	GIVES(read < 0 ? read : 5, TX(fs, shmfs_copy(fs, ALICE, &from, &to, buffer, 5)));
	GIVES(write < 0 ? write : 1, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 0)));
	GIVES(write < 0 ? write : 5, TX(fs, shmfs_copy(fs, ALICE, &to, &from, buffer, 5)));
	GIVES(read, TX(fs, shmfs_read_begin(fs, ALICE, &what, &memory)));
	GIVES(write, TX(fs, shmfs_write_begin(fs, ALICE, &from, 5, &memory)));
	GIVES(has & TR ? 0 : -EPERM, TX(fs, resize_through(fs, id, handle)));
	GIVES(has & AL ? 0 : -EPERM, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 60)));
	GIVES((has & AL) && (has & WR) ? 0 : -EPERM,
	    TX(fs, shmfs_fallocate(fs, ALICE, handle, punch, 0, 60)));
	/* What was decided at open: stores of a mapping. By name, and by others, as before. */
	GIVES(1, TX(fs, shmfs_write_back(fs, handle, "x", 1, 0)));
	GIVES(0, TX(fs, resize_through(fs, id, 0)));
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, other, "x", 1, 0)));
	release(fs, other);
}

START_TEST(what_was_given_up_is_eperm)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 100);

	for (unsigned drop = 0; drop < 16; drop++) {
		uint64_t handle = open_object(fs, id, O_RDWR);

		GIVES(0, TX(fs, shmfs_drop_rights(fs, handle, drop, SHMFS_NATIVE_NONE)));
		expect_rights(fs, id, handle, 15u & ~drop);
		release(fs, handle);
	}
	close_checked(fs);
}
END_TEST

START_TEST(a_size_is_set_through_an_opening_of_the_object)
{
	struct shmfs *fs = open_small();
	uint64_t a = new_object_of(fs, SHMFS_ROOT, "a", 100);
	uint64_t b = new_object_of(fs, SHMFS_ROOT, "b", 100);
	uint64_t handle = open_object(fs, a, O_RDWR);

	GIVES(-EBADF, TX(fs, resize_through(fs, b, handle)));
	GIVES(-EBADF, TX(fs, resize_through(fs, a, 4711)));
	GIVES(0, TX(fs, resize_through(fs, a, handle)));
	ck_assert(shmfs_is_open(fs, handle, a));
	ck_assert(!shmfs_is_open(fs, handle, b));
	ck_assert(!shmfs_is_open(fs, 4711, a));
	close_checked(fs);
}
END_TEST

Suite *rights_suite(void)
{
	Suite *suite = suite_create("rights");
	TCase *tests = harness_case(suite, "rights");

	tcase_add_test(tests, rights_are_those_of_the_opening_and_only_ever_fewer);
	tcase_add_test(tests, what_was_given_up_is_eperm);
	tcase_add_test(tests, a_size_is_set_through_an_opening_of_the_object);
	return suite;
}

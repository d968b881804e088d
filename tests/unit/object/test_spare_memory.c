/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the next object has: what of it is kept, and that it is as good as new. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/object/spare_memory.h"
#include "harness.h"
#include "suites.h"

enum { FIRST = 100, SMALL = 5000 };

static uint64_t id, handle;

static struct shmfs *open_keeping(unsigned most)
{
	struct shmfs_config config = small_config();

	config.descriptor_first = FIRST;
	config.backing = true;
	config.spare_memories = most;
	return open_with(config);
}

static unsigned kept(const struct shmfs *fs)
{
	return fs->super->spares.count;
}

static void make(struct shmfs *fs, uint64_t size)
{
	id = new_object_of(fs, SHMFS_ROOT, "o", size);
	handle = open_object(fs, id, O_RDWR);
	if (size > 0)
		write_bytes(fs, handle, 'x', size, 0);
}

static void end(struct shmfs *fs)
{
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "o")));
	release(fs, handle);
	forget(fs, id, 1);
	ck_assert(!exists(fs, id));
}

static void make_and_end(struct shmfs *fs, uint64_t size)
{
	make(fs, size);
	end(fs);
}

START_TEST(the_next_object_has_the_memory_and_the_backing_id_of_the_last_and_sees_zeros)
{
	struct shmfs *fs = open_keeping(1);
	int backing;

	make(fs, SMALL);
	backing = node_get(fs, id)->object.backing;
	end(fs);
	ck_assert_uint_eq(kept(fs), 1);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	outside->calls[OUTSIDE_MEMORY_CREATE] = outside->calls[OUTSIDE_BACKING_OPEN] = 0;
	id = new_object_of(fs, SHMFS_ROOT, "o", SMALL + 1);
	handle = open_object(fs, id, O_RDWR);
	ck_assert_uint_eq(kept(fs), 0);
	ck_assert_int_eq(node_get(fs, id)->object.backing, backing);
	ck_assert_uint_eq(outside->calls[OUTSIDE_MEMORY_CREATE], 0);
	ck_assert_uint_eq(outside->calls[OUTSIDE_BACKING_OPEN], 0);
	expect_bytes(fs, handle, '\0', SMALL + 1, 0);
	ck_assert_uint_eq(attributes(fs, id).blocks, 0);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(SMALL + 1));
	end(fs);
	close_checked(fs);
}
END_TEST

START_TEST(an_object_has_its_own_times_whoever_had_its_memory)
{
	struct shmfs *fs = open_keeping(1);
	struct timespec then = outside->now;
	struct shmfs_attr attr;

	make_and_end(fs, SMALL);
	outside->now.tv_sec -= 100;
	/* What was stored last is later than the clock. */
	outside->written = then;
	make(fs, 0);
	attr = attributes(fs, id);
	SAME_TIME(outside->now, attr.mtime);
	SAME_TIME(outside->now, attr.ctime);
	SAME_TIME(outside->now, attr.btime);
	end(fs);
	close_checked(fs);
}
END_TEST

START_TEST(no_more_are_kept_than_was_said)
{
	struct shmfs *fs = open_keeping(2);
	uint64_t ids[5], handles[5];
	char name[8];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "%u", i);
		ids[i] = new_object_of(fs, SHMFS_ROOT, name, SMALL);
		handles[i] = open_object(fs, ids[i], O_RDWR);
	}
	for (unsigned i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "%u", i);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
		release(fs, handles[i]);
		forget(fs, ids[i], 1);
	}
	ck_assert_uint_eq(kept(fs), 2);
	ck_assert_uint_eq(outside->books.memories, 2);
	ck_assert_uint_eq(outside->books.backings, 2);
	close_checked(fs);
}
END_TEST

START_TEST(a_bound_above_what_can_be_kept_is_refused)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.spare_memories = SHMFS_SPARES_MAX + 1;
	GIVES(-EINVAL, shmfs_open_new(&config, &fs));
}
END_TEST

START_TEST(objects_of_other_pages_take_and_leave_none)
{
	struct shmfs *fs = open_keeping(4);

	make_and_end(fs, SMALL);
	ck_assert_uint_eq(kept(fs), 1);
	id = new_object(fs, SHMFS_ROOT, "o");
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.huge", "1", 1, 0)));
	handle = open_object(fs, id, O_RDWR);
	resize(fs, id, SMALL);
	ck_assert_int_eq(outside->books.pages[node_get(fs, id)->object.fd], SHMFS_PAGES_HUGE);
	ck_assert_uint_eq(kept(fs), 1);
	end(fs);
	ck_assert_uint_eq(kept(fs), 1);
	close_checked(fs);
}
END_TEST

START_TEST(memory_that_somebody_has_still_is_not_kept)
{
	struct shmfs *fs = open_keeping(4);

	make(fs, SMALL);
	outside->in_use = true;
	end(fs);
	outside->in_use = false;
	ck_assert_uint_eq(kept(fs), 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

/* Whoever had it knows it by a descriptor, and may have kept a way to it that does not count. */
START_TEST(memory_that_was_handed_out_is_not_kept)
{
	struct shmfs *fs = open_keeping(4);
	uint64_t pin;

	make(fs, SMALL);
	GIVES(0, TX(fs, shmfs_pin(fs, id, &(struct shmfs_part){0, SMALL, true}, 1, &pin)));
	TX_VOID(fs, shmfs_unpin(fs, pin));
	end(fs);
	ck_assert_uint_eq(kept(fs), 0);
	close_checked(fs);
}
END_TEST

START_TEST(sealed_memory_is_not_kept)
{
	struct shmfs *fs = open_keeping(4);

	make(fs, SMALL);
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.seals", "shrink", 6, 0)));
	end(fs);
	ck_assert_uint_eq(kept(fs), 0);
	close_checked(fs);
}
END_TEST

START_TEST(large_memory_is_not_kept)
{
	struct shmfs *fs = open_keeping(4);

	make_and_end(fs, 512 * 1024);
	ck_assert_uint_eq(kept(fs), 0);
	/* Nor is what was large at some time, and has a name since. */
	make(fs, 2 << 20);
	resize(fs, id, SMALL);
	end(fs);
	ck_assert_uint_eq(kept(fs), 0);
	close_checked(fs);
}
END_TEST

/* One that nobody ever opened has memory that is not registered. */
START_TEST(memory_without_a_backing_id_is_not_kept_where_others_have_one)
{
	struct shmfs *fs = open_keeping(4);

	id = new_object_of(fs, SHMFS_ROOT, "o", SMALL);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "o")));
	forget(fs, id, 1);
	ck_assert_uint_eq(kept(fs), 0);
	close_checked(fs);
}
END_TEST

START_TEST(an_empty_object_that_closes_leaves_its_memory_to_the_next)
{
	struct shmfs *fs = open_keeping(4);
	uint64_t first;

	make(fs, 0);
	release(fs, handle);
	ck_assert_uint_eq(kept(fs), 1);
	first = id;
	id = new_object(fs, SHMFS_ROOT, "p");
	handle = open_object(fs, id, O_RDWR);
	ck_assert_uint_eq(kept(fs), 0);
	resize(fs, first, SMALL);
	ck_assert_int_ne(node_get(fs, id)->object.fd, node_get(fs, first)->object.fd);
	close_checked(fs);
}
END_TEST

/* The system should have done it when the last object ended. */
START_TEST(what_was_not_emptied_is_emptied_before_it_is_given_out)
{
	struct shmfs *fs = open_keeping(4);

	make_and_end(fs, SMALL);
	check_every_transaction(false);
	/* As if that had failed. */
	ck_assert_int_eq(ftruncate(fs->super->spares.list[0].fd, SMALL), 0);
	ck_assert_int_eq(pwrite(fs->super->spares.list[0].fd, "secret", 6, 0), 6);
	id = new_object_of(fs, SHMFS_ROOT, "o", SMALL);
	handle = open_object(fs, id, O_RDWR);
	expect_bytes(fs, handle, '\0', SMALL, 0);
	check_every_transaction(true);
	close_checked(fs);
}
END_TEST

START_TEST(what_cannot_be_emptied_is_never_given_out)
{
	struct shmfs *fs = open_keeping(4);
	struct shmfs_attr attr;
	struct shmfs_opened opened;

	make_and_end(fs, SMALL);
	check_every_transaction(false);
	ck_assert_int_eq(pwrite(fs->super->spares.list[0].fd, "secret", 6, 0), 6);
	shmfs_begin(fs);
	/* The first call looks at it, the second one is to empty it. */
	outside_fail(2, EIO, false);
	GIVES(0, shmfs_create(fs, ALICE, SHMFS_ROOT, "o", 0600, O_RDWR, &attr, &opened));
	ck_assert_int_eq(outside->failed, OUTSIDE_TRUNCATE);
	outside_fail(0, 0, false);
	shmfs_commit(fs);
	ck_assert_uint_eq(kept(fs), 1);
	resize(fs, attr.id, SMALL);
	expect_bytes(fs, opened.handle, '\0', SMALL, 0);
	ck_assert_int_eq(ftruncate(fs->super->spares.list[0].fd, 0), 0);
	check_every_transaction(true);
	close_checked(fs);
}
END_TEST

START_TEST(where_descriptors_are_short_what_is_kept_closes_first)
{
	struct shmfs *fs = open_keeping(4);
	int end_before = fs->super->descriptors.end;

	make_and_end(fs, SMALL);
	ck_assert_uint_eq(kept(fs), 1);
	fs->super->descriptors.end = fs->super->descriptors.fresh;
	TX_VOID(fs, (void)0);
	ck_assert_uint_eq(kept(fs), 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_uint_eq(outside->books.backings, 0);
	fs->super->descriptors.end = end_before;
	close_checked(fs);
}
END_TEST

START_TEST(what_is_kept_outlives_the_process)
{
	struct shmfs *fs = open_keeping(4);

	make_and_end(fs, SMALL);
	fs = take_up(fs);
	ck_assert_uint_eq(kept(fs), 1);
	make(fs, SMALL);
	ck_assert_uint_eq(kept(fs), 0);
	end(fs);
	close_checked(fs);
}
END_TEST

Suite *spare_memory_suite(void)
{
	Suite *suite = suite_create("spare_memory");
	TCase *tests = harness_case(suite, "spare_memory");

	tcase_add_test(
	    tests, the_next_object_has_the_memory_and_the_backing_id_of_the_last_and_sees_zeros);
	tcase_add_test(tests, an_object_has_its_own_times_whoever_had_its_memory);
	tcase_add_test(tests, no_more_are_kept_than_was_said);
	tcase_add_test(tests, a_bound_above_what_can_be_kept_is_refused);
	tcase_add_test(tests, objects_of_other_pages_take_and_leave_none);
	tcase_add_test(tests, memory_that_somebody_has_still_is_not_kept);
	tcase_add_test(tests, memory_that_was_handed_out_is_not_kept);
	tcase_add_test(tests, sealed_memory_is_not_kept);
	tcase_add_test(tests, large_memory_is_not_kept);
	tcase_add_test(tests, memory_without_a_backing_id_is_not_kept_where_others_have_one);
	tcase_add_test(tests, an_empty_object_that_closes_leaves_its_memory_to_the_next);
	tcase_add_test(tests, what_was_not_emptied_is_emptied_before_it_is_given_out);
	tcase_add_test(tests, what_cannot_be_emptied_is_never_given_out);
	tcase_add_test(tests, where_descriptors_are_short_what_is_kept_closes_first);
	tcase_add_test(tests, what_is_kept_outlives_the_process);
	return suite;
}

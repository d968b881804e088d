/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects whose names went by themselves, and that the caller knows still. */
#include <fcntl.h>
#include <stdio.h>

#include "harness.h"
#include "suites.h"

static const struct shmfs_subject anybody = {.exempt = true};
static struct shmfs *fs;
static struct shmfs_attr attr;
static struct shmfs_removal removal;

static void begin_expiring(void)
{
	struct shmfs_config config = small_config();

	config.lifetime_patterns = "x-*";
	fs = open_with(config);
}

static int64_t expire(void)
{
	uint64_t from = 0;

	return TX(fs, shmfs_expire(fs, &from, 100, &removal));
}

static int64_t try_size(uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

/* The kernel did not ask for the removal, and knows the object until it is told. */
START_TEST(what_expires_lingers_until_the_caller_forgets_it)
{
	uint64_t id, handle;

	begin_expiring();
	id = new_object_of(fs, SHMFS_ROOT, "x-1", 5000);
	GIVES(1, expire());
	ck_assert_str_eq(removal.name, "x-1");
	ck_assert(removal.lingers);
	fs = take_up(fs);
	for (int i = 0; i < 2; i++) {
		GIVES(1, expire());
		ck_assert_uint_eq(removal.id, id);
		ck_assert_str_eq(removal.name, "");
		ck_assert(removal.lingers);
		ck_assert_uint_eq(usage(fs).used_pages, PAGES(5000));
	}
	/* Who has a way to it may use it. */
	handle = open_object(fs, id, O_RDWR);
	GIVES(0, expire());
	write_bytes(fs, handle, 'x', 10, 0);
	release(fs, handle);
	GIVES(1, expire());
	forget(fs, id, 1);
	ck_assert(!exists(fs, id));
	GIVES(0, expire());
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	close_checked(fs);
}
END_TEST

START_TEST(what_is_reaped_lingers_and_what_is_unlinked_does_not)
{
	uint64_t id;

	begin_expiring();
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	GIVES(0, TX(fs, shmfs_reap(fs, &anybody, id, &removal)));
	ck_assert(!removal.lingers);
	GIVES(0, TX(fs, shmfs_reap(fs, &anybody, id, &removal)));
	ck_assert(removal.lingers);
	GIVES(1, expire());
	forget(fs, id, 2);
	id = new_object(fs, SHMFS_ROOT, "x-1");
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "x-1")));
	GIVES(0, expire());
	ck_assert(exists(fs, id));
	close_checked(fs);
}
END_TEST

/* One step looks at each once, also at those that linger. */
START_TEST(those_that_linger_do_not_keep_others_from_their_turn)
{
	uint64_t from = 0;
	unsigned named = 0, lingering = 0;
	char name[16];

	begin_expiring();
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "x-%d", i);
		(void)new_object(fs, SHMFS_ROOT, name);
	}
	for (int i = 0; i < 5; i++)
		GIVES(1, TX(fs, shmfs_expire(fs, &from, 100, &removal)));
	from = 0;
	(void)new_object(fs, SHMFS_ROOT, "x-last");
	while (TX(fs, shmfs_expire(fs, &from, 100, &removal)) > 0) {
		named += removal.name[0] != '\0';
		lingering += removal.name[0] == '\0';
		ck_assert_uint_le(lingering, 5);
	}
	ck_assert_uint_eq(named, 1);
	ck_assert_uint_eq(lingering, 5);
	close_checked(fs);
}
END_TEST

/* Where the kernel cannot be told, the memory ends, and the node stays charged. */
START_TEST(the_memory_of_what_lingers_can_be_ended)
{
	struct shmfs_opened opened;
	uint64_t id, handle;

	begin_expiring();
	id = new_object_of(fs, SHMFS_ROOT, "x-1", 5000);
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.a", "x", 1, 0)));
	TX_VOID(fs, shmfs_end_memory(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(5000) + 1);
	GIVES(1, expire());
	handle = open_object(fs, id, O_RDWR);
	TX_VOID(fs, shmfs_end_memory(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(5000) + 1);
	release(fs, handle);
	for (int i = 0; i < 2; i++) {
		TX_VOID(fs, shmfs_end_memory(fs, id));
		ck_assert_uint_eq(usage(fs).used_pages, 0);
		ck_assert_uint_eq(usage(fs).used_nodes, 2);
		ck_assert_uint_eq(outside->books.memories, 0);
		check_namespace(fs);
	}
	GIVES(-ESTALE, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR, &opened)));
	GIVES(-ESTALE, try_size(id, 1));
	GIVES(-ESTALE, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.a", "x", 1, 0)));
	GIVES(-ENOENT, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	GIVES(0, expire());
	forget(fs, id, 1);
	ck_assert(!exists(fs, id));
	ck_assert_uint_eq(usage(fs).used_nodes, 1);
	close_checked(fs);
}
END_TEST

Suite *lingering_suite(void)
{
	Suite *suite = suite_create("lingering");
	TCase *tests = harness_case(suite, "lingering");

	tcase_add_test(tests, what_expires_lingers_until_the_caller_forgets_it);
	tcase_add_test(tests, what_is_reaped_lingers_and_what_is_unlinked_does_not);
	tcase_add_test(tests, those_that_linger_do_not_keep_others_from_their_turn);
	tcase_add_test(tests, the_memory_of_what_lingers_can_be_ended);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages and slots: what is handed out, given back, undone and returned to the system. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/storage/arena.h"
#include "harness.h"
#include "random.h"
#include "snapshot.h"
#include "suites.h"

static struct arena *arena;
static int arena_fd;

/* Bytes that the kernel holds for the arena. */
static uint64_t resident(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(arena_fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void begin(size_t size)
{
	GIVES(0, arena_create(false, size, PAGE, &arena_fd, &arena));
}

static void end(void)
{
	REQUIRE_SAME(0, arena_verify(arena, NULL, NULL));
	arena_unmap(arena);
	close(arena_fd);
}

static void commit(void)
{
	txn_commit(&arena->txn, outside_os());
	REQUIRE_SAME(0, arena_verify(arena, NULL, NULL));
}

static void rollback(void)
{
	txn_rollback(&arena->txn, outside_os());
	REQUIRE_SAME(0, arena_verify(arena, NULL, NULL));
}

static void *alloc_committed(size_t size)
{
	void *memory;

	txn_begin(&arena->txn);
	memory = arena_alloc(arena, size);
	if (memory != NULL)
		commit();
	else
		rollback();
	return memory;
}

static void free_committed(void *memory)
{
	txn_begin(&arena->txn);
	arena_free(arena, memory);
	commit();
}

static void expect_all(const void *memory, int byte, size_t size)
{
	const unsigned char *bytes = memory;

	for (size_t i = 0; i < size; i++)
		REQUIRE(bytes[i] == byte, "byte %zu of %zu: expected 0x%02x, got 0x%02x", i, size,
		    (unsigned)byte, bytes[i]);
}

START_TEST(memory_is_zero_aligned_and_inside)
{
	begin(64 << 20);
	for (size_t size = 1; size <= ARENA_PAGE_SIZE; size++) {
		unsigned char *memory = alloc_committed(size);

		ck_assert_ptr_nonnull(memory);
		ck_assert_uint_eq((uintptr_t)memory % 16, 0);
		ck_assert(memory >= arena->pages &&
			  memory + size <= (unsigned char *)arena + arena->size);
		expect_all(memory, 0, size);
		memset(memory, 0xff, size);
	}
	end();
}
END_TEST

START_TEST(memory_that_was_used_is_zero_again)
{
	static const size_t sizes[] = {1, 32, 33, 100, 144, 300, 1008, 2016, 2017, 4096};

	begin(1 << 20);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int again = 0; again < 3; again++) {
			void *memory = alloc_committed(sizes[i]);

			expect_all(memory, 0, sizes[i]);
			memset(memory, 0xee, sizes[i]);
			free_committed(memory);
		}
	}
	ck_assert_uint_eq(arena_used(arena), 0);
	end();
}
END_TEST

START_TEST(slots_and_pages_do_not_overlap)
{
	enum { COUNT = 3000 };
	static unsigned char *memory[COUNT];
	struct random random = random_begin("slots_and_pages_do_not_overlap");
	static size_t size[COUNT];

	begin(16 << 20);
	for (int i = 0; i < COUNT; i++) {
		size[i] = 1 + random_below(&random, random_percent(&random, 5) ? 4096 : 500);
		memory[i] = alloc_committed(size[i]);
		ck_assert_ptr_nonnull(memory[i]);
		memset(memory[i], i & 0xff, size[i]);
	}
	for (int i = 0; i < COUNT; i++)
		expect_all(memory[i], i & 0xff, size[i]);
	for (int i = 0; i < COUNT; i++)
		free_committed(memory[i]);
	ck_assert_uint_eq(arena_used(arena), 0);
	end();
}
END_TEST

START_TEST(pages_given_back_serve_other_sizes)
{
	enum { COUNT = 400 };
	void *memory[COUNT];
	uint64_t fresh;

	begin(4 << 20);
	for (int i = 0; i < COUNT; i++)
		memory[i] = alloc_committed(144);
	fresh = arena->page_fresh;
	for (int i = 0; i < COUNT; i++)
		free_committed(memory[i]);
	ck_assert_uint_eq(arena_used(arena), 0);
	for (uint64_t i = 0; i < fresh; i++)
		memory[i] = alloc_committed(i % 2 == 0 ? 4096 : 1500);
	ck_assert_uint_le(arena->page_fresh, fresh);
	for (uint64_t i = 0; i < fresh; i++)
		free_committed(memory[i]);
	end();
}
END_TEST

/* Takes what there is of one size, in one transaction each. */
static unsigned exhaust(size_t size, void **memory, unsigned max)
{
	unsigned count = 0;

	while (count < max && (memory[count] = alloc_committed(size)) != NULL)
		count++;
	ck_assert_uint_lt(count, max);
	return count;
}

START_TEST(a_full_arena_gives_null_and_can_be_emptied)
{
	static void *memory[20000];
	static const size_t sizes[] = {4096, 2000, 300, 20, 4096};

	begin(600 << 10);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		unsigned count = exhaust(sizes[i], memory, 20000);

		ck_assert_uint_eq(arena_used(arena), arena->page_count * (uint64_t)ARENA_PAGE_SIZE);
		for (unsigned j = 0; j < count; j++)
			free_committed(memory[j]);
		ck_assert_uint_eq(arena_used(arena), 0);
		for (unsigned j = 0; j < 50; j++)
			arena_trim(arena);
	}
	end();
}
END_TEST

START_TEST(running_full_within_a_transaction_can_be_undone)
{
	static const size_t sizes[] = {4096, 2016, 144, 32};
	static void *memory[20000];
	struct snapshot *before;
	unsigned count;

	begin(600 << 10);
	count = exhaust(4096, memory, 20000);
	for (unsigned i = 0; i < 10; i++)
		free_committed(memory[count - 1 - i]);
	before = snapshot_take(arena);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		unsigned got = 0;
		void *slot;

		txn_begin(&arena->txn);
		while (got < 1200 && (slot = arena_alloc(arena, sizes[i])) != NULL) {
			memset(slot, 0x77, sizes[i]);
			got++;
		}
		ck_assert_uint_ge(got, 10);
		rollback();
		snapshot_expect(before, arena, "running full");
	}
	snapshot_free(before);
	end();
}
END_TEST

/* Slots of two sizes, freed and allocated within one transaction, then all of it undone. */
START_TEST(freeing_and_allocating_can_be_undone)
{
	struct random random = random_begin("freeing_and_allocating_can_be_undone");
	enum { COUNT = 200 };
	void *memory[COUNT];

	begin(2 << 20);
	for (int i = 0; i < COUNT; i++)
		memory[i] = alloc_committed(1 + random_below(&random, 1200));
	for (unsigned round = 0; round < random_steps(300 / slowness()); round++) {
		struct snapshot *before = snapshot_take(arena);
		void *inside[40];
		unsigned first = random_below(&random, COUNT - 40);

		txn_begin(&arena->txn);
		for (unsigned i = 0; i < 40; i++) {
			arena_free(arena, memory[first + i]);
			inside[i] = arena_alloc(arena, 1 + random_below(&random, 1200));
			memset(inside[i], 0x55, 1);
			if (random_percent(&random, 30))
				arena_free(arena, inside[i]);
		}
		rollback();
		snapshot_expect(before, arena, "freeing and allocating");
		snapshot_free(before);
	}
	end();
}
END_TEST

/* qemu-user takes MADV_REMOVE for advice that need not be followed. */
static bool memory_goes(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	char *memory = MAP_FAILED;
	bool goes;

	if (fd >= 0 && ftruncate(fd, (off_t)PAGE) == 0)
		memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	*memory = 1;
	goes = madvise(memory, PAGE, MADV_REMOVE) == 0 && *memory == 0;
	munmap(memory, PAGE);
	close(fd);
	if (!goes)
		printf("skip: madvise(MADV_REMOVE) does nothing here\n");
	return goes;
}

START_TEST(trim_gives_memory_back_but_keeps_some)
{
	enum { COUNT = 3000, KEPT = 256 };
	static void *memory[COUNT];
	uint64_t empty;

	if (!memory_goes())
		return;
	begin(32 << 20);
	empty = resident();
	for (int i = 0; i < COUNT; i++)
		memory[i] = alloc_committed(ARENA_PAGE_SIZE);
	ck_assert_uint_ge(resident(), (uint64_t)COUNT * ARENA_PAGE_SIZE);
	for (int i = 0; i < COUNT; i++) {
		free_committed(memory[i]);
		arena_trim(arena);
		REQUIRE_SAME(0, arena_verify(arena, NULL, NULL));
	}
	/* The log and the stack of free pages stay as well. */
	ck_assert_uint_le(resident(), empty + TXN_LOG_SIZE + (KEPT + 8) * ARENA_PAGE_SIZE);
	ck_assert_uint_ge(resident(), (uint64_t)(KEPT - 1) * ARENA_PAGE_SIZE);
	/* All of it can be had again. */
	for (int i = 0; i < COUNT; i++) {
		memory[i] = alloc_committed(ARENA_PAGE_SIZE);
		ck_assert_ptr_nonnull(memory[i]);
		expect_all(memory[i], 0, ARENA_PAGE_SIZE);
	}
	ck_assert_uint_eq(arena->page_fresh, COUNT);
	ck_assert_uint_eq(arena->free_released, 0);
	end();
}
END_TEST

START_TEST(trim_frees_a_bounded_number_of_pages_at_once)
{
	enum { COUNT = 1000 };
	static void *memory[COUNT];
	uint64_t released;

	begin(16 << 20);
	for (int i = 0; i < COUNT; i++)
		memory[i] = alloc_committed(ARENA_PAGE_SIZE);
	for (int i = 0; i < COUNT; i++)
		free_committed(memory[i]);
	released = arena->free_released;
	ck_assert_uint_eq(released, 0);
	arena_trim(arena);
	ck_assert_uint_gt(arena->free_released, 0);
	ck_assert_uint_le(arena->free_released, 32);
	end();
}
END_TEST

START_TEST(taking_pages_from_the_trimmed_part_can_be_undone)
{
	enum { COUNT = 400 };
	static void *memory[COUNT];
	struct snapshot *before;

	begin(8 << 20);
	for (int i = 0; i < COUNT; i++)
		memory[i] = alloc_committed(ARENA_PAGE_SIZE);
	for (int i = 0; i < COUNT; i++)
		free_committed(memory[i]);
	for (int i = 0; i < 20; i++)
		arena_trim(arena);
	for (int i = 0; i < 250; i++)
		memory[i] = alloc_committed(ARENA_PAGE_SIZE);
	ck_assert_uint_gt(arena->free_released, 50);
	before = snapshot_take(arena);
	txn_begin(&arena->txn);
	for (int i = 0; i < 50; i++)
		memset(arena_alloc(arena, ARENA_PAGE_SIZE), 0x33, ARENA_PAGE_SIZE);
	rollback();
	snapshot_expect(before, arena, "taking trimmed pages");
	snapshot_free(before);
	end();
}
END_TEST

/* Random allocations with random contents; what was rolled back never happened. */
START_TEST(contents_survive_random_use)
{
	enum { COUNT = 500 };
	struct random random = random_begin("contents_survive_random_use");
	static struct {
		unsigned char *memory;
		size_t size;
		int byte;
	} live[COUNT];
	unsigned count = 0;

	begin(8 << 20);
	for (unsigned step = 0; step < random_steps(20000 / slowness()); step++) {
		bool undo = random_percent(&random, 30);
		size_t size = 1 + random_below(&random, random_percent(&random, 3) ? 4096 : 400);
		unsigned which = count > 0 ? random_below(&random, count) : 0;

		txn_begin(&arena->txn);
		if (count < COUNT && (count == 0 || random_percent(&random, 52))) {
			unsigned char *memory = arena_alloc(arena, size);

			memset(memory, (int)step & 0xff, size);
			if (!undo) {
				live[count].memory = memory;
				live[count].size = size;
				live[count++].byte = (int)step & 0xff;
			}
		} else {
			expect_all(live[which].memory, live[which].byte, live[which].size);
			arena_free(arena, live[which].memory);
			if (!undo)
				live[which] = live[--count];
		}
		if (undo)
			rollback();
		else
			commit();
		arena_trim(arena);
	}
	for (unsigned i = 0; i < count; i++) {
		expect_all(live[i].memory, live[i].byte, live[i].size);
		free_committed(live[i].memory);
	}
	ck_assert_uint_eq(arena_used(arena), 0);
	end();
}
END_TEST

START_TEST(an_arena_that_is_too_small_is_refused)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 8192, 256 << 10, (256 << 10) + 4096};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		GIVES(-EINVAL, arena_create(false, sizes[i], PAGE, &arena_fd, &arena));
}
END_TEST

/* Moves on as a namespace that does nothing else. */
static void trim(void)
{
	for (int i = 0; i < 200; i++)
		arena_trim(arena);
}

START_TEST(a_larger_page_of_the_system_goes_with_the_last_of_those_in_it)
{
	enum { COUNT = 1024, HOT = 300, LARGE = 65536 };
	static void *memory[COUNT + HOT];
	uint64_t all;

	if (!memory_goes())
		return;
	GIVES(0, arena_create(false, 16 << 20, LARGE, &arena_fd, &arena));
	for (int i = 0; i < COUNT + HOT; i++)
		memory[i] = alloc_committed(ARENA_PAGE_SIZE);
	all = resident();
	/* One of each stays in use. */
	for (int i = 0; i < COUNT; i++) {
		if (((uintptr_t)memory[i] - (uintptr_t)arena) % LARGE != 0) {
			free_committed(memory[i]);
			memory[i] = NULL;
		}
	}
	trim();
	ck_assert_uint_ge(resident(), all);
	/* The last that were freed keep their memory. */
	for (int i = 0; i < COUNT + HOT; i++) {
		if (memory[i] != NULL)
			free_committed(memory[i]);
	}
	trim();
	ck_assert_uint_le(resident(), all - (COUNT - 16) * ARENA_PAGE_SIZE);
	ck_assert_uint_ge(resident(), 256 * ARENA_PAGE_SIZE);
	end();
}
END_TEST

/* Sanitizers have things at some of them. */
START_TEST(a_fixed_address_that_is_taken_is_passed_over_until_there_is_none)
{
	const size_t size = 8 << 20;
	uintptr_t base[4] = {0};
	int rc, found = 0;

	while ((rc = arena_create(true, size, PAGE, &arena_fd, &arena)) == 0) {
		ck_assert_int_lt(found, 3);
		base[found] = (uintptr_t)arena;
		ck_assert_int_eq(fcntl(arena_fd, F_GETFD), FD_CLOEXEC);
		end();
		/* The last page of it is enough. */
		ck_assert_ptr_ne(mmap((void *)(base[found++] + size - PAGE), PAGE, PROT_READ,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
		    MAP_FAILED);
	}
	GIVES(-EEXIST, rc);
	/* As many as fit into the address space. */
	ck_assert_int_ge(found, slowness() == 1 && base[0] >> 40 != 0 ? 3 : 1);
	for (int i = 1; i < found; i++)
		ck_assert_uint_lt(base[i], base[i - 1]);
}
END_TEST

Suite *arena_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tests = harness_case(suite, "arena");

	tcase_add_test(tests, memory_is_zero_aligned_and_inside);
	tcase_add_test(tests, memory_that_was_used_is_zero_again);
	tcase_add_test(tests, slots_and_pages_do_not_overlap);
	tcase_add_test(tests, pages_given_back_serve_other_sizes);
	tcase_add_test(tests, a_full_arena_gives_null_and_can_be_emptied);
	tcase_add_test(tests, running_full_within_a_transaction_can_be_undone);
	tcase_add_test(tests, freeing_and_allocating_can_be_undone);
	tcase_add_test(tests, trim_gives_memory_back_but_keeps_some);
	tcase_add_test(tests, trim_frees_a_bounded_number_of_pages_at_once);
	tcase_add_test(tests, taking_pages_from_the_trimmed_part_can_be_undone);
	tcase_add_test(tests, contents_survive_random_use);
	tcase_add_test(tests, an_arena_that_is_too_small_is_refused);
	tcase_add_test(tests, a_larger_page_of_the_system_goes_with_the_last_of_those_in_it);
	tcase_add_test(tests, a_fixed_address_that_is_taken_is_passed_over_until_there_is_none);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* FALLOCATE and LSEEK. */
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "requests.h"
#include "suites.h"
#include "test_memory.h"

#define KEEP FALLOC_FL_KEEP_SIZE
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ZERO FALLOC_FL_ZERO_RANGE

static const uint32_t modes[] = {0, KEEP, PUNCH, ZERO, ZERO | KEEP};

static struct file sized_file(struct wire *w, uint64_t size)
{
	return open_file(w, new_object_of(w, ROOT, "a", size), O_RDWR);
}

/* Every byte of the object is 'f'. */
static struct file filled_file(struct wire *w, uint64_t size)
{
	struct file file = sized_file(w, size);
	char data[16384];

	memset(data, 'f', sizeof data);
	for (uint64_t at = 0; at < size; at += sizeof data) {
		size_t some = size - at < sizeof data ? (size_t)(size - at) : sizeof data;

		GIVES(0, ask_write(w, file, data, some, at));
		ck_assert_uint_eq(written_of(w), some);
	}
	return file;
}

START_TEST(mode_0_extends_and_charges_and_touches_no_page)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 0);

	GIVES(0, ask_fallocate(w, file, 0, 100, 9000));
	ck_assert_uint_eq(reply_body_size(w), 0);
	ck_assert_uint_eq(attributes(w, file.id).size, 9100);
	ck_assert_uint_eq(attributes(w, file.id).blocks, 0);
	ck_assert_uint_eq(usage(w).used_pages, PAGES(9100));
	GIVES(0, ask_fallocate(w, file, 0, 0, 50));
	ck_assert_uint_eq(attributes(w, file.id).size, 9100);
	wire_close(w);
}
END_TEST

START_TEST(keep_size_keeps_it)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 100);

	GIVES(0, ask_fallocate(w, file, KEEP, 0, 100000));
	GIVES(0, ask_fallocate(w, file, PUNCH, 0, 100000));
	GIVES(0, ask_fallocate(w, file, PUNCH, 5000, 1));
	GIVES(0, ask_fallocate(w, file, ZERO | KEEP, 50, 100000));
	ck_assert_uint_eq(attributes(w, file.id).size, 100);
	ck_assert_uint_eq(usage(w).used_pages, 1);
	wire_close(w);
}
END_TEST

START_TEST(holes_are_punched_to_the_byte)
{
	struct wire *w = wire_open();
	struct file file = filled_file(w, 4 * SYSTEM_PAGE);
	uint32_t length = 2 * SYSTEM_PAGE + 8;

	GIVES(0, ask_fallocate(w, file, PUNCH, 100, length));
	expect_bytes(w, file, 'f', 100, 0);
	expect_bytes(w, file, 0, length, 100);
	expect_bytes(w, file, 'f', 4 * SYSTEM_PAGE - length - 100, 100 + length);
	ck_assert_uint_eq(attributes(w, file.id).blocks, 3 * SYSTEM_PAGE / 512);
	wire_close(w);
}
END_TEST

START_TEST(zero_range_zeroes_and_extends)
{
	struct wire *w = wire_open();
	struct file file = filled_file(w, 5000);

	GIVES(0, ask_fallocate(w, file, ZERO, 4999, 4096));
	ck_assert_uint_eq(attributes(w, file.id).size, 9095);
	expect_bytes(w, file, 'f', 4999, 0);
	expect_bytes(w, file, 0, 4096, 4999);
	wire_close(w);
}
END_TEST

START_TEST(other_modes_are_eopnotsupp)
{
	static const uint32_t others[] = {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
	    FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE, FALLOC_FL_UNSHARE_RANGE | KEEP,
	    PUNCH | ZERO, FALLOC_FL_NO_HIDE_STALE, 0x80, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();
	struct file file = filled_file(w, 100);

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		GIVES(-EOPNOTSUPP, ask_fallocate(w, file, others[i], 0, 10));
	expect_bytes(w, file, 'f', 100, 0);
	wire_close(w);
}
END_TEST

START_TEST(allocation_of_nothing_is_einval)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 100);

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		GIVES(-EINVAL, ask_fallocate(w, file, modes[i], 0, 0));
		GIVES(-EINVAL, ask_fallocate(w, file, modes[i], UINT64_MAX, 0));
	}
	wire_close(w);
}
END_TEST

START_TEST(an_end_beyond_any_file_is_efbig)
{
	static const struct {
		uint64_t offset, length;
	} ranges[] = {
	    {0, UINT64_C(1) << 63},
	    {0, UINT64_MAX},
	    {1, INT64_MAX},
	    {INT64_MAX, 1},
	    {UINT64_C(1) << 63, 1},
	    {UINT64_MAX, 1},
	    {UINT64_MAX, UINT64_MAX},
	    {UINT64_C(1) << 63, UINT64_C(1) << 63},
	};
	struct wire *w = wire_open();
	struct file file = filled_file(w, 100);

	for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
		for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
			GIVES(-EFBIG,
			    ask_fallocate(w, file, modes[m], ranges[i].offset, ranges[i].length));
	}
	expect_bytes(w, file, 'f', 100, 0);
	ck_assert_uint_eq(attributes(w, file.id).size, 100);
	wire_close(w);
}
END_TEST

START_TEST(the_largest_allocation_works_without_a_limit)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 100);

	GIVES(0, ask_fallocate(w, file, PUNCH, 0, INT64_MAX));
	GIVES(0, ask_fallocate(w, file, 0, UINT64_C(1) << 32, 1));
	GIVES(0, ask_fallocate(w, file, 0, 0, INT64_MAX));
	ck_assert_uint_eq(attributes(w, file.id).size, INT64_MAX);
	GIVES(0, ask_resize(w, file.id, 0));
	wire_close(w);
}
END_TEST

START_TEST(allocation_past_the_limit_is_enospc_and_changes_nothing)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	struct file file;

	config.size_limit = 4 * PAGE;
	w = wire_open_with(TIER_CACHED, config);
	file = filled_file(w, 4096);
	GIVES(-ENOSPC, ask_fallocate(w, file, 0, 0, 4 * PAGE + 1));
	GIVES(-ENOSPC, ask_fallocate(w, file, 0, UINT64_C(1) << 31, 1));
	GIVES(-ENOSPC, ask_fallocate(w, file, ZERO, 0, INT64_MAX));
	expect_bytes(w, file, 'f', 4096, 0);
	ck_assert_uint_eq(attributes(w, file.id).size, 4096);
	GIVES(0, ask_fallocate(w, file, KEEP, 0, INT64_MAX));
	GIVES(0, ask_fallocate(w, file, 0, 0, 4 * PAGE));
	wire_close(w);
}
END_TEST

START_TEST(allocation_without_a_descriptor_is_enfile)
{
	struct shmfs_config config = wire_config();
	struct wire *w;

	config.descriptor_limit = 1;
	w = wire_open_with(TIER_CACHED, config);
	GIVES(-ENFILE, ask_fallocate(w, sized_file(w, 0), 0, 0, 1));
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

START_TEST(allocating_needs_a_handle_that_writes)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 100), O_RDONLY);

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		GIVES(-EBADF, ask_fallocate(w, file, modes[i], 0, 1));
	wire_close(w);
}
END_TEST

/* --- LSEEK ------------------------------------------------------------------------------------ */

static void expect_found(struct wire *w, struct file file, uint64_t from, int whence, uint64_t want)
{
	GIVES(0, ask_lseek(w, file, from, (uint32_t)whence));
	ck_assert_uint_eq(offset_of(w), want);
}

START_TEST(lseek_finds_data_and_holes)
{
	test_memory_is_small();

	struct wire *w = wire_open();
	struct file file = sized_file(w, 4 * SYSTEM_PAGE);

	GIVES(0, ask_write(w, file, "x", 1, 2 * SYSTEM_PAGE + 8));
	expect_found(w, file, 0, SEEK_DATA, 2 * SYSTEM_PAGE);
	expect_found(w, file, 0, SEEK_HOLE, 0);
	expect_found(w, file, 2 * SYSTEM_PAGE, SEEK_HOLE, 3 * SYSTEM_PAGE);
	expect_found(w, file, 2 * SYSTEM_PAGE + 108, SEEK_DATA, 2 * SYSTEM_PAGE + 108);
	expect_found(w, file, 4 * SYSTEM_PAGE - 1, SEEK_HOLE, 4 * SYSTEM_PAGE - 1);
	GIVES(-ENXIO, ask_lseek(w, file, 3 * SYSTEM_PAGE, SEEK_DATA));
	wire_close(w);
}
END_TEST

START_TEST(the_end_of_an_object_is_a_hole)
{
	struct wire *w = wire_open();
	struct file file = filled_file(w, 5000);

	expect_found(w, file, 0, SEEK_HOLE, 5000);
	expect_found(w, file, 4999, SEEK_HOLE, 5000);
	wire_close(w);
}
END_TEST

START_TEST(lseek_at_the_end_and_beyond_is_enxio)
{
	static const uint64_t past[] = {
	    100, 101, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
	struct wire *w = wire_open();
	struct file file = filled_file(w, 100);

	for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
		GIVES(-ENXIO, ask_lseek(w, file, past[i], SEEK_DATA));
		GIVES(-ENXIO, ask_lseek(w, file, past[i], SEEK_HOLE));
	}
	GIVES(0, ask_resize(w, file.id, 0));
	GIVES(-ENXIO, ask_lseek(w, file, 0, SEEK_DATA));
	GIVES(-ENXIO, ask_lseek(w, file, 0, SEEK_HOLE));
	wire_close(w);
}
END_TEST

START_TEST(other_ways_to_seek_are_einval)
{
	static const uint32_t others[] = {SEEK_SET, SEEK_CUR, SEEK_END, 5, UINT32_MAX};
	struct wire *w = wire_open();
	struct file file = filled_file(w, 100);

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		GIVES(-EINVAL, ask_lseek(w, file, 0, others[i]));
	wire_close(w);
}
END_TEST

START_TEST(lseek_works_on_any_handle)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);

	expect_found(w, open_file(w, id, O_RDONLY), 0, SEEK_HOLE, 0);
	expect_found(w, open_file(w, id, O_WRONLY), 0, SEEK_HOLE, 0);
	wire_close(w);
}
END_TEST

Suite *allocate_suite(void)
{
	const TTest *const tests[] = {
	    mode_0_extends_and_charges_and_touches_no_page,
	    keep_size_keeps_it,
	    holes_are_punched_to_the_byte,
	    zero_range_zeroes_and_extends,
	    other_modes_are_eopnotsupp,
	    allocation_of_nothing_is_einval,
	    an_end_beyond_any_file_is_efbig,
	    the_largest_allocation_works_without_a_limit,
	    allocation_past_the_limit_is_enospc_and_changes_nothing,
	    allocation_without_a_descriptor_is_enfile,
	    allocating_needs_a_handle_that_writes,
	    lseek_finds_data_and_holes,
	    the_end_of_an_object_is_a_hole,
	    lseek_at_the_end_and_beyond_is_enxio,
	    other_ways_to_seek_are_einval,
	    lseek_works_on_any_handle,
	};

	return suite_of("allocate", tests, sizeof tests / sizeof tests[0]);
}

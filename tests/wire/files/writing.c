/* SPDX-License-Identifier: BSD-2-Clause */
/* WRITE: what is written, what is refused, and what write-back leaves. */
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "suites.h"

static const struct timespec later = {1000000100, 456};

START_TEST(write_across_the_end_is_short)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 10);

	w->outside->now = later;
	expect_written(w, file, 4, 6, "abcdefgh", 8);
	GIVES(0, ask_read(w, file, 100, 0));
	ck_assert_mem_eq(reply_body(w, 10), "\0\0\0\0\0\0abcd", 10);
	ck_assert_uint_eq(attributes(w, file.id).size, 10);
	ck_assert_uint_eq(attributes(w, file.id).mtime, (uint64_t)later.tv_sec);
	ck_assert_uint_eq(attributes(w, file.id).ctime, (uint64_t)later.tv_sec);
	wire_close(w);
}
END_TEST

START_TEST(a_write_by_anybody_but_root_takes_set_id_bits_away)
{
	static const struct {
		uint32_t uid;
		mode_t before, after;
	} cases[] = {
	    {1000, 06775, 0775}, {1000, 06765, 02765}, {1000, 04755, 0755}, {0, 06775, 06775}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire *w = wire_open();
		struct file file;

		GIVES(0, ask_create(w, ROOT, "a", cases[i].before, O_RDWR));
		file = (struct file){created_of(w)->entry.nodeid, created_of(w)->open.fh};
		GIVES(0, ask_resize(w, file.id, 10));
		w->uid = cases[i].uid;
		GIVES(-EFBIG, ask_write(w, file, "x", 1, 10));
		ck_assert_uint_eq(attributes(w, file.id).mode, S_IFREG | cases[i].before);
		expect_written(w, file, 1, 0, "x", 1);
		ck_assert_uint_eq(attributes(w, file.id).mode, S_IFREG | cases[i].after);
		wire_close(w);
	}
}
END_TEST

START_TEST(write_with_no_room_is_efbig)
{
	static const uint64_t past[] = {10, 11, INT32_MAX, UINT64_C(1) << 31, UINT32_MAX,
	    UINT64_C(1) << 32, INT64_MAX - 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 10);
	struct fuse_attr before = attributes(w, file.id), after;

	w->outside->now = later;
	for (size_t i = 0; i < sizeof past / sizeof past[0]; i++)
		GIVES(-EFBIG, ask_write(w, file, "x", 1, past[i]));
	after = attributes(w, file.id);
	ck_assert_mem_eq(&before, &after, sizeof before);
	wire_close(w);
}
END_TEST

START_TEST(write_of_nothing_is_0)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 0);

	expect_written(w, file, 0, 0, "", 0);
	expect_written(w, file, 0, UINT64_MAX, "", 0);
	wire_close(w);
}
END_TEST

START_TEST(write_extends_objects_that_grow)
{
	struct wire *w = wire_open();
	struct file file = create_file(w, "sem.a", O_RDWR);

	expect_written(w, file, 5, 100, "hello", 5);
	ck_assert_uint_eq(attributes(w, file.id).size, 105);
	ck_assert_uint_eq(usage(w).used_pages, 1);
	expect_written(w, file, 1, INT64_MAX - 1, "xy", 2);
	ck_assert_uint_eq(attributes(w, file.id).size, INT64_MAX);
	GIVES(-EFBIG, ask_write(w, file, "x", 1, INT64_MAX));
	GIVES(-EFBIG, ask_write(w, file, "x", 1, UINT64_C(1) << 63));
	GIVES(-EFBIG, ask_write(w, file, "x", 1, UINT64_MAX));
	wire_close(w);
}
END_TEST

START_TEST(growing_past_the_limit_is_enospc)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	struct file file;

	config.size_limit = 2 * PAGE;
	w = wire_open_with(TIER_CACHED, config);
	file = create_file(w, "tmp-a", O_RDWR);
	expect_written(w, file, 1, 2 * PAGE - 1, "x", 1);
	GIVES(-ENOSPC, ask_write(w, file, "xy", 2, 2 * PAGE - 1));
	GIVES(-ENOSPC, ask_write(w, file, "x", 1, UINT64_C(1) << 31));
	GIVES(-ENOSPC, ask_write(w, file, "x", 1, INT64_MAX - 1));
	ck_assert_uint_eq(attributes(w, file.id).size, 2 * PAGE);
	expect_bytes(w, file, 'x', 1, 2 * PAGE - 1);
	wire_close(w);
}
END_TEST

START_TEST(growing_without_a_descriptor_is_enfile)
{
	struct shmfs_config config = wire_config();
	struct wire *w;

	config.descriptor_limit = 1;
	w = wire_open_with(TIER_CACHED, config);
	GIVES(-ENFILE, ask_write(w, create_file(w, "sem.a", O_RDWR), "x", 1, 0));
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

START_TEST(writing_needs_a_handle_that_writes)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 10), O_RDONLY);

	GIVES(-EBADF, ask_write(w, file, "x", 1, 0));
	GIVES(-EBADF, ask_write(w, file, "", 0, 0));
	GIVES(-EBADF, ask_write_back(w, file, "x", 1, 0));
	wire_close(w);
}
END_TEST

START_TEST(one_mebibyte_goes_in_one_write)
{
	struct wire *w = wire_open();
	struct file file = file_of_size(w, 1 << 20);
	char *data = malloc(1 << 20);

	ck_assert_ptr_nonnull(data);
	memset(data, 'm', 1 << 20);
	if (wire_carries(w, (1 << 20) + 80, "one_mebibyte_goes_in_one_write")) {
		expect_written(w, file, 1 << 20, 0, data, 1 << 20);
		expect_bytes(w, file, 'm', 1 << 20, 0);
	}
	free(data);
	wire_close(w);
}
END_TEST

/*
 * FUSE_WRITE_CACHE: pages that were stored to through a mapping come whole, also the one that the
 * object ends in, and nobody is there to take a short count.
 */
START_TEST(write_back_counts_all_and_stores_up_to_the_end)
{
	static const char *const names[] = {"a", "sem.a"};
	char page[4096];

	memset(page, 'p', sizeof page);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct wire *w = wire_open();
		struct file file = create_file(w, names[i], O_RDWR);
		struct fuse_attr before, after;

		GIVES(0, ask_resize(w, file.id, 5000));
		before = attributes(w, file.id);
		w->outside->now = later;
		GIVES(0, ask_write_back(w, file, page, sizeof page, 4096));
		ck_assert_uint_eq(written_of(w), sizeof page);
		expect_bytes(w, file, 'p', 904, 4096);
		GIVES(0, ask_write_back(w, file, page, sizeof page, 8192));
		ck_assert_uint_eq(written_of(w), sizeof page);
		GIVES(0, ask_write_back(w, file, page, sizeof page, UINT64_MAX));
		ck_assert_uint_eq(written_of(w), sizeof page);
		after = attributes(w, file.id);
		ck_assert_uint_eq(after.size, 5000);
		ck_assert_uint_eq(after.mtime, before.mtime);
		ck_assert_uint_eq(after.ctime, before.ctime);
		/* What was cut off is not kept for later. */
		GIVES(0, ask_resize(w, file.id, 8192));
		expect_bytes(w, file, 0, 8192 - 5000, 5000);
		wire_close(w);
	}
}
END_TEST

START_TEST(cut_off_bytes_are_zero_when_the_size_comes_back)
{
	static const uint64_t lengths[] = {1, 511, 512, 513, 4095};

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct wire *w = wire_open();
		struct file file = file_of_size(w, 8192);
		char data[8192];
		uint32_t kept = (uint32_t)lengths[i];

		memset(data, 'd', sizeof data);
		expect_written(w, file, sizeof data, 0, data, sizeof data);
		GIVES(0, ask_resize(w, file.id, kept));
		GIVES(0, ask_resize(w, file.id, 8192));
		expect_bytes(w, file, 'd', kept, 0);
		expect_bytes(w, file, 0, 8192 - kept, kept);
		wire_close(w);
	}
}
END_TEST

Suite *writing_suite(void)
{
	const TTest *const tests[] = {
	    write_across_the_end_is_short,
	    a_write_by_anybody_but_root_takes_set_id_bits_away,
	    write_with_no_room_is_efbig,
	    write_of_nothing_is_0,
	    write_extends_objects_that_grow,
	    growing_past_the_limit_is_enospc,
	    growing_without_a_descriptor_is_enfile,
	    writing_needs_a_handle_that_writes,
	    one_mebibyte_goes_in_one_write,
	    write_back_counts_all_and_stores_up_to_the_end,
	    cut_off_bytes_are_zero_when_the_size_comes_back,
	};

	return suite_of("writing", tests, sizeof tests / sizeof tests[0]);
}

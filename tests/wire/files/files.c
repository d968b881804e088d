/* SPDX-License-Identifier: BSD-2-Clause */
/* CREATE, OPEN, READ, WRITE and RELEASE. */
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "suites.h"

static const struct timespec later = {1000000100, 456};

static struct file create_file(struct wire *w, const char *name, int flags)
{
	GIVES(0, ask_create(w, ROOT, name, 0644, flags));
	return (struct file){created_of(w)->entry.nodeid, created_of(w)->open.fh};
}

/* An open object of this size that does not grow. */
static struct file sized_file(struct wire *w, uint64_t size)
{
	struct file file = create_file(w, "sized", O_RDWR);

	GIVES(0, ask_resize(w, file.id, size));
	return file;
}

static void expect_written(
    struct wire *w, struct file file, uint32_t want, uint64_t offset, const void *data, size_t size)
{
	GIVES(0, ask_write(w, file, data, size, offset));
	ck_assert_uint_eq(written_of(w), want);
}

/* The replies to CREATE and to others are laid out in two places. */
START_TEST(create_tells_the_same_of_a_node_as_lookup)
{
	struct wire *w = wire_open();
	struct fuse_entry_out created;

	w->uid = 1001;
	w->gid = 2002;
	GIVES(0, ask_create(w, ROOT, "a", 06751, O_RDWR));
	created = created_of(w)->entry;
	ck_assert_uint_eq(created.attr.mode, S_IFREG | 06751);
	ck_assert_uint_eq(created.attr.uid, 1001);
	GIVES(0, ask_lookup(w, ROOT, "a"));
	ck_assert_mem_eq(&created, entry_of(w), sizeof created);
	GIVES(0, ask_resize(w, created.nodeid, 9000));
	GIVES(0, ask_write(w, open_file(w, created.nodeid, O_RDWR), "x", 1, 0));
	GIVES(0, ask_create(w, ROOT, "a", 0600, O_RDWR));
	created = created_of(w)->entry;
	ck_assert_uint_eq(created.attr.size, 9000);
	ck_assert_uint_eq(created.attr.blocks, 8);
	GIVES(0, ask_lookup(w, ROOT, "a"));
	ck_assert_mem_eq(&created, entry_of(w), sizeof created);
	wire_close(w);
}
END_TEST

START_TEST(create_opens_what_exists_and_leaves_its_mode)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);

	GIVES(0, ask_create(w, ROOT, "a", 0, O_RDWR));
	ck_assert_uint_eq(created_of(w)->entry.nodeid, id);
	ck_assert_uint_eq(created_of(w)->entry.attr.mode, S_IFREG | 0644);
	ck_assert_uint_eq(created_of(w)->entry.attr.size, 100);
	GIVES(0, ask_create(w, ROOT, "a", 0, O_RDWR | O_TRUNC));
	ck_assert_uint_eq(created_of(w)->entry.attr.size, 0);
	GIVES(-EEXIST, ask_create(w, ROOT, "a", 0, O_RDWR | O_EXCL));
	ck_assert_uint_eq(usage(w).handles, 2);
	wire_close(w);
}
END_TEST

/* The name came up after the kernel had looked, so it has checked nothing. */
START_TEST(create_of_an_existing_object_checks_its_mode)
{
	static const struct {
		uint32_t uid, gid;
		mode_t mode;
		int flags, want;
	} cases[] = {
	    {10, 20, 0600, O_RDWR, 0},
	    {10, 99, 0400, O_RDWR, -EACCES},
	    {10, 99, 0400, O_RDONLY, 0},
	    {10, 99, 0400, O_RDONLY | O_TRUNC, -EACCES},
	    {10, 20, 0066, O_RDONLY, -EACCES},
	    {11, 20, 0060, O_RDWR, 0},
	    {11, 20, 0606, O_RDONLY, -EACCES},
	    {11, 21, 0006, O_RDWR, 0},
	    {11, 21, 0660, O_RDONLY, -EACCES},
	    {11, 21, 0004, O_WRONLY, -EACCES},
	    {0, 0, 0000, O_RDWR, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire *w = wire_open();
		int rc;

		w->uid = 10;
		w->gid = 20;
		GIVES(0, ask_mknod(w, ROOT, "a", S_IFREG | cases[i].mode));
		w->uid = cases[i].uid;
		w->gid = cases[i].gid;
		rc = ask_create(w, ROOT, "a", 0600, cases[i].flags);
		ck_assert_msg(rc == cases[i].want, "case %zu: expected %s, got %s", i,
		    result_text(cases[i].want), result_text(rc));
		wire_close(w);
	}
}
END_TEST

START_TEST(only_objects_can_be_opened)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d"), link = new_symlink(w, ROOT, "l", "t"), fifo;

	GIVES(0, ask_mknod(w, ROOT, "f", S_IFIFO | 0600));
	fifo = entry_of(w)->nodeid;
	GIVES(-EISDIR, ask_open(w, dir, O_RDONLY));
	GIVES(-EISDIR, ask_open(w, ROOT, O_RDWR));
	GIVES(-ELOOP, ask_open(w, link, O_RDONLY));
	GIVES(-ENXIO, ask_open(w, fifo, O_RDONLY));
	GIVES(-ESTALE, ask_open(w, 999, O_RDONLY));
	GIVES(-ESTALE, ask_open(w, 0, O_RDONLY));
	GIVES(-EISDIR, ask_create(w, ROOT, "d", 0600, O_RDWR));
	GIVES(-ELOOP, ask_create(w, ROOT, "l", 0600, O_RDWR));
	GIVES(-ENXIO, ask_create(w, ROOT, "f", 0600, O_RDWR));
	ck_assert_uint_eq(usage(w).handles, 0);
	wire_close(w);
}
END_TEST

/* Linux sends the truncation as a request of its own, as FUSE_ATOMIC_O_TRUNC is not agreed on. */
START_TEST(open_truncates_if_it_is_told_to)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);

	GIVES(0, ask_open(w, id, O_RDWR | O_CREAT | O_EXCL));
	ck_assert_uint_eq(attributes(w, id).size, 100);
	GIVES(0, ask_open(w, id, O_RDWR | O_TRUNC));
	ck_assert_uint_eq(attributes(w, id).size, 0);
	wire_close(w);
}
END_TEST

START_TEST(handles_are_never_used_again)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	struct file first = open_file(w, id, O_RDWR), second;

	GIVES(0, ask_release(w, first));
	second = open_file(w, id, O_RDWR);
	ck_assert_uint_gt(second.handle, first.handle);
	GIVES(-EBADF, ask_read(w, first, 1, 0));
	wire_close(w);
}
END_TEST

/* --- READ ------------------------------------------------------------------------------------- */

START_TEST(read_stops_at_the_end)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 5000);

	expect_written(w, file, 3, 4997, "end", 3);
	GIVES(0, ask_read(w, file, 4096, 4990));
	ck_assert_mem_eq(reply_body(w, 10), "\0\0\0\0\0\0\0end", 10);
	expect_bytes(w, file, 0, 4096, 0);
	GIVES(0, ask_read(w, file, 4096, 5000));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(0, ask_read(w, file, 0, 0));
	ck_assert_uint_eq(reply_body_size(w), 0);
	wire_close(w);
}
END_TEST

START_TEST(read_beyond_any_file_is_einval_and_beyond_this_one_nothing)
{
	static const uint64_t past[] = {
	    101, INT32_MAX, UINT64_C(1) << 31, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX};
	struct wire *w = wire_open();
	struct file file = sized_file(w, 100);

	for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
		GIVES(0, ask_read(w, file, 4096, past[i]));
		ck_assert_uint_eq(reply_body_size(w), 0);
	}
	GIVES(-EINVAL, ask_read(w, file, 1, UINT64_C(1) << 63));
	GIVES(-EINVAL, ask_read(w, file, 1, UINT64_MAX));
	GIVES(-EINVAL, ask_read(w, file, 0, UINT64_MAX));
	wire_close(w);
}
END_TEST

START_TEST(read_of_an_empty_object_is_empty)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 0);

	GIVES(0, ask_read(w, file, 4096, 0));
	ck_assert_uint_eq(reply_body_size(w), 0);
	wire_close(w);
}
END_TEST

START_TEST(read_gives_at_most_one_mebibyte)
{
	static const uint32_t sizes[] = {1 << 20, (1 << 20) + 1, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();
	struct file file = sized_file(w, 2 << 20);

	if (wire_carries(w, 1 << 20, "read_gives_at_most_one_mebibyte")) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			GIVES(0, ask_read(w, file, sizes[i], 0));
			ck_assert_uint_eq(reply_body_size(w), 1 << 20);
		}
	}
	/* Huge sizes near the end need no large message. */
	GIVES(0, ask_read(w, file, UINT32_MAX, (2 << 20) - 7));
	ck_assert_uint_eq(reply_body_size(w), 7);
	wire_close(w);
}
END_TEST

START_TEST(reading_needs_a_handle_that_reads)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 10);
	struct file file = open_file(w, id, O_WRONLY);

	GIVES(-EBADF, ask_read(w, file, 1, 0));
	GIVES(-EBADF, ask_read(w, file, 1, UINT64_MAX));
	GIVES(0, ask_write(w, file, "x", 1, 0));
	wire_close(w);
}
END_TEST

/* relatime: the first read after a change sets atime, the next one does not. */
START_TEST(read_sets_atime_once_after_a_change)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 10);

	w->outside->now = later;
	GIVES(0, ask_read(w, file, 1, 0));
	ck_assert_uint_eq(attributes(w, file.id).atime, (uint64_t)later.tv_sec);
	w->outside->now.tv_sec += 10;
	GIVES(0, ask_read(w, file, 1, 0));
	ck_assert_uint_eq(attributes(w, file.id).atime, (uint64_t)later.tv_sec);
	wire_close(w);
}
END_TEST

/* --- WRITE ------------------------------------------------------------------------------------ */

START_TEST(write_across_the_end_is_short)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 10);

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
	struct file file = sized_file(w, 10);
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
	struct file file = sized_file(w, 0);

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

	config.size_limit = 2 * 4096;
	w = wire_open_with(TIER_CACHED, config);
	file = create_file(w, "tmp-a", O_RDWR);
	expect_written(w, file, 1, 8191, "x", 1);
	GIVES(-ENOSPC, ask_write(w, file, "xy", 2, 8191));
	GIVES(-ENOSPC, ask_write(w, file, "x", 1, UINT64_C(1) << 31));
	GIVES(-ENOSPC, ask_write(w, file, "x", 1, INT64_MAX - 1));
	ck_assert_uint_eq(attributes(w, file.id).size, 8192);
	expect_bytes(w, file, 'x', 1, 8191);
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
	struct file file = sized_file(w, 1 << 20);
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
		struct file file = sized_file(w, 8192);
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

/* --- handles ---------------------------------------------------------------------------------- */

START_TEST(an_unknown_handle_is_ebadf)
{
	static const uint64_t handles[] = {0, 2, 1000, UINT64_C(1) << 32, UINT64_MAX};
	struct wire *w = wire_open();
	struct file file = sized_file(w, 100);

	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
		file.handle = handles[i];
		GIVES(-EBADF, ask_read(w, file, 1, 0));
		GIVES(-EBADF, ask_write(w, file, "x", 1, 0));
		GIVES(-EBADF, ask_write(w, file, "", 0, 0));
		GIVES(-EBADF, ask_write_back(w, file, "x", 1, 0));
		GIVES(-EBADF, ask_fallocate(w, file, 0, 0, 1));
		GIVES(-EBADF, ask_lseek(w, file, 0, SEEK_DATA));
		/* The kernel does not look at the result of RELEASE. */
		GIVES(0, ask_release(w, file));
	}
	ck_assert_uint_eq(usage(w).handles, 1);
	wire_close(w);
}
END_TEST

START_TEST(release_ends_the_handle_alone)
{
	struct wire *w = wire_open();
	struct file file = sized_file(w, 100), other = open_file(w, file.id, O_RDONLY);

	GIVES(0, ask_release(w, file));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(-EBADF, ask_read(w, file, 1, 0));
	GIVES(0, ask_release(w, file));
	expect_bytes(w, other, 0, 100, 0);
	ck_assert_uint_eq(usage(w).handles, 1);
	ck_assert_uint_eq(attributes(w, file.id).size, 100);
	wire_close(w);
}
END_TEST

Suite *files_suite(void)
{
	const TTest *const tests[] = {
	    create_tells_the_same_of_a_node_as_lookup,
	    create_opens_what_exists_and_leaves_its_mode,
	    create_of_an_existing_object_checks_its_mode,
	    only_objects_can_be_opened,
	    open_truncates_if_it_is_told_to,
	    handles_are_never_used_again,
	    read_stops_at_the_end,
	    read_beyond_any_file_is_einval_and_beyond_this_one_nothing,
	    read_of_an_empty_object_is_empty,
	    read_gives_at_most_one_mebibyte,
	    reading_needs_a_handle_that_reads,
	    read_sets_atime_once_after_a_change,
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
	    an_unknown_handle_is_ebadf,
	    release_ends_the_handle_alone,
	};

	return suite_of("files", tests, sizeof tests / sizeof tests[0]);
}

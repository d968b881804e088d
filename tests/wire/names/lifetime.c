/* SPDX-License-Identifier: BSD-2-Clause */
/* References of the kernel: which requests give them, and what goes with the last one. */
#include <string.h>

#include "requests.h"
#include "suites.h"

/* Each of these makes or finds "a" and answers with its id; it gives one reference. */
static uint64_t by_mknod(struct wire *w)
{
	return new_object(w, ROOT, "a");
}

static uint64_t by_create(struct wire *w)
{
	struct file file;

	GIVES(0, ask_create(w, ROOT, "a", 0600, O_RDWR));
	file = (struct file){created_of(w)->entry.nodeid, created_of(w)->open.fh};
	GIVES(0, ask_release(w, file));
	return file.id;
}

static uint64_t by_mkdir(struct wire *w)
{
	return new_directory(w, ROOT, "a");
}

static uint64_t by_symlink(struct wire *w)
{
	return new_symlink(w, ROOT, "a", "target");
}

static uint64_t by_fifo(struct wire *w)
{
	GIVES(0, ask_mknod(w, ROOT, "a", S_IFIFO | 0600));
	return entry_of(w)->nodeid;
}

static uint64_t (*const makers[])(struct wire *w) = {
    by_mknod, by_create, by_mkdir, by_symlink, by_fifo};

/* The last name of a node that "a" stands for goes. */
static void remove_a(struct wire *w)
{
	int rc = ask_unlink(w, ROOT, "a");

	if (rc == -EISDIR)
		rc = ask_rmdir(w, ROOT, "a");
	GIVES(0, rc);
}

/* The node has exactly this many references and nothing else that knows it. */
static void expect_references(struct wire *w, uint64_t id, uint64_t count)
{
	while (count-- > 1) {
		tell_forget(w, id, 1);
		ck_assert_msg(exists(w, id), "the node went %llu references too early",
		    (unsigned long long)count);
	}
	tell_forget(w, id, 1);
	ck_assert_msg(!exists(w, id), "the node outlives its last reference");
}

START_TEST(making_a_node_gives_one_reference)
{
	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
		struct wire *w = wire_open();
		uint64_t id = makers[i](w);

		remove_a(w);
		expect_references(w, id, 1);
		wire_close(w);
	}
}
END_TEST

START_TEST(every_lookup_gives_one_more)
{
	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
		struct wire *w = wire_open();
		uint64_t id = makers[i](w);

		for (int n = 0; n < 5; n++)
			GIVES(0, ask_lookup(w, ROOT, "a"));
		remove_a(w);
		expect_references(w, id, 6);
		wire_close(w);
	}
}
END_TEST

START_TEST(a_lookup_by_id_gives_one_more)
{
	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
		struct wire *w = wire_open();
		uint64_t id = makers[i](w);

		tell_forget(w, id, 1);
		for (int n = 0; n < 3; n++) {
			GIVES(0, ask_lookup(w, id, "."));
			ck_assert_uint_eq(entry_of(w)->nodeid, id);
			ck_assert_uint_eq(entry_of(w)->generation, 0);
		}
		remove_a(w);
		expect_references(w, id, 3);
		GIVES(-ESTALE, ask_lookup(w, id, "."));
		wire_close(w);
	}
}
END_TEST

START_TEST(link_and_create_of_an_existing_object_give_one_more)
{
	struct wire *w = wire_open();
	uint64_t id = by_mknod(w);

	GIVES(0, ask_link(w, id, ROOT, "b"));
	GIVES(id, by_create(w));
	remove_a(w);
	GIVES(0, ask_unlink(w, ROOT, "b"));
	expect_references(w, id, 3);
	wire_close(w);
}
END_TEST

START_TEST(nothing_else_gives_a_reference)
{
	struct wire *w = wire_open();
	uint64_t id = by_mknod(w), dir = new_directory(w, ROOT, "d");
	struct file file = open_file(w, id, O_RDWR);

	GIVES(0, ask_getattr(w, id));
	GIVES(0, ask_resize(w, id, 10));
	GIVES(0, ask_readdir(w, ROOT, 4096, 0));
	GIVES(0, ask_write(w, file, "x", 1, 0));
	GIVES(0, ask_release(w, file));
	GIVES(0, ask_rename(w, ROOT, "a", dir, "a"));
	GIVES(0, ask_rename(w, dir, "a", ROOT, "a"));
	remove_a(w);
	expect_references(w, id, 1);
	wire_close(w);
}
END_TEST

START_TEST(a_failed_request_gives_no_reference)
{
	struct wire *w = wire_open();
	uint64_t id = by_mknod(w);

	GIVES(-EEXIST, ask_mknod(w, ROOT, "a", S_IFREG | 0600));
	GIVES(-EEXIST, ask_mkdir(w, ROOT, "a", 0700));
	GIVES(-EEXIST, ask_symlink(w, ROOT, "a", "t"));
	GIVES(-EEXIST, ask_link(w, id, ROOT, "a"));
	GIVES(-EEXIST, ask_create(w, ROOT, "a", 0600, O_RDWR | O_EXCL));
	w->uid = 1000;
	GIVES(-EACCES, ask_create(w, ROOT, "a", 0600, O_RDWR));
	remove_a(w);
	expect_references(w, id, 1);
	wire_close(w);
}
END_TEST

START_TEST(a_named_node_stays_without_references)
{
	struct wire *w = wire_open();
	uint64_t id = by_mknod(w);

	tell_forget(w, id, 1);
	ck_assert(exists(w, id));
	remove_a(w);
	ck_assert(!exists(w, id));
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	wire_close(w);
}
END_TEST

START_TEST(forget_takes_several_at_once)
{
	struct wire *w = wire_open();
	uint64_t id = by_mknod(w);

	for (int n = 0; n < 9; n++)
		GIVES(0, ask_lookup(w, ROOT, "a"));
	remove_a(w);
	tell_forget(w, id, 9);
	ck_assert(exists(w, id));
	tell_forget(w, id, 0);
	ck_assert(exists(w, id));
	expect_references(w, id, 1);
	wire_close(w);
}
END_TEST

START_TEST(forgetting_more_than_there_are_counts_as_all)
{
	static const uint64_t counts[] = {
	    2, INT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct wire *w = wire_open();
		uint64_t id = by_mknod(w);

		tell_forget(w, id, counts[i]);
		ck_assert(exists(w, id));
		GIVES(0, ask_lookup(w, ROOT, "a"));
		remove_a(w);
		expect_references(w, id, 1);
		wire_close(w);
	}
}
END_TEST

START_TEST(forgetting_what_is_unknown_does_nothing)
{
	static const uint64_t ids[] = {0, 2, 1000, UINT64_C(1) << 32, UINT64_MAX};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		tell_forget(w, ids[i], 1);
	/* The root is never given, and never goes. */
	tell_forget(w, ROOT, 1);
	tell_forget(w, ROOT, UINT64_MAX);
	ck_assert(exists(w, ROOT));
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	wire_close(w);
}
END_TEST

START_TEST(batch_forget_forgets_each)
{
	struct wire *w = wire_open();
	uint64_t a = by_mknod(w), b = new_object_of(w, ROOT, "b", 5000);
	const struct fuse_forget_one forgets[] = {
	    {a, 1}, {b, 1}, {999, 1}, {0, UINT64_MAX}, {b, 1}, {a, 7}, {b, 1}};

	GIVES(0, ask_lookup(w, ROOT, "b"));
	GIVES(0, ask_lookup(w, ROOT, "b"));
	remove_a(w);
	GIVES(0, ask_unlink(w, ROOT, "b"));
	tell_forgets(w, forgets, 2);
	ck_assert(!exists(w, a));
	ck_assert(exists(w, b));
	tell_forgets(w, forgets, 7);
	ck_assert(!exists(w, b));
	tell_forgets(w, forgets, 7);
	tell_forgets(w, NULL, 0);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

/* As many as the kernel puts into one request of the largest buffer that it may use. */
START_TEST(batch_forget_of_thousands_is_served_whole)
{
	enum { COUNT = 2000 };
	static struct fuse_forget_one forgets[COUNT];
	struct wire *w = wire_open();
	char name[16];

	w->verifies = false;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof name, "%u", i);
		forgets[i] = (struct fuse_forget_one){new_object(w, ROOT, name), 1};
		GIVES(0, ask_unlink(w, ROOT, name));
	}
	tell_forgets(w, forgets, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		ck_assert(!exists(w, forgets[i].nodeid));
	wire_close(w);
}
END_TEST

START_TEST(an_unlinked_open_object_works_until_it_is_released)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 5000), O_RDWR);

	remove_a(w);
	tell_forget(w, file.id, 1);
	GIVES(0, ask_write(w, file, "abc", 3, 10));
	GIVES(0, ask_read(w, file, 3, 10));
	ck_assert_mem_eq(reply_body(w, 3), "abc", 3);
	GIVES(0, ask_fallocate(w, file, 0, 0, 9000));
	ck_assert_uint_eq(attributes(w, file.id).size, 9000);
	ck_assert_uint_eq(attributes(w, file.id).nlink, 0);
	ck_assert_uint_eq(usage(w).used_pages, PAGES(9000));
	GIVES(0, ask_release(w, file));
	ck_assert(!exists(w, file.id));
	ck_assert_uint_eq(usage(w).used_pages, 0);
	ck_assert_uint_eq(w->outside->memories, 0);
	wire_close(w);
}
END_TEST

START_TEST(release_may_come_before_forget)
{
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 5000), O_RDWR);

	remove_a(w);
	GIVES(0, ask_release(w, file));
	expect_references(w, file.id, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

/* A descriptor of O_PATH, a mount or an event may lead to it, of which there is no word. */
START_TEST(what_the_kernel_knows_is_whole_and_charged)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 5000);
	struct file file = open_file(w, id, O_RDWR);

	remove_a(w);
	ck_assert_uint_eq(usage(w).used_pages, PAGES(5000));
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	GIVES(0, ask_write(w, file, "abc", 3, 4000));
	GIVES(0, ask_release(w, file));
	ck_assert_uint_eq(usage(w).used_pages, PAGES(5000));
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	ck_assert_uint_eq(attributes(w, id).nlink, 0);
	GIVES(-ENOENT, ask_link(w, id, ROOT, "b"));
	file = open_file(w, id, O_RDWR);
	GIVES(0, ask_read(w, file, 3, 4000));
	ck_assert_mem_eq(reply_body(w, 3), "abc", 3);
	GIVES(0, ask_resize(w, id, 9000));
	ck_assert_uint_eq(usage(w).used_pages, PAGES(9000));
	GIVES(0, ask_release(w, file));
	expect_references(w, id, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	ck_assert_uint_eq(w->outside->memories, 0);
	wire_close(w);
}
END_TEST

/* A mapping makes no request when it ends; while it lives, so does the kernel's reference. */
START_TEST(room_of_mapped_memory_comes_back_with_the_last_reference)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 5000);
	struct file file = open_file(w, id, O_RDWR);

	w->outside->memory_is_used = true;
	GIVES(0, ask_lookup(w, ROOT, "a"));
	remove_a(w);
	GIVES(0, ask_release(w, file));
	tell_forget(w, id, 1);
	ck_assert_uint_eq(usage(w).used_pages, PAGES(5000));
	/* It can be opened through /proc/PID/map_files. */
	file = open_file(w, id, O_RDONLY);
	expect_bytes(w, file, 0, 5000, 0);
	GIVES(0, ask_release(w, file));
	ck_assert_uint_eq(usage(w).used_pages, PAGES(5000));
	tell_forget(w, id, 1);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	ck_assert(!exists(w, id));
	wire_close(w);
}
END_TEST

/* An empty object that was mapped, and is empty no more: the mapping must see it grow. */
START_TEST(an_empty_object_keeps_its_memory_while_it_is_mapped)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	uint64_t id = new_object(w, ROOT, "a");
	struct file file = open_file(w, id, O_RDWR);
	int32_t backing = open_of(w)->backing_id;

	w->outside->memory_is_used = true;
	GIVES(0, ask_release(w, file));
	ck_assert_uint_eq(w->outside->memories, 1);
	open_file(w, id, O_RDWR);
	ck_assert_int_eq(open_of(w)->backing_id, backing);
	wire_close(w);
}
END_TEST

START_TEST(the_last_of_several_handles_frees)
{
	struct wire *w = wire_open();
	struct file one = open_file(w, new_object_of(w, ROOT, "a", 1), O_RDONLY);
	struct file two = open_file(w, one.id, O_RDWR);

	remove_a(w);
	tell_forget(w, one.id, 1);
	GIVES(0, ask_release(w, two));
	ck_assert(exists(w, one.id));
	GIVES(0, ask_release(w, one));
	ck_assert(!exists(w, one.id));
	wire_close(w);
}
END_TEST

START_TEST(the_last_of_several_names_frees)
{
	struct wire *w = wire_open();
	uint64_t id = by_mknod(w);

	GIVES(0, ask_link(w, id, ROOT, "b"));
	tell_forget(w, id, 2);
	ck_assert_uint_eq(usage(w).used_nodes, 3);
	remove_a(w);
	ck_assert_uint_eq(attributes(w, id).nlink, 1);
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	GIVES(0, ask_unlink(w, ROOT, "b"));
	ck_assert(!exists(w, id));
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	wire_close(w);
}
END_TEST

/* A program whose working directory was removed. */
START_TEST(a_removed_directory_lives_until_it_is_forgotten)
{
	struct wire *w = wire_open();
	uint64_t dir = by_mkdir(w);

	remove_a(w);
	ck_assert_uint_eq(attributes(w, dir).nlink, 0);
	GIVES(-ENOENT, ask_mknod(w, dir, "b", S_IFREG | 0600));
	expect_references(w, dir, 1);
	wire_close(w);
}
END_TEST

START_TEST(a_negative_lookup_gives_no_reference)
{
	struct wire *w = wire_open();
	uint64_t arena_bytes = usage(w).arena_bytes;

	GIVES(0, ask_lookup(w, ROOT, "missing"));
	tell_forget(w, 0, 1);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	ck_assert_uint_eq(usage(w).arena_bytes, arena_bytes);
	wire_close(w);
}
END_TEST

START_TEST(ids_are_never_used_again)
{
	struct wire *w = wire_open();
	uint64_t first = by_mknod(w), second;

	remove_a(w);
	tell_forget(w, first, 1);
	second = by_mknod(w);
	ck_assert_uint_gt(second, first);
	GIVES(-ESTALE, ask_getattr(w, first));
	GIVES(-ESTALE, ask_open(w, first, O_RDONLY));
	wire_close(w);
}
END_TEST

Suite *lifetime_suite(void)
{
	const TTest *const tests[] = {
	    making_a_node_gives_one_reference,
	    every_lookup_gives_one_more,
	    a_lookup_by_id_gives_one_more,
	    link_and_create_of_an_existing_object_give_one_more,
	    nothing_else_gives_a_reference,
	    a_failed_request_gives_no_reference,
	    a_named_node_stays_without_references,
	    forget_takes_several_at_once,
	    forgetting_more_than_there_are_counts_as_all,
	    forgetting_what_is_unknown_does_nothing,
	    batch_forget_forgets_each,
	    batch_forget_of_thousands_is_served_whole,
	    an_unlinked_open_object_works_until_it_is_released,
	    release_may_come_before_forget,
	    what_the_kernel_knows_is_whole_and_charged,
	    room_of_mapped_memory_comes_back_with_the_last_reference,
	    an_empty_object_keeps_its_memory_while_it_is_mapped,
	    the_last_of_several_handles_frees,
	    the_last_of_several_names_frees,
	    a_removed_directory_lives_until_it_is_forgotten,
	    a_negative_lookup_gives_no_reference,
	    ids_are_never_used_again,
	};

	return suite_of("lifetime", tests, sizeof tests / sizeof tests[0]);
}

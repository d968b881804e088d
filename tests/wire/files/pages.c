/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads that are answered with the object's own pages, by a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/fuse/recovery.h"
#include "requests.h"
#include "suites.h"
#include "system_calls.h"
#include "test_memory.h"

enum { KIB = 1024, MIB = 1024 * KIB };

static char *bytes;

/* No two pages of it are alike. */
static struct wire *open_filled(struct file *file, size_t size)
{
	struct wire *w = wire_open();

	fake_pipes = (struct fake_pipes){0};
	bytes = malloc(size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i % 251 + i / 4096);
	*file = open_file(w, new_object_of(w, ROOT, "a", size), O_RDWR);
	for (size_t at = 0; at < size; at += 128 * KIB) {
		size_t part = size - at < 128 * KIB ? size - at : 128 * KIB;

		GIVES(0, ask_write(w, *file, bytes + at, (uint32_t)part, at));
	}
	return w;
}

static void close_filled(struct wire *w, struct file file)
{
	GIVES(0, ask_release(w, file));
	wire_close(w);
	free(bytes);
}

static void expect_read(struct wire *w, struct file file, uint32_t size, uint64_t offset)
{
	GIVES(0, ask_read(w, file, size, offset));
	ck_assert_mem_eq(reply_body(w, size), bytes + offset, size);
}

START_TEST(every_size_and_offset_reads_what_was_written)
{
	static const uint32_t sizes[] = {1, 4095, 4096, REPLY_PIPE_MIN - 1, REPLY_PIPE_MIN,
	    REPLY_PIPE_MIN + 1, 64 * KIB, 256 * KIB - 1, 512 * KIB, 512 * KIB + 1, 1016 * KIB,
	    1020 * KIB, 1024 * KIB - 1, 1024 * KIB};
	static const uint64_t offsets[] = {0, 1, 4095, 4096, 12345, MIB};
	struct file file;
	struct wire *w = open_filled(&file, 2 * MIB);

	w->verifies = false;
	if (wire_carries(w, MIB, "every_size_and_offset_reads_what_was_written")) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
			for (size_t k = 0; k < sizeof offsets / sizeof offsets[0]; k++)
				expect_read(w, file, sizes[i], offsets[k]);
	}
	/* Those that the pipe has no room for do not empty it. */
	ck_assert_uint_eq(fake_pipes.pipes, 1);
	close_filled(w, file);
}
END_TEST

START_TEST(large_reads_go_by_pages_and_small_ones_by_a_copy)
{
	struct file file;
	struct wire *w = open_filled(&file, 256 * KIB);

	expect_read(w, file, REPLY_PIPE_MIN - 1, 0);
	ck_assert_uint_eq(fake_pipes.out, 0);
	expect_read(w, file, REPLY_PIPE_MIN, 0);
	expect_read(w, file, 256 * KIB, 0);
	ck_assert_uint_eq(fake_pipes.out, 2);
	ck_assert_uint_eq(fake_pipes.pipes, 1);
	close_filled(w, file);
}
END_TEST

START_TEST(a_read_across_the_end_has_what_is_there)
{
	struct file file;
	struct wire *w = open_filled(&file, 256 * KIB - 100);

	GIVES(0, ask_read(w, file, 256 * KIB, 128 * KIB));
	ck_assert_mem_eq(reply_body(w, 128 * KIB - 100), bytes + 128 * KIB, 128 * KIB - 100);
	ck_assert_uint_eq(fake_pipes.out, 1);
	close_filled(w, file);
}
END_TEST

START_TEST(a_hole_is_zeros_and_stays_a_hole)
{
	test_memory_is_small();

	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", MIB), O_RDWR);

	fake_pipes = (struct fake_pipes){0};
	GIVES(0, ask_write(w, file, "x", 1, 128 * KIB));
	expect_bytes(w, file, 0, 128 * KIB, 0);
	expect_bytes(w, file, 0, 128 * KIB, 256 * KIB);
	ck_assert_uint_eq(fake_pipes.out, 2);
	ck_assert_uint_eq(attributes(w, file.id).blocks, (size_t)sysconf(_SC_PAGESIZE) / 512);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* ENOENT: whoever asked was killed. Nothing of that reply is in the next one. */
START_TEST(a_reply_that_is_refused_leaves_nothing_behind)
{
	static const int errors[] = {ENOENT, EINVAL, ENOMEM, EAGAIN};
	struct fuse_read_in in = {.size = 64 * KIB};
	struct file file;
	struct wire *w = open_filled(&file, 256 * KIB);

	in.fh = file.handle;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		fail_next_reply(errors[i]);
		/* Who has given it up waits for nothing, and anybody else for an answer. */
		if (errors[i] == ENOENT) {
			message_begin(w, FUSE_READ, file.id);
			message_add(w, &in, sizeof in);
			tell(w);
		} else {
			expect_read(w, file, 64 * KIB, 0);
		}
		expect_read(w, file, 128 * KIB, 5);
	}
	ck_assert_uint_eq(fake_pipes.out, 8);
	close_filled(w, file);
}
END_TEST

START_TEST(what_a_pipe_does_not_take_is_copied)
{
	struct file file;
	struct wire *w = open_filled(&file, 256 * KIB);

	fake_pipes.fail_in = 1;
	expect_read(w, file, 64 * KIB, 0);
	ck_assert_uint_eq(fake_pipes.out, 0);
	/* One that stops on the way is emptied first. */
	fake_pipes.short_in = 2;
	fake_pipes.fail_in = 3;
	expect_read(w, file, 64 * KIB, 0);
	ck_assert_uint_eq(fake_pipes.out, 0);
	/* One that takes less goes on. */
	fake_pipes.short_in = 4;
	expect_read(w, file, 64 * KIB, 0);
	ck_assert_uint_eq(fake_pipes.in, 5);
	ck_assert_uint_eq(fake_pipes.out, 1);
	close_filled(w, file);
}
END_TEST

/* The loop index: how many pages the pipe has room for, and how many of three replies it takes,
 * which have 17, 16 and 17 with the header. */
START_TEST(a_pipe_that_is_too_small_is_not_used)
{
	static const struct {
		unsigned slots, taken;
	} cases[] = {{1, 0}, {8, 0}, {16, 1}, {32, 3}};
	const uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	struct file file;
	struct wire *w = open_filled(&file, 64 * page);
	struct reply_pipe *pipe = &w->server.channel.pipe;

	ck_assert(reply_pipe_open(pipe));
	pipe->slots = cases[_i].slots;
	ck_assert_int_ge(fcntl(pipe->in, F_SETPIPE_SZ, pipe->slots * page), 0);
	expect_read(w, file, 16 * page, 0);
	expect_read(w, file, 15 * page, 0);
	expect_read(w, file, 15 * page, 1);
	ck_assert_uint_eq(fake_pipes.out, cases[_i].taken);
	ck_assert_uint_eq(fake_pipes.pipes, 1);
	close_filled(w, file);
}
END_TEST

START_TEST(without_a_pipe_it_is_copied)
{
	struct file file;
	struct wire *w = open_filled(&file, 256 * KIB);

	fake_pipes.none = true;
	expect_read(w, file, 128 * KIB, 0);
	ck_assert_uint_eq(fake_pipes.in, 0);
	fake_pipes.none = false;
	expect_read(w, file, 128 * KIB, 0);
	ck_assert_uint_eq(fake_pipes.out, 1);
	close_filled(w, file);
}
END_TEST

START_TEST(the_next_server_serves_a_read_again)
{
	struct fuse_read_in in = {.size = 128 * KIB};
	struct file file;
	struct wire *w = open_filled(&file, 256 * KIB);

	in.fh = file.handle;
	message_begin(w, FUSE_READ, file.id);
	message_add(w, &in, sizeof in);
	memcpy(wire_slot(w), w->request, w->request_size);
	GIVES(0, recovery_run(&w->server.channel));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, w->unique);
	ck_assert_mem_eq(reply_body(w, 128 * KIB), bytes, 128 * KIB);
	ck_assert(!reply_take(w));
	close_filled(w, file);
}
END_TEST

Suite *pages_suite(void)
{
	const TTest *const tests[] = {
	    every_size_and_offset_reads_what_was_written,
	    large_reads_go_by_pages_and_small_ones_by_a_copy,
	    a_read_across_the_end_has_what_is_there,
	    a_hole_is_zeros_and_stays_a_hole,
	    a_reply_that_is_refused_leaves_nothing_behind,
	    what_a_pipe_does_not_take_is_copied,
	    without_a_pipe_it_is_copied,
	    the_next_server_serves_a_read_again,
	};
	Suite *suite = suite_of("pages", tests, sizeof tests / sizeof tests[0]);
	TCase *loops = tcase_create("pipes that are too small");

	tcase_add_loop_test(loops, a_pipe_that_is_too_small_is_not_used, 0, 4);
	suite_add_tcase(suite, loops);
	return suite;
}

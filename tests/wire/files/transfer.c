/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes whose bytes a worker moves, which here is the test itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fuse/recovery.h"
#include "daemon/ops/transfer.h"
#include "pool.h"
#include "requests.h"
#include "suites.h"
#include "system_calls.h"

enum { LARGE = 256 * 1024, SMALL = 64 * 1024, OBJECT = 1024 * 1024, MANY_BYTES = 64 << 20 };

static struct wire *open_with_workers(struct file *file)
{
	struct wire *w = wire_open_with(TIER_CACHED, wire_config());

	pool_reset();
	*file = open_file(w, new_object_of(w, ROOT, "a", OBJECT), O_RDWR);
	w->server.ops.workers = &w->server.workers;
	return w;
}

/* One that is large and empty: a look finds a hole where it begins. */
static struct wire *open_large(struct file *file)
{
	struct wire *w = wire_open_with(TIER_CACHED, wire_config());

	pool_reset();
	*file = open_file(w, new_object_of(w, ROOT, "a", MANY_BYTES), O_RDWR);
	w->server.ops.workers = &w->server.workers;
	return w;
}

static void send_write(struct wire *w, struct file file, char byte, uint32_t size, uint64_t offset)
{
	struct fuse_write_in in = {.fh = file.handle, .offset = offset, .size = size};
	char *data = malloc(size);

	memset(data, byte, size);
	message_begin(w, FUSE_WRITE, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, data, size);
	free(data);
	message_send(w);
}

/* Another request waits, so that a worker pays. */
static void send_statfs(struct wire *w)
{
	message_begin(w, FUSE_STATFS, ROOT);
	message_send(w);
}

/* One write with a request behind it; answers with the write's number. */
static uint64_t begin_write(struct wire *w, struct file file, char byte, uint64_t offset)
{
	uint64_t unique;

	send_write(w, file, byte, LARGE, offset);
	unique = w->unique;
	send_statfs(w);
	GIVES(1, channel_serve(&w->server.channel));
	return unique;
}

START_TEST(a_large_write_is_answered_when_its_bytes_are_there)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	uint64_t unique = begin_write(w, file, 'x', 0);

	ck_assert_uint_eq(pool_waiting(), 1);
	ck_assert(!reply_take(w));
	/* The next request has another slot, and is answered first. */
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, w->unique);
	pool_work();
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(written_of(w), LARGE);
	w->server.ops.workers = NULL;
	expect_bytes(w, file, 'x', LARGE, 0);
	expect_bytes(w, file, 0, SMALL, LARGE);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(a_large_read_is_answered_by_its_worker)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	struct fuse_read_in in = {.fh = file.handle, .size = LARGE, .offset = OBJECT - LARGE + 100};
	uint64_t unique;

	w->server.ops.workers = NULL;
	GIVES(0, ask_write(w, file, "end", 3, OBJECT - 3));
	w->server.ops.workers = &w->server.workers;
	message_begin(w, FUSE_READ, file.id);
	message_add(w, &in, sizeof in);
	message_send(w);
	unique = w->unique;
	send_statfs(w);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert_uint_eq(pool_waiting(), 1);
	pool_run();
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(reply_body_size(w), LARGE - 100);
	ck_assert_int_eq(
	    memcmp((const char *)reply_body(w, LARGE - 100) + LARGE - 103, "end", 3), 0);
	pool_end();
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* What a worker's pipe does not take is copied by the loop, once the worker is done. */
START_TEST(a_read_that_a_worker_cannot_answer_is_answered_by_the_loop)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	struct fuse_read_in in = {.fh = file.handle, .size = LARGE};
	uint64_t unique;

	w->server.ops.workers = NULL;
	GIVES(0, ask_write(w, file, "begin", 5, 0));
	w->server.ops.workers = &w->server.workers;
	fake_pipes = (struct fake_pipes){.fail_in = 1};
	message_begin(w, FUSE_READ, file.id);
	message_add(w, &in, sizeof in);
	message_send(w);
	unique = w->unique;
	send_statfs(w);
	GIVES(1, channel_serve(&w->server.channel));
	pool_run();
	ck_assert(!reply_take(w));
	pool_end();
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_mem_eq(reply_body(w, LARGE), "begin", 6);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(no_more_than_so_many_at_a_time)
{
	struct file file;
	struct wire *w = open_with_workers(&file);

	for (unsigned i = 0; i < TRANSFERS_MAX + 1; i++) {
		(void)begin_write(w, file, (char)('a' + i), (uint64_t)i * LARGE);
		GIVES(1, channel_serve(&w->server.channel));
	}
	ck_assert_uint_eq(pool_waiting(), TRANSFERS_MAX);
	/* The last was done at once. */
	for (unsigned i = 0; i < TRANSFERS_MAX + 2; i++)
		ck_assert(reply_take(w));
	ck_assert(!reply_take(w));
	pool_work();
	for (unsigned i = 0; i < TRANSFERS_MAX; i++)
		ck_assert(reply_take(w));
	w->server.ops.workers = NULL;
	for (unsigned i = 0; i < TRANSFERS_MAX + 1; i++)
		expect_bytes(w, file, (char)('a' + i), LARGE, (uint64_t)i * LARGE);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* The loop index tells why: nobody waits; it is small; it crosses the end; workers refuse. */
START_TEST(what_does_not_pay_is_done_at_once)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	uint32_t size = _i == 1 ? SMALL : LARGE;
	uint64_t offset = _i == 2 ? OBJECT - 1000 : 0;

	pool_refuse(_i == 3);
	send_write(w, file, 'x', size, offset);
	if (_i > 0)
		send_statfs(w);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert_uint_eq(pool_waiting(), 0);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(written_of(w), _i == 2 ? 1000 : size);
	if (_i > 0) {
		GIVES(1, channel_serve(&w->server.channel));
		ck_assert(reply_take(w));
	}
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(a_handle_without_the_right_is_ebadf)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	struct file reader = open_file(w, file.id, O_RDONLY);

	(void)begin_write(w, reader, 'x', 0);
	ck_assert_uint_eq(pool_waiting(), 0);
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, -EBADF);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	GIVES(0, ask_release(w, reader));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Whoever is interrupted while it waits is answered all the same, once, and INTERRUPT itself never.
 */
START_TEST(an_interrupted_transfer_is_answered_when_it_is_done)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	uint64_t unique = begin_write(w, file, 'x', 0);

	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	begin_interrupt(w, unique);
	tell(w);
	ck_assert_uint_eq(pool_waiting(), 1);
	pool_work();
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(written_of(w), LARGE);
	w->server.ops.workers = NULL;
	expect_bytes(w, file, 'x', LARGE, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Nothing was promised; the next one has all that it takes. */
START_TEST(a_server_that_dies_on_the_way_leaves_it_to_the_next)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	uint64_t unique = begin_write(w, file, 'x', 0);

	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	w->outside->now.tv_sec += 100;
	/* The bytes are there, and nobody knows. */
	pool_run();
	wire_forget_dead(w);
	GIVES(0, recovery_run(&w->server.channel));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(written_of(w), LARGE);
	ck_assert(!reply_take(w));
	ck_assert_int_eq((time_t)attributes(w, file.id).mtime, w->outside->now.tv_sec);
	/* The memory of the dead one is the test's to free. */
	pool_end();
	ck_assert(reply_take(w));
	w->server.ops.workers = NULL;
	expect_bytes(w, file, 'x', LARGE, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* One look for a hole, served as far as the loop goes; answers with its number. */
static uint64_t begin_seek(struct wire *w, struct file file, uint32_t uid)
{
	struct fuse_lseek_in in = {.fh = file.handle, .offset = 100, .whence = SEEK_HOLE};

	w->uid = uid;
	message_begin(w, FUSE_LSEEK, file.id);
	message_add(w, &in, sizeof in);
	message_send(w);
	GIVES(1, channel_serve(&w->server.channel));
	return w->unique;
}

static void expect_found(struct wire *w, uint64_t unique, uint64_t offset)
{
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_int_eq(reply_header(w)->error, 0);
	ck_assert_uint_eq(((const struct fuse_lseek_out *)reply_body(w, 8))->offset, offset);
}

START_TEST(looks_for_holes_come_one_by_one_and_users_in_turn)
{
	struct file file;
	struct wire *w = open_large(&file);
	uint64_t first = begin_seek(w, file, 1001), second = begin_seek(w, file, 1001);
	uint64_t third = begin_seek(w, file, 1002);

	ck_assert_uint_eq(pool_waiting(), 1);
	/* Others do not wait for them. */
	GIVES(0, ask_statfs(w));
	pool_work();
	expect_found(w, first, 100);
	ck_assert(!reply_take(w));
	pool_work();
	expect_found(w, third, 100);
	pool_work();
	expect_found(w, second, 100);
	ck_assert_uint_eq(pool_waiting(), 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* As lseek(2) allows; and the next user finds a place. */
START_TEST(who_looks_for_too_much_at_a_time_is_told_that_all_is_data)
{
	struct file file;
	struct wire *w = open_large(&file);
	unsigned told = 0;

	for (int i = 0; i < 40; i++) {
		uint64_t unique = begin_seek(w, file, 1001);

		if (reply_take(w)) {
			ck_assert_uint_eq(reply_header(w)->unique, unique);
			ck_assert_uint_eq(
			    ((const struct fuse_lseek_out *)reply_body(w, 8))->offset, MANY_BYTES);
			told++;
		}
	}
	ck_assert_uint_gt(told, 0);
	ck_assert_uint_lt(told, 40);
	(void)begin_seek(w, file, 1002);
	ck_assert(!reply_take(w));
	for (unsigned i = told; i < 41; i++) {
		pool_work();
		ck_assert(reply_take(w));
	}
	ck_assert_uint_eq(pool_waiting(), 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(who_waits_to_look_for_a_hole_can_be_interrupted)
{
	struct file file;
	struct wire *w = open_large(&file);
	uint64_t first = begin_seek(w, file, 1001);
	uint64_t second = begin_seek(w, file, 1001);

	begin_interrupt(w, second);
	message_send(w);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, second);
	ck_assert_int_eq(reply_header(w)->error, -EINTR);
	pool_work();
	expect_found(w, first, 100);
	ck_assert_uint_eq(pool_waiting(), 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

Suite *transfer_suite(void)
{
	const TTest *const tests[] = {
	    a_large_write_is_answered_when_its_bytes_are_there,
	    a_large_read_is_answered_by_its_worker,
	    a_read_that_a_worker_cannot_answer_is_answered_by_the_loop,
	    no_more_than_so_many_at_a_time,
	    a_handle_without_the_right_is_ebadf,
	    an_interrupted_transfer_is_answered_when_it_is_done,
	    a_server_that_dies_on_the_way_leaves_it_to_the_next,
	    looks_for_holes_come_one_by_one_and_users_in_turn,
	    who_looks_for_too_much_at_a_time_is_told_that_all_is_data,
	    who_waits_to_look_for_a_hole_can_be_interrupted,
	};
	Suite *suite = suite_of("transfer", tests, sizeof tests / sizeof tests[0]);
	TCase *loops = tcase_create("what does not pay");

	tcase_add_loop_test(loops, what_does_not_pay_is_done_at_once, 0, 4);
	suite_add_tcase(suite, loops);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes whose bytes a worker moves, which here is the test itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fuse/recovery.h"
#include "daemon/ops/transfer.h"
#include "requests.h"
#include "suites.h"

enum { LARGE = 256 * 1024, SMALL = 64 * 1024, OBJECT = 1024 * 1024 };

static struct transfer *waiting[8];
static unsigned waiting_count;
static int refusal; /* of workers */

static int take(struct server *server, struct transfer *transfer)
{
	(void)server;
	if (refusal != 0)
		return refusal;
	waiting[waiting_count++] = transfer;
	return 0;
}

static void work(void)
{
	for (unsigned i = 0; i < waiting_count; i++) {
		transfer_move(waiting[i]);
		transfer_end(waiting[i]);
	}
	waiting_count = 0;
}

static struct wire *open_with_workers(struct file *file)
{
	struct wire *w = wire_open_with(TIER_DIRECT, wire_config());

	waiting_count = 0;
	refusal = 0;
	*file = open_file(w, new_object_of(w, ROOT, "a", OBJECT), O_RDWR);
	w->server.offload = take;
	return w;
}

static void send_write(struct wire *w, struct file file, char byte, uint32_t size, uint64_t offset)
{
	struct fuse_write_in in = {.fh = file.handle, .offset = offset, .size = size};
	char *data = malloc(size);

	memset(data, byte, size);
	request_begin(w, FUSE_WRITE, file.id);
	request_add(w, &in, sizeof in);
	request_add(w, data, size);
	free(data);
	request_send(w);
}

/* Another request waits, so that a worker pays. */
static void send_statfs(struct wire *w)
{
	request_begin(w, FUSE_STATFS, ROOT);
	request_send(w);
}

static const struct fuse_out_header *reply_header(const struct wire *w)
{
	return (const void *)w->reply;
}

/* One write with a request behind it; answers with the write's number. */
static uint64_t begin_write(struct wire *w, struct file file, char byte, uint64_t offset)
{
	uint64_t unique;

	send_write(w, file, byte, LARGE, offset);
	unique = w->unique;
	send_statfs(w);
	GIVES(1, channel_serve(&w->server));
	return unique;
}

START_TEST(a_large_write_is_answered_when_its_bytes_are_there)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	uint64_t unique = begin_write(w, file, 'x', 0);

	ck_assert_uint_eq(waiting_count, 1);
	ck_assert(!reply_take(w));
	/* The next request has another place, and is answered first. */
	GIVES(1, channel_serve(&w->server));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, w->unique);
	work();
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(written_of(w), LARGE);
	w->server.offload = NULL;
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

	w->server.offload = NULL;
	GIVES(0, ask_write(w, file, "end", 3, OBJECT - 3));
	w->server.offload = take;
	request_begin(w, FUSE_READ, file.id);
	request_add(w, &in, sizeof in);
	request_send(w);
	unique = w->unique;
	send_statfs(w);
	GIVES(1, channel_serve(&w->server));
	ck_assert_uint_eq(waiting_count, 1);
	transfer_move(waiting[0]);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(reply_body_size(w), LARGE - 100);
	ck_assert_int_eq(
	    memcmp((const char *)reply_body(w, LARGE - 100) + LARGE - 103, "end", 3), 0);
	transfer_end(waiting[0]);
	waiting_count = 0;
	GIVES(1, channel_serve(&w->server));
	ck_assert(reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(no_more_than_there_are_places)
{
	struct file file;
	struct wire *w = open_with_workers(&file);

	for (unsigned i = 0; i < HANDOVER_SLOTS; i++) {
		(void)begin_write(w, file, (char)('a' + i), (uint64_t)i * LARGE);
		GIVES(1, channel_serve(&w->server));
	}
	ck_assert_uint_eq(waiting_count, HANDOVER_SLOTS - 1);
	/* The last was done at once. */
	for (unsigned i = 0; i < HANDOVER_SLOTS + 1; i++)
		ck_assert(reply_take(w));
	ck_assert(!reply_take(w));
	work();
	for (unsigned i = 0; i < HANDOVER_SLOTS - 1; i++)
		ck_assert(reply_take(w));
	w->server.offload = NULL;
	for (unsigned i = 0; i < HANDOVER_SLOTS; i++)
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

	refusal = _i == 3 ? -ENOMEM : 0;
	send_write(w, file, 'x', size, offset);
	if (_i > 0)
		send_statfs(w);
	GIVES(1, channel_serve(&w->server));
	ck_assert_uint_eq(waiting_count, 0);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(written_of(w), _i == 2 ? 1000 : size);
	if (_i > 0) {
		GIVES(1, channel_serve(&w->server));
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
	ck_assert_uint_eq(waiting_count, 0);
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, -EBADF);
	GIVES(1, channel_serve(&w->server));
	ck_assert(reply_take(w));
	GIVES(0, ask_release(w, reader));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Nothing was promised, so the kernel asks the next server again. */
START_TEST(a_server_that_dies_on_the_way_leaves_no_trace)
{
	struct file file;
	struct wire *w = open_with_workers(&file);
	struct timespec before;

	(void)begin_write(w, file, 'x', 0);
	GIVES(1, channel_serve(&w->server));
	ck_assert(reply_take(w));
	before = (struct timespec){(time_t)attributes(w, file.id).mtime, 0};
	w->outside->now.tv_sec += 100;
	GIVES(0, recovery_run(&w->server));
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, ABI_NOTIFY_RESEND);
	ck_assert(!reply_take(w));
	ck_assert_int_eq((time_t)attributes(w, file.id).mtime, before.tv_sec);
	/* The memory of the dead one is the test's to free. */
	work();
	ck_assert(reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

Suite *transfer_suite(void)
{
	const TTest *const tests[] = {
	    a_large_write_is_answered_when_its_bytes_are_there,
	    a_large_read_is_answered_by_its_worker,
	    no_more_than_there_are_places,
	    a_handle_without_the_right_is_ebadf,
	    a_server_that_dies_on_the_way_leaves_no_trace,
	};
	Suite *suite = suite_of("transfer", tests, sizeof tests / sizeof tests[0]);
	TCase *loops = tcase_create("what does not pay");

	tcase_add_loop_test(loops, what_does_not_pay_is_done_at_once, 0, 4);
	suite_add_tcase(suite, loops);
	return suite;
}

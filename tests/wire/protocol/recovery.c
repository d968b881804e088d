/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server does about the request that the one before it was at; requests that wait. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fuse/recovery.h"
#include "daemon/ops/deferred.h"
#include "requests.h"
#include "suites.h"

/* As a server that died leaves it: the request as it stands is in the handover. */
static void leave_in_slot(struct wire *w)
{
	memcpy(wire_slot(w), w->request, w->request_size);
}

/* The next message is the notification to the kernel that it is to send again, and the last. */
static void expect_resend(struct wire *w)
{
	const struct fuse_out_header *header = (const void *)w->reply;

	ck_assert(reply_take(w));
	ck_assert_uint_eq(w->reply_size, sizeof *header);
	ck_assert_uint_eq(header->unique, 0);
	ck_assert_int_eq(header->error, ABI_NOTIFY_RESEND);
	ck_assert(!reply_take(w));
}

static void recover(struct wire *w)
{
	const struct fuse_in_header *header = (const void *)wire_slot(w);

	GIVES(0, recovery_run(&w->server.channel));
	ck_assert_uint_eq(header->len, 0);
	wire_verify(w);
}

START_TEST(nothing_in_the_slots_is_nothing_to_do)
{
	struct wire *w = wire_open();

	GIVES(0, recovery_run(&w->server.channel));
	expect_resend(w);
	wire_close(w);
}
END_TEST

/* Its reply is on its way, or was lost: the next server cannot tell. */
START_TEST(the_stored_reply_of_a_final_change_is_sent_again)
{
	struct wire *w = wire_open();
	char first[256], stored[EXCHANGE_REPLY_SIZE];
	uint64_t stored_size, id;
	size_t size;

	message_begin(w, FUSE_MKDIR, ROOT);
	message_add(w, &(struct fuse_mkdir_in){.mode = 0755}, sizeof(struct fuse_mkdir_in));
	message_add_string(w, "dir");
	GIVES(1, message_serve(w));
	memcpy(stored, w->server.handover->exchange.reply, sizeof stored);
	ck_assert(reply_take(w));
	size = w->reply_size;
	ck_assert_uint_le(size, sizeof first);
	memcpy(first, w->reply, size);
	stored_size = size;

	leave_in_slot(w);
	memcpy(w->server.handover->exchange.reply, stored, sizeof stored);
	w->server.handover->exchange.reply_number = message_header(w)->unique;
	w->server.handover->exchange.reply_size = stored_size;
	recover(w);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(w->reply_size, size);
	ck_assert_int_eq(memcmp(w->reply, first, size), 0);
	expect_resend(w);
	id = id_of(w, ROOT, "dir");
	ck_assert_uint_ne(id, 0);
	tell_forget(w, id, 1);
	wire_close(w);
}
END_TEST

START_TEST(a_request_that_changed_nothing_is_left_to_the_kernel)
{
	struct wire *w = wire_open();

	message_begin(w, FUSE_UNLINK, ROOT);
	message_add_string(w, "a");
	leave_in_slot(w);
	/* The reply was stored, and the change was not final. */
	w->server.handover->exchange.reply_number = message_header(w)->unique;
	w->server.handover->exchange.reply_size = sizeof(struct fuse_out_header);
	recover(w);
	expect_resend(w);
	wire_close(w);
}
END_TEST

static const struct fuse_forget_one *three_forgets(const uint64_t id[3])
{
	static struct fuse_forget_one forgets[3];

	for (int i = 0; i < 3; i++)
		forgets[i] = (struct fuse_forget_one){.nodeid = id[i], .nlookup = 1};
	return forgets;
}

/* The loop index says how many were done when the server died. */
START_TEST(a_forget_goes_on_where_it_stopped)
{
	struct wire *w = wire_open();
	uint64_t id[3] = {
	    new_object(w, ROOT, "a"), new_object(w, ROOT, "b"), new_object(w, ROOT, "c")};
	struct fuse_batch_forget_in in = {.count = 3};

	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('a' + i), '\0'};

		GIVES(0, ask_unlink(w, ROOT, name));
	}
	message_begin(w, FUSE_BATCH_FORGET, 0);
	message_add(w, &in, sizeof in);
	message_add(w, three_forgets(id), 3 * sizeof(struct fuse_forget_one));
	leave_in_slot(w);
	shmfs_begin(w->server.channel.fs);
	for (int i = 0; i < _i; i++)
		shmfs_forget(w->server.channel.fs, id[i], 1);
	shmfs_set_mark(w->server.channel.fs,
	    (struct shmfs_mark){.request = message_header(w)->unique, .progress = (uint64_t)_i});
	shmfs_commit(w->server.channel.fs);
	recover(w);
	expect_resend(w);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	for (int i = 0; i < 3; i++)
		ck_assert(!exists(w, id[i]));
	wire_close(w);
}
END_TEST

/* References that are counted twice would be given back twice. */
START_TEST(a_forget_that_is_done_is_not_done_again)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	struct fuse_forget_in in = {.nlookup = 1};

	ck_assert_int_eq(ask_lookup(w, ROOT, "a"), 0);
	ck_assert_int_eq(ask_lookup(w, ROOT, "a"), 0);
	GIVES(0, ask_unlink(w, ROOT, "a"));
	message_begin(w, FUSE_FORGET, id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
	for (int i = 0; i < 2; i++) {
		leave_in_slot(w);
		recover(w);
		expect_resend(w);
	}
	/* Of three references, one is given back. */
	ck_assert(exists(w, id));
	tell_forget(w, id, 2);
	ck_assert(!exists(w, id));
	wire_close(w);
}
END_TEST

START_TEST(a_half_done_change_is_undone)
{
	struct wire *w = wire_open();
	struct shmfs_cred cred = {0};
	struct shmfs_attr attr;

	shmfs_begin(w->server.channel.fs);
	GIVES(0, shmfs_mkdir(w->server.channel.fs, &cred, ROOT, "half", 0755, &attr));
	GIVES(0, recovery_run(&w->server.channel));
	expect_resend(w);
	ck_assert_uint_eq(id_of(w, ROOT, "half"), 0);
	wire_close(w);
}
END_TEST

/* It is one that the kernel sends again and again. */
START_TEST(a_request_that_crashes_servers_is_eio_the_third_time)
{
	struct wire *w = wire_open();
	const struct fuse_out_header *header = (const void *)w->reply;

	message_begin(w, FUSE_STATFS, ROOT);
	for (int i = 0; i < 3; i++) {
		leave_in_slot(w);
		w->server.handover->exchange.crashed = true;
		recover(w);
		if (i == 2) {
			ck_assert(reply_take(w));
			ck_assert_int_eq(header->error, -EIO);
			ck_assert_uint_eq(header->unique, message_header(w)->unique);
		}
		expect_resend(w);
		message_header(w)->unique |= ABI_UNIQUE_RESEND;
	}
	/* A kill from outside is no fault of the request. */
	message_begin(w, FUSE_STATFS, ROOT);
	for (int i = 0; i < 5; i++) {
		leave_in_slot(w);
		w->server.handover->exchange.crashed = false;
		recover(w);
		expect_resend(w);
	}
	wire_close(w);
}
END_TEST

/* --- requests that wait ----------------------------------------------------------------------- */

enum { PAGES = 300 };

static struct wire *open_in_pieces(struct file *file)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	char page[SHMFS_PAGE_SIZE];

	config.deferred_free_min = 100 * SHMFS_PAGE_SIZE;
	w = wire_open_with(TIER_DIRECT, config);
	memset(page, 'x', sizeof page);
	*file = open_file(w, new_object_of(w, ROOT, "a", PAGES * SHMFS_PAGE_SIZE), O_RDWR);
	for (uint64_t i = 0; i < PAGES; i++)
		GIVES(0, ask_write(w, *file, page, sizeof page, i * SHMFS_PAGE_SIZE));
	return w;
}

static bool free_some(struct wire *w)
{
	bool more = shmfs_free_step(w->server.channel.fs, 64);

	deferred_answer(&w->server.channel);
	return more;
}

/* Works until there is nothing to do; true: an answer came. Of a second one, the next request would
 * tell. */
static bool work(struct wire *w)
{
	while (free_some(w))
		;
	return reply_take(w);
}

static void begin_shrink(struct wire *w, uint64_t id)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = 10};

	message_begin(w, FUSE_SETATTR, id);
	message_add(w, &in, sizeof in);
}

START_TEST(a_large_shrink_is_answered_when_it_is_done)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);
	uint64_t unique;

	begin_shrink(w, file.id);
	unique = message_header(w)->unique;
	GIVES(1, message_serve(w));
	ck_assert(!reply_take(w));
	/* Others are served meanwhile. */
	ck_assert_uint_eq(attributes(w, file.id).size, 10);
	ck_assert(free_some(w));
	ck_assert(!reply_take(w));
	ck_assert(work(w));
	ck_assert_uint_eq(((const struct fuse_out_header *)(const void *)w->reply)->unique, unique);
	ck_assert_uint_eq(attr_of(w)->attr.size, 10);
	expect_bytes(w, file, 'x', 10, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* It is final already: EINTR would be a lie. */
START_TEST(an_interrupted_shrink_is_answered_when_it_is_done)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);
	uint64_t unique;

	begin_shrink(w, file.id);
	unique = message_header(w)->unique;
	GIVES(1, message_serve(w));
	message_begin(w, FUSE_INTERRUPT, 0);
	message_add(
	    w, &(struct fuse_interrupt_in){.unique = unique}, sizeof(struct fuse_interrupt_in));
	tell(w);
	ck_assert(work(w));
	ck_assert_uint_eq(((const struct fuse_out_header *)(const void *)w->reply)->unique, unique);
	ck_assert_int_eq(((const struct fuse_out_header *)(const void *)w->reply)->error, 0);
	ck_assert_uint_eq(attr_of(w)->attr.size, 10);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Whoever finds all slots taken is answered when it is done, too: then the loop does the work. */
START_TEST(more_shrinks_than_can_wait_are_done_at_once)
{
	struct file file[EXCHANGE_SLOTS];
	struct shmfs_config config = wire_config();
	struct wire *w;
	char name[16];
	unsigned answers = 0;

	config.deferred_free_min = SHMFS_PAGE_SIZE;
	w = wire_open_with(TIER_DIRECT, config);
	for (unsigned i = 0; i < EXCHANGE_SLOTS; i++) {
		snprintf(name, sizeof name, "%u", i);
		file[i] = open_file(w, new_object_of(w, ROOT, name, 2 * SHMFS_PAGE_SIZE), O_RDWR);
		GIVES(0, ask_write(w, file[i], "x", 1, SHMFS_PAGE_SIZE));
	}
	for (unsigned i = 0; i < EXCHANGE_SLOTS; i++) {
		begin_shrink(w, file[i].id);
		GIVES(1, message_serve(w));
		if (i + 1 < EXCHANGE_SLOTS)
			ck_assert(!reply_take(w));
	}
	/* One slot is for whatever comes next. */
	ck_assert(reply_take(w));
	ck_assert_uint_eq(attr_of(w)->attr.size, 10);
	while (shmfs_free_step(w->server.channel.fs, 64))
		;
	deferred_answer(&w->server.channel);
	while (reply_take(w))
		answers++;
	ck_assert_uint_eq(answers, EXCHANGE_SLOTS - 1);
	for (unsigned i = 0; i < EXCHANGE_SLOTS; i++)
		GIVES(0, ask_release(w, file[i]));
	wire_close(w);
}
END_TEST

START_TEST(a_large_hole_is_answered_when_it_is_done)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);
	struct fuse_fallocate_in in = {
	    .fh = file.handle, .length = PAGES * SHMFS_PAGE_SIZE, .mode = 3};

	message_begin(w, FUSE_FALLOCATE, file.id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
	ck_assert(!reply_take(w));
	ck_assert(work(w));
	ck_assert_int_eq(((const struct fuse_out_header *)(const void *)w->reply)->error, 0);
	expect_bytes(w, file, 0, SHMFS_PAGE_SIZE, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* A server dies while somebody waits: the kernel sends his request to the next one. */
START_TEST(who_waits_is_answered_by_the_next_server)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);

	begin_shrink(w, file.id);
	GIVES(1, message_serve(w));
	ck_assert(free_some(w));
	/* The dead one's memory is gone with it. */
	w->lost = w->server.ops.deferred;
	w->server.ops.deferred.count = 0;
	GIVES(0, recovery_run(&w->server.channel));
	expect_resend(w);
	begin_shrink(w, file.id);
	message_header(w)->unique |= ABI_UNIQUE_RESEND;
	GIVES(1, message_serve(w));
	ck_assert(!reply_take(w));
	ck_assert(work(w));
	ck_assert_uint_eq(attr_of(w)->attr.size, 10);
	/* What the dead one had is the test's to free. */
	w->server.ops.deferred = w->lost;
	ck_assert(work(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

Suite *recovery_suite(void)
{
	Suite *suite;
	const TTest *const tests[] = {
	    nothing_in_the_slots_is_nothing_to_do,
	    the_stored_reply_of_a_final_change_is_sent_again,
	    a_request_that_changed_nothing_is_left_to_the_kernel,
	    a_forget_that_is_done_is_not_done_again,
	    a_half_done_change_is_undone,
	    a_request_that_crashes_servers_is_eio_the_third_time,
	    a_large_shrink_is_answered_when_it_is_done,
	    a_large_hole_is_answered_when_it_is_done,
	    an_interrupted_shrink_is_answered_when_it_is_done,
	    more_shrinks_than_can_wait_are_done_at_once,
	    who_waits_is_answered_by_the_next_server,
	};
	TCase *loops = tcase_create("forgets");

	suite = suite_of("recovery", tests, sizeof tests / sizeof tests[0]);
	tcase_add_loop_test(loops, a_forget_goes_on_where_it_stopped, 0, 4);
	suite_add_tcase(suite, loops);
	return suite;
}

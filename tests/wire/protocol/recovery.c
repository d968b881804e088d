/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server does about the requests that the one before it left. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/fuse/recovery.h"
#include "requests.h"
#include "suites.h"

/* As a server that died leaves it: the request as it stands is in the handover. */
static void leave_in_slot(struct wire *w)
{
	memcpy(wire_slot(w), w->request, w->request_size);
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
	ck_assert(!reply_take(w));
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
	ck_assert(!reply_take(w));
	id = id_of(w, ROOT, "dir");
	ck_assert_uint_ne(id, 0);
	tell_forget(w, id, 1);
	wire_close(w);
}
END_TEST

static void unlink_message(struct wire *w, const char *name)
{
	message_begin(w, FUSE_UNLINK, ROOT);
	message_add_string(w, name);
}

START_TEST(a_request_that_changed_nothing_is_served)
{
	struct wire *w = wire_open();

	unlink_message(w, "a");
	leave_in_slot(w);
	/* The reply was stored, and the change was not final. */
	w->server.handover->exchange.reply_number = message_header(w)->unique;
	w->server.handover->exchange.reply_size = sizeof(struct fuse_out_header);
	recover(w);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, message_header(w)->unique);
	ck_assert_int_eq(reply_header(w)->error, -ENOENT);
	ck_assert(!reply_take(w));
	wire_close(w);
}
END_TEST

/* The server died when it had sent the reply, and before it cleared the slot. */
START_TEST(a_request_whose_change_is_final_is_not_served_again)
{
	struct wire *w = wire_open();

	for (int i = 0; i < 2; i++)
		GIVES(0, ask_mkdir(w, ROOT, i == 0 ? "a" : "b", 0755));
	message_begin(w, FUSE_RENAME2, ROOT);
	message_add(w, &(struct fuse_rename2_in){.newdir = ROOT, .flags = RENAME_EXCHANGE},
	    sizeof(struct fuse_rename2_in));
	message_add_string(w, "a");
	message_add_string(w, "b");
	GIVES(1, message_serve(w));
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, 0);
	leave_in_slot(w);
	recover(w);
	ck_assert(!reply_take(w));
	/* Twice would be not at all. */
	ck_assert_uint_gt(id_of(w, ROOT, "a"), id_of(w, ROOT, "b"));
	wire_close(w);
}
END_TEST

/* Its access time is final, and its reply has no room in the exchange: it is made twice. */
START_TEST(a_read_that_was_not_answered_is_served_again)
{
	enum { SIZE = 4096 };
	static char data[SIZE];
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", SIZE), O_RDWR);
	struct fuse_read_in in = {.fh = file.handle, .size = SIZE};

	memset(data, 'x', SIZE);
	GIVES(0, ask_write(w, file, data, SIZE, 0));
	w->outside->now.tv_sec += 100;
	message_begin(w, FUSE_READ, file.id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
	ck_assert(reply_take(w));
	/* It died with the change, and before the reply. */
	leave_in_slot(w);
	w->server.handover->exchange.answered = 0;
	recover(w);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, message_header(w)->unique);
	ck_assert_mem_eq(reply_body(w, SIZE), data, SIZE);
	ck_assert(!reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Another server might find room, and do what its caller was told is not done. */
START_TEST(a_refusal_is_sent_again_and_stands)
{
	struct shmfs_config config = wire_config();
	struct shmfs_limits limits = {.bytes = 1 << 20};
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = 2 * PAGE};
	struct wire *w;
	char refusal[sizeof(struct fuse_out_header)];
	uint64_t id;

	config.size_limit = PAGE;
	w = wire_open_with(TIER_CACHED, config);
	id = new_object(w, ROOT, "a");
	message_begin(w, FUSE_SETATTR, id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
	memcpy(refusal, w->server.handover->exchange.reply, sizeof refusal);
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, -ENOSPC);
	shmfs_begin(w->server.channel.fs);
	GIVES(0, shmfs_set_limits(w->server.channel.fs, SHMFS_SCOPE_MOUNT, 0, &limits));
	shmfs_commit(w->server.channel.fs);
	/* Died before it was sent, and after. The loop index tells which. */
	leave_in_slot(w);
	w->server.handover->exchange.reply_size = _i == 0 ? sizeof refusal : 0;
	if (_i == 0)
		w->server.handover->exchange.answered = 0;
	recover(w);
	ck_assert_int_eq(reply_take(w), _i == 0);
	if (_i == 0)
		ck_assert_mem_eq(w->reply, refusal, sizeof refusal);
	ck_assert(!reply_take(w));
	ck_assert_uint_eq(attributes(w, id).size, 0);
	wire_close(w);
}
END_TEST

static void leave_in(struct wire *w, uint32_t slot)
{
	exchange_move(w->server.channel.exchange, slot);
	leave_in_slot(w);
}

/* Those that waited lie in slots of their own; the kernel counts requests. */
START_TEST(requests_that_are_left_are_served_in_their_order)
{
	static const char *const names[] = {"first", "second", "third"};
	static const uint32_t slots[] = {5, 2, 9};
	struct wire *w = wire_open();
	uint64_t unique[3];

	for (int i = 0; i < 3; i++) {
		message_begin(w, FUSE_MKDIR, ROOT);
		message_add(w, &(struct fuse_mkdir_in){.mode = 0755}, sizeof(struct fuse_mkdir_in));
		message_add_string(w, names[i]);
		unique[i] = message_header(w)->unique;
		leave_in(w, slots[i]);
	}
	/* The next one is to come elsewhere. */
	exchange_move(w->server.channel.exchange, 0);
	recover(w);
	for (int i = 0; i < 3; i++) {
		ck_assert(reply_take(w));
		ck_assert_uint_eq(reply_header(w)->unique, unique[i]);
		ck_assert_int_eq(reply_header(w)->error, 0);
	}
	ck_assert(!reply_take(w));
	for (int i = 0; i < 3; i++)
		GIVES(0, ask_rmdir(w, ROOT, names[i]));
	wire_close(w);
}
END_TEST

/*
 * The kernel ends a request that it cannot copy into a dying process with EIO: nobody waits for it.
 * The loop index says how many of its four pages came.
 */
START_TEST(a_request_that_did_not_arrive_whole_is_dropped)
{
	enum { SIZE = 3 * 4096 };
	static char data[SIZE];
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", SIZE), O_RDWR);
	struct fuse_write_in in = {.fh = file.handle, .size = SIZE};
	size_t arrived = EXCHANGE_BEFORE_DATA + (size_t)_i * EXCHANGE_PAGE;

	memset(data, 'x', SIZE);
	message_begin(w, FUSE_WRITE, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, data, SIZE);
	memcpy(wire_slot(w), w->request, arrived);
	recover(w);
	ck_assert_int_eq(reply_take(w), _i == 3);
	if (_i == 3)
		ck_assert_uint_eq(written_of(w), SIZE);
	expect_bytes(w, file, _i == 3 ? 'x' : 0, SIZE, 0);
	/* The slot is as good as before. */
	GIVES(0, ask_write(w, file, data, SIZE, 0));
	expect_bytes(w, file, 'x', SIZE, 0);
	GIVES(0, ask_release(w, file));
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
	ck_assert(!reply_take(w));
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
		ck_assert(!reply_take(w));
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
	ck_assert(!reply_take(w));
	ck_assert_uint_eq(id_of(w, ROOT, "half"), 0);
	wire_close(w);
}
END_TEST

/* It would be served again and again. */
START_TEST(a_request_that_crashes_servers_is_eio_the_third_time)
{
	struct wire *w = wire_open();

	message_begin(w, FUSE_STATFS, ROOT);
	for (int i = 0; i < 3; i++) {
		leave_in_slot(w);
		w->server.handover->exchange.death = DEATH_BY_CRASH;
		w->server.handover->exchange.answered = 0;
		recover(w);
		ck_assert(reply_take(w));
		ck_assert_int_eq(reply_header(w)->error, i == 2 ? -EIO : 0);
		ck_assert_uint_eq(reply_header(w)->unique, message_header(w)->unique);
		ck_assert(!reply_take(w));
	}
	/* A kill from outside is no fault of the request. */
	message_begin(w, FUSE_STATFS, ROOT);
	for (int i = 0; i < 5; i++) {
		leave_in_slot(w);
		w->server.handover->exchange.death = DEATH_FROM_OUTSIDE;
		w->server.handover->exchange.answered = 0;
		recover(w);
		ck_assert(reply_take(w));
		ck_assert_int_eq(reply_header(w)->error, 0);
		ck_assert(!reply_take(w));
	}
	wire_close(w);
}
END_TEST

/* Whoever is killed for memory has not asked for it, and others may have given some back. */
START_TEST(a_request_that_has_servers_killed_for_memory_is_enomem_the_third_time)
{
	struct wire *w = wire_open();

	message_begin(w, FUSE_STATFS, ROOT);
	for (int i = 0; i < 3; i++) {
		leave_in_slot(w);
		w->server.handover->exchange.death = DEATH_FOR_MEMORY;
		w->server.handover->exchange.answered = 0;
		recover(w);
		ck_assert(reply_take(w));
		ck_assert_int_eq(reply_header(w)->error, i == 2 ? -ENOMEM : 0);
		ck_assert(!reply_take(w));
	}
	/* The next one is not to blame for it. */
	message_begin(w, FUSE_STATFS, ROOT);
	leave_in_slot(w);
	w->server.handover->exchange.answered = 0;
	recover(w);
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, 0);
	wire_close(w);
}
END_TEST

Suite *recovery_suite(void)
{
	Suite *suite;
	const TTest *const tests[] = {
	    nothing_in_the_slots_is_nothing_to_do,
	    the_stored_reply_of_a_final_change_is_sent_again,
	    a_request_that_changed_nothing_is_served,
	    a_request_whose_change_is_final_is_not_served_again,
	    a_read_that_was_not_answered_is_served_again,
	    requests_that_are_left_are_served_in_their_order,
	    a_forget_that_is_done_is_not_done_again,
	    a_half_done_change_is_undone,
	    a_request_that_crashes_servers_is_eio_the_third_time,
	    a_request_that_has_servers_killed_for_memory_is_enomem_the_third_time,
	};
	TCase *loops = tcase_create("forgets");

	suite = suite_of("recovery", tests, sizeof tests / sizeof tests[0]);
	tcase_add_loop_test(loops, a_forget_goes_on_where_it_stopped, 0, 4);
	tcase_add_loop_test(loops, a_refusal_is_sent_again_and_stands, 0, 2);
	tcase_add_loop_test(loops, a_request_that_did_not_arrive_whole_is_dropped, 0, 4);
	suite_add_tcase(suite, loops);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of requests that wait for their turn when their server dies, and of their memory. */
#include <stdio.h>
#include <string.h>

#include "backlog.h"
#include "daemon/fuse/recovery.h"
#include "daemon/fuse/turns/queue.h"
#include "suites.h"

static uint64_t send_mkdir(struct wire *w, uint32_t uid, const char *name)
{
	message_begin(w, FUSE_MKDIR, ROOT);
	by_another_thread(w, uid);
	message_add(w, &(struct fuse_mkdir_in){.mode = 0777}, sizeof(struct fuse_mkdir_in));
	message_add_string(w, name);
	message_send(w);
	return message_header(w)->unique;
}

/* How often each name was made: once, or its request was answered otherwise. */
static void expect_directories(struct wire *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof name, "%u", i);
		GIVES(0, ask_rmdir(w, ROOT, name));
	}
}

static struct wire *begin_with_directories(unsigned count)
{
	struct wire *w = backlog_begin();

	for (unsigned i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof name, "%u", i);
		(void)send_mkdir(w, i % 3 == 0 ? VICTIM : HOG, name);
	}
	return w;
}

START_TEST(what_waits_for_its_turn_is_served_by_the_next_server)
{
	struct wire *w = begin_with_directories(MANY);
	unsigned answers = 0;

	while (answers < MANY) {
		for (unsigned i = 0; i < 7 && answers < MANY; i++, answers++)
			(void)next_answer(w);
		wire_forget_dead(w);
		GIVES(0, recovery_run(&w->server.channel));
		ck_assert_uint_eq(
		    w->server.channel.queue.turns.count, w->server.handover->exchange.queued);
	}
	GIVES(0, channel_serve(&w->server.channel));
	expect_directories(w, MANY);
	wire_close(w);
}
END_TEST

START_TEST(large_ones_that_wait_are_served_by_the_next_server)
{
	struct wire *w = backlog_begin();
	struct file file = file_of_size(w, WRITE_SIZE);
	unsigned answers = 1;

	be_used_to(w, HOG);
	for (unsigned i = 0; i < EXCHANGE_LARGE / 4; i++)
		send_write(w, i % 2 == 0 ? HOG : VICTIM, file);
	while (w->server.channel.queue.large == 0) {
		(void)next_answer(w);
		answers++;
	}
	wire_forget_dead(w);
	GIVES(0, recovery_run(&w->server.channel));
	for (; answers < EXCHANGE_LARGE / 4 + 1; answers++)
		(void)next_answer(w);
	GIVES(0, channel_serve(&w->server.channel));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* A cell that is in use. */
static uint32_t used_cell(struct wire *w)
{
	uint32_t cell = 0;

	while (exchange_cell_length(&w->server.handover->exchange, cell) == 0)
		ck_assert_uint_lt(++cell, EXCHANGE_CELLS);
	return cell;
}

/* It is in a cell and in the slot, when a server dies between the two: it came, or is to go. */
START_TEST(a_request_that_is_on_its_way_from_a_cell_is_served_once)
{
	struct wire *w = begin_with_directories(MANY);
	struct exchange *exchange = &w->server.handover->exchange;
	unsigned answers = 0;

	while (w->server.channel.queue.turns.count == 0) {
		(void)next_answer(w);
		answers++;
	}
	memcpy(wire_slot(w), exchange->cells[used_cell(w)].request,
	    exchange_cell_length(exchange, used_cell(w)));
	wire_forget_dead(w);
	GIVES(0, recovery_run(&w->server.channel));
	for (; answers < MANY; answers++)
		(void)next_answer(w);
	GIVES(0, channel_serve(&w->server.channel));
	ck_assert(!reply_take(w));
	expect_directories(w, MANY);
	wire_close(w);
}
END_TEST

/* Its length comes last. Canaries that are gone do not stand for what comes into the slot next. */
START_TEST(half_a_request_in_a_slot_is_none_and_leaves_no_trace)
{
	enum { SIZE = 2 * 4096 };
	static char data[SIZE];
	struct wire *w = backlog_begin();
	struct file file = file_of_size(w, SIZE);
	struct fuse_write_in in = {.fh = file.handle, .size = SIZE};

	memset(wire_slot(w) + sizeof(uint32_t), 'x', EXCHANGE_CELL_SIZE - sizeof(uint32_t));
	wire_forget_dead(w);
	GIVES(0, recovery_run(&w->server.channel));
	ck_assert(!reply_take(w));
	message_begin(w, FUSE_WRITE, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, data, SIZE);
	memcpy(wire_slot(w), w->request, EXCHANGE_BEFORE_DATA);
	GIVES(0, recovery_run(&w->server.channel));
	ck_assert(!reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(nonsense_in_a_cell_is_dropped)
{
	static const uint32_t lengths[] = {1, 39, EXCHANGE_CELL_SIZE + 1, UINT32_MAX};
	struct wire *w = backlog_begin();
	struct exchange *exchange = &w->server.handover->exchange;

	exchange->cells_used = 4;
	for (unsigned i = 0; i < 4; i++)
		memcpy(exchange->cells[i].request, &lengths[i], sizeof lengths[i]);
	wire_forget_dead(w);
	GIVES(0, recovery_run(&w->server.channel));
	GIVES(0, channel_serve(&w->server.channel));
	ck_assert(!reply_take(w));
	wire_close(w);
}
END_TEST

static uint64_t blocks_of(const struct wire *w)
{
	struct stat st;

	ck_assert_int_eq(fstat(w->handover_fd, &st), 0);
	return (uint64_t)st.st_blocks;
}

/* What has waited for its turn has taken it. A slot that comes back is as good as a new one: what
 * does not arrive whole in it is told. */
START_TEST(memory_is_given_back_when_nobody_waits_any_more)
{
	struct wire *w = backlog_begin();
	struct channel *channel = &w->server.channel;
	struct file file = file_of_size(w, WRITE_SIZE);
	uint64_t blocks;

	send_getattr(w, VICTIM);
	serve_all(w);
	for (unsigned round = 0; round < 2; round++) {
		blocks = blocks_of(w);
		for (unsigned i = 0; i < EXCHANGE_LARGE / 4; i++)
			send_write(w, HOG, file);
		for (unsigned i = 0; i < MANY; i++)
			send_getattr(w, VICTIM);
		serve_all(w);
		ck_assert(queue_has_spare(channel));
		ck_assert_uint_gt(blocks_of(w), blocks);
		/* Not while it may be wanted again. */
		ck_assert_uint_gt(queue_give_back(channel), 0);
		ck_assert_uint_gt(blocks_of(w), blocks);
		GIVES(0, queue_give_back(channel));
		ck_assert(!queue_has_spare(channel));
		if (round > 0)
			ck_assert_uint_le(blocks_of(w), blocks);
	}
	exchange_move(channel->exchange, 7);
	send_write(w, HOG, file);
	memcpy(wire_slot(w), w->request, EXCHANGE_BEFORE_DATA);
	wire_forget_dead(w);
	GIVES(0, recovery_run(channel));
	ck_assert(!reply_take(w));
	serve_all(w);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

Suite *turns_left_suite(void)
{
	const TTest *const tests[] = {
	    memory_is_given_back_when_nobody_waits_any_more,
	    what_waits_for_its_turn_is_served_by_the_next_server,
	    large_ones_that_wait_are_served_by_the_next_server,
	    a_request_that_is_on_its_way_from_a_cell_is_served_once,
	    half_a_request_in_a_slot_is_none_and_leaves_no_trace,
	    nonsense_in_a_cell_is_dropped,
	};

	return suite_of("turns_left", tests, sizeof tests / sizeof tests[0]);
}

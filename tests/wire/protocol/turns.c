/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is where requests of several users wait. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/fuse/recovery.h"
#include "requests.h"
#include "suites.h"

enum { HOG = 1001, VICTIM = 1002, MANY = 60, UNKNOWN = -1 };

/* Requests before a victim's that are not its own: until somebody looks ahead, and those that had
 * their turn by then. */
enum { FEW = 6 };

/* --- requests --------------------------------------------------------------------------------- */

static uint64_t send_getattr(struct wire *w, uint32_t uid)
{
	message_begin(w, FUSE_GETATTR, ROOT);
	message_header(w)->uid = uid;
	message_add(w, &(struct fuse_getattr_in){0}, sizeof(struct fuse_getattr_in));
	message_send(w);
	return message_header(w)->unique;
}

static uint64_t send_mkdir(struct wire *w, uint32_t uid, const char *name)
{
	message_begin(w, FUSE_MKDIR, ROOT);
	message_header(w)->uid = uid;
	message_add(w, &(struct fuse_mkdir_in){.mode = 0777}, sizeof(struct fuse_mkdir_in));
	message_add_string(w, name);
	message_send(w);
	return message_header(w)->unique;
}

/* Too long for a cell. */
static uint64_t send_write(struct wire *w, uint32_t uid, struct file file)
{
	static char data[2 * 4096];
	struct fuse_write_in in = {.fh = file.handle, .size = sizeof data};

	message_begin(w, FUSE_WRITE, file.id);
	message_header(w)->uid = uid;
	message_add(w, &in, sizeof in);
	message_add(w, data, sizeof data);
	message_send(w);
	return message_header(w)->unique;
}

static void send_forget(struct wire *w, uint64_t id)
{
	message_begin(w, FUSE_FORGET, id);
	message_header(w)->uid = 0;
	message_add(w, &(struct fuse_forget_in){.nlookup = 1}, sizeof(struct fuse_forget_in));
	message_send(w);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void serve(struct wire *w)
{
	GIVES(1, channel_serve(&w->server.channel));
}

static uint64_t next_answer(struct wire *w)
{
	unsigned served = 0;

	while (!reply_take(w)) {
		ck_assert_uint_le(served++, 1000);
		serve(w);
	}
	ck_assert_int_eq(reply_header(w)->error, 0);
	return reply_header(w)->unique;
}

/* How many are answered before this one. */
static unsigned answers_before(struct wire *w, uint64_t unique)
{
	unsigned before = 0;

	while (next_answer(w) != unique)
		before++;
	return before;
}

static void serve_all(struct wire *w)
{
	while (channel_serve(&w->server.channel) == 1)
		while (reply_take(w))
			ck_assert_int_eq(reply_header(w)->error, 0);
}

/* Nothing lies in the kernel, and one user alone was there for long. */
static void be_used_to(struct wire *w, uint32_t uid)
{
	for (unsigned i = 0; i < 300; i++) {
		send_getattr(w, uid);
		serve_all(w);
	}
}

static struct wire *begin(void)
{
	struct wire *w = wire_open();

	be_used_to(w, HOG);
	w->uid = 0;
	return w;
}

/* --- tests ------------------------------------------------------------------------------------ */

START_TEST(many_requests_of_one_user_do_not_come_before_anothers)
{
	struct wire *w = begin();
	uint64_t unique;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MANY; i++)
			send_getattr(w, HOG);
		unique = send_getattr(w, round == 1 ? 0 : VICTIM);
		ck_assert_uint_le(answers_before(w, unique), FEW);
		serve_all(w);
	}
	wire_close(w);
}
END_TEST

START_TEST(users_take_turns)
{
	struct wire *w = begin();
	unsigned answers = 0;
	uint64_t last[4] = {0};

	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, HOG);
	for (unsigned user = 0; user < 4; user++)
		for (unsigned i = 0; i < 5; i++)
			last[user] = send_getattr(w, VICTIM + user);
	for (unsigned left = 4; left > 0; answers++) {
		uint64_t unique = next_answer(w);

		for (unsigned user = 0; user < 4; user++)
			left -= unique == last[user];
	}
	/* The first has some left, though it was there before them all. */
	ck_assert_uint_ge(answers, 20);
	ck_assert_uint_lt(answers, 20 + MANY);
	serve_all(w);
	wire_close(w);
}
END_TEST

START_TEST(requests_of_one_user_are_served_in_their_order)
{
	struct wire *w = begin();
	uint64_t first = send_getattr(w, HOG), last[2] = {first, 0};

	for (unsigned i = 0; i < MANY; i++) {
		send_getattr(w, HOG);
		send_getattr(w, VICTIM);
	}
	for (unsigned i = 0; i < 2 * MANY; i++) {
		uint64_t unique = next_answer(w);
		unsigned user = (unique - first) / 2 % 2;

		ck_assert_uint_ge(unique, last[user]);
		last[user] = unique;
	}
	serve_all(w);
	wire_close(w);
}
END_TEST

/* As if a request had taken long. */
static void charge(struct wire *w, uint32_t uid)
{
	struct queue_user *user = w->server.channel.queue.users;

	while (user->uid != uid)
		user++;
	user->used += UINT64_C(1000000);
}

/* What a user's requests cost is what counts, not how many they are. */
START_TEST(one_with_expensive_requests_has_fewer_turns)
{
	struct wire *w = begin();
	uint64_t unique = send_getattr(w, HOG), first = unique, last = 0;
	unsigned before = 0;

	for (unsigned i = 0; i < MANY / 2; i++) {
		last = send_getattr(w, VICTIM);
		send_getattr(w, HOG);
	}
	for (; unique != last; before++) {
		unique = next_answer(w);
		if ((unique - first) / 2 % 2 == 0 && w->server.channel.queue.count > 0)
			charge(w, HOG);
	}
	/* It had all of its own before half of the other's. */
	ck_assert_uint_lt(before, MANY / 2 + MANY / 4);
	serve_all(w);
	wire_close(w);
}
END_TEST

/* The loop's time is what a request costs. */
START_TEST(time_is_accounted_for_where_users_take_turns)
{
	struct wire *w = begin();
	const struct queue *queue = &w->server.channel.queue;
	uint64_t used = queue->used;

	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, i % 2 == 0 ? HOG : VICTIM);
	serve_all(w);
	ck_assert_uint_gt(queue->used, used);
	/* Of one alone it is not. */
	be_used_to(w, HOG);
	for (unsigned round = 0; round < 2; round++) {
		used = queue->used;
		for (unsigned i = 0; i < MANY; i++)
			send_getattr(w, HOG);
		serve_all(w);
	}
	ck_assert_uint_eq(queue->used, used);
	wire_close(w);
}
END_TEST

START_TEST(large_requests_wait_for_their_turn_too)
{
	struct wire *w = begin();
	struct file file = file_of_size(w, 2 * 4096);
	uint64_t unique;

	be_used_to(w, HOG);
	for (unsigned i = 0; i < EXCHANGE_LARGE / 4; i++)
		send_write(w, HOG, file);
	unique = send_getattr(w, VICTIM);
	ck_assert_uint_le(answers_before(w, unique), FEW);
	ck_assert_uint_gt(w->server.channel.queue.large, 0);
	unique = send_write(w, VICTIM, file);
	ck_assert_uint_le(answers_before(w, unique), FEW);
	serve_all(w);
	ck_assert_uint_eq(w->server.channel.queue.large, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Until there is place, the kernel keeps the rest. */
START_TEST(more_than_there_is_place_for_waits_in_the_kernel)
{
	struct wire *w = begin();
	unsigned sent = 0, answers = 0;

	/* One was taken from there for each answer. */
	while (w->server.channel.queue.count < EXCHANGE_CELLS - 1) {
		send_getattr(w, HOG);
		sent++;
		if (sent % 8 == 0) {
			serve(w);
			answers += reply_take(w);
		}
	}
	ck_assert_uint_le(sent - answers, EXCHANGE_CELLS + 64);
	for (unsigned i = 0; i < 10; i++) {
		send_getattr(w, HOG);
		serve(w);
		sent++;
	}
	for (; answers < sent; answers++)
		(void)next_answer(w);
	GIVES(0, channel_serve(&w->server.channel));
	ck_assert_uint_eq(w->server.handover->exchange.queued, 0);
	wire_close(w);
}
END_TEST

START_TEST(what_nobody_waits_for_is_served_as_it_comes)
{
	struct wire *w = begin();
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_unlink(w, ROOT, "a"));
	be_used_to(w, HOG);
	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, HOG);
	send_forget(w, id);
	for (unsigned i = 0; i < FEW; i++)
		serve(w);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	serve_all(w);
	wire_close(w);
}
END_TEST

START_TEST(much_that_nobody_waits_for_does_not_come_before_users)
{
	struct wire *w = begin();
	uint64_t id = new_object(w, ROOT, "a");
	unsigned served = 0;

	for (unsigned i = 0; i < MANY; i++)
		GIVES(0, ask_lookup(w, ROOT, "a"));
	be_used_to(w, HOG);
	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, HOG);
	for (unsigned i = 0; i < MANY; i++)
		send_forget(w, id);
	/* A few answers for each that is served so. */
	for (unsigned i = 0; i < MANY; i++) {
		serve(w);
		served += reply_take(w);
	}
	ck_assert_uint_ge(served, MANY / 5);
	serve_all(w);
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
	struct wire *w = begin();
	struct channel *channel = &w->server.channel;
	struct file file = file_of_size(w, 2 * 4096);
	uint64_t blocks;

	be_used_to(w, HOG);
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

/* The process of somebody who was killed, until it is waited for. */
static pid_t killed_process(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	return pid;
}

/* The loop index says whether it is a large one. */
START_TEST(one_who_is_killed_does_not_wait_for_a_turn)
{
	struct wire *w = begin();
	struct file file = file_of_size(w, 2 * 4096);
	uint64_t unique[2] = {0}, id;
	pid_t pids[2] = {getpid(), killed_process()};

	be_used_to(w, HOG);
	for (unsigned i = 0; i < MANY / 2; i++)
		send_getattr(w, HOG);
	for (unsigned i = 0; i < 2; i++) {
		w->uid = HOG;
		message_begin(w, _i == 0 ? FUSE_MKDIR : FUSE_WRITE, ROOT);
		message_header(w)->pid = (uint32_t)pids[i];
		if (_i == 0) {
			message_add(
			    w, &(struct fuse_mkdir_in){.mode = 0777}, sizeof(struct fuse_mkdir_in));
			message_add_string(w, i == 0 ? "lives" : "killed");
		} else {
			static char data[2 * 4096];

			message_header(w)->nodeid = file.id;
			memset(data, i == 0 ? 'l' : 'k', sizeof data);
			message_add(w,
			    &(struct fuse_write_in){.fh = file.handle, .size = sizeof data},
			    sizeof(struct fuse_write_in));
			message_add(w, data, sizeof data);
		}
		message_send(w);
		unique[i] = message_header(w)->unique;
	}
	(void)next_answer(w);
	while (w->server.channel.queue.count == 0)
		(void)next_answer(w);
	for (unsigned i = 0; i < 2; i++) {
		begin_interrupt(w, unique[i]);
		message_send(w);
	}
	for (unsigned answers = 0; !reply_take(w) || reply_header(w)->error == 0; answers++) {
		ck_assert_uint_le(answers, FEW);
		serve(w);
	}
	ck_assert_uint_eq(reply_header(w)->unique, unique[1]);
	ck_assert_int_eq(reply_header(w)->error, -EINTR);
	ck_assert_int_eq(waitpid(pids[1], NULL, 0), pids[1]);
	serve_all(w);
	w->uid = 0;
	if (_i == 0) {
		ck_assert_uint_eq(id_of(w, ROOT, "killed"), 0);
		id = id_of(w, ROOT, "lives");
		ck_assert_uint_ne(id, 0);
		tell_forget(w, id, 1);
	} else {
		expect_bytes(w, file, 'l', 2 * 4096, 0);
	}
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Where mounts may be id-mapped, the kernel does not say who asks: the process tells. */
START_TEST(users_whom_the_kernel_does_not_tell_take_turns)
{
	struct wire *w = begin();
	uint64_t unique;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, HOG);
	message_begin(w, FUSE_GETATTR, ROOT);
	message_header(w)->uid = (uint32_t)UNKNOWN;
	message_header(w)->pid = (uint32_t)pid;
	message_add(w, &(struct fuse_getattr_in){0}, sizeof(struct fuse_getattr_in));
	message_send(w);
	unique = message_header(w)->unique;
	ck_assert_uint_le(answers_before(w, unique), FEW);
	ck_assert_uint_eq(w->server.channel.queue.last_uid, getuid());
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	serve_all(w);
	wire_close(w);
}
END_TEST

/* --- servers that die ------------------------------------------------------------------------- */

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
	struct wire *w = begin();

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
		    w->server.channel.queue.count, w->server.handover->exchange.queued);
	}
	GIVES(0, channel_serve(&w->server.channel));
	expect_directories(w, MANY);
	wire_close(w);
}
END_TEST

START_TEST(large_ones_that_wait_are_served_by_the_next_server)
{
	struct wire *w = begin();
	struct file file = file_of_size(w, 2 * 4096);
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

	while (w->server.channel.queue.count == 0) {
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
	struct wire *w = begin();
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
	struct wire *w = begin();
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

Suite *turns_suite(void)
{
	const TTest *const tests[] = {
	    many_requests_of_one_user_do_not_come_before_anothers,
	    users_take_turns,
	    requests_of_one_user_are_served_in_their_order,
	    one_with_expensive_requests_has_fewer_turns,
	    time_is_accounted_for_where_users_take_turns,
	    large_requests_wait_for_their_turn_too,
	    more_than_there_is_place_for_waits_in_the_kernel,
	    what_nobody_waits_for_is_served_as_it_comes,
	    much_that_nobody_waits_for_does_not_come_before_users,
	    memory_is_given_back_when_nobody_waits_any_more,
	    users_whom_the_kernel_does_not_tell_take_turns,
	    what_waits_for_its_turn_is_served_by_the_next_server,
	    large_ones_that_wait_are_served_by_the_next_server,
	    a_request_that_is_on_its_way_from_a_cell_is_served_once,
	    half_a_request_in_a_slot_is_none_and_leaves_no_trace,
	    nonsense_in_a_cell_is_dropped,
	};
	Suite *suite = suite_of("turns", tests, sizeof tests / sizeof tests[0]);
	TCase *loops = tcase_create("killed");

	tcase_add_loop_test(loops, one_who_is_killed_does_not_wait_for_a_turn, 0, 2);
	suite_add_tcase(suite, loops);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is where requests of several users wait. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backlog.h"
#include "suites.h"

enum { UNKNOWN = -1 };

/* Requests before a victim's that are not its own: until somebody looks ahead, and those that had
 * their turn by then. */
enum { FEW = 10 };

/* How many are answered before this one. */
static unsigned answers_before(struct wire *w, uint64_t unique)
{
	unsigned before = 0;

	while (next_answer(w) != unique)
		before++;
	return before;
}

static void send_forget(struct wire *w, uint64_t id)
{
	message_begin(w, FUSE_FORGET, id);
	message_header(w)->uid = 0;
	message_add(w, &(struct fuse_forget_in){.nlookup = 1}, sizeof(struct fuse_forget_in));
	message_send(w);
}

START_TEST(many_requests_of_one_user_do_not_come_before_anothers)
{
	struct wire *w = backlog_begin();
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

/* As if a request had taken so long that what it took does not count. */
static void charge(struct wire *w, uint32_t uid)
{
	struct turns_user *user = w->server.channel.queue.turns.users;

	while (user->uid != uid)
		user++;
	user->used += UINT64_C(1000000);
}

static uint64_t send_lookup(struct wire *w, uint32_t uid)
{
	message_begin(w, FUSE_LOOKUP, ROOT);
	by_another_thread(w, uid);
	message_add_string(w, "nobody");
	message_send(w);
	return message_header(w)->unique;
}

/* Others may wait for the lock of its directory. Neither of the two kinds is kept from its turn by
 * any number of the other one. */
START_TEST(requests_about_names_and_others_of_one_user_alternate)
{
	struct wire *w = backlog_begin();
	uint64_t unique;

	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, HOG);
	unique = send_lookup(w, HOG);
	ck_assert_uint_le(answers_before(w, unique), FEW);
	serve_all(w);
	for (unsigned i = 0; i < MANY; i++)
		send_lookup(w, HOG);
	unique = send_getattr(w, HOG);
	ck_assert_uint_le(answers_before(w, unique), FEW);
	serve_all(w);
	wire_close(w);
}
END_TEST

/* Also where so many have come since that the last one's user seems to be alone. */
START_TEST(of_two_users_with_many_requests_neither_waits_for_all_of_the_other)
{
	struct wire *w = backlog_begin();
	unsigned of_hog = 0;

	for (unsigned i = 0; i < 2 * MANY; i++)
		send_getattr(w, HOG);
	(void)next_answer(w);
	for (unsigned burst = 0; burst < 4; burst++) {
		for (unsigned i = 0; i < 2 * MANY; i++)
			send_getattr(w, VICTIM);
		for (unsigned i = 0; i < 2; i++)
			(void)next_answer(w);
	}
	for (unsigned i = 0; i < 2 * MANY; i++)
		of_hog += next_answer(w) <= message_header(w)->unique - UINT64_C(2) * 8 * MANY;
	ck_assert_uint_gt(of_hog, MANY / 4);
	serve_all(w);
	wire_close(w);
}
END_TEST

START_TEST(users_take_turns)
{
	enum { USERS = 4, EACH = 5 };
	struct wire *w = backlog_begin();
	uint64_t first = w->unique + 2;
	uint32_t uid[MANY + USERS * EACH];
	unsigned sent = 0, answers = 0;

	for (; sent < MANY; sent++) {
		uid[sent] = HOG;
		send_getattr(w, HOG);
	}
	for (unsigned i = 0; i < USERS * EACH; i++) {
		uid[sent++] = VICTIM + i / EACH;
		send_getattr(w, VICTIM + i / EACH);
	}
	for (unsigned left = USERS * EACH; left > 0; answers++) {
		uint32_t user = uid[(next_answer(w) - first) / 2];

		left -= user != HOG;
		if (w->server.channel.queue.turns.count > 0)
			charge(w, user);
	}
	/* In each round, all five have one turn. */
	ck_assert_uint_ge(answers, USERS * EACH + EACH - 1);
	ck_assert_uint_le(answers, USERS * EACH + EACH + FEW);
	serve_all(w);
	wire_close(w);
}
END_TEST

START_TEST(requests_of_one_user_are_served_in_their_order)
{
	struct wire *w = backlog_begin();
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

/* What a user's requests cost is what counts, not how many they are. */
START_TEST(one_with_expensive_requests_has_fewer_turns)
{
	struct wire *w = backlog_begin();
	uint64_t unique = send_getattr(w, HOG), first = unique, last = 0;
	unsigned before = 0;

	for (unsigned i = 0; i < MANY / 2; i++) {
		last = send_getattr(w, VICTIM);
		send_getattr(w, HOG);
	}
	for (; unique != last; before++) {
		unique = next_answer(w);
		if ((unique - first) / 2 % 2 == 0 && w->server.channel.queue.turns.count > 0)
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
	struct wire *w = backlog_begin();
	const struct turns *turns = &w->server.channel.queue.turns;
	uint64_t used = turns->used;

	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, i % 2 == 0 ? HOG : VICTIM);
	serve_all(w);
	ck_assert_uint_gt(turns->used, used);
	/* Of one alone it is not. */
	be_used_to(w, HOG);
	for (unsigned round = 0; round < 2; round++) {
		used = turns->used;
		for (unsigned i = 0; i < MANY; i++)
			send_getattr(w, HOG);
		serve_all(w);
	}
	ck_assert_uint_eq(turns->used, used);
	wire_close(w);
}
END_TEST

/* Once the other one is known. */
START_TEST(large_requests_wait_for_their_turn_too)
{
	struct wire *w = backlog_begin();
	struct file file = file_of_size(w, WRITE_SIZE);
	uint64_t unique;

	send_getattr(w, VICTIM);
	serve_all(w);
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

/* They are copied on while the processor has them in its cache. */
START_TEST(few_large_requests_of_one_user_alone_are_received_ahead)
{
	struct wire *w = backlog_begin();
	struct file file = file_of_size(w, WRITE_SIZE);

	be_used_to(w, HOG);
	for (unsigned i = 0; i < EXCHANGE_LARGE / 2; i++)
		send_write(w, HOG, file);
	for (unsigned i = 0; i < EXCHANGE_LARGE / 2; i++) {
		(void)next_answer(w);
		ck_assert_uint_le(w->server.channel.queue.large, 2);
	}
	serve_all(w);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Until there is place, the kernel keeps the rest. */
START_TEST(more_than_there_is_place_for_waits_in_the_kernel)
{
	struct wire *w = backlog_begin();
	unsigned sent = 0, answers = 0;

	/* One was taken from there for each answer. */
	while (w->server.channel.queue.turns.count < EXCHANGE_CELLS - 1) {
		send_getattr(w, HOG);
		sent++;
		if (sent % 8 == 0) {
			serve_one(w);
			answers += reply_take(w);
		}
	}
	ck_assert_uint_le(sent - answers, EXCHANGE_CELLS + 64);
	for (unsigned i = 0; i < 10; i++) {
		send_getattr(w, HOG);
		serve_one(w);
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
	struct wire *w = backlog_begin();
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_unlink(w, ROOT, "a"));
	be_used_to(w, HOG);
	for (unsigned i = 0; i < MANY; i++)
		send_getattr(w, HOG);
	send_forget(w, id);
	for (unsigned i = 0; i < FEW; i++)
		serve_one(w);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	serve_all(w);
	wire_close(w);
}
END_TEST

START_TEST(much_that_nobody_waits_for_does_not_come_before_users)
{
	struct wire *w = backlog_begin();
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
		serve_one(w);
		served += reply_take(w);
	}
	ck_assert_uint_ge(served, MANY / 5);
	serve_all(w);
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
	struct wire *w = backlog_begin();
	struct file file = file_of_size(w, WRITE_SIZE);
	uint32_t size = _i == 0 ? 100 : WRITE_SIZE;
	pid_t killed = killed_process();
	uint64_t unique[2];

	send_getattr(w, VICTIM);
	serve_all(w);
	for (unsigned i = 0; i < MANY / 2; i++)
		send_getattr(w, HOG);
	for (unsigned i = 0; i < 2; i++) {
		lay_out_write(w, HOG, file, size, i == 0 ? 'l' : 'k');
		message_header(w)->pid = (uint32_t)(i == 0 ? getpid() : killed);
		message_send(w);
		unique[i] = message_header(w)->unique;
	}
	while (w->server.channel.queue.turns.count == 0)
		(void)next_answer(w);
	for (unsigned i = 0; i < 2; i++) {
		begin_interrupt(w, unique[i]);
		message_send(w);
	}
	for (unsigned answers = 0; !reply_take(w) || reply_header(w)->error == 0; answers++) {
		ck_assert_uint_le(answers, FEW + 6);
		serve_one(w);
	}
	ck_assert_uint_eq(reply_header(w)->unique, unique[1]);
	ck_assert_int_eq(reply_header(w)->error, -EINTR);
	ck_assert_int_eq(waitpid(killed, NULL, 0), killed);
	serve_all(w);
	expect_bytes(w, file, 'l', size, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* On the server's own processor, it asks again before the server can find that nobody else does. */
START_TEST(a_thread_that_asks_alone_has_nothing_received_ahead)
{
	struct wire *w = backlog_begin();

	w->uid = HOG;
	for (unsigned i = 0; i < MANY; i++)
		GIVES(0, ask_statfs(w));
	ck_assert_uint_eq(w->server.channel.exchange->cells_used, 0);
	wire_close(w);
}
END_TEST

/* Where mounts may be id-mapped, the kernel does not say who asks: the process tells. */
START_TEST(users_whom_the_kernel_does_not_tell_take_turns)
{
	struct wire *w = backlog_begin();
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

Suite *turns_suite(void)
{
	const TTest *const tests[] = {
	    many_requests_of_one_user_do_not_come_before_anothers,
	    users_take_turns,
	    requests_of_one_user_are_served_in_their_order,
	    requests_about_names_and_others_of_one_user_alternate,
	    of_two_users_with_many_requests_neither_waits_for_all_of_the_other,
	    one_with_expensive_requests_has_fewer_turns,
	    time_is_accounted_for_where_users_take_turns,
	    large_requests_wait_for_their_turn_too,
	    few_large_requests_of_one_user_alone_are_received_ahead,
	    more_than_there_is_place_for_waits_in_the_kernel,
	    what_nobody_waits_for_is_served_as_it_comes,
	    much_that_nobody_waits_for_does_not_come_before_users,
	    a_thread_that_asks_alone_has_nothing_received_ahead,
	    users_whom_the_kernel_does_not_tell_take_turns,
	};
	Suite *suite = suite_of("turns", tests, sizeof tests / sizeof tests[0]);
	TCase *loops = tcase_create("killed");

	tcase_add_loop_test(loops, one_who_is_killed_does_not_wait_for_a_turn, 0, 2);
	suite_add_tcase(suite, loops);
	return suite;
}

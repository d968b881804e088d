/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that are refused for room while what makes room is on its way. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "daemon/fuse/recovery.h"
#include "daemon/fuse/turns/queue.h"
#include "daemon/ops/room.h"
#include "requests.h"
#include "suites.h"

enum { PAGES = 4, USER = 1000 };

/* --- what there can be too little of ---------------------------------------------------------- */

static void few_pages(struct shmfs_config *config)
{
	config->size_limit = PAGES * PAGE;
}

static void few_pages_of_a_user(struct shmfs_config *config)
{
	config->user_size_limit = PAGES * PAGE;
}

static void few_nodes(struct shmfs_config *config)
{
	config->node_limit = 3;
}

static void few_nodes_of_a_user(struct shmfs_config *config)
{
	config->user_node_limit = 2;
}

static void few_descriptors(struct shmfs_config *config)
{
	config->descriptor_limit = SHMFS_DESCRIPTOR_FIRST + 1;
}

static void grow(struct wire *w, uint64_t id)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = PAGE};

	message_begin(w, FUSE_SETATTR, id);
	message_add(w, &in, sizeof in);
}

static void set_attribute(struct wire *w, uint64_t id)
{
	const uint32_t in[] = {1, 0};

	message_begin(w, FUSE_SETXATTR, id);
	message_add(w, in, sizeof in);
	message_add_string(w, "user.a");
	message_add(w, "x", 1);
}

static void make_node(struct wire *w, uint64_t id)
{
	struct fuse_mknod_in in = {.mode = S_IFREG | 0600};

	(void)id;
	message_begin(w, FUSE_MKNOD, ROOT);
	message_add(w, &in, sizeof in);
	message_add_string(w, "new");
}

static void make_directory(struct wire *w, uint64_t id)
{
	struct fuse_mkdir_in in = {.mode = 0700};

	(void)id;
	message_begin(w, FUSE_MKDIR, ROOT);
	message_add(w, &in, sizeof in);
	message_add_string(w, "new");
}

static void make_symlink(struct wire *w, uint64_t id)
{
	(void)id;
	message_begin(w, FUSE_SYMLINK, ROOT);
	message_add_string(w, "new");
	message_add_string(w, "target");
}

static void make_link(struct wire *w, uint64_t id)
{
	struct fuse_link_in in = {.oldnodeid = id};

	message_begin(w, FUSE_LINK, ROOT);
	message_add(w, &in, sizeof in);
	message_add_string(w, "new");
}

static void make_open(struct wire *w, uint32_t opcode)
{
	struct fuse_create_in in = {.flags = O_RDWR, .mode = S_IFREG | 0600};

	message_begin(w, opcode, ROOT);
	message_add(w, &in, sizeof in);
	message_add_string(w, "new");
}

static void create(struct wire *w, uint64_t id)
{
	(void)id;
	make_open(w, FUSE_CREATE);
}

static void make_tmpfile(struct wire *w, uint64_t id)
{
	(void)id;
	make_open(w, ABI_TMPFILE);
}

static const struct kind {
	void (*limit)(struct shmfs_config *config);
	void (*ask)(struct wire *w, uint64_t id);
	int refusal;
} kinds[] = {
    {few_pages, grow, -ENOSPC},
    {few_pages, set_attribute, -ENOSPC},
    {few_pages_of_a_user, grow, -EDQUOT},
    {few_nodes, make_node, -ENOSPC},
    {few_nodes, make_directory, -ENOSPC},
    {few_nodes, make_symlink, -ENOSPC},
    {few_nodes, make_link, -ENOSPC},
    {few_nodes, create, -ENOSPC},
    {few_nodes, make_tmpfile, -ENOSPC},
    {few_nodes_of_a_user, make_node, -EDQUOT},
    {few_nodes_of_a_user, make_directory, -EDQUOT},
    {few_nodes_of_a_user, make_symlink, -EDQUOT},
    {few_descriptors, grow, -ENFILE},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* --- the scene -------------------------------------------------------------------------------- */

/* A mount that is full of an object without a name, and another object, which is empty. */
struct scene {
	struct wire *w;
	uint64_t full, other;
	uint64_t unique; /* of the request that is refused */
};

static struct scene begin(const struct kind *kind)
{
	struct shmfs_config config = wire_config();
	struct scene scene;

	kind->limit(&config);
	scene.w = wire_open_with(TIER_CACHED, config);
	scene.w->uid = USER;
	scene.full = new_object_of(scene.w, ROOT, "full", PAGES * PAGE);
	GIVES(0, ask_unlink(scene.w, ROOT, "full"));
	scene.other = new_object(scene.w, ROOT, "other");
	return scene;
}

static void send_forget(struct wire *w, uint64_t id)
{
	struct fuse_forget_in in = {.nlookup = 1};

	message_begin(w, FUSE_FORGET, id);
	message_add(w, &in, sizeof in);
	message_send(w);
}

static void send_nothing_much(struct wire *w)
{
	message_begin(w, FUSE_GETATTR, ROOT);
	message_add(w, &(struct fuse_getattr_in){0}, sizeof(struct fuse_getattr_in));
	message_send(w);
}

static void serve(struct wire *w, int want)
{
	GIVES(want, channel_serve(&w->server.channel));
	room_try_again(&w->server.channel, want == 0);
	wire_verify(w);
}

/* The refused request is read while another one lies behind it, and nobody has looked ahead. */
static void be_refused(struct scene *scene, const struct kind *kind)
{
	queue_drained(&scene->w->server.channel.queue);
	kind->ask(scene->w, scene->other);
	scene->unique = message_header(scene->w)->unique;
	message_send(scene->w);
	send_nothing_much(scene->w);
	serve(scene->w, 1);
	ck_assert(!reply_take(scene->w));
	ck_assert(room_is_awaited(&scene->w->server.channel));
}

static void expect_answer(struct scene *scene, int want)
{
	ck_assert_msg(reply_take(scene->w), "there is no answer");
	ck_assert_uint_eq(reply_header(scene->w)->unique, scene->unique);
	GIVES(want, reply_header(scene->w)->error);
	ck_assert(!reply_take(scene->w));
	ck_assert(!room_is_awaited(&scene->w->server.channel));
}

static void serve_another(struct wire *w)
{
	serve(w, 1);
	ck_assert(reply_take(w));
	GIVES(0, reply_header(w)->error);
}

/* Requests of which one is not answered yet, or never, in whichever order they are taken. */
static void serve_all_but_one(struct wire *w, unsigned count)
{
	unsigned answers = 0;

	for (unsigned i = 0; i < count; i++) {
		serve(w, 1);
		while (reply_take(w)) {
			GIVES(0, reply_header(w)->error);
			answers++;
		}
	}
	ck_assert_uint_eq(answers, count - 1);
}

/* --- tests ------------------------------------------------------------------------------------ */

START_TEST(room_on_its_way_is_waited_for)
{
	for (unsigned i = 0; i < KINDS; i++) {
		struct scene scene = begin(&kinds[i]);
		struct wire *w = scene.w;

		be_refused(&scene, &kinds[i]);
		send_forget(w, scene.full);
		serve_all_but_one(w, 2);
		serve(w, 0);
		expect_answer(&scene, 0);
		wire_close(w);
	}
}
END_TEST

START_TEST(with_nothing_on_its_way_a_refusal_is_the_answer)
{
	for (unsigned i = 0; i < KINDS; i++) {
		struct scene scene = begin(&kinds[i]);

		kinds[i].ask(scene.w, scene.other);
		GIVES(kinds[i].refusal, ask(scene.w));
		wire_close(scene.w);
	}
}
END_TEST

START_TEST(without_room_at_last_the_refusal_is_told_once)
{
	for (unsigned i = 0; i < KINDS; i++) {
		struct scene scene = begin(&kinds[i]);
		struct wire *w = scene.w;
		uint64_t refused = 0;

		be_refused(&scene, &kinds[i]);
		serve_another(w);
		serve(w, 0);
		expect_answer(&scene, kinds[i].refusal);
		for (unsigned limit = 0; limit <= SHMFS_LIMIT_USER_NODES; limit++)
			refused += w->server.channel.counters->refused[limit];
		ck_assert_uint_eq(refused, kinds[i].refusal == -ENFILE ? 0 : 1);
		wire_close(w);
	}
}
END_TEST

/* What is told as free is what there is once others are done; as long as that is soon. */
START_TEST(statfs_counts_what_is_on_its_way)
{
	struct scene scene = begin(&kinds[0]);
	struct wire *w = scene.w;

	queue_drained(&w->server.channel.queue);
	message_begin(w, FUSE_STATFS, ROOT);
	scene.unique = message_header(w)->unique;
	message_send(w);
	send_forget(w, scene.full);
	serve(w, 1);
	serve(w, 1);
	ck_assert(!reply_take(w));
	serve(w, 0);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, scene.unique);
	ck_assert_uint_eq(statfs_of(w)->bfree, PAGES);
	wire_close(w);
}
END_TEST

START_TEST(a_signal_ends_the_wait)
{
	struct scene scene = begin(&kinds[0]);
	struct wire *w = scene.w;
	int ended = 0;

	be_refused(&scene, &kinds[0]);
	begin_interrupt(w, scene.unique + 2);
	message_send(w);
	serve_all_but_one(w, 2);
	ck_assert(room_is_awaited(&w->server.channel));
	be_refused(&scene, &kinds[0]);
	begin_interrupt(w, scene.unique);
	message_send(w);
	for (int i = 0; i < 2; i++) {
		serve(w, 1);
		ck_assert(reply_take(w));
		GIVES(
		    reply_header(w)->unique == scene.unique ? -ENOSPC : 0, reply_header(w)->error);
		ended += reply_header(w)->unique == scene.unique;
	}
	ck_assert_int_eq(ended, 1);
	/* The first goes on waiting. */
	ck_assert(room_is_awaited(&w->server.channel));
	serve(w, 0);
	ck_assert(reply_take(w));
	GIVES(-ENOSPC, reply_header(w)->error);
	wire_close(w);
}
END_TEST

/* Others may have so much to ask that the kernel always has a request more. */
static void keep_busy(struct wire *w, unsigned count)
{
	send_nothing_much(w);
	while (count-- > 0) {
		send_nothing_much(w);
		serve_another(w);
	}
}

START_TEST(whoever_waits_is_tried_while_others_are_busy)
{
	struct scene scene = begin(&kinds[0]);
	struct wire *w = scene.w;

	w->verifies = false;
	be_refused(&scene, &kinds[0]);
	keep_busy(w, ROOM_INTERVAL + 10);
	ck_assert(room_is_awaited(&w->server.channel));
	send_forget(w, scene.full);
	serve_all_but_one(w, 3);
	send_nothing_much(w);
	for (unsigned i = 0; room_is_awaited(&w->server.channel); i++) {
		ck_assert_uint_le(i, ROOM_INTERVAL);
		send_nothing_much(w);
		serve(w, 1);
		ck_assert(reply_take(w));
	}
	expect_answer(&scene, 0);
	serve_another(w);
	wire_close(w);
}
END_TEST

START_TEST(busy_others_do_not_put_off_a_refusal_for_ever)
{
	struct scene scene = begin(&kinds[0]);
	struct wire *w = scene.w;

	be_refused(&scene, &kinds[0]);
	w->server.ops.room.waiters[0].since -= ROOM_PATIENCE_MS * UINT64_C(1000000);
	keep_busy(w, ROOM_INTERVAL - 2);
	ck_assert(room_is_awaited(&w->server.channel));
	send_nothing_much(w);
	serve(w, 1);
	ck_assert(reply_take(w));
	expect_answer(&scene, -ENOSPC);
	serve_another(w);
	serve_another(w);
	wire_close(w);
}
END_TEST

/* About a name, as those before it, so that it has its turn behind them. */
static void send_readdir(struct wire *w)
{
	message_begin(w, FUSE_READDIR, ROOT);
	message_add(w, &(struct fuse_read_in){.size = 4096}, sizeof(struct fuse_read_in));
	message_send(w);
}

START_TEST(one_user_does_not_take_all_the_places)
{
	struct scene scene = begin(&kinds[3]);
	struct wire *w = scene.w;
	unsigned refused = 0, waiting = 0;

	w->verifies = false;
	for (int i = 0; i < EXCHANGE_WAITING; i++) {
		make_node(w, 0);
		message_send(w);
	}
	send_readdir(w);
	for (int i = 0; i < EXCHANGE_WAITING; i++) {
		serve(w, 1);
		refused += reply_take(w);
	}
	ck_assert_uint_eq(refused, EXCHANGE_WAITING - ROOM_WAITERS_MAX / 2);
	w->uid = USER + 1;
	make_node(w, 0);
	message_send(w);
	send_readdir(w);
	serve_all_but_one(w, 3);
	serve(w, 0);
	for (; reply_take(w); waiting++)
		GIVES(-ENOSPC, reply_header(w)->error);
	ck_assert_uint_eq(waiting, ROOM_WAITERS_MAX / 2 + 1);
	wire_close(w);
}
END_TEST

/* A server dies while somebody waits: the next one serves the request, and answers it once. */
START_TEST(who_waits_for_room_is_answered_by_the_next_server)
{
	for (unsigned i = 0; i < KINDS; i++) {
		for (int has_room = 0; has_room < 2; has_room++) {
			struct scene scene = begin(&kinds[i]);
			struct wire *w = scene.w;

			be_refused(&scene, &kinds[i]);
			if (has_room)
				send_forget(w, scene.full);
			wire_forget_dead(w);
			GIVES(0, recovery_run(&w->server.channel));
			wire_verify(w);
			ck_assert(!reply_take(w));
			serve_another(w);
			if (has_room)
				serve(w, 1);
			serve(w, 0);
			expect_answer(&scene, has_room ? 0 : kinds[i].refusal);
			wire_forget_dead(w);
			GIVES(0, recovery_run(&w->server.channel));
			ck_assert(!reply_take(w));
			wire_close(w);
		}
	}
}
END_TEST

Suite *room_suite(void)
{
	const TTest *const tests[] = {
	    room_on_its_way_is_waited_for,
	    with_nothing_on_its_way_a_refusal_is_the_answer,
	    without_room_at_last_the_refusal_is_told_once,
	    statfs_counts_what_is_on_its_way,
	    a_signal_ends_the_wait,
	    whoever_waits_is_tried_while_others_are_busy,
	    busy_others_do_not_put_off_a_refusal_for_ever,
	    one_user_does_not_take_all_the_places,
	    who_waits_for_room_is_answered_by_the_next_server,
	};

	return suite_of("room", tests, sizeof tests / sizeof tests[0]);
}

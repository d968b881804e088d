/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait for memory to be freed, and what becomes of them when their server dies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/fuse/recovery.h"
#include "daemon/ops/deferred.h"
#include "requests.h"
#include "suites.h"

enum { COUNT = 300 };

static struct wire *open_in_pieces(struct file *file)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	static char page[65536];

	config.deferred_free_min = 100 * PAGE;
	w = wire_open_with(TIER_PASSTHROUGH, config);
	memset(page, 'x', PAGE);
	*file = open_file(w, new_object_of(w, ROOT, "a", COUNT * PAGE), O_RDWR);
	for (uint64_t i = 0; i < COUNT; i++)
		GIVES(0, ask_write(w, *file, page, PAGE, i * PAGE));
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
	ck_assert_uint_eq(reply_header(w)->unique, unique);
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
	begin_interrupt(w, unique);
	tell(w);
	ck_assert(work(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_int_eq(reply_header(w)->error, 0);
	ck_assert_uint_eq(attr_of(w)->attr.size, 10);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* Whoever finds all slots taken is answered when it is done, too: then the loop does the work. */
START_TEST(more_shrinks_than_can_wait_are_done_at_once)
{
	struct file file[EXCHANGE_WAITING];
	struct shmfs_config config = wire_config();
	struct wire *w;
	char name[16];
	unsigned answers = 0;

	config.deferred_free_min = PAGE;
	w = wire_open_with(TIER_PASSTHROUGH, config);
	for (unsigned i = 0; i < EXCHANGE_WAITING; i++) {
		snprintf(name, sizeof name, "%u", i);
		file[i] = open_file(w, new_object_of(w, ROOT, name, 2 * PAGE), O_RDWR);
		GIVES(0, ask_write(w, file[i], "x", 1, PAGE));
	}
	for (unsigned i = 0; i < EXCHANGE_WAITING; i++) {
		begin_shrink(w, file[i].id);
		GIVES(1, message_serve(w));
		if (i + 1 < EXCHANGE_WAITING)
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
	ck_assert_uint_eq(answers, EXCHANGE_WAITING - 1);
	for (unsigned i = 0; i < EXCHANGE_WAITING; i++)
		GIVES(0, ask_release(w, file[i]));
	wire_close(w);
}
END_TEST

START_TEST(a_large_hole_is_answered_when_it_is_done)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);
	struct fuse_fallocate_in in = {.fh = file.handle, .length = COUNT * PAGE, .mode = 3};

	message_begin(w, FUSE_FALLOCATE, file.id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
	ck_assert(!reply_take(w));
	ck_assert(work(w));
	ck_assert_int_eq(reply_header(w)->error, 0);
	expect_bytes(w, file, 0, PAGE, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* A server dies while somebody waits, and leaves the request where it lies. */
START_TEST(who_waits_is_answered_by_the_next_server)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);
	uint64_t unique;

	begin_shrink(w, file.id);
	unique = message_header(w)->unique;
	GIVES(1, message_serve(w));
	ck_assert(free_some(w));
	wire_forget_dead(w);
	GIVES(0, recovery_run(&w->server.channel));
	ck_assert(!reply_take(w));
	/* The next request has a slot meanwhile. */
	ck_assert_uint_eq(attributes(w, file.id).size, 10);
	ck_assert(work(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_uint_eq(attr_of(w)->attr.size, 10);
	ck_assert(!reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* What a mapping of it stores to. */
static int memory_of(struct wire *w, struct file file)
{
	struct shmfs_cred cred = {0};
	struct shmfs_range from = {file.handle, 0};
	struct shmfs_memory memory;

	shmfs_begin(w->server.channel.fs);
	GIVES(0, shmfs_write_begin(w->server.channel.fs, &cred, &from, 1, &memory));
	shmfs_rollback(w->server.channel.fs);
	return memory.fd;
}

/* A hole that is made again would take away what somebody has stored in it since. */
START_TEST(who_was_answered_after_waiting_is_not_served_again)
{
	struct file file;
	struct wire *w = open_in_pieces(&file);
	struct fuse_fallocate_in in = {.fh = file.handle, .length = COUNT * PAGE, .mode = 3};
	char *left = malloc(w->request_size + sizeof in + 64);
	size_t size;

	message_begin(w, FUSE_FALLOCATE, file.id);
	message_add(w, &in, sizeof in);
	size = w->request_size;
	memcpy(left, w->request, size);
	GIVES(1, message_serve(w));
	ck_assert(work(w));
	ck_assert_int_eq(reply_header(w)->error, 0);
	/* By a mapping, so that no request comes between. */
	ck_assert_int_eq(pwrite(memory_of(w, file), "new", 3, 0), 3);
	memcpy(wire_slot(w), left, size);
	GIVES(0, recovery_run(&w->server.channel));
	ck_assert(!reply_take(w));
	free(left);
	GIVES(0, ask_read(w, file, 3, 0));
	ck_assert_mem_eq(reply_body(w, 3), "new", 3);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

Suite *waiting_suite(void)
{
	const TTest *const tests[] = {
	    a_large_shrink_is_answered_when_it_is_done,
	    an_interrupted_shrink_is_answered_when_it_is_done,
	    more_shrinks_than_can_wait_are_done_at_once,
	    a_large_hole_is_answered_when_it_is_done,
	    who_waits_is_answered_by_the_next_server,
	    who_was_answered_after_waiting_is_not_served_again,
	};

	return suite_of("waiting", tests, sizeof tests / sizeof tests[0]);
}

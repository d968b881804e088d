/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for memory that is still being freed. */
#include <errno.h>
#include <fcntl.h>

#include "daemon/ops/deferred.h"
#include "daemon/ops/room.h"
#include "requests.h"
#include "suites.h"
#include "test_memory.h"

/* More than is freed while others wait. */
enum { FREED = 2048 };

/* Of one object, which is about to be freed; of another, nothing but the name is there. */
static struct wire *open_with_memory_to_free(struct shmfs_config config, struct file *file)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, config);
	uint64_t id;
	static const char bytes[65536] = {1};

	id = new_object_of(w, ROOT, "old", FREED * PAGE);
	*file = open_file(w, id, O_RDWR);
	/* Whole pages, as those of the system may be smaller than it says. */
	for (unsigned i = 0; i < FREED; i++)
		GIVES(0, ask_write(w, *file, bytes, PAGE, (uint64_t)i * PAGE));
	GIVES(0, ask_release(w, *file));
	GIVES(0, ask_unlink(w, ROOT, "old"));
	tell_forget(w, id, 1);
	ck_assert(shmfs_free_pending(w->server.channel.fs));
	*file = open_file(w, new_object(w, ROOT, "new"), O_RDWR);
	shmfs_set_patient(w->server.channel.fs, true);
	return w;
}

/* It is all that there may be. */
static struct wire *open_full(struct file *file)
{
	struct shmfs_config config = wire_config();

	config.size_limit = FREED * PAGE;
	config.deferred_free_min = PAGE;
	return open_with_memory_to_free(config, file);
}

static uint64_t begin_growing(struct wire *w, struct file file)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = FREED * PAGE};

	message_begin(w, FUSE_SETATTR, file.id);
	message_add(w, &in, sizeof in);
	message_send(w);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(!reply_take(w));
	return w->unique;
}

START_TEST(who_needs_memory_that_is_being_freed_waits_for_it_and_nobody_else_does)
{
	struct file file;
	struct wire *w = open_full(&file);
	struct shmfs *fs = w->server.channel.fs;
	uint64_t unique = begin_growing(w, file);

	ck_assert(!room_is_awaited(&w->server.channel));
	GIVES(0, ask_statfs(w));
	room_try_again(&w->server.channel, true);
	ck_assert(!reply_take(w));
	ck_assert(shmfs_free_step(fs, 64));
	room_memory_freed(&w->server.channel);
	ck_assert(!reply_take(w));
	while (shmfs_free_step(fs, 64))
		;
	room_memory_freed(&w->server.channel);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_int_eq(reply_header(w)->error, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(who_waits_for_memory_can_be_interrupted)
{
	struct file file;
	struct wire *w = open_full(&file);
	uint64_t unique = begin_growing(w, file);

	begin_interrupt(w, unique);
	message_send(w);
	GIVES(1, channel_serve(&w->server.channel));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(reply_header(w)->unique, unique);
	ck_assert_int_eq(reply_header(w)->error, -EINTR);
	ck_assert(shmfs_free_pending(w->server.channel.fs));
	ck_assert_uint_eq(attributes(w, file.id).size, 0);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* --- what is granted is owed ------------------------------------------------------------------ */

enum { GROWTH = 100, LEAST = 10 };

/* There is more than enough for everybody. */
static struct wire *open_wide(struct file *file)
{
	struct shmfs_config config = wire_config();

	test_memory_is_small();
	config.deferred_free_min = LEAST * PAGE;
	return open_with_memory_to_free(config, file);
}

/* As the worker does, so many pages a turn. False: there were none. */
static bool free_turn(struct wire *w, uint64_t pages)
{
	struct channel *channel = &w->server.channel;
	struct shmfs_free_range range;
	bool any = shmfs_free_begin(channel->fs, &range);

	if (any)
		(void)shmfs_free_pages(&w->server.os, &range, pages);
	deferred_pay(channel, shmfs_free_end(channel->fs));
	deferred_answer(channel);
	return any;
}

static void free_all(struct wire *w)
{
	while (free_turn(w, FREED))
		;
}

static void ask_for_size(struct wire *w, struct file file, uint64_t pages)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = pages * PAGE};

	message_begin(w, FUSE_SETATTR, file.id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
}

static void ask_for_range(struct wire *w, struct file file, uint64_t pages)
{
	struct fuse_fallocate_in in = {.fh = file.handle, .length = pages * PAGE};

	message_begin(w, FUSE_FALLOCATE, file.id);
	message_add(w, &in, sizeof in);
	GIVES(1, message_serve(w));
}

/* To an object that grows by it. */
static void ask_for_last_byte(struct wire *w, struct file file, uint64_t pages)
{
	struct fuse_write_in in = {.fh = file.handle, .offset = pages * PAGE - 1, .size = 1};

	message_begin(w, FUSE_WRITE, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, "x", 1);
	GIVES(1, message_serve(w));
}

static const struct {
	void (*ask)(struct wire *w, struct file file, uint64_t pages);
	bool writes;
} growths[] = {{ask_for_size, false}, {ask_for_range, false}, {ask_for_last_byte, true}};

static void let_grow(struct wire *w, struct file file)
{
	GIVES(0, ask_setxattr(w, file.id, "user.shmfs.grow", "1", 1, 0));
}

START_TEST(who_is_granted_memory_is_answered_when_as_much_of_theirs_is_free)
{
	struct file file;
	struct wire *w = open_wide(&file);

	let_grow(w, file);
	growths[_i].ask(w, file, GROWTH);
	ck_assert(!reply_take(w));
	/* It is there, and others need not wait. */
	ck_assert_uint_eq(attributes(w, file.id).size, GROWTH * PAGE);
	ck_assert(free_turn(w, GROWTH - 1));
	ck_assert(!reply_take(w));
	ck_assert(free_turn(w, 1));
	ck_assert(reply_take(w));
	ck_assert_int_eq(reply_header(w)->error, 0);
	if (growths[_i].writes)
		ck_assert_uint_eq(written_of(w), 1);
	ck_assert(shmfs_free_pending(w->server.channel.fs));
	free_all(w);
	ck_assert(!reply_take(w));
	GIVES(0, ask_resize(w, file.id, 2 * GROWTH * PAGE));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

START_TEST(what_several_owe_is_not_paid_twice)
{
	struct file file, other;
	struct wire *w = open_wide(&file);

	other = open_file(w, new_object(w, ROOT, "other"), O_RDWR);
	ask_for_size(w, file, GROWTH);
	ask_for_size(w, other, GROWTH);
	ck_assert(free_turn(w, GROWTH));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(attr_of(w)->attr.ino, file.id);
	ck_assert(!reply_take(w));
	/* What there is not can be paid by nobody. */
	ask_for_size(w, file, 10 * FREED);
	free_all(w);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(attr_of(w)->attr.ino, other.id);
	ck_assert(reply_take(w));
	ck_assert_uint_eq(attr_of(w)->attr.ino, file.id);
	GIVES(0, ask_release(w, file));
	GIVES(0, ask_release(w, other));
	wire_close(w);
}
END_TEST

START_TEST(nobody_owes_for_another_user)
{
	struct file file;
	struct wire *w = open_wide(&file);

	w->uid = 1234;
	w->gid = 1234;
	ck_assert_int_eq(ask_release(w, file), 0);
	file = open_file(w, new_object(w, ROOT, "b"), O_RDWR);
	GIVES(0, ask_resize(w, file.id, GROWTH * PAGE));
	GIVES(0, ask_release(w, file));
	free_all(w);
	wire_close(w);
}
END_TEST

START_TEST(little_is_owed_once_it_is_enough)
{
	struct file file;
	struct wire *w = open_wide(&file);

	for (unsigned pages = 1; pages < LEAST; pages++)
		GIVES(0, ask_resize(w, file.id, pages * PAGE));
	ask_for_size(w, file, LEAST);
	ck_assert(!reply_take(w));
	ck_assert(free_turn(w, LEAST));
	ck_assert(reply_take(w));
	free_all(w);
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

/* There is place for others, who wait for what they were promised. */
START_TEST(who_finds_too_many_who_owe_is_answered_at_once)
{
	struct file file;
	struct wire *w = open_wide(&file);
	unsigned owing = 0;

	do
		ask_for_size(w, file, ++owing * LEAST);
	while (!reply_take(w));
	ck_assert_uint_eq(owing, EXCHANGE_WAITING / 4 + 1);
	free_all(w);
	while (--owing > 0)
		ck_assert(reply_take(w));
	GIVES(0, ask_release(w, file));
	wire_close(w);
}
END_TEST

Suite *memory_freed_suite(void)
{
	const TTest *const tests[] = {
	    who_needs_memory_that_is_being_freed_waits_for_it_and_nobody_else_does,
	    who_waits_for_memory_can_be_interrupted,
	    what_several_owe_is_not_paid_twice,
	    nobody_owes_for_another_user,
	    little_is_owed_once_it_is_enough,
	    who_finds_too_many_who_owe_is_answered_at_once,
	};
	Suite *suite = suite_of("memory freed", tests, sizeof tests / sizeof tests[0]);
	TCase *granted = tcase_create("granted");

	suite_add_tcase(suite, granted);
	tcase_add_loop_test(granted,
	    who_is_granted_memory_is_answered_when_as_much_of_theirs_is_free, 0,
	    (int)(sizeof growths / sizeof growths[0]));
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for memory that is still being freed. */
#include <errno.h>
#include <fcntl.h>

#include "daemon/ops/room.h"
#include "requests.h"
#include "suites.h"

/* More than is freed while others wait. */
enum { FREED = 2048 };

/* All that there may be was of one object, which is about to be freed. */
static struct wire *open_with_memory_to_free(struct file *file)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t id;
	static const char bytes[65536] = {1};

	config.size_limit = FREED * PAGE;
	config.deferred_free_min = PAGE;
	w = wire_open_with(TIER_PASSTHROUGH, config);
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
	struct wire *w = open_with_memory_to_free(&file);
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
	struct wire *w = open_with_memory_to_free(&file);
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

Suite *memory_freed_suite(void)
{
	const TTest *const tests[] = {
	    who_needs_memory_that_is_being_freed_waits_for_it_and_nobody_else_does,
	    who_waits_for_memory_can_be_interrupted,
	};

	return suite_of("memory freed", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that no kernel sends: cut off, lying about themselves, or at the edges of numbers. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/fuse/shape.h"
#include "requests.h"
#include "suites.h"

/* Fixed parts of requests and the strings behind them, after the protocol, 7.12 and later. */
static const struct shape {
	uint32_t opcode;
	size_t fixed;
	unsigned strings;
} shapes[] = {
    {FUSE_LOOKUP, 0, 1},
    {FUSE_FORGET, 8, 0},
    {FUSE_GETATTR, 16, 0},
    {FUSE_SETATTR, 88, 0},
    {FUSE_READLINK, 0, 0},
    {FUSE_SYMLINK, 0, 2},
    {FUSE_MKNOD, 16, 1},
    {FUSE_MKDIR, 8, 1},
    {FUSE_UNLINK, 0, 1},
    {FUSE_RMDIR, 0, 1},
    {FUSE_RENAME, 8, 2},
    {FUSE_LINK, 8, 1},
    {FUSE_OPEN, 8, 0},
    {FUSE_READ, 40, 0},
    {FUSE_WRITE, 40, 0},
    {FUSE_STATFS, 0, 0},
    {FUSE_RELEASE, 24, 0},
    {FUSE_FSYNC, 16, 0},
    {FUSE_SETXATTR, 8, 1},
    {FUSE_GETXATTR, 8, 1},
    {FUSE_LISTXATTR, 8, 0},
    {FUSE_REMOVEXATTR, 0, 1},
    {FUSE_FLUSH, 24, 0},
    {FUSE_OPENDIR, 8, 0},
    {FUSE_READDIR, 40, 0},
    {FUSE_RELEASEDIR, 24, 0},
    {FUSE_FSYNCDIR, 16, 0},
    {FUSE_GETLK, 48, 0},
    {FUSE_SETLK, 48, 0},
    {FUSE_SETLKW, 48, 0},
    {FUSE_ACCESS, 8, 0},
    {FUSE_CREATE, 16, 1},
    {FUSE_INTERRUPT, 8, 0},
    {FUSE_BMAP, 16, 0},
    {FUSE_DESTROY, 0, 0},
    {FUSE_IOCTL, 32, 0},
    {FUSE_POLL, 24, 0},
    {FUSE_BATCH_FORGET, 8, 0},
    {FUSE_FALLOCATE, 32, 0},
    {FUSE_READDIRPLUS, 40, 0},
    {FUSE_RENAME2, 16, 2},
    {FUSE_LSEEK, 24, 0},
    {FUSE_COPY_FILE_RANGE, 56, 0},
    {ABI_COPY_FILE_RANGE_64, 56, 0},
    {ABI_TMPFILE, 16, 1},
    {ABI_STATX, 24, 0},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

/* The opcode's smallest form: zeros, and names "x". */
static void begin_smallest(struct wire *w, const struct shape *shape)
{
	static const char zeros[128];

	message_begin(w, shape->opcode, ROOT);
	message_add(w, zeros, shape->fixed);
	for (unsigned i = 0; i < shape->strings; i++)
		message_add_string(w, "x");
}

/* A malformed request is EINVAL, or dropped where no reply is due; nothing changes. */
static void expect_malformed(struct wire *w, const char *what)
{
	struct shmfs_usage before = usage(w), after;
	uint32_t opcode = message_header(w)->opcode;

	if (w->request_size < sizeof(struct fuse_in_header) || !shape_has_reply(opcode)) {
		tell(w);
	} else {
		int rc = ask(w);

		ck_assert_msg(rc == -EINVAL, "%s, opcode %u of %zu bytes: expected -EINVAL, got %s",
		    what, opcode, w->request_size, result_text(rc));
	}
	after = usage(w);
	ck_assert_uint_eq(after.used_pages, before.used_pages);
	ck_assert_uint_eq(after.used_nodes, before.used_nodes);
	ck_assert_uint_eq(after.handles, before.handles);
	ck_assert_uint_eq(after.arena_bytes, before.arena_bytes);
}

START_TEST(the_smallest_form_of_every_request_is_well_formed)
{
	struct wire *w = wire_open();

	for (size_t i = 0; i < SHAPES; i++) {
		begin_smallest(w, &shapes[i]);
		ck_assert_msg(shape_check(w->request, w->request_size) == 0, "opcode %u is refused",
		    shapes[i].opcode);
	}
	wire_close(w);
}
END_TEST

START_TEST(every_request_that_is_cut_off_is_refused)
{
	struct wire *w = wire_open();

	for (size_t i = 0; i < SHAPES; i++) {
		begin_smallest(w, &shapes[i]);
		/* Of nothing, the end of the connection, there is a test of its own. */
		for (size_t size = w->request_size - 1; size > 0; size--) {
			w->request_size = size;
			message_header(w)->len = (uint32_t)size;
			expect_malformed(w, "cut off");
		}
	}
	wire_close(w);
}
END_TEST

START_TEST(every_request_that_says_another_length_is_refused)
{
	struct wire *w = wire_open();

	for (size_t i = 0; i < SHAPES; i++) {
		uint32_t size;

		begin_smallest(w, &shapes[i]);
		size = (uint32_t)w->request_size;
		const uint32_t lengths[] = {0, 39, 40, size - 1, size + 1, size << 8, INT32_MAX,
		    UINT32_C(1) << 31, UINT32_MAX};

		for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
			message_header(w)->len = lengths[n];
			if (lengths[n] != size)
				expect_malformed(w, "wrong length");
		}
	}
	wire_close(w);
}
END_TEST

START_TEST(strings_without_an_end_are_refused)
{
	struct wire *w = wire_open();

	for (size_t i = 0; i < SHAPES; i++) {
		/* What the buffer holds behind the request must not be taken for an end. */
		memset(wire_slot(w), 0, 4096);
		begin_smallest(w, &shapes[i]);
		if (shapes[i].strings == 0)
			continue;
		w->request[w->request_size - 1] = 'y';
		expect_malformed(w, "last string without an end");
		message_add(w, "zzzzzzzzzzzzzzzzzzzz", 20);
		expect_malformed(w, "last string without an end");
	}
	wire_close(w);
}
END_TEST

START_TEST(a_missing_second_string_is_refused)
{
	struct wire *w = wire_open();
	struct shape one;

	new_object(w, ROOT, "x");
	for (size_t i = 0; i < SHAPES; i++) {
		one = shapes[i];
		if (one.strings < 2)
			continue;
		one.strings = 1;
		begin_smallest(w, &one);
		expect_malformed(w, "one string of two");
	}
	GIVES(2, id_of(w, ROOT, "x"));
	wire_close(w);
}
END_TEST

START_TEST(requests_for_unknown_opcodes_must_say_their_length)
{
	struct wire *w = wire_open();

	message_begin(w, FUSE_SYNCFS, ROOT);
	message_header(w)->len = 41;
	expect_malformed(w, "wrong length");
	message_begin(w, 100000, ROOT);
	message_header(w)->len = 39;
	expect_malformed(w, "wrong length");
	wire_close(w);
}
END_TEST

START_TEST(a_message_larger_than_the_buffer_is_refused)
{
	struct wire *w = wire_open();

	if (wire_carries(
		w, EXCHANGE_REQUEST_SIZE + 100, "a_message_larger_than_the_buffer_is_refused")) {
		static const size_t sizes[] = {
		    EXCHANGE_REQUEST_SIZE, EXCHANGE_REQUEST_SIZE + 1, EXCHANGE_REQUEST_SIZE + 100};

		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			message_begin(w, FUSE_LOOKUP, ROOT);
			memset(w->request + w->request_size, 'n', sizes[i]);
			w->request_size = sizes[i];
			message_header(w)->len = (uint32_t)sizes[i];
			w->request[sizes[i] - 1] = '\0';
			expect_malformed(w, "too large");
		}
		/* The largest that fits. */
		w->request_size = EXCHANGE_REQUEST_SIZE - 1;
		message_header(w)->len = (uint32_t)w->request_size;
		w->request[w->request_size - 1] = '\0';
		GIVES(-ENAMETOOLONG, ask(w));
	}
	wire_close(w);
}
END_TEST

/* --- counts ----------------------------------------------------------------------------------- */

START_TEST(a_write_of_more_than_came_is_refused)
{
	static const uint32_t more[] = {
	    11, 12, 4096, 1 << 20, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 4096), O_RDWR);
	struct fuse_write_in in = {.fh = file.handle};

	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		in.size = more[i];
		message_begin(w, FUSE_WRITE, file.id);
		message_add(w, &in, sizeof in);
		message_add(w, "0123456789", 10);
		expect_malformed(w, "WRITE");
	}
	expect_bytes(w, file, 0, 4096, 0);
	in.size = 9;
	message_begin(w, FUSE_WRITE, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, "0123456789", 10);
	GIVES(0, ask(w));
	ck_assert_uint_eq(written_of(w), 9);
	wire_close(w);
}
END_TEST

START_TEST(an_attribute_of_more_than_came_is_refused)
{
	static const uint32_t more[] = {4, 5, 100, 65536, INT32_MAX, UINT32_MAX};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		const uint32_t in[] = {more[i], 0};

		message_begin(w, FUSE_SETXATTR, ROOT);
		message_add(w, in, sizeof in);
		message_add_string(w, "user.abc");
		message_add(w, "xyz", 3);
		expect_malformed(w, "SETXATTR");
	}
	GIVES(-ENODATA, ask_getxattr(w, ROOT, "user.abc", 0));
	wire_close(w);
}
END_TEST

START_TEST(a_batch_of_more_than_came_forgets_nothing)
{
	static const uint32_t more[] = {3, 4, 1000, INT32_MAX / 16, UINT32_C(1) << 28,
	    (UINT32_C(1) << 28) + 2, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	const struct fuse_forget_one forgets[] = {{id, 1}, {id, 1}};
	struct fuse_batch_forget_in in = {.count = 0};

	GIVES(0, ask_unlink(w, ROOT, "a"));
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		in.count = more[i];
		message_begin(w, FUSE_BATCH_FORGET, 0);
		message_add(w, &in, sizeof in);
		message_add(w, forgets, sizeof forgets);
		expect_malformed(w, "BATCH_FORGET");
		ck_assert(exists(w, id));
	}
	in.count = 2;
	message_begin(w, FUSE_BATCH_FORGET, 0);
	message_add(w, &in, sizeof in);
	message_add(w, forgets, sizeof forgets - 1);
	expect_malformed(w, "BATCH_FORGET");
	ck_assert(exists(w, id));
	wire_close(w);
}
END_TEST

/* A count that is too small is no harm: the rest is not looked at. */
START_TEST(a_batch_of_less_than_came_forgets_that_many)
{
	struct wire *w = wire_open();
	uint64_t a = new_object(w, ROOT, "a"), b = new_object(w, ROOT, "b");
	const struct fuse_forget_one forgets[] = {{a, 1}, {b, 1}};
	struct fuse_batch_forget_in in = {.count = 1};

	GIVES(0, ask_unlink(w, ROOT, "a"));
	GIVES(0, ask_unlink(w, ROOT, "b"));
	message_begin(w, FUSE_BATCH_FORGET, 0);
	message_add(w, &in, sizeof in);
	message_add(w, forgets, sizeof forgets);
	tell(w);
	ck_assert(!exists(w, a));
	ck_assert(exists(w, b));
	wire_close(w);
}
END_TEST

/* --- strings ---------------------------------------------------------------------------------- */

/* All the space that a request has, in one name or target. */
START_TEST(names_as_long_as_a_request_are_enametoolong)
{
	enum { LENGTH = 60000 };
	struct wire *w = wire_open();
	char *name = malloc(LENGTH + 1);

	ck_assert_ptr_nonnull(name);
	memset(name, 'n', LENGTH);
	name[LENGTH] = '\0';
	GIVES(-ENAMETOOLONG, ask_lookup(w, ROOT, name));
	GIVES(-ENAMETOOLONG, ask_create(w, ROOT, name, 0600, O_RDWR));
	GIVES(-ENAMETOOLONG, ask_symlink(w, ROOT, "l", name));
	GIVES(-ENAMETOOLONG, ask_symlink(w, ROOT, name, "t"));
	GIVES(-ENAMETOOLONG, ask_rename(w, ROOT, name, ROOT, name));
	memset(name, '/', LENGTH);
	GIVES(-ENAMETOOLONG, ask_lookup(w, ROOT, name));
	free(name);
	wire_close(w);
}
END_TEST

/* A NUL within ends the string for everybody. */
START_TEST(what_follows_the_end_of_a_name_is_not_part_of_it)
{
	struct wire *w = wire_open();
	struct fuse_mkdir_in in = {.mode = 0700};

	message_begin(w, FUSE_MKDIR, ROOT);
	message_add(w, &in, sizeof in);
	message_add(w, "a\0b/c", 5);
	GIVES(0, ask(w));
	GIVES(entry_of(w)->nodeid, id_of(w, ROOT, "a"));
	wire_close(w);
}
END_TEST

START_TEST(attributes_that_nobody_has_are_kept_as_they_come)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	struct fuse_setattr_in in;

	memset(&in, 0xff, sizeof in);
	in.valid = UINT32_MAX & ~(uint32_t)FATTR_SIZE;
	GIVES(0, ask_setattr(w, id, &in));
	/* But for the set-id bits, which go with a new owner. */
	ck_assert_uint_eq(attr_of(w)->attr.mode, S_IFREG | 01777);
	ck_assert_uint_eq(attr_of(w)->attr.uid, UINT32_MAX);
	in.valid = UINT32_MAX;
	GIVES(-EFBIG, ask_setattr(w, id, &in));
	wire_close(w);
}
END_TEST

/* A peer that closes and a message of no bytes look the same. */
START_TEST(an_empty_message_is_the_end)
{
	struct wire *w = wire_open();

	ck_assert_int_eq(send(w->fd, "", 0, 0), 0);
	GIVES(-ENODEV, channel_serve(&w->server.channel));
	wire_close(w);
}
END_TEST

Suite *hostile_suite(void)
{
	const TTest *const tests[] = {
	    the_smallest_form_of_every_request_is_well_formed,
	    every_request_that_is_cut_off_is_refused,
	    every_request_that_says_another_length_is_refused,
	    strings_without_an_end_are_refused,
	    a_missing_second_string_is_refused,
	    requests_for_unknown_opcodes_must_say_their_length,
	    a_message_larger_than_the_buffer_is_refused,
	    a_write_of_more_than_came_is_refused,
	    an_attribute_of_more_than_came_is_refused,
	    a_batch_of_more_than_came_forgets_nothing,
	    a_batch_of_less_than_came_forgets_that_many,
	    names_as_long_as_a_request_are_enametoolong,
	    what_follows_the_end_of_a_name_is_not_part_of_it,
	    attributes_that_nobody_has_are_kept_as_they_come,
	    an_empty_message_is_the_end,
	};

	return suite_of("hostile", tests, sizeof tests / sizeof tests[0]);
}

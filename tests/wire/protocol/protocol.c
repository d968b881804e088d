/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of requests whatever they ask: who gets a reply, how many, and unknown opcodes. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "daemon/fuse/shape.h"
#include "requests.h"
#include "suites.h"
#include "system_calls.h"

#define CUSE 4096

/* A well-formed body for any opcode that has one: zeros are a fixed part, and empty strings. */
static int ask_zeros(struct wire *w, uint32_t opcode)
{
	static const char zeros[256];

	return ask_plain(w, opcode, ROOT, zeros, sizeof zeros);
}

/* Not offered: programs see EOPNOTSUPP or the kernel does without. */
START_TEST(opcodes_that_are_not_implemented_are_enosys)
{
	static const uint32_t opcodes[] = {FUSE_FSYNC, FUSE_FLUSH, FUSE_OPENDIR, FUSE_FSYNCDIR,
	    FUSE_GETLK, FUSE_SETLK, FUSE_SETLKW, FUSE_ACCESS, FUSE_BMAP, FUSE_POLL,
	    FUSE_READDIRPLUS};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof opcodes / sizeof opcodes[0]; i++) {
		int rc = ask_zeros(w, opcodes[i]);

		ck_assert_msg(rc == -ENOSYS, "opcode %u: expected -ENOSYS, got %s", opcodes[i],
		    result_text(rc));
	}
	wire_close(w);
}
END_TEST

START_TEST(opcodes_that_are_not_known_are_enosys)
{
	static const uint32_t opcodes[] = {0, 7, 19, FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING,
	    FUSE_SYNCFS, 54, 63, 64, 255, 4095, 4097, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX,
	    CUSE_INIT_BSWAP_RESERVED, FUSE_INIT_BSWAP_RESERVED};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof opcodes / sizeof opcodes[0]; i++) {
		int rc = ask_zeros(w, opcodes[i]);

		ck_assert_msg(rc == -ENOSYS, "opcode %u: expected -ENOSYS, got %s", opcodes[i],
		    result_text(rc));
		/* Nothing is known of their shape, so any will do. */
		GIVES(-ENOSYS, ask_plain(w, opcodes[i], UINT64_MAX, NULL, 0));
	}
	wire_close(w);
}
END_TEST

/* libfuse knows it as a greeting, and greetings come once. */
START_TEST(the_greeting_of_character_devices_is_eio)
{
	struct wire *w = wire_open();

	GIVES(-EIO, ask_zeros(w, CUSE));
	wire_close(w);
}
END_TEST

/* And changes nothing: the connection ends with its descriptor. */
START_TEST(destroy_is_answered)
{
	struct wire *w = wire_open();

	GIVES(0, ask_plain(w, FUSE_DESTROY, 0, NULL, 0));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(0, ask_plain(w, FUSE_STATFS, SHMFS_ROOT, NULL, 0));
	wire_close(w);
}
END_TEST

START_TEST(forgetting_has_no_reply)
{
	struct wire *w = wire_open();
	struct fuse_forget_one forget = {new_object(w, ROOT, "a"), 1};

	tell_forget(w, forget.nodeid, 1);
	tell_forget(w, 999, 1);
	tell_forgets(w, &forget, 1);
	wire_close(w);
}
END_TEST

/*
 * Requests are answered one by one, so there is never one left to interrupt. In whatever order they
 * come, an INTERRUPT has no reply and the other request exactly its own.
 */
START_TEST(interrupt_has_no_reply_and_disturbs_no_other_request)
{
	static const uint64_t offsets[] = {0, 2, 4, 1000, UINT64_MAX};
	struct wire *w = wire_open();
	char name[] = "0";

	for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
		uint64_t unique = w->unique + offsets[i];

		name[0]++;
		begin_interrupt(w, unique);
		tell(w);
		GIVES(0, ask_mknod(w, ROOT, name, S_IFREG | 0600));
		GIVES(0, ask_statfs(w));
		tell_forget(w, 999, 1);
	}
	wire_close(w);
}
END_TEST

/* Comes only after the kernel was asked to look into its cache, which never happens. */
START_TEST(the_answer_to_a_question_that_was_not_asked_has_no_reply)
{
	struct wire *w = wire_open();
	struct fuse_notify_retrieve_in in = {.offset = 0};

	message_begin(w, FUSE_NOTIFY_REPLY, ROOT);
	message_add(w, &in, sizeof in);
	tell(w);
	GIVES(0, ask_statfs(w));
	wire_close(w);
}
END_TEST

START_TEST(the_unique_number_of_a_request_is_that_of_its_reply)
{
	static const uint64_t uniques[] = {
	    1, 2, INT32_MAX, UINT32_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 63) | 6, UINT64_MAX, 0};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof uniques / sizeof uniques[0]; i++) {
		message_begin(w, FUSE_STATFS, ROOT);
		message_header(w)->unique = uniques[i];
		GIVES(0, ask(w));
		message_begin(w, FUSE_SYNCFS, ROOT);
		message_header(w)->unique = uniques[i];
		GIVES(-ENOSYS, ask(w));
		message_begin(w, ABI_STATX, 999);
		message_header(w)->unique = uniques[i];
		message_add(w, &(struct abi_statx_in){.fh = 0}, sizeof(struct abi_statx_in));
		GIVES(-ESTALE, ask(w));
		message_begin(w, FUSE_GETATTR, ROOT);
		message_header(w)->unique = uniques[i];
		GIVES(-EINVAL, ask(w));
	}
	wire_close(w);
}
END_TEST

/* Extensions stand behind the strings; none of them is agreed on, all can be there. */
START_TEST(what_follows_a_request_is_ignored)
{
	struct wire *w = wire_open();
	struct fuse_mknod_in in = {.mode = S_IFREG | 0600};
	uint16_t units = 2;

	message_begin(w, FUSE_MKNOD, ROOT);
	/* total_extlen, in units of 8 bytes; headers before 7.38 have padding there. */
	memcpy(w->request + offsetof(struct fuse_in_header, pid) + sizeof(uint32_t), &units,
	    sizeof units);
	message_add(w, &in, sizeof in);
	message_add_string(w, "a");
	message_add(w, "\x10\0\0\0\x20\0\0\0groups..", 16);
	GIVES(0, ask(w));
	GIVES(entry_of(w)->nodeid, id_of(w, ROOT, "a"));
	wire_close(w);
}
END_TEST

START_TEST(requests_queue_and_are_served_in_order)
{
	struct wire *w = wire_open();

	for (unsigned i = 0; i < 10; i++) {
		message_begin(w, FUSE_GETATTR, ROOT);
		message_add(w, &(struct fuse_getattr_in){0}, sizeof(struct fuse_getattr_in));
		ck_assert_int_eq(write(w->fd, w->request, w->request_size), (int)w->request_size);
	}
	for (unsigned i = 0; i < 10; i++)
		GIVES(1, channel_serve(&w->server.channel));
	GIVES(0, channel_serve(&w->server.channel));
	for (unsigned i = 0; i < 10; i++) {
		struct fuse_out_header header;

		ck_assert(reply_take(w));
		memcpy(&header, w->reply, sizeof header);
		ck_assert_uint_eq(header.unique, w->unique - 2 * (9 - i));
	}
	wire_close(w);
}
END_TEST

START_TEST(without_a_request_nothing_is_served)
{
	struct wire *w = wire_open();

	GIVES(0, channel_serve(&w->server.channel));
	wire_close(w);
}
END_TEST

START_TEST(the_end_of_the_connection_is_enodev)
{
	struct wire *w = wire_open();

	close(w->fd);
	w->fd = -1;
	GIVES(-ENODEV, channel_serve(&w->server.channel));
	wire_close(w);
}
END_TEST

/* The kernel does not wait for replies when it goes; the change is final all the same. */
START_TEST(a_connection_that_ends_before_the_reply_leaves_the_namespace_whole)
{
	struct wire *w = wire_open();
	int saved;

	message_begin(w, FUSE_MKDIR, ROOT);
	message_add(w, &(struct fuse_mkdir_in){.mode = 0700}, sizeof(struct fuse_mkdir_in));
	message_add_string(w, "d");
	ck_assert_int_eq(write(w->fd, w->request, w->request_size), (int)w->request_size);
	close(w->fd);
	w->fd = -1;
	saved = stderr_away();
	GIVES(1, channel_serve(&w->server.channel));
	stderr_back(saved);
	GIVES(-ENODEV, channel_serve(&w->server.channel));
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	wire_close(w);
}
END_TEST

Suite *protocol_suite(void)
{
	const TTest *const tests[] = {
	    opcodes_that_are_not_implemented_are_enosys,
	    opcodes_that_are_not_known_are_enosys,
	    the_greeting_of_character_devices_is_eio,
	    destroy_is_answered,
	    forgetting_has_no_reply,
	    interrupt_has_no_reply_and_disturbs_no_other_request,
	    the_answer_to_a_question_that_was_not_asked_has_no_reply,
	    the_unique_number_of_a_request_is_that_of_its_reply,
	    what_follows_a_request_is_ignored,
	    requests_queue_and_are_served_in_order,
	    without_a_request_nothing_is_served,
	    the_end_of_the_connection_is_enodev,
	    a_connection_that_ends_before_the_reply_leaves_the_namespace_whole,
	};

	return suite_of("protocol", tests, sizeof tests / sizeof tests[0]);
}

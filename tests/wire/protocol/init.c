/* SPDX-License-Identifier: BSD-2-Clause */
/* INIT: what is agreed on with kernels of several ages. */
#include <string.h>
#include <unistd.h>

#include "requests.h"
#include "suites.h"

#define OVER_IO_URING (UINT64_C(1) << 41)

/* Would change what a caller sees, or bring requests that nobody serves. */
#define NEVER                                                                                      \
	(FUSE_ATOMIC_O_TRUNC | FUSE_HANDLE_KILLPRIV | FUSE_HANDLE_KILLPRIV_V2 |                    \
	    FUSE_AUTO_INVAL_DATA | FUSE_WRITEBACK_CACHE | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |    \
	    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_SETXATTR_EXT | FUSE_SECURITY_CTX |  \
	    OVER_IO_URING)

#define ALWAYS                                                                                     \
	((uint64_t)(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |    \
		    FUSE_MAX_PAGES | FUSE_EXPLICIT_INVAL_DATA | FUSE_POSIX_ACL | FUSE_DONT_MASK |  \
		    FUSE_EXPORT_SUPPORT))

static const struct abi_init_out *init_out_of(const struct wire *w)
{
	return reply_body(w, sizeof(struct abi_init_out));
}

static uint64_t flags_of(const struct wire *w)
{
	return init_out_of(w)->flags | (uint64_t)init_out_of(w)->flags2 << 32;
}

/* Attaches, greets, and takes the reply. */
static struct wire *greet(enum tier_choice choice, const struct fuse_init_in *in)
{
	struct wire *w = wire_attach(choice);

	GIVES(0, wire_negotiate(w, in));
	ck_assert_msg(reply_take(w), "INIT is not answered");
	return w;
}

static struct wire *greet_modern(enum tier_choice choice)
{
	struct fuse_init_in in = wire_init_in(45, WIRE_ALL_FLAGS);

	return greet(choice, &in);
}

START_TEST(the_reply_has_every_field_a_modern_kernel_reads)
{
	struct wire *w = greet_modern(TIER_AUTO);
	const struct abi_init_out *out = init_out_of(w);

	ck_assert_uint_eq(out->major, 7);
	ck_assert_uint_eq(out->minor, 40);
	ck_assert_uint_eq(out->max_write, 256 * 1024);
	/* Half of it where a pipe for all of it is more than one may have. */
	ck_assert_uint_eq(out->max_pages * SYSTEM_PAGE, reply_pipe_read_max());
	ck_assert_uint_eq(out->max_readahead, 1024 * 1024);
	ck_assert_uint_eq(out->time_gran, 1);
	ck_assert_uint_eq(out->map_alignment, 0);
	ck_assert_uint_eq(out->request_timeout, 0);
	for (size_t i = 0; i < sizeof out->unused / sizeof out->unused[0]; i++)
		ck_assert_uint_eq(out->unused[i], 0);
	wire_close(w);
}
END_TEST

START_TEST(the_reply_sets_what_the_server_relies_on)
{
	struct wire *w = greet_modern(TIER_AUTO);

	ck_assert_uint_eq(flags_of(w) & (ALWAYS | FUSE_INIT_EXT), ALWAYS | FUSE_INIT_EXT);
	ck_assert_uint_eq(w->server.channel.init_agreed, flags_of(w));
	ck_assert_uint_eq(w->server.channel.init_unique, 0);
	wire_close(w);
}
END_TEST

START_TEST(the_reply_never_sets_what_would_change_semantics)
{
	static const enum tier_choice choices[] = {
	    TIER_AUTO, TIER_ONLY_PASSTHROUGH, TIER_ONLY_CACHED};

	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		struct wire *w = greet_modern(choices[i]);

		ck_assert_uint_eq(flags_of(w) & NEVER, 0);
		wire_close(w);
	}
}
END_TEST

START_TEST(each_choice_of_tier_asks_for_its_flags_alone)
{
	static const struct {
		enum tier_choice choice;
		uint64_t flags;
		uint32_t depth;
	} cases[] = {
	    {TIER_AUTO, ABI_INIT_PASSTHROUGH, 1},
	    {TIER_ONLY_PASSTHROUGH, ABI_INIT_PASSTHROUGH, 1},
	    {TIER_ONLY_CACHED, 0, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire *w = greet_modern(cases[i].choice);

		ck_assert_uint_eq(flags_of(w) & ABI_INIT_PASSTHROUGH, cases[i].flags);
		ck_assert_uint_eq(init_out_of(w)->max_stack_depth, cases[i].depth);
		wire_close(w);
	}
}
END_TEST

START_TEST(a_flag_that_is_not_offered_is_not_set)
{
	uint64_t offered = FUSE_INIT_EXT | FUSE_MAX_PAGES | FUSE_ASYNC_READ;
	struct fuse_init_in in = wire_init_in(39, offered);
	struct wire *w = greet(TIER_AUTO, &in);

	ck_assert_uint_eq(flags_of(w) & ~offered & ~(uint64_t)FUSE_BIG_WRITES, 0);
	ck_assert_uint_eq(init_out_of(w)->max_stack_depth, 0);
	wire_close(w);
}
END_TEST

/* Protocol 7.31 is that of Linux 5.10; its INIT has no flags2. */
START_TEST(a_kernel_without_the_extension_gets_none)
{
	struct fuse_init_in in =
	    wire_init_in(31, WIRE_ALL_FLAGS & UINT32_MAX & ~(uint64_t)FUSE_INIT_EXT);
	struct wire *w = wire_attach(TIER_AUTO);

	message_begin(w, FUSE_INIT, 0);
	message_add(w, &in, 16);
	GIVES(0, ask(w));
	ck_assert_uint_eq(flags_of(w) & (ALWAYS | NEVER | FUSE_INIT_EXT), ALWAYS);
	ck_assert_uint_eq(init_out_of(w)->flags2, 0);
	ck_assert_uint_eq(init_out_of(w)->max_stack_depth, 0);
	ck_assert_uint_eq(init_out_of(w)->max_write, 256 * 1024);
	ck_assert_uint_eq(w->server.channel.init_agreed, flags_of(w));
	wire_close(w);
}
END_TEST

/* The bit says that flags2 is there, the length says that it is not. */
START_TEST(flags2_that_did_not_come_are_not_believed)
{
	struct fuse_init_in in = wire_init_in(45, WIRE_ALL_FLAGS);
	struct wire *w = wire_attach(TIER_AUTO);

	/* What the buffer held before must not be taken for it. */
	memset(wire_slot(w), 0xff, 256);
	message_begin(w, FUSE_INIT, 0);
	message_add(w, &in, 16);
	GIVES(0, ask(w));
	ck_assert_uint_eq(init_out_of(w)->flags2, 0);
	ck_assert_uint_eq(init_out_of(w)->max_stack_depth, 0);
	wire_close(w);
}
END_TEST

/* include/uapi/linux/fuse.h: the server answers with its own version and waits for another INIT. */
START_TEST(a_kernel_of_a_later_major_version_greets_twice)
{
	struct fuse_init_in later = wire_init_in(3, WIRE_ALL_FLAGS);
	struct fuse_init_in in = wire_init_in(45, WIRE_ALL_FLAGS);
	struct wire *w = wire_attach(TIER_AUTO);

	later.major = 8;
	message_begin(w, FUSE_INIT, 0);
	message_add(w, &later, sizeof later);
	GIVES(0, ask(w));
	ck_assert_uint_eq(init_out_of(w)->major, 7);
	ck_assert_uint_eq(w->server.channel.init_agreed, 0);
	GIVES(0, wire_negotiate(w, &in));
	ck_assert(reply_take(w));
	ck_assert_uint_eq(flags_of(w) & (ALWAYS | FUSE_INIT_EXT), ALWAYS | FUSE_INIT_EXT);
	ck_assert_uint_eq(w->server.channel.init_agreed, flags_of(w));
	ck_assert_uint_eq(init_out_of(w)->max_stack_depth, 1);
	wire_close(w);
}
END_TEST

/* Nothing but INIT is served to it, so that no request meets a server without a namespace. */
static void expect_refused(uint32_t major, uint32_t minor)
{
	struct fuse_init_in in = wire_init_in(minor, WIRE_ALL_FLAGS);
	struct wire *w = wire_attach(TIER_AUTO);

	in.major = major;
	GIVES(-EPROTO, wire_negotiate(w, &in));
	ck_assert_uint_eq(w->server.channel.init_agreed, 0);
	ck_assert(reply_take(w));
	ck_assert(!reply_take(w));
	wire_close(w);
}

START_TEST(a_kernel_of_an_earlier_major_version_is_refused)
{
	expect_refused(6, 1);
	expect_refused(0, 0);
}
END_TEST

/* Up to 7.22, Linux 3.14, the reply is too short for what must stand in it. */
START_TEST(a_kernel_with_a_short_reply_is_refused)
{
	expect_refused(7, 22);
	expect_refused(7, 5);
	expect_refused(7, 4);
}
END_TEST

START_TEST(negotiation_without_a_kernel_times_out)
{
	struct wire *w = wire_attach(TIER_AUTO);

	GIVES(-ETIMEDOUT, channel_negotiate(&w->server.channel, 5));
	wire_close(w);
}
END_TEST

START_TEST(negotiation_ends_with_the_connection)
{
	struct wire *w = wire_attach(TIER_AUTO);

	close(w->fd);
	w->fd = -1;
	GIVES(-ENODEV, channel_negotiate(&w->server.channel, 1000));
	wire_close(w);
}
END_TEST

START_TEST(before_init_every_request_is_eio)
{
	struct wire *w = wire_attach(TIER_AUTO);
	struct fuse_init_in in = wire_init_in(45, WIRE_ALL_FLAGS);

	GIVES(-EIO, ask_lookup(w, ROOT, "a"));
	GIVES(-EIO, ask_getattr(w, ROOT));
	GIVES(-EIO, ask_statfs(w));
	GIVES(-EIO, ask_tmpfile(w, ROOT, 0600, O_RDWR));
	GIVES(-EIO, ask_statx(w, ROOT));
	GIVES(0, wire_negotiate(w, &in));
	ck_assert(reply_take(w));
	wire_close(w);
}
END_TEST

START_TEST(a_malformed_init_is_einval_and_not_the_greeting)
{
	struct wire *w = wire_attach(TIER_AUTO);
	struct fuse_init_in in = wire_init_in(45, WIRE_ALL_FLAGS);

	GIVES(-EINVAL, ask_plain(w, FUSE_INIT, 0, &in, 15));
	GIVES(-EINVAL, ask_plain(w, FUSE_INIT, 0, NULL, 0));
	ck_assert_uint_eq(w->server.channel.init_agreed, 0);
	GIVES(0, wire_negotiate(w, &in));
	ck_assert(reply_take(w));
	wire_close(w);
}
END_TEST

START_TEST(a_second_init_is_eio_and_changes_nothing)
{
	struct wire *w = greet_modern(TIER_AUTO);
	struct fuse_init_in in = wire_init_in(31, 0);
	uint64_t agreed = w->server.channel.init_agreed;

	GIVES(-EIO, ask_plain(w, FUSE_INIT, 0, &in, sizeof in));
	ck_assert_uint_eq(w->server.channel.init_agreed, agreed);
	wire_close(w);
}
END_TEST

Suite *init_suite(void)
{
	const TTest *const tests[] = {
	    the_reply_has_every_field_a_modern_kernel_reads,
	    the_reply_sets_what_the_server_relies_on,
	    the_reply_never_sets_what_would_change_semantics,
	    each_choice_of_tier_asks_for_its_flags_alone,
	    a_flag_that_is_not_offered_is_not_set,
	    a_kernel_without_the_extension_gets_none,
	    flags2_that_did_not_come_are_not_believed,
	    a_kernel_of_a_later_major_version_greets_twice,
	    a_kernel_of_an_earlier_major_version_is_refused,
	    a_kernel_with_a_short_reply_is_refused,
	    negotiation_without_a_kernel_times_out,
	    negotiation_ends_with_the_connection,
	    before_init_every_request_is_eio,
	    a_malformed_init_is_einval_and_not_the_greeting,
	    a_second_init_is_eio_and_changes_nothing,
	};

	return suite_of("init", tests, sizeof tests / sizeof tests[0]);
}

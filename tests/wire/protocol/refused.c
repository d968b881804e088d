/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies that the kernel does not take. ENOENT says that nobody waits any more: the kernel then
 * knows nothing of a reference or a handle in the reply, so the server takes it back. The change
 * itself was final before the reply and stays.
 */
#include "requests.h"
#include "suites.h"
#include "system_calls.h"

/* Serves the request as it stands; its reply is refused with this errno. */
static void refuse(struct wire *w, int error)
{
	fail_next_reply(error);
	tell(w);
}

static void begin_named(
    struct wire *w, uint32_t opcode, const void *in, size_t size, const char *name)
{
	message_begin(w, opcode, ROOT);
	message_add(w, in, size);
	message_add_string(w, name);
}

static void begin_mknod(struct wire *w, const char *name)
{
	struct fuse_mknod_in in = {.mode = S_IFREG | 0644};

	begin_named(w, FUSE_MKNOD, &in, sizeof in, name);
}

static void begin_create(struct wire *w, const char *name)
{
	struct fuse_create_in in = {.mode = S_IFREG | 0644, .flags = O_RDWR | O_CREAT};

	begin_named(w, FUSE_CREATE, &in, sizeof in, name);
}

static void begin_open(struct wire *w, uint64_t id)
{
	struct fuse_open_in in = {.flags = O_RDWR};

	message_begin(w, FUSE_OPEN, id);
	message_add(w, &in, sizeof in);
}

/* The node has a name and no reference: it goes with its name. */
static void expect_unreferenced(struct wire *w, const char *name)
{
	uint64_t nodes = usage(w).used_nodes, id = id_of(w, ROOT, name);
	int rc;

	ck_assert_uint_ne(id, 0);
	rc = ask_unlink(w, ROOT, name);
	GIVES(0, rc == -EISDIR ? ask_rmdir(w, ROOT, name) : rc);
	ck_assert_msg(!exists(w, id), "a reference was left behind");
	ck_assert_uint_eq(usage(w).used_nodes, nodes - 1);
}

START_TEST(lookup_is_taken_back)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	begin_named(w, FUSE_LOOKUP, NULL, 0, "a");
	refuse(w, ENOENT);
	tell_forget(w, id, 1);
	expect_unreferenced(w, "a");
	wire_close(w);
}
END_TEST

START_TEST(a_negative_lookup_has_nothing_to_take_back)
{
	struct wire *w = wire_open();

	begin_named(w, FUSE_LOOKUP, NULL, 0, "missing");
	refuse(w, ENOENT);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	wire_close(w);
}
END_TEST

START_TEST(a_node_that_was_made_stays_and_its_reference_is_taken_back)
{
	struct wire *w = wire_open();
	struct fuse_mkdir_in in = {.mode = 0700};

	begin_mknod(w, "a");
	refuse(w, ENOENT);
	expect_unreferenced(w, "a");
	begin_named(w, FUSE_MKDIR, &in, sizeof in, "d");
	refuse(w, ENOENT);
	expect_unreferenced(w, "d");
	message_begin(w, FUSE_SYMLINK, ROOT);
	message_add_string(w, "l");
	message_add_string(w, "target");
	refuse(w, ENOENT);
	expect_unreferenced(w, "l");
	wire_close(w);
}
END_TEST

START_TEST(link_is_taken_back)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	struct fuse_link_in in = {.oldnodeid = id};

	begin_named(w, FUSE_LINK, &in, sizeof in, "b");
	refuse(w, ENOENT);
	ck_assert_uint_eq(attributes(w, id).nlink, 2);
	tell_forget(w, id, 1);
	GIVES(0, ask_unlink(w, ROOT, "a"));
	expect_unreferenced(w, "b");
	wire_close(w);
}
END_TEST

START_TEST(open_is_taken_back)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);

	begin_open(w, id);
	refuse(w, ENOENT);
	ck_assert_uint_eq(usage(w).handles, 0);
	ck_assert_uint_eq(attributes(w, id).size, 100);
	GIVES(0, ask_unlink(w, ROOT, "a"));
	tell_forget(w, id, 1);
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	ck_assert_uint_eq(w->outside->memories, 0);
	wire_close(w);
}
END_TEST

START_TEST(create_is_taken_back_in_every_tier)
{
	static const enum tier tiers[] = {TIER_PASSTHROUGH, TIER_CACHED};

	for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
		struct wire *w = wire_open_with(tiers[i], wire_config());

		begin_create(w, "a");
		refuse(w, ENOENT);
		ck_assert_uint_eq(usage(w).handles, 0);
		ck_assert_uint_eq(w->outside->memories, 0);
		ck_assert_uint_eq(w->outside->backings, 0);
		expect_unreferenced(w, "a");
		wire_close(w);
	}
}
END_TEST

/* Nobody can name what nobody has heard of. */
START_TEST(tmpfile_is_taken_back_and_leaves_nothing)
{
	static const enum tier tiers[] = {TIER_PASSTHROUGH, TIER_CACHED};
	struct fuse_create_in in = {.mode = S_IFREG | 0600, .flags = O_RDWR | O_TMPFILE};

	for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
		struct wire *w = wire_open_with(tiers[i], wire_config());

		begin_named(w, ABI_TMPFILE, &in, sizeof in, "/");
		refuse(w, ENOENT);
		ck_assert_uint_eq(usage(w).handles, 0);
		ck_assert_uint_eq(usage(w).used_nodes, 1);
		ck_assert_uint_eq(w->outside->memories, 0);
		ck_assert(!exists(w, 2));
		wire_close(w);
	}
}
END_TEST

START_TEST(create_of_what_exists_is_taken_back_once)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);
	struct file file = open_file(w, id, O_RDWR);

	begin_create(w, "a");
	refuse(w, ENOENT);
	ck_assert_uint_eq(usage(w).handles, 1);
	expect_bytes(w, file, 0, 100, 0);
	GIVES(0, ask_release(w, file));
	tell_forget(w, id, 1);
	expect_unreferenced(w, "a");
	wire_close(w);
}
END_TEST

START_TEST(what_gives_no_reference_just_stays)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 100);
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = 50};

	message_begin(w, FUSE_SETATTR, id);
	message_add(w, &in, sizeof in);
	refuse(w, ENOENT);
	ck_assert_uint_eq(attributes(w, id).size, 50);
	begin_named(w, FUSE_UNLINK, NULL, 0, "a");
	refuse(w, ENOENT);
	GIVES(0, id_of(w, ROOT, "a"));
	ck_assert(exists(w, id));
	wire_close(w);
}
END_TEST

START_TEST(an_error_that_is_refused_is_undone_like_any)
{
	struct wire *w = wire_open();

	new_object(w, ROOT, "a");
	begin_mknod(w, "a");
	refuse(w, ENOENT);
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	begin_open(w, 999);
	refuse(w, ENOENT);
	ck_assert_uint_eq(usage(w).handles, 0);
	wire_close(w);
}
END_TEST

/* The connection ends: the kernel drops all that it knows, and the server soon reads ENODEV. */
START_TEST(other_errors_take_nothing_back)
{
	static const int errors[] = {ENODEV, EPERM};
	struct wire *w = wire_open();
	int saved = stderr_away();

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		begin_create(w, "a");
		refuse(w, errors[i]);
		ck_assert_uint_eq(usage(w).handles, i + 1);
	}
	stderr_back(saved);
	wire_close(w);
}
END_TEST

Suite *refused_suite(void)
{
	const TTest *const tests[] = {
	    lookup_is_taken_back,
	    a_negative_lookup_has_nothing_to_take_back,
	    a_node_that_was_made_stays_and_its_reference_is_taken_back,
	    link_is_taken_back,
	    open_is_taken_back,
	    create_is_taken_back_in_every_tier,
	    tmpfile_is_taken_back_and_leaves_nothing,
	    create_of_what_exists_is_taken_back_once,
	    what_gives_no_reference_just_stays,
	    an_error_that_is_refused_is_undone_like_any,
	    other_errors_take_nothing_back,
	};

	return suite_of("refused", tests, sizeof tests / sizeof tests[0]);
}

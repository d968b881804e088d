/* SPDX-License-Identifier: BSD-2-Clause */
/* RENAME and RENAME2. */
#include "requests.h"
#include "suites.h"

/* include/uapi/linux/fs.h */
#define NOREPLACE 1u
#define EXCHANGE 2u
#define WHITEOUT 4u

START_TEST(rename_moves_a_name_with_its_node)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d"), id = new_object_of(w, ROOT, "a", 10);

	GIVES(0, ask_rename(w, ROOT, "a", dir, "b"));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(0, id_of(w, ROOT, "a"));
	GIVES(id, id_of(w, dir, "b"));
	GIVES(0, ask_rename2(w, dir, "b", ROOT, "c", 0));
	GIVES(id, id_of(w, ROOT, "c"));
	ck_assert_uint_eq(attributes(w, id).size, 10);
	wire_close(w);
}
END_TEST

START_TEST(rename_replaces_and_the_replaced_node_lives_until_it_is_forgotten)
{
	struct wire *w = wire_open();
	uint64_t a = new_object(w, ROOT, "a"), b = new_object_of(w, ROOT, "b", 5000);

	w->outside->memory_is_used = true;
	GIVES(0, ask_rename(w, ROOT, "a", ROOT, "b"));
	GIVES(a, id_of(w, ROOT, "b"));
	ck_assert_uint_eq(attributes(w, b).nlink, 0);
	ck_assert_uint_eq(attributes(w, b).size, 5000);
	ck_assert_uint_eq(usage(w).used_pages, PAGES(5000));
	tell_forget(w, b, 1);
	ck_assert(!exists(w, b));
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

START_TEST(noreplace_is_eexist_where_the_name_is_taken)
{
	struct wire *w = wire_open();
	uint64_t a = new_object(w, ROOT, "a"), b = new_object(w, ROOT, "b");

	GIVES(-EEXIST, ask_rename2(w, ROOT, "a", ROOT, "b", NOREPLACE));
	GIVES(-EEXIST, ask_rename2(w, ROOT, "a", ROOT, "a", NOREPLACE));
	GIVES(a, id_of(w, ROOT, "a"));
	GIVES(b, id_of(w, ROOT, "b"));
	GIVES(0, ask_rename2(w, ROOT, "a", ROOT, "c", NOREPLACE));
	GIVES(a, id_of(w, ROOT, "c"));
	wire_close(w);
}
END_TEST

START_TEST(exchange_swaps_two_names_of_any_types)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d"), sub = new_directory(w, dir, "sub");
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_rename2(w, ROOT, "a", dir, "sub", EXCHANGE));
	GIVES(sub, id_of(w, ROOT, "a"));
	GIVES(id, id_of(w, dir, "sub"));
	ck_assert_uint_eq(attributes(w, ROOT).nlink, 4);
	ck_assert_uint_eq(attributes(w, dir).nlink, 2);
	GIVES(-ENOENT, ask_rename2(w, ROOT, "a", ROOT, "missing", EXCHANGE));
	GIVES(-ENOENT, ask_rename2(w, ROOT, "missing", ROOT, "a", EXCHANGE));
	wire_close(w);
}
END_TEST

START_TEST(other_flags_are_einval)
{
	static const uint32_t flags[] = {
	    WHITEOUT, NOREPLACE | EXCHANGE, NOREPLACE | WHITEOUT, 8, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		GIVES(-EINVAL, ask_rename2(w, ROOT, "a", ROOT, "b", flags[i]));
	GIVES(id, id_of(w, ROOT, "a"));
	GIVES(0, id_of(w, ROOT, "b"));
	wire_close(w);
}
END_TEST

START_TEST(two_names_of_one_node_stay)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_link(w, id, ROOT, "b"));
	GIVES(0, ask_rename(w, ROOT, "a", ROOT, "b"));
	GIVES(0, ask_rename2(w, ROOT, "a", ROOT, "b", EXCHANGE));
	GIVES(0, ask_rename(w, ROOT, "a", ROOT, "a"));
	GIVES(id, id_of(w, ROOT, "a"));
	GIVES(id, id_of(w, ROOT, "b"));
	wire_close(w);
}
END_TEST

START_TEST(types_must_fit_to_replace)
{
	struct wire *w = wire_open();
	uint64_t full = new_directory(w, ROOT, "full");

	new_object(w, ROOT, "object");
	new_directory(w, ROOT, "empty");
	new_directory(w, ROOT, "mover");
	new_object(w, full, "child");
	GIVES(-EISDIR, ask_rename(w, ROOT, "object", ROOT, "empty"));
	GIVES(-ENOTDIR, ask_rename(w, ROOT, "mover", ROOT, "object"));
	GIVES(-ENOTEMPTY, ask_rename(w, ROOT, "mover", ROOT, "full"));
	GIVES(0, ask_rename(w, ROOT, "mover", ROOT, "empty"));
	wire_close(w);
}
END_TEST

START_TEST(a_directory_cannot_move_below_itself)
{
	struct wire *w = wire_open();
	uint64_t a = new_directory(w, ROOT, "a"), b = new_directory(w, a, "b");

	GIVES(-EINVAL, ask_rename(w, ROOT, "a", a, "x"));
	GIVES(-EINVAL, ask_rename(w, ROOT, "a", b, "x"));
	GIVES(-EINVAL, ask_rename2(w, ROOT, "a", a, "b", EXCHANGE));
	GIVES(-EINVAL, ask_rename2(w, a, "b", ROOT, "a", EXCHANGE));
	GIVES(0, ask_rename(w, a, "b", ROOT, "b"));
	GIVES(0, ask_rename(w, ROOT, "a", b, "a"));
	wire_close(w);
}
END_TEST

/* A rename gives the kernel no reference. */
START_TEST(rename_changes_no_lookup_count)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_rename(w, ROOT, "a", ROOT, "b"));
	GIVES(0, ask_rename2(w, ROOT, "b", ROOT, "a", NOREPLACE));
	GIVES(0, ask_unlink(w, ROOT, "a"));
	ck_assert(exists(w, id));
	tell_forget(w, id, 1);
	ck_assert(!exists(w, id));
	wire_close(w);
}
END_TEST

Suite *rename_suite(void)
{
	const TTest *const tests[] = {
	    rename_moves_a_name_with_its_node,
	    rename_replaces_and_the_replaced_node_lives_until_it_is_forgotten,
	    noreplace_is_eexist_where_the_name_is_taken,
	    exchange_swaps_two_names_of_any_types,
	    other_flags_are_einval,
	    two_names_of_one_node_stay,
	    types_must_fit_to_replace,
	    a_directory_cannot_move_below_itself,
	    rename_changes_no_lookup_count,
	};

	return suite_of("rename", tests, sizeof tests / sizeof tests[0]);
}

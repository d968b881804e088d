/* SPDX-License-Identifier: BSD-2-Clause */
/* Which tier is chosen, and what OPEN and CREATE answer in each. */
#include <fcntl.h>
#include <string.h>

#include "requests.h"
#include "suites.h"
#include "system_calls.h"

#define PASS ABI_INIT_PASSTHROUGH

static const enum tier tiers[] = {TIER_PASSTHROUGH, TIER_CACHED};

struct choice_case {
	enum tier_choice choice;
	uint64_t agreed;
	int backing_error;
	int want; /* enum tier, or a negative errno */
};

static void expect_choice(const struct choice_case *c)
{
	enum tier tier = (enum tier)99;
	char why[128] = "";
	int rc;

	fake_backing = (struct fake_backing){.error = c->backing_error, .id = 7};
	rc = tier_choose(c->choice, c->agreed, 5, why, sizeof why, &tier);
	ck_assert_msg((rc < 0 ? rc : (int)tier) == c->want,
	    "io=%s, agreed %#llx: expected %d, got %d (%s)", tier_choice_name(c->choice),
	    (unsigned long long)c->agreed, c->want, rc < 0 ? rc : (int)tier, why);
	ck_assert_msg(rc >= 0 || (int)tier == 99, "the result is touched on failure");
	ck_assert_msg(strlen(why) > 0, "no reason is given");
	ck_assert_msg(strchr(why, '\n') == NULL, "the reason is more than one line");
}

START_TEST(each_choice_gets_its_tier_or_the_next_best)
{
	static const struct choice_case cases[] = {
	    {TIER_AUTO, PASS, 0, TIER_PASSTHROUGH},
	    {TIER_AUTO, PASS, EPERM, TIER_CACHED},
	    {TIER_AUTO, PASS, EOPNOTSUPP, TIER_CACHED},
	    {TIER_AUTO, 0, 0, TIER_CACHED},
	    {TIER_ONLY_PASSTHROUGH, PASS, 0, TIER_PASSTHROUGH},
	    {TIER_ONLY_PASSTHROUGH, PASS, EPERM, -EOPNOTSUPP},
	    {TIER_ONLY_PASSTHROUGH, 0, 0, -EOPNOTSUPP},
	    {TIER_ONLY_CACHED, PASS, 0, TIER_CACHED},
	    {TIER_ONLY_CACHED, 0, EPERM, TIER_CACHED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect_choice(&cases[i]);
}
END_TEST

START_TEST(passthrough_is_tried_on_the_connection_and_undone)
{
	enum tier tier;
	char why[128];

	fake_backing = (struct fake_backing){.id = 42};
	GIVES(0, tier_choose(TIER_AUTO, PASS, 5, why, sizeof why, &tier));
	ck_assert_uint_eq(fake_backing.opens, 1);
	ck_assert_uint_eq(fake_backing.closes, 1);
	ck_assert_int_eq(fake_backing.closed_id, 42);
	/* The memory that was tried with is closed. */
	ck_assert_int_eq(fcntl(fake_backing.opened_fd, F_GETFD), -1);
}
END_TEST

START_TEST(passthrough_is_not_tried_unless_it_was_agreed_on)
{
	enum tier tier;
	char why[128];

	fake_backing = (struct fake_backing){.id = 42};
	GIVES(0, tier_choose(TIER_AUTO, ~(uint64_t)PASS, 5, why, sizeof why, &tier));
	ck_assert_uint_eq(fake_backing.opens, 0);
}
END_TEST

START_TEST(registration_passes_the_errno_of_the_kernel)
{
	fake_backing = (struct fake_backing){.error = ENODEV};
	GIVES(-ENODEV, tier_backing_open(5, 6));
	ck_assert_int_eq(fake_backing.opened_fd, 6);
	fake_backing = (struct fake_backing){.id = 3};
	GIVES(3, tier_backing_open(5, 6));
	tier_backing_close(5, 3);
	ck_assert_int_eq(fake_backing.closed_id, 3);
}
END_TEST

START_TEST(the_flags_wanted_are_among_those_offered)
{
	GIVES(PASS, tier_init_flags(TIER_AUTO, UINT64_MAX));
	GIVES(PASS, tier_init_flags(TIER_ONLY_PASSTHROUGH, UINT64_MAX));
	GIVES(0, tier_init_flags(TIER_ONLY_CACHED, UINT64_MAX));
	GIVES(0, tier_init_flags(TIER_AUTO, 0));
}
END_TEST

START_TEST(names_of_choices_are_those_of_the_option)
{
	static const char *const names[] = {"auto", "passthrough", "cached"};
	enum tier_choice choice;

	for (int i = 0; i < 3; i++) {
		ck_assert(tier_choice_parse(names[i], &choice));
		ck_assert_int_eq(choice, i);
		ck_assert_str_eq(tier_choice_name((enum tier_choice)i), names[i]);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(tier_name(tiers[i]), names[i + 1]);
	ck_assert(!tier_choice_parse("", &choice));
	ck_assert(!tier_choice_parse("Auto", &choice));
	ck_assert(!tier_choice_parse("direct", &choice));
	ck_assert(!tier_choice_parse("cached ", &choice));
}
END_TEST

/* Those who went before had a third one, whose openings are such of the page cache from then on. */
START_TEST(what_is_handed_over_in_a_tier_that_is_gone_goes_on_as_cached)
{
	ck_assert_int_eq(tier_handed_over(TIER_PASSTHROUGH), TIER_PASSTHROUGH);
	ck_assert_int_eq(tier_handed_over(TIER_CACHED), TIER_CACHED);
	ck_assert_int_eq(tier_handed_over(TIER_DIRECT_OF_0_1), TIER_CACHED);
}
END_TEST

/* --- replies ---------------------------------------------------------------------------------- */

/* FOPEN flags by tier, for openings that only read and for all others. */
static uint32_t open_flags(enum tier tier, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (tier == TIER_CACHED)
		return 0x20 | 0x02;
	return writes ? 0x80 | 0x20 | 0x01 : 0x80 | 0x20;
}

static const int access_modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_RDWR,
    O_RDONLY | O_NONBLOCK | O_CLOEXEC, O_RDWR | O_APPEND};

static void check_opening(const struct wire *w, const struct abi_open_out *out, int flags)
{
	enum tier tier = w->server.channel.tier;

	ck_assert_uint_ne(out->fh, 0);
	ck_assert_msg(out->open_flags == open_flags(tier, flags),
	    "tier %s, flags %#o: expected open_flags %#x, got %#x", tier_name(tier),
	    (unsigned)flags, open_flags(tier, flags), out->open_flags);
	if (tier == TIER_PASSTHROUGH)
		ck_assert(out->backing_id > 0 && w->outside->is_backing[out->backing_id]);
	else
		ck_assert_int_eq(out->backing_id, 0);
}

START_TEST(open_answers_with_the_flags_of_its_tier)
{
	for (size_t t = 0; t < sizeof tiers / sizeof tiers[0]; t++) {
		struct wire *w = wire_open_with(tiers[t], wire_config());
		uint64_t id = new_object_of(w, ROOT, "a", 100);

		for (size_t i = 0; i < sizeof access_modes / sizeof access_modes[0]; i++) {
			GIVES(0, ask_open(w, id, access_modes[i]));
			check_opening(w, open_of(w), access_modes[i]);
		}
		wire_close(w);
	}
}
END_TEST

START_TEST(create_answers_with_the_flags_of_its_tier)
{
	char name[] = "0";

	for (size_t t = 0; t < sizeof tiers / sizeof tiers[0]; t++) {
		struct wire *w = wire_open_with(tiers[t], wire_config());

		for (size_t i = 0; i < sizeof access_modes / sizeof access_modes[0]; i++) {
			name[0] = (char)('0' + i);
			GIVES(0, ask_create(w, ROOT, name, 0600, access_modes[i]));
			check_opening(w, &created_of(w)->open, access_modes[i]);
		}
		wire_close(w);
	}
}
END_TEST

START_TEST(tmpfile_answers_with_the_flags_of_its_tier)
{
	for (size_t t = 0; t < sizeof tiers / sizeof tiers[0]; t++) {
		struct wire *w = wire_open_with(tiers[t], wire_config());

		GIVES(0, ask_tmpfile(w, ROOT, 0600, O_RDWR));
		check_opening(w, &created_of(w)->open, O_RDWR);
		GIVES(0, ask_tmpfile(w, ROOT, 0600, O_WRONLY));
		check_opening(w, &created_of(w)->open, O_WRONLY);
		wire_close(w);
	}
}
END_TEST

/* The kernel answers EIO to a second id for one inode. */
START_TEST(all_openings_of_an_object_have_one_backing_id)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	uint64_t a = new_object_of(w, ROOT, "a", 1), b = new_object_of(w, ROOT, "b", 1);
	int32_t first, other;

	GIVES(0, ask_open(w, a, O_RDONLY));
	first = open_of(w)->backing_id;
	GIVES(0, ask_open(w, a, O_RDWR));
	ck_assert_int_eq(open_of(w)->backing_id, first);
	GIVES(0, ask_create(w, ROOT, "a", 0600, O_RDWR));
	ck_assert_int_eq(created_of(w)->open.backing_id, first);
	GIVES(0, ask_open(w, b, O_RDONLY));
	other = open_of(w)->backing_id;
	ck_assert_int_ne(other, first);
	ck_assert_uint_eq(w->outside->backings, 2);
	wire_close(w);
}
END_TEST

START_TEST(a_backing_id_stays_while_the_object_has_a_size)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	uint64_t id = new_object_of(w, ROOT, "a", 1);
	struct file file = open_file(w, id, O_RDWR);
	int32_t backing = open_of(w)->backing_id;

	GIVES(0, ask_release(w, file));
	ck_assert(w->outside->is_backing[backing]);
	file = open_file(w, id, O_RDWR);
	ck_assert_int_eq(open_of(w)->backing_id, backing);
	GIVES(0, ask_unlink(w, ROOT, "a"));
	tell_forget(w, id, 1);
	ck_assert(w->outside->is_backing[backing]);
	GIVES(0, ask_release(w, file));
	ck_assert(!w->outside->is_backing[backing]);
	ck_assert_uint_eq(w->outside->memories, 0);
	wire_close(w);
}
END_TEST

START_TEST(an_empty_object_gives_its_backing_id_back_with_the_last_release)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	struct file first, second;

	GIVES(0, ask_create(w, ROOT, "a", 0600, O_RDWR));
	first = (struct file){created_of(w)->entry.nodeid, created_of(w)->open.fh};
	second = open_file(w, first.id, O_RDONLY);
	GIVES(0, ask_release(w, first));
	ck_assert_uint_eq(w->outside->backings, 1);
	GIVES(0, ask_release(w, second));
	ck_assert_uint_eq(w->outside->backings, 0);
	ck_assert_uint_eq(w->outside->memories, 0);
	wire_close(w);
}
END_TEST

START_TEST(a_refused_registration_fails_the_opening_and_leaves_nothing)
{
	struct wire *w = wire_open_with(TIER_PASSTHROUGH, wire_config());
	uint64_t id = new_object(w, ROOT, "a");

	w->outside->backing_error = -ENOSPC;
	GIVES(-ENOSPC, ask_open(w, id, O_RDONLY));
	GIVES(-ENOSPC, ask_create(w, ROOT, "b", 0600, O_RDWR));
	GIVES(0, id_of(w, ROOT, "b"));
	ck_assert_uint_eq(usage(w).handles, 0);
	ck_assert_uint_eq(usage(w).used_nodes, 2);
	ck_assert_uint_eq(w->outside->memories, 0);
	w->outside->backing_error = 0;
	GIVES(0, ask_open(w, id, O_RDONLY));
	wire_close(w);
}
END_TEST

/*
 * sendfile and splice from a writable opening read through FUSE's page cache; under passthrough
 * mappings store elsewhere, and what is cached once is stale.
 */
START_TEST(reading_ahead_is_refused_where_mappings_go_elsewhere)
{
	for (size_t t = 0; t < sizeof tiers / sizeof tiers[0]; t++) {
		struct wire *w = wire_open_with(tiers[t], wire_config());
		struct file file = open_file(w, new_object_of(w, ROOT, "a", 10), O_RDWR);

		GIVES(0, ask_read(w, file, 10, 0));
		GIVES(tiers[t] == TIER_PASSTHROUGH ? -EINVAL : 0, ask_read_ahead(w, file, 10, 0));
		wire_close(w);
	}
}
END_TEST

Suite *tier_suite(void)
{
	const TTest *const tests[] = {
	    each_choice_gets_its_tier_or_the_next_best,
	    passthrough_is_tried_on_the_connection_and_undone,
	    passthrough_is_not_tried_unless_it_was_agreed_on,
	    registration_passes_the_errno_of_the_kernel,
	    the_flags_wanted_are_among_those_offered,
	    names_of_choices_are_those_of_the_option,
	    what_is_handed_over_in_a_tier_that_is_gone_goes_on_as_cached,
	    open_answers_with_the_flags_of_its_tier,
	    create_answers_with_the_flags_of_its_tier,
	    tmpfile_answers_with_the_flags_of_its_tier,
	    reading_ahead_is_refused_where_mappings_go_elsewhere,
	    all_openings_of_an_object_have_one_backing_id,
	    a_backing_id_stays_while_the_object_has_a_size,
	    an_empty_object_gives_its_backing_id_back_with_the_last_release,
	    a_refused_registration_fails_the_opening_and_leaves_nothing,
	};

	return suite_of("tiers", tests, sizeof tests / sizeof tests[0]);
}

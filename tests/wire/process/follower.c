/* SPDX-License-Identifier: BSD-2-Clause */
/* When the server runs where its client does, by a clock of the test's own. */
#include "daemon/pacing/follower.h"

#include "suites.h"
#include "wire.h"

#define MS UINT64_C(1000000)
#define PROCESSORS 2
#define CLIENT 77

static struct follower follower;
static struct follower_look seen;

/* A client on processor 0 that has asked for a while, and nobody else. */
static void start(void)
{
	follower_init(&follower, PROCESSORS);
	seen = (struct follower_look){
	    .now = 1000 * MS, .requests = 1000, .changes = 5, .client = CLIENT, .running = 2};
}

static bool begins(void)
{
	return follower_begins(&follower, &seen);
}

/* A period in which so many requests were served. */
static bool goes_on_after(unsigned requests)
{
	seen.now += FOLLOWER_PERIOD;
	seen.requests += requests;
	return follower_goes_on(&follower, &seen);
}

/* How long nobody is followed, to a millisecond. */
static uint64_t pause_from_now(void)
{
	uint64_t began = seen.now;

	while (!begins())
		seen.now += MS;
	return seen.now - began;
}

START_TEST(a_client_that_goes_on_asking_is_followed)
{
	start();
	ck_assert(begins());
	ck_assert(follower.following);
	for (int i = 0; i < 1000; i++) {
		ck_assert(goes_on_after(4));
		ck_assert_int_eq(follower.processor, 0);
	}
}
END_TEST

START_TEST(it_is_followed_to_another_processor)
{
	start();
	ck_assert(begins());
	for (int i = 0; i < 20; i++) {
		seen.processor = i & 1;
		for (int k = 0; k < 8; k++)
			ck_assert(goes_on_after(100));
		ck_assert_int_eq(follower.processor, i & 1);
	}
}
END_TEST

START_TEST(one_that_never_stays_is_not)
{
	int looks = 0;

	start();
	ck_assert(begins());
	do {
		seen.processor ^= 1;
		looks++;
	} while (goes_on_after(100));
	ck_assert_int_ge(looks, 4);
	ck_assert_int_le(looks, 16);
	ck_assert(!begins());
}
END_TEST

START_TEST(one_that_falls_silent_is_left_and_taken_up_again_at_once)
{
	start();
	ck_assert_uint_eq(follower.known, 0);
	ck_assert(begins());
	ck_assert(goes_on_after(4));
	ck_assert(!goes_on_after(3));
	ck_assert(!follower.following);
	ck_assert_uint_eq(follower.known, CLIENT);
	ck_assert(begins());
	ck_assert_uint_lt(follower_streak(true), follower_streak(false));
}
END_TEST

START_TEST(a_second_client_ends_it_for_a_while)
{
	start();
	ck_assert(begins());
	seen.changes++;
	ck_assert(!goes_on_after(1000));
	ck_assert_uint_eq(follower.known, 0);
	ck_assert(!begins());
	ck_assert_uint_ge(pause_from_now(), 15 * MS);
}
END_TEST

START_TEST(requests_that_are_not_served_end_it_for_a_while)
{
	start();
	ck_assert(begins());
	/* One that is there while others were served only came just now. */
	seen.waiting = true;
	ck_assert(goes_on_after(4));
	ck_assert(!goes_on_after(3));
	ck_assert(!begins());
	ck_assert_uint_ge(pause_from_now(), 15 * MS);
}
END_TEST

START_TEST(a_client_that_is_not_seen_is_not_followed)
{
	start();
	seen.processor = -1;
	ck_assert(!begins());
	seen.processor = 0;
	ck_assert(!begins());
	ck_assert_uint_ge(pause_from_now(), 1000 * MS);
	seen.processor = -1;
	ck_assert(!goes_on_after(100));
}
END_TEST

START_TEST(where_others_want_the_processors_it_does_not_begin)
{
	start();
	seen.running = PROCESSORS + 1;
	ck_assert(begins());
	start();
	seen.running = PROCESSORS + 2;
	ck_assert(!begins());
	seen.running = 2;
	ck_assert(!begins());
	ck_assert_uint_ge(pause_from_now(), 15 * MS);
}
END_TEST

static uint64_t pause_after_harm(void)
{
	seen.changes++;
	ck_assert(!goes_on_after(100));
	return pause_from_now();
}

START_TEST(pauses_grow_up_to_a_bound_and_are_forgotten)
{
	uint64_t pause = 0;

	start();
	ck_assert(begins());
	for (int i = 0; i < 12; i++) {
		uint64_t next = pause_after_harm();

		ck_assert_uint_ge(next, pause);
		pause = next;
	}
	ck_assert_uint_ge(pause, 1000 * MS);
	ck_assert_uint_le(pause, 1030 * MS);
	/* Without harm for long enough, it begins with a short one. */
	for (int i = 0; i < 9000; i++)
		ck_assert(goes_on_after(100));
	ck_assert_uint_le(pause_after_harm(), 17 * MS);
}
END_TEST

Suite *follower_suite(void)
{
	const TTest *const tests[] = {a_client_that_goes_on_asking_is_followed,
	    it_is_followed_to_another_processor, one_that_never_stays_is_not,
	    one_that_falls_silent_is_left_and_taken_up_again_at_once,
	    a_second_client_ends_it_for_a_while, requests_that_are_not_served_end_it_for_a_while,
	    a_client_that_is_not_seen_is_not_followed,
	    where_others_want_the_processors_it_does_not_begin,
	    pauses_grow_up_to_a_bound_and_are_forgotten};

	return suite_of("follower", tests, sizeof tests / sizeof tests[0]);
}

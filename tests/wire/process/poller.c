/* SPDX-License-Identifier: BSD-2-Clause */
/* When the server looks for the next request and when it sleeps, by a clock of the test's own. */
#include "daemon/pacing/busy_poll.h"

#include "suites.h"
#include "wire.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define BOUND_US 50
#define PROCESSORS 2

static struct busy_poll poller;
static uint64_t clock_now;

static void start(unsigned bound_us)
{
	clock_now = 1000 * MS;
	busy_poll_init(&poller, bound_us, PROCESSORS);
	busy_poll_woken(&poller, clock_now);
}

/* Looks until that is given up; how long it took. */
static uint64_t look(void)
{
	uint64_t began = clock_now;

	if (!busy_poll_begin(&poller, clock_now))
		return 0;
	do
		clock_now += US / 4;
	while (busy_poll_goes_on(&poller, clock_now));
	return clock_now - began;
}

static void sleep_for(uint64_t time)
{
	clock_now += time;
	busy_poll_woken(&poller, clock_now);
}

/* A request after so much time, while looking. */
static void request_after(uint64_t time)
{
	clock_now += time;
	ck_assert(busy_poll_goes_on(&poller, clock_now));
	busy_poll_served(&poller, clock_now);
}

/* Another thread gets the processor while this one looks. */
static void lose_the_processor(void)
{
	ck_assert(busy_poll_begin(&poller, clock_now));
	clock_now += US;
	ck_assert(busy_poll_goes_on(&poller, clock_now));
	clock_now += 4 * MS;
	ck_assert(!busy_poll_goes_on(&poller, clock_now));
}

START_TEST(looking_is_bounded)
{
	start(BOUND_US);
	ck_assert_uint_ge(look(), BOUND_US * US);
	sleep_for(30 * US);
	ck_assert_uint_le(look(), (BOUND_US + 1) * US);
}
END_TEST

START_TEST(each_request_begins_it_anew)
{
	start(BOUND_US);
	ck_assert(busy_poll_begin(&poller, clock_now));
	for (int i = 0; i < 100; i++)
		request_after(40 * US);
	clock_now += 49 * US;
	ck_assert(busy_poll_goes_on(&poller, clock_now));
	clock_now += 2 * US;
	ck_assert(!busy_poll_goes_on(&poller, clock_now));
}
END_TEST

START_TEST(a_bound_of_0_never_looks)
{
	start(0);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(look(), 0);
		sleep_for((uint64_t)i * 5 * US);
	}
}
END_TEST

START_TEST(clients_with_long_pauses_are_not_waited_for)
{
	int looks = 0;

	start(BOUND_US);
	for (int i = 0; i < 100; i++) {
		looks += look() != 0;
		sleep_for(MS);
	}
	ck_assert_int_le(looks, 4);
	/* Two requests close together are the sign that it may pay again. */
	look();
	sleep_for(30 * US);
	ck_assert_uint_ne(look(), 0);
}
END_TEST

START_TEST(where_the_client_wants_the_processor_it_is_left_to_it)
{
	int looks = 0;

	start(BOUND_US);
	for (int i = 0; i < 20000; i++) {
		looks += look() != 0;
		sleep_for(5 * US);
	}
	/* In a tenth of a second: a few times, ever more seldom. */
	ck_assert_int_gt(looks, 1);
	ck_assert_int_le(looks, 20);
}
END_TEST

START_TEST(one_request_that_comes_at_once_is_chance)
{
	start(BOUND_US);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_ne(look(), 0);
		sleep_for(5 * US);
		ck_assert(busy_poll_begin(&poller, clock_now));
		request_after(5 * US);
		clock_now += BOUND_US * US;
		ck_assert(!busy_poll_goes_on(&poller, clock_now));
		sleep_for(30 * US);
	}
}
END_TEST

START_TEST(a_processor_that_is_lost_stops_it_for_a_while)
{
	start(BOUND_US);
	lose_the_processor();
	sleep_for(5 * US);
	ck_assert_uint_eq(look(), 0);
	sleep_for(5 * US);
	ck_assert_uint_eq(look(), 0);
	clock_now += 2 * MS;
	sleep_for(5 * US);
	ck_assert_uint_ne(look(), 0);
}
END_TEST

/* How long it does not look; requests come all the time. */
static uint64_t pause_after_loss(void)
{
	uint64_t began;

	lose_the_processor();
	began = clock_now;
	do
		sleep_for(20 * US);
	while (!busy_poll_begin(&poller, clock_now));
	return clock_now - began;
}

/* Meanwhile requests have come, and the first look finds one. */
START_TEST(losing_it_before_a_request_counts_too)
{
	start(BOUND_US);
	ck_assert(busy_poll_begin(&poller, clock_now));
	clock_now += US;
	ck_assert(busy_poll_goes_on(&poller, clock_now));
	clock_now += 4 * MS;
	busy_poll_served(&poller, clock_now);
	clock_now += US;
	ck_assert(!busy_poll_goes_on(&poller, clock_now));
	sleep_for(5 * US);
	ck_assert_uint_eq(look(), 0);
}
END_TEST

START_TEST(without_a_spare_processor_there_is_no_looking)
{
	start(BOUND_US);
	ck_assert(busy_poll_asks(&poller, clock_now));
	busy_poll_told(&poller, clock_now, PROCESSORS + 1);
	ck_assert(!busy_poll_asks(&poller, clock_now));
	ck_assert_uint_ne(look(), 0);
	sleep_for(5 * MS);
	ck_assert(busy_poll_asks(&poller, clock_now));
	busy_poll_told(&poller, clock_now, PROCESSORS + 2);
	ck_assert_uint_eq(look(), 0);
	/* Nor is anything asked until there may be looking again. */
	sleep_for(19 * MS);
	ck_assert(!busy_poll_asks(&poller, clock_now));
	ck_assert_uint_eq(look(), 0);
	sleep_for(MS);
	(void)look();
	sleep_for(5 * US);
	ck_assert(busy_poll_asks(&poller, clock_now));
	ck_assert_uint_ne(look(), 0);
}
END_TEST

START_TEST(a_load_that_comes_while_looking_ends_it)
{
	start(BOUND_US);
	ck_assert(busy_poll_begin(&poller, clock_now));
	busy_poll_told(&poller, clock_now, 100);
	clock_now += US;
	ck_assert(!busy_poll_goes_on(&poller, clock_now));
}
END_TEST

START_TEST(a_bound_of_0_asks_for_no_load)
{
	start(0);
	clock_now += 1000 * MS;
	ck_assert(!busy_poll_asks(&poller, clock_now));
}
END_TEST

START_TEST(on_busy_processors_pauses_grow_up_to_a_bound)
{
	uint64_t pause = 0;

	start(BOUND_US);
	for (int i = 0; i < 12; i++) {
		uint64_t next = pause_after_loss();

		ck_assert_uint_ge(next + 20 * US, pause);
		pause = next;
	}
	ck_assert_uint_ge(pause, 60 * MS);
	ck_assert_uint_le(pause, 70 * MS);
}
END_TEST

START_TEST(after_a_calm_time_a_pause_is_short_again)
{
	start(BOUND_US);
	for (int i = 0; i < 12; i++)
		pause_after_loss();
	ck_assert(busy_poll_begin(&poller, clock_now));
	for (int i = 0; i < 40000; i++)
		request_after(20 * US);
	ck_assert_uint_le(pause_after_loss(), 3 * MS);
}
END_TEST

Suite *busy_poll_suite(void)
{
	const TTest *const tests[] = {looking_is_bounded, each_request_begins_it_anew,
	    a_bound_of_0_never_looks, clients_with_long_pauses_are_not_waited_for,
	    where_the_client_wants_the_processor_it_is_left_to_it,
	    one_request_that_comes_at_once_is_chance, a_processor_that_is_lost_stops_it_for_a_while,
	    losing_it_before_a_request_counts_too, without_a_spare_processor_there_is_no_looking,
	    a_load_that_comes_while_looking_ends_it, a_bound_of_0_asks_for_no_load,
	    on_busy_processors_pauses_grow_up_to_a_bound, after_a_calm_time_a_pause_is_short_again};

	return suite_of("poller", tests, sizeof tests / sizeof tests[0]);
}

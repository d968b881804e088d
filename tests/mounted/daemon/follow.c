/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the server runs: with a client that asks all the time, else where the system puts it. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

/* The machine may have something else to do meanwhile, and then nobody is followed. */
enum { PATIENCE_MS = 10000, WHILE_MS = 300 };

static cpu_set_t processors_of(pid_t thread)
{
	cpu_set_t set;

	OK(sched_getaffinity(thread, sizeof(set), &set));
	return set;
}

static bool follows(pid_t server)
{
	cpu_set_t set = processors_of(server);

	return sched_getscheduler(server) == (SCHED_IDLE | SCHED_RESET_ON_FORK) &&
	       CPU_COUNT(&set) == 1;
}

static bool runs_freely(pid_t server)
{
	cpu_set_t set = processors_of(server), all = processors_of(0);

	return sched_getscheduler(server) == SCHED_OTHER && CPU_EQUAL(&set, &all);
}

/* Whether it comes true before patience ends. */
static bool becomes(bool (*condition)(pid_t server), pid_t server)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (condition(server))
			return true;
		pause_ms(1);
	}
	return false;
}

static int times_followed(pid_t server)
{
	int times = 0;

	for (int i = 0; i < WHILE_MS; i++) {
		times += sched_getscheduler(server) != SCHED_OTHER;
		pause_ms(1);
	}
	return times;
}

struct asked {
	struct mount *mount;
	pid_t server;
	pid_t client;
};

static struct asked start_asking(const char *options)
{
	struct asked asked = {.mount = mount_start(options)};
	const char *path = mount_path(asked.mount, "a");

	make_object(path, PAGE);
	asked.server = server_of(asked.mount->pid);
	ck_assert_int_gt(asked.server, 0);
	asked.client = start_child(open_for_ever, (void *)(uintptr_t)path);
	return asked;
}

static void stop_asking(const struct asked *asked)
{
	kill_child(asked->client);
}

START_TEST(a_client_that_asks_all_the_time_has_the_server_beside_it)
{
	struct asked asked = start_asking("");
	cpu_set_t all = processors_of(0);

	ck_assert(runs_freely(asked.server));
	/* With one processor there is no other place. */
	if (CPU_COUNT(&all) > 1)
		ck_assert(becomes(follows, asked.server));
	else
		ck_assert_int_eq(times_followed(asked.server), 0);
	stop_asking(&asked);
	ck_assert(becomes(runs_freely, asked.server));
	mount_stop(asked.mount);
}
END_TEST

START_TEST(with_nofollow_it_never_has)
{
	struct asked asked = start_asking("nofollow");

	ck_assert_int_eq(times_followed(asked.server), 0);
	stop_asking(&asked);
	mount_stop(asked.mount);
}
END_TEST

START_TEST(a_server_that_was_bound_to_a_processor_stays_there)
{
	struct asked asked = start_asking("");
	cpu_set_t one, set;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	OK(sched_setaffinity(asked.server, sizeof(one), &one));
	/* It may have been followed before. */
	pause_ms(50);
	ck_assert_int_eq(times_followed(asked.server), 0);
	set = processors_of(asked.server);
	ck_assert(CPU_EQUAL(&set, &one));
	stop_asking(&asked);
	set = processors_of(asked.server);
	ck_assert(CPU_EQUAL(&set, &one));
	mount_stop(asked.mount);
}
END_TEST

START_TEST(a_server_of_a_class_of_its_own_keeps_it)
{
	struct asked asked = start_asking("");
	const struct sched_param none = {0};

	OK(sched_setscheduler(asked.server, SCHED_BATCH, &none));
	for (int i = 0; i < WHILE_MS; i++) {
		ck_assert_int_eq(sched_getscheduler(asked.server), SCHED_BATCH);
		pause_ms(1);
	}
	stop_asking(&asked);
	mount_stop(asked.mount);
}
END_TEST

static void burn(void *unused)
{
	(void)unused;
	for (volatile unsigned long i = 0;; i++)
		;
}

START_TEST(while_others_want_the_processors_it_has_not)
{
	cpu_set_t all = processors_of(0);
	int count = CPU_COUNT(&all) + 1;
	pid_t *burners = calloc((size_t)count, sizeof(*burners));
	struct asked asked;

	ck_assert(burners != NULL);
	for (int i = 0; i < count; i++)
		burners[i] = start_child(burn, NULL);
	asked = start_asking("");
	ck_assert_int_eq(times_followed(asked.server), 0);
	stop_asking(&asked);
	for (int i = 0; i < count; i++)
		kill_child(burners[i]);
	free(burners);
	mount_stop(asked.mount);
}
END_TEST

START_TEST(the_next_server_begins_freely)
{
	struct asked asked = start_asking("");
	cpu_set_t all = processors_of(0);
	pid_t next = 0;

	if (CPU_COUNT(&all) > 1)
		ck_assert(becomes(follows, asked.server));
	OK(kill(asked.server, SIGKILL));
	for (int i = 0; i < PATIENCE_MS && (next == 0 || next == asked.server); i++) {
		pause_ms(1);
		next = server_of(asked.mount->pid);
	}
	ck_assert_int_gt(next, 0);
	stop_asking(&asked);
	ck_assert(becomes(runs_freely, next));
	mount_stop(asked.mount);
}
END_TEST

void add_follow_cases(Suite *suite)
{
	TCase *tcase = tcase_create("follow");

	tcase_set_tags(tcase, "alone");
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_client_that_asks_all_the_time_has_the_server_beside_it);
	tcase_add_test(tcase, with_nofollow_it_never_has);
	tcase_add_test(tcase, a_server_that_was_bound_to_a_processor_stays_there);
	tcase_add_test(tcase, a_server_of_a_class_of_its_own_keeps_it);
	tcase_add_test(tcase, while_others_want_the_processors_it_has_not);
	tcase_add_test(tcase, the_next_server_begins_freely);
}

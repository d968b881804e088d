/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looping clients while the server is killed again and again, or replaced: not one call may fail,
 * and nothing may be lost, made twice, or left over.
 *
 *   soak [--seconds N] [--kills N] [--upgrades N] [--clients N] [--memory-slack MIB] [--work NAME]
 *
 * At least so many seconds (60) and kills (1000), at random intervals of 1 to 50 ms. With
 * --upgrades, SIGHUP is sent to the supervisor that many times instead, each time after the server
 * has changed; with both, both happen. With --work, clients do nothing but what this function does
 * (client.h). On a machine that is so many times slower, as an emulated one is, all pauses and
 * limits of time are longer: else servers die before they have served anything.
 *
 * Environment: SHMFS_TEST_SEED, and those of daemon.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "arena_view.h"
#include "client.h"
#include "daemon.h"
#include "launch.h"
#include "leaks.h"

enum { HANG_SECONDS = 20, IDLE_KILLS = 50, UPGRADE_MS = 20000 };

struct soak {
	unsigned seconds, kills, upgrades, clients, slow;
	uint64_t seed;
	struct shared *shared;
	unsigned killed, upgraded;
	unsigned passed, failed;
};

static void verdict(struct soak *soak, const char *name, bool well)
{
	printf("%s %s\n", well ? "ok" : "not ok", name);
	fflush(stdout);
	soak->passed += well;
	soak->failed += !well;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wait_us(uint64_t us)
{
	nanosleep(&(struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000}, NULL);
}

/* The supervisor goes on as another program, and it is another server that answers. */
static bool upgrade(struct soak *soak)
{
	double end = now() + soak->slow * UPGRADE_MS / 1e3;
	pid_t before, after;
	struct statfs st;

	/* The one before may just have been killed. */
	while ((before = daemon_server()) == 0 && now() < end)
		wait_us(1000);
	if (before == 0 || kill(daemon_supervisor(), SIGHUP) != 0)
		return false;
	do {
		wait_us(1000);
		after = daemon_server();
	} while ((after == 0 || after == before) && now() < end);
	soak->upgraded++;
	return after != 0 && after != before && statfs(daemon_dir(), &st) == 0;
}

/* True while everything is well. */
static bool goes_on(struct soak *soak)
{
	if (daemon_has_ended()) {
		printf("the daemon has ended\n");
		daemon_show_log();
		return false;
	}
	return !clients_failed(soak->shared, soak->clients, soak->slow * HANG_SECONDS);
}

static bool disturb(struct soak *soak)
{
	double begin = now(), end = begin + soak->seconds,
	       last = begin + soak->slow * (20 * soak->seconds + 60);

	while (now() < end || soak->killed < soak->kills || soak->upgraded < soak->upgrades) {
		if (!goes_on(soak) || now() > last)
			return false;
		wait_us(soak->slow * (1000 + below(49001)));
		if (soak->kills > 0)
			soak->killed += daemon_kill_server() != 0;
		if (soak->upgraded < soak->upgrades && !upgrade(soak)) {
			printf("upgrade %u: no other server answers\n", soak->upgraded);
			return false;
		}
	}
	printf("%u kills, %u upgrades in %.1f s; %" PRIu64 " calls in %" PRIu64
	       " rounds of %u clients\n",
	    soak->killed, soak->upgraded, now() - begin, clients_calls(soak->shared),
	    clients_rounds(soak->shared), soak->clients);
	return goes_on(soak);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	return where->level > 0 ? remove(path) : 0;
}

static bool remove_all(void)
{
	return nftw(daemon_dir(), remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

static bool is_consistent(void)
{
	unsigned violations;

	view_open();
	violations = view_verify();
	view_close();
	return violations == 0;
}

static bool backing_ids_are_closed(void)
{
	unsigned left, kept;
	bool used;

	view_open();
	used = view_has_backing();
	kept = view_kept();
	view_close();
	left = used ? backing_ids_left() - kept : 0;
	if (left > 0)
		printf("%u backing ids are left\n", left);
	return left == 0;
}

/* Servers that were never asked anything have not failed by being killed. */
static bool survives_idle_kills(const struct soak *soak)
{
	unsigned killed = 0;

	for (unsigned tries = 0; killed < IDLE_KILLS && tries < 100 * IDLE_KILLS; tries++) {
		wait_us(soak->slow * 2000);
		killed += daemon_kill_server() != 0;
	}
	wait_us(soak->slow * 100000);
	return killed == IDLE_KILLS && !daemon_has_ended() && daemon_server() != 0;
}

static void run(struct soak *soak)
{
	struct state *before = state_take();
	bool well;

	verdict(soak, "servers that are killed while nobody asks are replaced",
	    survives_idle_kills(soak));
	if (daemon_has_ended())
		return;
	soak->shared = clients_prepare(daemon_dir());
	clients_start(soak->shared, daemon_dir(), soak->clients, soak->seed);
	well = disturb(soak);
	verdict(soak, "no call failed and no byte was wrong",
	    clients_end(soak->shared, daemon_dir(), soak->clients) == 0 && well);
	if (daemon_has_ended())
		return;
	verdict(soak, "every server that was asked to end did",
	    !daemon_log_mentions("the server does not stop"));
	verdict(soak, "everything can be removed", remove_all());
	verdict(soak, "the namespace, its charges, descriptors and memory are what they were",
	    state_compare(before) == 0);
	verdict(soak, "the namespace is consistent", is_consistent());
	verdict(soak, "no backing id is left", backing_ids_are_closed());
	verdict(soak, "no zombie is left", daemon_zombies() == 0);
	state_free(before);
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value > 1000000) {
		fprintf(stderr, "soak: %s is no number\n", text);
		exit(2);
	}
	return (unsigned)value;
}

static void parse(struct soak *soak, int argc, char **argv)
{
	static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
	    {"kills", required_argument, NULL, 'k'}, {"upgrades", required_argument, NULL, 'u'},
	    {"clients", required_argument, NULL, 'c'},
	    {"memory-slack", required_argument, NULL, 'm'}, {"work", required_argument, NULL, 'w'},
	    {0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (letter) {
		case 's':
			soak->seconds = number(optarg);
			break;
		case 'k':
			soak->kills = number(optarg);
			break;
		case 'u':
			soak->upgrades = number(optarg);
			break;
		case 'c':
			soak->clients = number(optarg);
			break;
		case 'm':
			state_memory_slack = number(optarg);
			break;
		case 'w':
			if (clients_choose(optarg))
				break;
			fprintf(stderr, "soak: clients do not know %s\n", optarg);
			exit(2);
		default:
			fprintf(stderr, "usage: soak [--seconds N] [--kills N] [--upgrades N] "
					"[--clients N] [--memory-slack MIB] [--work NAME]\n");
			exit(2);
		}
	}
	if (soak->clients == 0 || soak->clients > CLIENTS_MAX) {
		fprintf(stderr, "soak: 1 to %d clients\n", CLIENTS_MAX);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct soak soak = {
	    .seconds = 60, .kills = 1000, .clients = 6, .slow = (unsigned)launch_slowness()};
	const char *seed = getenv("SHMFS_TEST_SEED");
	const char *reason;

	parse(&soak, argc, argv);
	reason = daemon_prepare("soak");
	if (reason != NULL)
		return skip_test("soak", reason);
	if (seed != NULL && seed[0] != '\0')
		soak.seed = strtoull(seed, NULL, 0);
	else if (getrandom(&soak.seed, sizeof(uint32_t), 0) < 0)
		soak.seed = 1;
	printf("soak: SHMFS_TEST_SEED=%" PRIu64 "\n", soak.seed);
	fflush(stdout);
	client.random.state = soak.seed;
	daemon_start("size=1g,nr_inodes=100000");
	run(&soak);
	verdict(&soak, "the daemon ends with its mount", daemon_end());
	daemon_clean_up();
	printf("%u passed, %u failed\n", soak.passed, soak.failed);
	return soak.failed > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long calls wait when the server is killed, among many objects as among few: the time from the
 * kill to the answer of the call that waited longest of those that were going on or came next.
 *
 *   restart_time [--objects N,...] [--kills N] [--busy] [--median MS] [--p99 MS]
 *
 * Fails where the median or the 99th percentile is above its bound (5 and 50 ms; 0: none).
 * With --busy, somebody else wants every processor all the time.
 *
 * Environment: that of daemon.h.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "launch.h"

/* Within so many seconds a killed server is dead, even if it was running elsewhere. */
static const double DYING = 1e-3;

enum { KILLS_MAX = 100000, BETWEEN_US = 10000, BETWEEN_SPREAD_US = 20000 };

/* What the killer tells who asks. */
struct kills {
	_Atomic unsigned count;
	_Atomic bool done;
	double at[KILLS_MAX];
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Those with memory take descriptors, of which there may be fewer; the others are empty. Returns
 * how many have memory. */
static unsigned make_objects(unsigned count)
{
	unsigned with_memory = 0;
	bool more = true;
	char path[256];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/object%u", daemon_dir(), i);
		if (mknod(path, S_IFREG | 0600, 0) != 0)
			broken(path);
		if (more && truncate(path, 4096) == 0)
			with_memory++;
		else if (more && errno == ENFILE)
			more = false;
		else if (more)
			broken(path);
	}
	return with_memory;
}

static _Noreturn void be_killer(struct kills *kills, unsigned count)
{
	unsigned made = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(1);
	while (made < count) {
		usleep((useconds_t)(BETWEEN_US + random() % BETWEEN_SPREAD_US));
		kills->at[made] = now();
		if (daemon_kill_server() != 0)
			kills->count = ++made;
	}
	usleep(BETWEEN_US + BETWEEN_SPREAD_US);
	kills->done = true;
	_exit(0);
}

/* The dying server may still answer a call behind the kill, so it is the one that waited longest.
 */
static void ask(const struct kills *kills, double *waits)
{
	unsigned current = 0;
	double longest = 0;
	struct statfs st;

	while (!kills->done) {
		double begin = now(), end;

		if (statfs(daemon_dir(), &st) != 0)
			broken("statfs");
		end = now();
		if (kills->count != current) {
			current = kills->count;
			longest = 0;
		}
		if (current == 0 || end <= kills->at[current - 1] || end - begin <= longest ||
		    begin > kills->at[current - 1] + DYING)
			continue;
		longest = end - begin;
		waits[current - 1] = end - kills->at[current - 1];
	}
}

/* A busy loop for each processor; they end with this process. */
static void make_busy(void)
{
	for (long i = sysconf(_SC_NPROCESSORS_ONLN); i > 0; i--) {
		pid_t pid = fork();

		if (pid < 0)
			broken("fork");
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			atomic_signal_fence(memory_order_seq_cst);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* True if the bounds were kept. */
static bool measure(unsigned objects, unsigned count, double median, double p99)
{
	struct kills *kills =
	    mmap(NULL, sizeof *kills, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double *waits = calloc(count, sizeof *waits);
	unsigned with_memory;
	double middle, late;
	bool well;
	pid_t killer;

	if (kills == MAP_FAILED || waits == NULL)
		broken("memory");
	daemon_start("nr_inodes=1000000,size=50%");
	with_memory = make_objects(objects);
	killer = fork();
	if (killer < 0)
		broken("fork");
	if (killer == 0)
		be_killer(kills, count);
	ask(kills, waits);
	waitpid(killer, NULL, 0);
	qsort(waits, count, sizeof *waits, by_size);
	middle = waits[count / 2] * 1e3;
	late = waits[count * 99 / 100] * 1e3;
	well = (median <= 0 || middle <= median) && (p99 <= 0 || late <= p99);
	printf("%s %u objects, %u of them with memory, %u kills: answered after %.2f ms (median), "
	       "%.2f ms (99th "
	       "percentile), %.2f ms (longest)\n",
	    well ? "ok" : "not ok", objects, with_memory, count, middle, late,
	    waits[count - 1] * 1e3);
	fflush(stdout);
	free(waits);
	munmap(kills, sizeof *kills);
	return daemon_end() && well;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"objects", required_argument, NULL, 'o'},
	    {"kills", required_argument, NULL, 'k'}, {"busy", no_argument, NULL, 'b'},
	    {"median", required_argument, NULL, 'm'}, {"p99", required_argument, NULL, 'p'}, {0}};
	static char usual[] = "1000,100000";
	const char *reason;
	unsigned count = 300, passed = 0, failed = 0;
	char *objects = usual, *one;
	double median = 5, p99 = 50;
	bool busy = false;
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'o')
			objects = optarg;
		else if (letter == 'k')
			count = (unsigned)strtoul(optarg, NULL, 10);
		else if (letter == 'b')
			busy = true;
		else if (letter == 'm')
			median = strtod(optarg, NULL);
		else if (letter == 'p')
			p99 = strtod(optarg, NULL);
		else
			return 2;
	}
	if (count == 0 || count > KILLS_MAX) {
		fprintf(stderr, "restart_time: 1 to %d kills\n", KILLS_MAX);
		return 2;
	}
	reason = daemon_prepare("restart");
	if (reason != NULL)
		return skip_test("restart_time", reason);
	if (busy)
		make_busy();
	while ((one = strsep(&objects, ",")) != NULL) {
		bool well = measure((unsigned)strtoul(one, NULL, 10), count, median, p99);

		passed += well;
		failed += !well;
	}
	daemon_clean_up();
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}

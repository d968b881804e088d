/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a tenant costs: tenants [SECONDS [MAX]]
 *
 * Eight writers make, size, map, touch and remove objects, by turns in the thousand tenants of a
 * mount of SHMFS_BIN and in as many plain directories of it. Prints the median of the turns'
 * quotients, tenants over plain. Status 1: it is above MAX; 77: nothing can be mounted here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

enum { TENANTS = 1000, WRITERS = 8, CYCLES = 20, TURNS_MIN = 31, TURNS_MAX = 4096, PAGE = 4096 };

static const char kinds[] = {'t', 'd'};

/* Shared by the writers. In each turn all of them wait for the slowest. */
static struct shared {
	_Atomic unsigned arrived;
	_Atomic unsigned turn;
	_Atomic int end;
} * shared;

static _Noreturn void broken(const char *what)
{
	perror(what);
	exit(2);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* A mount in a directory of its own, which a namespace of its own ends with. */
static const char *mount_it(void)
{
	static char dir[] = "/tmp/shmfs-tenants.XXXXXX";
	const char *program = getenv("SHMFS_BIN");
	char command[4096];

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		puts("skip: tenants: no mount namespace");
		exit(77);
	}
	if (mkdtemp(dir) == NULL)
		broken(dir);
	snprintf(command, sizeof command, "exec %s %s -o size=1g,nr_inodes=100k",
	    program != NULL ? program : "build-test/gcc/shmfs", dir);
	if (system(command) != 0)
		exit(2);
	return dir;
}

static void unmount_it(const char *dir)
{
	if (chdir("/") < 0 || umount(dir) < 0 || rmdir(dir) < 0)
		broken(dir);
}

static void make_directories(const char *mount)
{
	char path[4096];

	for (int i = 0; i < TENANTS; i++) {
		int rc = control_callf(mount, "CreateTenant",
		    "{\"path\":\"t%d\",\"size\":1073741824,\"inodes\":100000}", i);

		errno = rc;
		if (rc != 0 && rc != EEXIST)
			broken("CreateTenant");
		snprintf(path, sizeof path, "%s/d%d", mount, i);
		if (mkdir(path, 01777) < 0 && errno != EEXIST)
			broken(path);
	}
}

static void cycle(char kind, unsigned dir, int writer)
{
	char name[64];
	char *map;
	int fd;

	snprintf(name, sizeof name, "%c%u/w%d", kind, dir, writer);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		broken(name);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		broken("mmap");
	*map = 1;
	if (munmap(map, PAGE) < 0 || close(fd) < 0 || unlink(name) < 0)
		broken(name);
}

static _Noreturn void write_on(int writer)
{
	unsigned seed = (unsigned)writer + 1;

	for (unsigned turn = 1;; turn++) {
		while (shared->turn < turn && !shared->end)
			usleep(50);
		if (shared->end)
			_exit(0);
		for (int i = 0; i < CYCLES; i++)
			cycle(kinds[turn % 2], (unsigned)rand_r(&seed) % TENANTS, writer);
		shared->arrived++;
	}
}

/* Seconds of one turn of all writers. */
static double take_turn(void)
{
	double begun = now();

	shared->arrived = 0;
	shared->turn++;
	while (shared->arrived < WRITERS) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			broken("a writer");
		usleep(50);
	}
	return now() - begun;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double ratios[TURNS_MAX];
	double end, max = argc > 2 ? atof(argv[2]) : 0, sums[2] = {0};
	const char *dir = mount_it();
	int count = 0;

	shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		broken("mmap");
	make_directories(dir);
	if (chdir(dir) < 0)
		broken(dir);
	for (int i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			broken("fork");
		if (pid == 0)
			write_on(i);
	}
	/* The kernel comes to know all the directories. */
	for (int i = 0; i < 8; i++)
		(void)take_turn();
	end = now() + (argc > 1 ? atof(argv[1]) : 20);
	/* Which of a pair comes first changes, as the second may find the machine warmer. */
	while ((now() < end || (count < TURNS_MIN && now() < end + 60)) && count < TURNS_MAX) {
		double first = take_turn(), second = take_turn();
		bool tenants_first = kinds[(shared->turn - 1) % 2] == 't';
		double tenants = tenants_first ? first : second;
		double plain = tenants_first ? second : first;

		ratios[count++] = tenants / plain;
		sums[0] += tenants;
		sums[1] += plain;
		/* One more turn, so that the next pair begins with the other kind. */
		(void)take_turn();
	}
	shared->end = 1;
	while (wait(NULL) > 0)
		;
	qsort(ratios, (size_t)count, sizeof ratios[0], compare);
	printf(
	    "a cycle takes %.1f us in a tenant, %.1f us elsewhere; median of %d quotients: %.3f, "
	    "quarters %.3f and %.3f\n",
	    sums[0] / count / CYCLES / WRITERS * 1e6, sums[1] / count / CYCLES / WRITERS * 1e6,
	    count, ratios[count / 2], ratios[count / 4], ratios[count * 3 / 4]);
	unmount_it(dir);
	return max > 0 && ratios[count / 2] > max;
}

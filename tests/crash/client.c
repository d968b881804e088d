/* SPDX-License-Identifier: BSD-2-Clause */
/* See client.h. */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "launch.h"

struct client client;

static pid_t pids[CLIENTS_MAX];

static const struct {
	const char *name;
	void (*work)(void);
} works[] = {
    {"live_of_object", live_of_object},
    {"changes_of_kept", changes_of_kept},
    {"stores_through_mappings", stores_through_mappings},
    {"unnamed_object", unnamed_object},
    {"extended_attributes", extended_attributes},
    {"allocations_and_copies", allocations_and_copies},
    {"directories", directories},
    {"listing", listing},
    {"counting_under_locks", counting_under_locks},
    {"races_for_prizes", races_for_prizes},
    {"large_transfers", large_transfers},
    {"memory_that_is_freed", memory_that_is_freed},
};

enum { WORKS = sizeof works / sizeof works[0] };

static unsigned first, choices = WORKS;

bool clients_choose(const char *name)
{
	for (first = 0; first < WORKS; first++) {
		if (strcmp(works[first].name, name) == 0) {
			choices = 1;
			return true;
		}
	}
	return false;
}

uint64_t below(uint64_t bound)
{
	return random_next(&client.random) % bound;
}

static _Noreturn void fail(const char *what, const char *got)
{
	snprintf(client.told->why, WHY_SIZE, "%s: %s", what, got);
	client.told->failed = true;
	exit(1);
}

long client_ok(const char *call, long result)
{
	client.told->calls++;
	if (result < 0)
		fail(call, strerror(errno));
	return result;
}

void client_fails(const char *call, long result, int error)
{
	client.told->calls++;
	if (result >= 0)
		fail(call, "no error");
	if (errno != error)
		fail(call, strerror(errno));
}

void client_check(const char *condition, bool holds)
{
	if (!holds)
		fail(condition, "does not hold");
}

void fill(unsigned char *data, size_t size, uint64_t seed)
{
	struct random random = {seed};

	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t word = random_next(&random);

		memcpy(data + i, &word, 8);
	}
	for (size_t i = size - size % 8; i < size; i++)
		data[i] = (unsigned char)(random.state >> i % 8 * 8);
}

void write_all(int fd, const unsigned char *data, size_t size, off_t offset)
{
	CHECK(OK(pwrite(fd, data, size, offset)) == (long)size);
}

void expect_data(int fd, const unsigned char *data, size_t size, off_t offset)
{
	static unsigned char got[4 << 20];

	CHECK(size <= sizeof got);
	memset(got, 0xa5, size);
	CHECK(OK(pread(fd, got, size, offset)) == (long)size);
	CHECK(memcmp(got, data, size) == 0);
}

unsigned listed(const char *path, const char *name, unsigned *all)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	CHECK(dir != NULL);
	*all = 0;
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		count += strcmp(entry->d_name, name) == 0;
		*all += entry->d_name[0] != '.';
	}
	CHECK(errno == 0);
	closedir(dir);
	return count;
}

static void make_at(const char *dir, const char *name, mode_t type, off_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (S_ISDIR(type)) {
		if (mkdir(path, 0777) != 0 || chmod(path, 0777) != 0)
			broken(path);
		return;
	}
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0666);
	if (fd < 0 || fchmod(fd, 0666) != 0 || ftruncate(fd, size) != 0)
		broken(path);
	close(fd);
}

struct shared *clients_prepare(const char *dir)
{
	struct shared *shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		broken("mmap");
	make_at(dir, "shared", S_IFDIR, 0);
	make_at(dir, "shared/counters", S_IFREG, LOCK_KINDS * (off_t)sizeof(uint64_t));
	make_at(dir, "shared/ball", S_IFREG, 0);
	return shared;
}

static _Noreturn void be_client(struct shared *shared, const char *dir, unsigned i, uint64_t seed)
{
	uid_t uid = i % 2 == 0 ? 0 : 2000 + i;
	char path[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	client = (struct client){i, {seed + i * 7919}, shared, &shared->told[i]};
	snprintf(path, sizeof path, "%s/client%u", dir, i);
	OK(mkdir(path, 0755));
	OK(chown(path, uid, uid));
	OK(chdir(path));
	OK(setresgid(uid, uid, uid));
	OK(setresuid(uid, uid, uid));
	while (!shared->stop) {
		unsigned which = first + (unsigned)below(choices);

		client.told->doing = works[which].name;
		works[which].work();
		client.told->rounds++;
	}
	exit(0);
}

void clients_start(struct shared *shared, const char *dir, unsigned count, uint64_t seed)
{
	fflush(stdout);
	for (unsigned i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			broken("fork");
		if (pids[i] == 0)
			be_client(shared, dir, i, seed);
	}
}

static void tell(const struct shared *shared, unsigned i, const char *what)
{
	const char *doing = shared->told[i].doing;

	printf("client %u, %s: %s\n", i, doing != NULL ? doing : "start", what);
	fflush(stdout);
}

bool clients_failed(struct shared *shared, unsigned count, unsigned seconds)
{
	static uint64_t calls[CLIENTS_MAX];
	static time_t since[CLIENTS_MAX];
	time_t now = time(NULL);
	bool failed = false;

	for (unsigned i = 0; i < count; i++) {
		if (shared->told[i].failed) {
			tell(shared, i, shared->told[i].why);
			failed = true;
		}
		if (since[i] == 0 || shared->told[i].calls != calls[i])
			since[i] = now;
		calls[i] = shared->told[i].calls;
		if (now - since[i] > (time_t)seconds) {
			tell(shared, i, "hangs");
			failed = true;
		}
	}
	return failed;
}

/* A client that hangs in the kernel cannot be waited for. */
static unsigned end_one(struct shared *shared, unsigned i)
{
	int status = 0;

	for (unsigned tries = 0; tries < 4000 * (unsigned)launch_slowness(); tries++) {
		if (waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			if (status == 0 || shared->told[i].failed)
				return status != 0;
			tell(shared, i, "ended by itself");
			printf("    status %#x\n", (unsigned)status);
			return 1;
		}
		nanosleep(&(struct timespec){0, 5000000}, NULL);
	}
	tell(shared, i, "does not end");
	kill(pids[i], SIGKILL);
	return 1;
}

static unsigned expect_counters(const struct shared *shared, const char *dir)
{
	uint64_t counters[LOCK_KINDS] = {0};
	unsigned failures = 0;
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/shared/counters", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, counters, sizeof counters, 0) != (ssize_t)sizeof counters)
		broken(path);
	close(fd);
	for (unsigned i = 0; i < LOCK_KINDS; i++) {
		if (counters[i] == shared->added[i])
			continue;
		printf("counter %u is %llu after %llu additions\n", i,
		    (unsigned long long)counters[i], (unsigned long long)shared->added[i]);
		failures++;
	}
	return failures;
}

static unsigned expect_prizes(const struct shared *shared, const char *dir)
{
	static const char *const names[PRIZES] = {"token", "lock", "directory"};
	unsigned failures = 0;
	char path[256];

	for (unsigned i = 0; i < PRIZES; i++) {
		uint64_t there = shared->made[i] - shared->removed[i];

		snprintf(path, sizeof path, "%s/shared/%s", dir, names[i]);
		if (there == (access(path, F_OK) == 0))
			continue;
		printf("%s was made %llu times and removed %llu times\n", names[i],
		    (unsigned long long)shared->made[i], (unsigned long long)shared->removed[i]);
		failures++;
	}
	return failures;
}

unsigned clients_end(struct shared *shared, const char *dir, unsigned count)
{
	unsigned failures = 0;

	shared->stop = true;
	for (unsigned i = 0; i < count; i++)
		failures += end_one(shared, i);
	/* Who failed has counted half of what he did. */
	if (failures == 0)
		failures += expect_counters(shared, dir) + expect_prizes(shared, dir);
	return failures;
}

uint64_t clients_rounds(const struct shared *shared)
{
	uint64_t rounds = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		rounds += shared->told[i].rounds;
	return rounds;
}

uint64_t clients_calls(const struct shared *shared)
{
	uint64_t calls = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		calls += shared->told[i].calls;
	return calls;
}

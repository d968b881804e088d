/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers that die by their own fault, and kernels that do not repeat requests.
 *
 * Environment: that of daemon.h; SHMFS_BIN has to be built with -Dc_args=-DSHMFS_FAILPOINTS, and
 * SHMFS_PLAIN_BIN is one that is not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "launch.h"
#include "steps_page.h"

/* A moment each, on a machine as others. */
static int tries(void)
{
	return 1000 * launch_slowness();
}

static volatile struct failpoints *steps;
static const char *plain, *with_steps;

/* From now on each step with this label is a crash; "" = none. */
static void crash_at(const char *label)
{
	snprintf((char *)(uintptr_t)steps->crash_at, sizeof steps->crash_at, "%s", label);
}

/* The next step with this label is the death of the server that there is, and of no other. */
static void kill_at(const char *label)
{
	const int64_t call[] = {SYS_kill, daemon_server(), SIGKILL};

	memcpy((int64_t *)(uintptr_t)steps->call, call, sizeof call);
	crash_at(label);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static bool expect(bool holds, const char *what)
{
	if (!holds)
		fprintf(stderr, "not so: %s (errno %d: %s)\n", what, errno, strerror(errno));
	return holds;
}

static bool log_comes_to_mention(const char *text)
{
	for (int i = 0; i < tries(); i++) {
		if (daemon_log_mentions(text))
			return true;
		pause_ms(5);
	}
	fprintf(stderr, "the log does not mention '%s'\n", text);
	daemon_show_log();
	return false;
}

static bool another_server_than(pid_t dead)
{
	for (int i = 0; i < tries(); i++) {
		pid_t server = daemon_server();

		if (server != 0 && server != dead)
			return true;
		pause_ms(5);
	}
	return expect(false, "another server");
}

static const char *at(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", daemon_dir(), name);
	return path;
}

static int make(const char *name, off_t size)
{
	int fd = open(at(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, size) != 0)
		broken(name);
	return fd;
}

/* The status with which the daemon ends by itself; -1: it does not. */
static int own_end(void)
{
	int status;

	for (int i = 0; i < tries(); i++) {
		if (waitpid(daemon_supervisor(), &status, WNOHANG) == daemon_supervisor())
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		pause_ms(5);
	}
	return -1;
}

/* --- crashes ---------------------------------------------------------------------------------- */

static bool servers_that_crash_at_once_are_the_end(const char *label)
{
	struct stat st;
	dev_t device;
	bool well;

	daemon_start("");
	if (stat(daemon_dir(), &st) != 0)
		broken("stat");
	device = st.st_dev;
	crash_at(label);
	daemon_kill_server();
	well = expect(own_end() == 2, "exit status 2") &&
	       expect(stat(daemon_dir(), &st) == 0 && st.st_dev != device, "unmounted") &&
	       log_comes_to_mention("5 servers in a row died");
	crash_at("");
	return well;
}

/* Before they look what there is to do, and when that is done. */
static bool servers_that_never_serve_are_the_end(void)
{
	return servers_that_crash_at_once_are_the_end("server started") &&
	       servers_that_crash_at_once_are_the_end("recovered");
}

/* The label stands in the way of every write of data, and of nothing else. */
static bool a_request_that_crashes_servers_fails_alone(void)
{
	struct statvfs room;
	bool well;
	int fd, other;

	daemon_start("");
	fd = make("a", 4096);
	other = make("b", 4096);
	crash_at("bytes written");
	well = expect(pwrite(fd, "x", 1, 0) < 0 && errno == EIO, "EIO") &&
	       expect(fchmod(other, 0640) == 0, "another call") &&
	       expect(statvfs(daemon_dir(), &room) == 0, "statvfs");
	crash_at("");
	well = well && expect(pwrite(fd, "x", 1, 0) == 1, "a write after that") &&
	       log_comes_to_mention("has crashed three servers");
	close(fd);
	close(other);
	return daemon_end() && well;
}

/* --- upgrades --------------------------------------------------------------------------------- */

static bool copy(const char *from, const char *to)
{
	char temporary[160];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;

	snprintf(temporary, sizeof temporary, "%s.new", to);
	out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (in < 0 || out < 0)
		broken(from);
	while (sendfile(out, in, NULL, 1 << 20) > 0)
		;
	close(in);
	close(out);
	return rename(temporary, to) == 0;
}

static bool a_program_whose_servers_crash_is_left_again(void)
{
	char program[] = "/tmp/shmfs-deaths-program.XXXXXX";
	char byte;
	bool well;
	int fd;

	close(mkstemp(program));
	copy(plain, program);
	setenv("SHMFS_BIN", program, 1);
	daemon_start("");
	fd = make("a", 4096);
	copy(with_steps, program);
	crash_at("server started");
	kill(daemon_supervisor(), SIGHUP);
	well = log_comes_to_mention("going back to the program before") &&
	       expect(pread(fd, &byte, 1, 0) == 1, "a read") &&
	       expect(unlink(at("a")) == 0, "a change");
	crash_at("");
	/* And forth, once it does not crash. */
	kill(daemon_supervisor(), SIGHUP);
	well = well && log_comes_to_mention("goes on") &&
	       expect(pread(fd, &byte, 1, 0) == 1, "a read");
	close(fd);
	unlink(program);
	setenv("SHMFS_BIN", with_steps, 1);
	return daemon_end() && well;
}

/* --- stores through mappings ------------------------------------------------------------------ */

enum { MAPPED = 64 * 1024 };

static char *map_new(const char *name, int *fd)
{
	char *memory;

	*fd = make(name, MAPPED);
	memory = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (memory == MAP_FAILED)
		broken("mmap");
	return memory;
}

/* In the object itself, not in what the kernel keeps of it. */
static bool is_all(const char *name, char byte)
{
	static char data[MAPPED];
	int fd = open(at(name), O_RDONLY | O_CLOEXEC);
	ssize_t count;

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		broken(name);
	count = pread(fd, data, MAPPED, 0);
	close(fd);
	for (ssize_t i = 0; i < count; i++) {
		if (data[i] != byte)
			return expect(false, name);
	}
	return expect(count == MAPPED, name);
}

/* Of an object that was closed before, and of one that stays open and mapped. */
static bool mapped_stores_survive(void)
{
	bool well = true;
	char *closed, *kept;
	int fds[2];

	daemon_start("");
	closed = map_new("closed", &fds[0]);
	kept = map_new("open", &fds[1]);
	memset(closed, 'c', MAPPED);
	munmap(closed, MAPPED);
	close(fds[0]);
	/* Half of its pages were never touched when the server dies. */
	memset(kept, 'o', MAPPED / 2);
	well = another_server_than(daemon_kill_server());
	memset(kept + MAPPED / 2, 'o', MAPPED / 2);
	well = well && expect(msync(kept, MAPPED, MS_SYNC) == 0, "msync") &&
	       is_all("closed", 'c') && is_all("open", 'o');
	munmap(kept, MAPPED);
	close(fds[1]);
	return daemon_end() && well;
}

/* --- calls that wait -------------------------------------------------------------------------- */

enum { CALLS = 24, OBJECT = 16 << 20, KEPT = 4096 };

static const char *waiting_name(int number)
{
	static char name[32];

	snprintf(name, sizeof name, "waits-%d", number);
	return name;
}

/* Every other object shrinks, the rest get a hole. */
static bool shrinks(int number)
{
	return number % 2 == 0;
}

static void make_full(int number)
{
	static char data[1 << 20];
	int fd = make(waiting_name(number), OBJECT);

	memset(data, 'x', sizeof data);
	for (off_t at = 0; at < OBJECT; at += (off_t)sizeof data) {
		if (pwrite(fd, data, sizeof data, at) != (ssize_t)sizeof data)
			broken("pwrite");
	}
	close(fd);
}

/* A process whose call waits for memory to be freed; it begins when it is told to. */
static void call_that_waits(int number, int go)
{
	int fd = open(at(waiting_name(number)), O_RDWR | O_CLOEXEC), rc;
	char byte;

	if (fd < 0 || read(go, &byte, 1) != 1)
		_exit(2);
	if (shrinks(number))
		rc = ftruncate(fd, KEPT);
	else
		rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, KEPT, OBJECT - KEPT);
	_exit(rc == 0 ? 0 : 1);
}

static bool is_as_asked(int number)
{
	off_t size = shrinks(number) ? KEPT : OBJECT;
	char kept = 0, gone = 0;
	struct stat st;
	int fd = open(at(waiting_name(number)), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		broken("fstat");
	(void)!pread(fd, &kept, 1, KEPT - 1);
	(void)!pread(fd, &gone, 1, OBJECT - 1);
	close(fd);
	unlink(at(waiting_name(number)));
	return expect(st.st_size == size, "the size") && expect(kept == 'x', "what stays") &&
	       expect(gone == 0, "what goes");
}

static bool succeeds(pid_t caller)
{
	int status;

	for (int i = 0; i < tries(); i++) {
		if (waitpid(caller, &status, WNOHANG) == caller)
			return expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the call");
		pause_ms(10);
	}
	return expect(false, "an answer");
}

/* Servers die one after the other; each call lies in a slot of its own meanwhile. */
static bool calls_that_wait_are_answered_by_later_servers(void)
{
	pid_t callers[CALLS];
	bool well = true;
	int go[2];

	daemon_start("size=1g");
	if (pipe2(go, O_CLOEXEC) < 0)
		broken("pipe");
	for (int i = 0; i < CALLS; i++) {
		make_full(i);
		callers[i] = fork();
		if (callers[i] == 0)
			call_that_waits(i, go[0]);
	}
	if (write(go[1], "go go go go go go go go ", CALLS) != CALLS)
		broken("write");
	for (int i = 0; i < 8 && well; i++) {
		pause_ms(2);
		well = another_server_than(daemon_kill_server());
	}
	for (int i = 0; i < CALLS && well; i++)
		well = succeeds(callers[i]);
	for (int i = 0; i < CALLS && well; i++)
		well = is_as_asked(i);
	close(go[0]);
	close(go[1]);
	return daemon_end() && well;
}

static int names_listed(void)
{
	DIR *dir = opendir(daemon_dir());
	const struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		broken("opendir");
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static bool names_come_to_be(int count)
{
	for (int i = 0; i < tries(); i++) {
		if (names_listed() == count)
			return true;
		pause_ms(5);
	}
	return expect(false, "as many names are listed");
}

/* The kernel is told a moment after the change is final. */
static bool name_comes_to_go(const char *name)
{
	struct stat st;

	for (int i = 0; i < tries(); i++) {
		if (stat(at(name), &st) != 0)
			return expect(errno == ENOENT, "ENOENT");
		pause_ms(5);
	}
	return expect(false, "the name goes");
}

/* Nobody asked for the removal, so the kernel lists the name until it is told. */
static bool a_name_that_expires_is_listed_no_more_though_the_server_dies(void)
{
	pid_t server;
	bool well;
	int fd;

	daemon_start("lifetime=dies.*,lifetime_age=0");
	fd = make("dies.soon", 4096);
	close(make("stays", 4096));
	/* Listing changes the access time, which is asked for once more. */
	well = names_come_to_be(2) && names_come_to_be(2);
	server = daemon_server();
	kill_at("removal half done");
	close(fd);
	well = another_server_than(server) && well;
	well = names_come_to_be(1) && well;
	well = name_comes_to_go("dies.soon") && well;
	return daemon_end() && well;
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*run)(void);
	} tests[] = {
	    {"servers_that_never_serve_are_the_end", servers_that_never_serve_are_the_end},
	    {"a_request_that_crashes_servers_fails_alone",
		a_request_that_crashes_servers_fails_alone},
	    {"a_program_whose_servers_crash_is_left_again",
		a_program_whose_servers_crash_is_left_again},
	    {"mapped_stores_survive", mapped_stores_survive},
	    {"calls_that_wait_are_answered_by_later_servers",
		calls_that_wait_are_answered_by_later_servers},
	    {"a_name_that_expires_is_listed_no_more_though_the_server_dies",
		a_name_that_expires_is_listed_no_more_though_the_server_dies},
	};
	const char *reason;
	unsigned passed = 0, failed = 0;

	plain = getenv("SHMFS_PLAIN_BIN");
	with_steps = getenv("SHMFS_BIN");
	if (plain == NULL || with_steps == NULL) {
		fprintf(stderr, "deaths: set SHMFS_BIN and SHMFS_PLAIN_BIN\n");
		return 2;
	}
	reason = daemon_prepare("deaths");
	if (reason != NULL)
		return skip_test("deaths", reason);
	steps = steps_page_make();
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		bool well = tests[i].run();

		printf("%s %s\n", well ? "ok" : "not ok", tests[i].name);
		fflush(stdout);
		passed += well;
		failed += !well;
	}
	daemon_clean_up();
	steps_page_remove();
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* An object that grows by being written, beside those who read it: they see what was written. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "random.h"
#include "suites.h"

enum {
	RECORD_MAX = 64 * 1024,
	RECORDS_MAX = 1024,
	BYTES_MAX = 8 * 1024 * 1024,
	READ = 128 * 1024,
	USUAL_MS = 100,
	KILL_EVERY_MS = 7,
};

/* What appender and readers share. */
struct growing {
	volatile unsigned number; /* of the object that grows; those before it may be gone */
	volatile bool done;
};

struct appender {
	struct growing *growing;
	const struct way *way;
	size_t size;
	int source; /* has a record */
};

static ssize_t by_pwrite(int fd, const void *record, const struct appender *a, off_t end)
{
	return pwrite(fd, record, a->size, end);
}

static ssize_t by_append(int fd, const void *record, const struct appender *a, off_t end)
{
	(void)end;
	return write(fd, record, a->size);
}

static ssize_t by_copy(int fd, const void *record, const struct appender *a, off_t end)
{
	off_t from = 0;

	(void)record;
	return copy_file_range(a->source, &from, fd, &end, a->size, 0);
}

static ssize_t by_sendfile(int fd, const void *record, const struct appender *a, off_t end)
{
	off_t from = 0;

	(void)record;
	OK(lseek(fd, end, SEEK_SET));
	return sendfile(fd, a->source, &from, a->size);
}

static const struct way {
	const char *name;
	ssize_t (*append)(int fd, const void *record, const struct appender *a, off_t end);
	int flags;
} ways[] = {
    {"pwrite", by_pwrite, 0},
    {"write with O_APPEND", by_append, O_APPEND},
    {"copy_file_range", by_copy, 0},
    {"sendfile", by_sendfile, 0},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static const size_t sizes[] = {100, PAGE, 5000, RECORD_MAX};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static const char *name_of(unsigned number)
{
	static char name[32];

	snprintf(name, sizeof name, "log-%u", number);
	return name;
}

static off_t end_of(const struct appender *a)
{
	size_t records = BYTES_MAX / a->size;

	return (off_t)(a->size * (records < RECORDS_MAX ? records : RECORDS_MAX));
}

/* --- those who read --------------------------------------------------------------------------- */

static void expect_records(
    const struct appender *a, const unsigned char *data, size_t length, off_t at)
{
	for (size_t i = 0; i < length; i++)
		if (data[i] != 'A')
			ck_abort_msg("%s of %zu: byte %lld is 0x%02x", a->way->name, a->size,
			    (long long)at + (long long)i, data[i]);
}

static off_t read_on(const struct appender *a, int fd, off_t at)
{
	static unsigned char data[READ];
	int count = OK(pread(fd, data, sizeof data, at));

	expect_records(a, data, (size_t)count, at);
	return at + count;
}

static off_t load_on(const struct appender *a, int fd, off_t at)
{
	off_t end = size_of(fd);
	unsigned char *map;

	if (end <= at)
		return at;
	map = map_object(fd, (size_t)end, PROT_READ);
	expect_records(a, map + at, (size_t)(end - at), at);
	unmap(map, (size_t)end);
	return end;
}

typedef off_t follow(const struct appender *a, int fd, off_t at);

static void read_while_it_grows(const struct appender *a, int mode, follow *on)
{
	while (!a->growing->done) {
		unsigned number = a->growing->number;
		int fd = open(name_of(number), mode);
		off_t at = 0;

		if (fd < 0) {
			FAILS(ENOENT, fd);
			continue;
		}
		while (!a->growing->done && a->growing->number == number)
			at = on(a, fd, at);
		OK(close(fd));
	}
}

static void read_only(void *context)
{
	read_while_it_grows(context, O_RDONLY, read_on);
}

static void read_by_writable(void *context)
{
	read_while_it_grows(context, O_RDWR, read_on);
}

static void read_by_mapping(void *context)
{
	read_while_it_grows(context, O_RDONLY, load_on);
}

static void kill_servers(void *context)
{
	const struct appender *a = context;

	while (!a->growing->done) {
		pid_t pid = server_of(shared_mount->pid);

		if (pid > 0)
			(void)kill(pid, SIGKILL);
		pause_ms(KILL_EVERY_MS);
	}
}

/* --- and those who write ---------------------------------------------------------------------- */

static void grow_one(const struct appender *a, const void *record)
{
	off_t end = end_of(a), at = 0;
	int fd = new_object(name_of(a->growing->number + 1), 0);

	OK(fcntl(fd, F_SETFL, a->way->flags));
	a->growing->number++;
	while (at < end) {
		GIVES((long)a->size, a->way->append(fd, record, a, at));
		at += (off_t)a->size;
	}
	GIVES(end, size_of(fd));
	for (at = 0; at < end;)
		at = read_on(a, fd, at);
	OK(close(fd));
	OK(unlink(name_of(a->growing->number)));
}

static long milliseconds(void)
{
	struct timespec now;

	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void append_beside(const struct way *way, size_t size, child_body *const *bodies, int count)
{
	struct growing *growing =
	    mmap(NULL, sizeof *growing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct appender a = {.growing = growing, .way = way, .size = size};
	long end = milliseconds() + random_steps(USUAL_MS);
	static unsigned char record[RECORD_MAX];
	pid_t pids[4];

	ck_assert_ptr_ne(growing, MAP_FAILED);
	memset(record, 'A', sizeof record);
	make_object("source", 0);
	a.source = OK(open("source", O_RDWR));
	GIVES((long)size, pwrite(a.source, record, size, 0));
	OK(close(a.source));
	a.source = OK(open("source", O_RDONLY));
	for (int i = 0; i < count; i++)
		pids[i] = start_child(bodies[i], &a);
	while (milliseconds() < end)
		grow_one(&a, record);
	growing->done = true;
	for (int i = 0; i < count; i++)
		end_child(pids[i]);
	OK(close(a.source));
	OK(unlink("source"));
	munmap(growing, sizeof *growing);
}

/*
 * Through the page cache, stat tells what the daemon says while the kernel has yet to note it, and
 * a page that it does not know of raises SIGBUS: shmfs(5), DIFFERENCES BETWEEN THE TIERS.
 */
static void append_in_every_way(child_body *const *bodies, int count)
{
	if (!fixture_maps_natively())
		count--;
	for (int way = 0; way < WAYS; way++)
		for (int size = 0; size < SIZES; size++)
			append_beside(&ways[way], sizes[size], bodies, count);
}

START_TEST(readers_never_see_what_nobody_wrote)
{
	child_body *const bodies[] = {read_only, read_by_writable, read_by_mapping};

	append_in_every_way(bodies, 3);
}
END_TEST

START_TEST(nor_while_servers_are_killed)
{
	child_body *const bodies[] = {kill_servers, read_only, read_by_writable, read_by_mapping};

	append_in_every_way(bodies, 4);
}
END_TEST

static void start_growing(void)
{
	shared_mount = mount_start("grow=*");
}

void add_appending_cases(Suite *suite)
{
	TCase *tests = case_on_mount(suite, "appending", fixture_is_tmpfs() ? NULL : start_growing);

	tcase_set_tags(tests, "busy");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, readers_never_see_what_nobody_wrote);
	if (!fixture_is_tmpfs())
		tcase_add_test(tests, nor_while_servers_are_killed);
}

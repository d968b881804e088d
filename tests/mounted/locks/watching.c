/* SPDX-License-Identifier: BSD-2-Clause */
/* Leases, and what inotify tells: as on tmpfs. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { OTHER_USER = 65534 };

static int lease(int fd, int type)
{
	return fcntl(fd, F_SETLEASE, type);
}

START_TEST(a_lease_is_granted_where_nobody_is_in_its_way)
{
	int reader;
	int writer;

	make_object("a", 100);
	reader = OK(open("a", O_RDONLY));
	OK(lease(reader, F_RDLCK));
	GIVES(F_RDLCK, fcntl(reader, F_GETLEASE));
	OK(lease(reader, F_WRLCK));
	GIVES(F_WRLCK, fcntl(reader, F_GETLEASE));
	OK(lease(reader, F_UNLCK));
	GIVES(F_UNLCK, fcntl(reader, F_GETLEASE));
	OK(close(reader));
	writer = OK(open("a", O_RDWR));
	FAILS(EAGAIN, lease(writer, F_RDLCK));
	OK(lease(writer, F_WRLCK));
	OK(lease(writer, F_UNLCK));
	FAILS(EAGAIN, lease(writer, F_UNLCK));
}
END_TEST

START_TEST(other_openings_are_in_the_way_of_a_lease)
{
	int reader;
	int other;

	make_object("a", 100);
	reader = OK(open("a", O_RDONLY));
	other = OK(open("a", O_RDWR));
	FAILS(EAGAIN, lease(reader, F_RDLCK));
	FAILS(EAGAIN, lease(reader, F_WRLCK));
	OK(close(other));
	other = OK(open("a", O_RDONLY));
	OK(lease(reader, F_RDLCK));
	FAILS(EAGAIN, lease(reader, F_WRLCK));
	OK(lease(other, F_RDLCK));
	OK(close(other));
	OK(lease(reader, F_WRLCK));
}
END_TEST

static void ask_for_lease(void *context)
{
	(void)context;
	FAILS(EACCES, lease(OK(open("a", O_RDONLY)), F_RDLCK));
	OK(lease(OK(open("own", O_RDONLY)), F_RDLCK));
}

START_TEST(a_lease_is_for_the_owner_of_an_object)
{
	make_object("a", 0);
	make_object("own", 0);
	OK(chmod("a", 0666));
	OK(chown("own", OTHER_USER, OTHER_USER));
	in_child_as(OTHER_USER, ask_for_lease, NULL);
	FAILS(EINVAL, lease(OK(open(".", O_RDONLY)), F_RDLCK));
}
END_TEST

/* The ways to break a lease; those that cannot wait are refused. */
static void open_for_writing(void *context)
{
	(void)context;
	FAILS(EWOULDBLOCK, open("a", O_WRONLY | O_NONBLOCK));
	OK(open("a", O_WRONLY));
}

static void open_for_reading(void *context)
{
	(void)context;
	FAILS(EWOULDBLOCK, open("a", O_RDONLY | O_NONBLOCK));
	OK(open("a", O_RDONLY));
}

static void cut(void *context)
{
	(void)context;
	OK(truncate("a", 10));
}

static const struct {
	int type;
	child_body *breaker;
} breaks[] = {{F_RDLCK, open_for_writing}, {F_RDLCK, cut}, {F_WRLCK, open_for_writing},
    {F_WRLCK, open_for_reading}};

START_TEST(whoever_breaks_a_lease_waits_for_its_holder)
{
	struct timespec timeout = {5, 0};
	siginfo_t info;
	sigset_t signals;
	pid_t child;
	int fd;

	make_object("a", 100);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &signals, NULL));
	fd = OK(open("a", O_RDONLY));
	OK(fcntl(fd, F_SETSIG, SIGUSR1));
	OK(lease(fd, breaks[_i].type));
	child = start_child(breaks[_i].breaker, NULL);
	GIVES(SIGUSR1, sigtimedwait(&signals, &info, &timeout));
	ck_assert_int_eq(info.si_fd, fd);
	ck_assert_int_eq(status_of("a").st_size, 100);
	OK(lease(fd, F_UNLCK));
	end_child(child);
	if (breaks[_i].breaker == cut)
		ck_assert_int_eq(size_of(fd), 10);
}
END_TEST

/* --- inotify ---------------------------------------------------------------------------------- */

static int watch(const char *name)
{
	int fd = OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));

	OK(inotify_add_watch(fd, name, IN_ALL_EVENTS));
	return fd;
}

struct wanted {
	uint32_t mask;
	const char *name; /* "" for the watched node itself */
};

static size_t padded(const char *name)
{
	size_t size = strlen(name) == 0 ? 0 : strlen(name) + 1;

	return (size + sizeof(struct inotify_event) - 1) / sizeof(struct inotify_event) *
	       sizeof(struct inotify_event);
}

/* Exactly these events have come, in this order; identical ones may have been made one. */
static void expect_events(int fd, const struct wanted *want, size_t count)
{
	_Alignas(struct inotify_event) char data[8192] = {0};
	ssize_t length = read(fd, data, sizeof(data));
	const char *at = data;
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		const struct inotify_event *event = (const void *)at;

		ck_assert_msg(length > at - data, "event %zu of %zu: expected 0x%x '%s', got none",
		    i + 1, count, want[i].mask, want[i].name);
		ck_assert_msg(event->mask == want[i].mask &&
				  strcmp(event->len > 0 ? event->name : "", want[i].name) == 0,
		    "event %zu of %zu: expected 0x%x '%s', got 0x%x '%s'", i + 1, count,
		    want[i].mask, want[i].name, event->mask, event->len > 0 ? event->name : "");
		at += sizeof(*event) + event->len;
		size += sizeof(*event) + padded(want[i].name);
	}
	if (count == 0)
		FAILS(EAGAIN, length);
	else
		GIVES((long)size, length);
}

#define EVENTS(fd, ...)                                                                            \
	expect_events(fd, (const struct wanted[]){__VA_ARGS__},                                    \
	    sizeof((const struct wanted[]){__VA_ARGS__}) / sizeof(struct wanted))

START_TEST(a_directory_tells_of_its_entries)
{
	int events = watch(".");
	int fd = OK(open("a", O_RDWR | O_CREAT, 0600));

	EVENTS(events, {IN_CREATE, "a"}, {IN_OPEN, "a"});
	OK(close(fd));
	EVENTS(events, {IN_CLOSE_WRITE, "a"});
	OK(mkdir("d", 0755));
	OK(symlink("a", "s"));
	OK(mknod("n", S_IFREG | 0600, 0));
	OK(link("a", "l"));
	EVENTS(events, {IN_CREATE | IN_ISDIR, "d"}, {IN_CREATE, "s"}, {IN_CREATE, "n"},
	    {IN_CREATE, "l"});
	OK(rmdir("d"));
	OK(unlink("s"));
	OK(unlink("n"));
	EVENTS(events, {IN_DELETE | IN_ISDIR, "d"}, {IN_DELETE, "s"}, {IN_DELETE, "n"});
}
END_TEST

START_TEST(an_object_tells_of_its_changes)
{
	int fd = new_object("a", 100);
	int events = watch("a");
	char byte;

	GIVES(1, pwrite(fd, "x", 1, 0));
	EVENTS(events, {IN_MODIFY, ""});
	GIVES(1, pread(fd, &byte, 1, 0));
	EVENTS(events, {IN_ACCESS, ""});
	OK(ftruncate(fd, 200));
	EVENTS(events, {IN_MODIFY, ""});
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
	EVENTS(events, {IN_MODIFY, ""});
	OK(chmod("a", 0640));
	EVENTS(events, {IN_ATTRIB, ""});
	OK(setxattr("a", "user.a", "x", 1, 0));
	EVENTS(events, {IN_ATTRIB, ""});
	OK(utimensat(AT_FDCWD, "a", NULL, 0));
	EVENTS(events, {IN_ATTRIB, ""});
}
END_TEST

/* Kernels differ in what they tell first of an opening that truncates: asked of a memfd. */
static bool openings_are_told_before_what_they_truncate(void)
{
	_Alignas(struct inotify_event) char data[4096];
	const struct inotify_event *first = (const void *)data;
	char path[64];
	int events;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", OK(memfd_create("told", MFD_CLOEXEC)));
	OK(truncate(path, 100));
	events = watch(path);
	OK(close(OK(open(path, O_WRONLY | O_TRUNC))));
	OK(read(events, data, sizeof(data)));
	return first->mask == IN_OPEN;
}

START_TEST(an_object_tells_of_openings_and_reads)
{
	int events;
	int fd;
	char byte;

	make_object("a", 100);
	events = watch("a");
	fd = OK(open("a", O_RDONLY));
	GIVES(1, read(fd, &byte, 1));
	OK(close(fd));
	EVENTS(events, {IN_OPEN, ""}, {IN_ACCESS, ""}, {IN_CLOSE_NOWRITE, ""});
	fd = OK(open("a", O_WRONLY | O_TRUNC));
	OK(close(fd));
	if (openings_are_told_before_what_they_truncate())
		EVENTS(events, {IN_OPEN, ""}, {IN_MODIFY, ""}, {IN_CLOSE_WRITE, ""});
	else
		EVENTS(events, {IN_MODIFY, ""}, {IN_OPEN, ""}, {IN_CLOSE_WRITE, ""});
}
END_TEST

/* Nothing was changed, but for what fitted. */
START_TEST(a_write_without_room_is_no_event)
{
	int fd = new_object("a", 100);
	int events = watch("a");

	FAILS(EFBIG, pwrite(fd, "x", 1, 100));
	expect_events(events, NULL, 0);
	GIVES(1, pwrite(fd, "xy", 2, 99));
	EVENTS(events, {IN_MODIFY, ""});
}
END_TEST

START_TEST(stores_of_a_mapping_are_no_event)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	int events = watch("a");

	memset(map, 1, PAGE);
	OK(msync(map, PAGE, MS_SYNC));
	expect_events(events, NULL, 0);
}
END_TEST

static uint32_t cookie_of(const struct inotify_event *event, uint32_t mask, const char *name)
{
	ck_assert_uint_eq(event->mask, mask);
	ck_assert_str_eq(event->name, name);
	return event->cookie;
}

START_TEST(a_move_is_two_events_with_one_cookie)
{
	_Alignas(struct inotify_event) char data[4096];
	const struct inotify_event *first = (const void *)data;
	const struct inotify_event *second;
	uint32_t cookie;
	int events;
	int self;

	make_object("a", 0);
	events = watch(".");
	self = watch("a");
	OK(rename("a", "b"));
	ck_assert_int_gt(OK(read(events, data, sizeof(data))), (int)sizeof(*first));
	cookie = cookie_of(first, IN_MOVED_FROM, "a");
	second = (const void *)(data + sizeof(*first) + first->len);
	ck_assert_uint_ne(cookie, 0);
	ck_assert_uint_eq(cookie_of(second, IN_MOVED_TO, "b"), cookie);
	EVENTS(self, {IN_MOVE_SELF, ""});
}
END_TEST

START_TEST(the_end_of_a_watched_object_is_told)
{
	int events;

	make_object("a", 0);
	OK(link("a", "b"));
	events = watch("a");
	OK(unlink("a"));
	EVENTS(events, {IN_ATTRIB, ""});
	OK(unlink("b"));
	EVENTS(events, {IN_ATTRIB, ""}, {IN_DELETE_SELF, ""}, {IN_IGNORED, ""});
}
END_TEST

START_TEST(the_end_of_a_watched_directory_is_told)
{
	int events;

	OK(mkdir("d", 0755));
	events = watch("d");
	OK(rmdir("d"));
	EVENTS(events, {IN_DELETE_SELF, ""}, {IN_IGNORED, ""});
}
END_TEST

static void make_and_remove(void *context)
{
	(void)context;
	make_object("a", 0);
	OK(unlink("a"));
}

START_TEST(what_another_process_does_is_told)
{
	int events = watch(".");
	struct pollfd event = {events, POLLIN, 0};

	in_child(make_and_remove, NULL);
	GIVES(1, poll(&event, 1, 1000));
	EVENTS(events, {IN_CREATE, "a"}, {IN_OPEN, "a"}, {IN_CLOSE_WRITE, "a"}, {IN_DELETE, "a"});
}
END_TEST

void add_watching_cases(Suite *suite)
{
	TCase *leases = case_on_mount(suite, "leases", NULL);
	TCase *events = case_on_mount(suite, "inotify", NULL);

	tcase_add_test(leases, a_lease_is_granted_where_nobody_is_in_its_way);
	tcase_add_test(leases, other_openings_are_in_the_way_of_a_lease);
	tcase_add_test(leases, a_lease_is_for_the_owner_of_an_object);
	tcase_add_loop_test(leases, whoever_breaks_a_lease_waits_for_its_holder, 0,
	    sizeof(breaks) / sizeof(breaks[0]));
	tcase_add_test(events, a_directory_tells_of_its_entries);
	tcase_add_test(events, an_object_tells_of_its_changes);
	tcase_add_test(events, an_object_tells_of_openings_and_reads);
	tcase_add_test(events, a_write_without_room_is_no_event);
	tcase_add_test(events, stores_of_a_mapping_are_no_event);
	tcase_add_test(events, a_move_is_two_events_with_one_cookie);
	tcase_add_test(events, the_end_of_a_watched_object_is_told);
	tcase_add_test(events, the_end_of_a_watched_directory_is_told);
	tcase_add_test(events, what_another_process_does_is_told);
}

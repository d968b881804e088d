/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways to an object without a name that are no opening and no mapping: a descriptor of O_PATH, a
 * mount of the object itself, an event of fanotify(7). As long as there is one, the object is
 * whole, and charged.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"

enum { PAGES = 4, SIZE = PAGES * PAGE };

static const char *link_to(int fd)
{
	static char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return path;
}

static void make_with_pattern(const char *name)
{
	int fd = new_object(name, SIZE);

	write_pattern(fd, 0, SIZE);
	OK(close(fd));
}

/* By a path that leads to it. */
static void expect_whole(const char *path)
{
	int fd = OK(open(path, O_RDWR));
	unsigned char *map;
	struct stat st;

	OK(fstat(fd, &st));
	ck_assert_uint_eq(st.st_nlink, 0);
	ck_assert_int_eq(st.st_size, SIZE);
	expect_pattern(fd, 0, SIZE);
	map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);
	ck_assert_int_eq(map[PAGE], pattern_at(PAGE));
	map[0] = 'm';
	unmap(map, SIZE);
	GIVES(1, pwrite(fd, "w", 1, 1));
	OK(ftruncate(fd, SIZE + PAGE));
	GIVES(1, pwrite(fd, "\0", 1, SIZE));
	OK(close(fd));
	fd = OK(open(path, O_RDONLY));
	expect_pattern(fd, 2, SIZE - 2);
	expect_zeros(fd, SIZE, PAGE);
	OK(close(fd));
}

START_TEST(a_path_descriptor_keeps_an_object_whole)
{
	unsigned long pages = pages_left(), nodes = nodes_left();
	int fd;

	make_with_pattern("a");
	fd = OK(open("a", O_PATH));
	OK(unlink("a"));
	expect_whole(link_to(fd));
	ck_assert_uint_eq(pages_left(), pages - PAGES - 1);
	ck_assert_uint_eq(nodes_left(), nodes - 1);
	FAILS(ENOENT, linkat(AT_FDCWD, link_to(fd), AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
	OK(close(fd));
	expect_pages_left_soon(pages);
	expect_nodes_left_soon(nodes);
}
END_TEST

/* The order in which openings, mapping and names go makes no difference. */
START_TEST(a_path_descriptor_may_be_made_after_the_name_is_gone)
{
	unsigned long pages = pages_left();
	int fd = new_object("a", SIZE), path;

	write_pattern(fd, 0, SIZE);
	OK(unlink("a"));
	path = OK(open(link_to(fd), O_PATH));
	OK(close(fd));
	pause_ms(20);
	expect_whole(link_to(path));
	OK(close(path));
	expect_pages_left_soon(pages);
}
END_TEST

START_TEST(a_name_that_is_replaced_keeps_what_is_reached_elsewhere)
{
	unsigned long pages = pages_left();
	int fd;

	make_with_pattern("a");
	make_object("b", PAGE);
	fd = OK(open("b", O_WRONLY));
	GIVES(1, pwrite(fd, "b", 1, 0));
	OK(close(fd));
	fd = OK(open("a", O_PATH));
	OK(rename("b", "a"));
	expect_whole(link_to(fd));
	OK(close(fd));
	expect_pages_left_soon(pages - 1);
}
END_TEST

static void mount_and_unlink(void *context)
{
	char dir[PATH_MAX], path[PATH_MAX + 8];
	unsigned long pages = pages_left();

	(void)context;
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	fixture_directory(dir, "container");
	snprintf(path, sizeof path, "%s/file", dir);
	OK(close(OK(open(path, O_WRONLY | O_CREAT, 0600))));
	make_with_pattern("a");
	OK(mount("a", path, NULL, MS_BIND, NULL));
	OK(unlink("a"));
	expect_whole(path);
	ck_assert_uint_eq(pages_left(), pages - PAGES - 1);
	OK(umount(path));
	expect_pages_left_soon(pages);
	OK(unlink(path));
	OK(rmdir(dir));
}

START_TEST(a_mount_of_the_object_keeps_it_whole)
{
	in_child(mount_and_unlink, NULL);
}
END_TEST

START_TEST(an_event_keeps_an_object_whole)
{
	struct fanotify_event_metadata event;
	unsigned long pages = pages_left();
	int group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDWR), fd;

	if (group < 0 && (errno == EPERM || errno == ENOSYS)) {
		printf("skip: an_event_keeps_an_object_whole: no fanotify\n");
		return;
	}
	OK(group);
	make_with_pattern("a");
	OK(fanotify_mark(group, FAN_MARK_ADD, FAN_CLOSE_WRITE, AT_FDCWD, "a"));
	OK(close(OK(open("a", O_WRONLY))));
	OK(unlink("a"));
	pause_ms(20);
	GIVES(sizeof event, read(group, &event, sizeof event));
	fd = OK(event.fd);
	expect_whole(link_to(fd));
	OK(close(fd));
	OK(close(group));
	expect_pages_left_soon(pages);
}
END_TEST

/* --- nodes of every kind ---------------------------------------------------------------------- */

static void make_long_symlink(const char *name)
{
	char target[2000];

	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	OK(symlink(target, name));
}

static void make_directory(const char *name)
{
	OK(mkdir(name, 0700));
}

static void make_fifo(const char *name)
{
	OK(mkfifo(name, 0600));
}

static void make_socket(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = OK(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
	OK(bind(fd, (const struct sockaddr *)&address, sizeof address));
	OK(close(fd));
}

static const struct {
	void (*make)(const char *name);
	unsigned long pages;
} kinds[] = {{make_with_pattern, PAGES}, {make_long_symlink, 1}, {make_directory, 0},
    {make_fifo, 0}, {make_socket, 0}};
enum { KINDS = sizeof kinds / sizeof kinds[0], EACH = 50 };

START_TEST(nodes_without_a_name_are_charged_until_the_last_way_to_them_goes)
{
	unsigned long pages = pages_left(), nodes = nodes_left();
	int fds[EACH];

	for (int i = 0; i < EACH; i++) {
		kinds[_i].make("a");
		fds[i] = OK(open("a", O_PATH | O_NOFOLLOW));
		OK(remove("a"));
	}
	ck_assert_uint_eq(nodes_left(), nodes - EACH);
	/* tmpfs takes no pages for a target. */
	if (!fixture_is_tmpfs())
		ck_assert_uint_eq(pages_left(), pages - EACH * kinds[_i].pages);
	if (kinds[_i].make == make_long_symlink) {
		char target[4000];

		GIVES(1999, readlinkat(fds[0], "", target, sizeof target));
		BYTES_ARE('t', target, 1999);
	}
	for (int i = 0; i < EACH; i++)
		OK(close(fds[i]));
	expect_nodes_left_soon(nodes);
	expect_pages_left_soon(pages);
}
END_TEST

void add_unlinked_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "unlinked", NULL);

	tcase_set_tags(tcase, "busy");
	tcase_add_test(tcase, a_path_descriptor_keeps_an_object_whole);
	tcase_add_test(tcase, a_path_descriptor_may_be_made_after_the_name_is_gone);
	tcase_add_test(tcase, a_name_that_is_replaced_keeps_what_is_reached_elsewhere);
	tcase_add_test(tcase, a_mount_of_the_object_keeps_it_whole);
	tcase_add_test(tcase, an_event_keeps_an_object_whole);
	tcase_add_loop_test(
	    tcase, nodes_without_a_name_are_charged_until_the_last_way_to_them_goes, 0, KINDS);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* File handles, which outlive what the kernel remembers. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200
#endif
#ifndef AT_HANDLE_CONNECTABLE
#define AT_HANDLE_CONNECTABLE 0x002
#endif

union handle {
	struct file_handle of;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static union handle handle_of(const char *name, int flags)
{
	union handle handle = {.of.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	OK(name_to_handle_at(AT_FDCWD, name, &handle.of, &mount, flags));
	return handle;
}

static int open_handle(union handle handle, int flags)
{
	int at = OK(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int fd = open_by_handle_at(at, &handle.of, flags | O_CLOEXEC);
	int error = errno;

	OK(close(at));
	errno = error;
	return fd;
}

/* All that nobody has open is forgotten, by the kernel and then to the server. */
static void make_the_kernel_forget(void)
{
	int fd = OK(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));

	GIVES(1, write(fd, "2", 1));
	OK(close(fd));
}

static ino_t inode_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_ino;
}

static void expect_path(int fd, const char *name)
{
	char link[64], got[PATH_MAX] = "", want[PATH_MAX];

	ck_assert_ptr_nonnull(realpath(name, want));
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	OK(readlink(link, got, sizeof got - 1));
	ck_assert_str_eq(got, want);
}

/* Asked of another filesystem: flags are looked at first. */
static bool kernel_has_form(int flags)
{
	union handle handle = {.of.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	return name_to_handle_at(AT_FDCWD, "/", &handle.of, &mount, flags) == 0 || errno != EINVAL;
}

/* With the data that was stored, under every form of a handle that the kernel has. */
START_TEST(a_handle_opens_what_the_kernel_has_forgotten)
{
	static const int forms[] = {0, AT_HANDLE_FID};
	union handle object, directory;
	int fd;

	if (!kernel_has_form(forms[_i]))
		return;
	OK(mkdir("d", 0755));
	OK(mkdir("d/inner", 0755));
	fd = new_object("d/inner/a", 2 * PAGE);
	write_pattern(fd, 0, 2 * PAGE);
	OK(close(fd));
	object = handle_of("d/inner/a", forms[_i]);
	directory = handle_of("d/inner", forms[_i]);
	make_the_kernel_forget();
	fd = OK(open_handle(object, O_RDWR));
	expect_pattern(fd, 0, 2 * PAGE);
	GIVES((long)status_of("d/inner/a").st_ino, inode_of(fd));
	OK(close(fd));
	make_the_kernel_forget();
	fd = OK(open_handle(directory, O_RDONLY | O_DIRECTORY));
	expect_path(fd, "d/inner");
	OK(faccessat(fd, "a", F_OK, 0));
	OK(close(fd));
}
END_TEST

START_TEST(a_handle_that_knows_its_place_leads_back_to_it)
{
	union handle handle = {.of.handle_bytes = MAX_HANDLE_SZ};
	int mount, fd;

	OK(mkdir("d", 0755));
	make_object("d/a", PAGE);
	/* Since Linux 6.13, and where the filesystem has it. */
	if (name_to_handle_at(AT_FDCWD, "d/a", &handle.of, &mount, AT_HANDLE_CONNECTABLE) < 0) {
		ck_assert(errno == EINVAL || fixture_is_tmpfs());
		return;
	}
	make_the_kernel_forget();
	fd = OK(open_handle(handle, O_RDWR));
	expect_path(fd, "d/a");
	OK(close(fd));
}
END_TEST

START_TEST(a_handle_follows_a_rename)
{
	union handle handle;
	int fd;

	OK(mkdir("d", 0755));
	make_object("a", PAGE);
	handle = handle_of("a", 0);
	OK(rename("a", "d/b"));
	make_the_kernel_forget();
	fd = OK(open_handle(handle, O_RDWR));
	GIVES((long)status_of("d/b").st_ino, inode_of(fd));
	OK(close(fd));
}
END_TEST

/* What was closed is told to the server after close(2) has returned, and keeps the object until
 * then. */
static bool is_stale(void *context)
{
	const union handle *handle = context;
	int fd = open_handle(*handle, O_RDWR);

	if (fd < 0)
		return errno == ESTALE;
	OK(close(fd));
	make_the_kernel_forget();
	return false;
}

START_TEST(a_handle_lives_as_long_as_the_object)
{
	union handle handle;
	int fd, again;

	fd = new_object("a", PAGE);
	write_pattern(fd, 0, PAGE);
	handle = handle_of("a", 0);
	OK(unlink("a"));
	make_the_kernel_forget();
	again = OK(open_handle(handle, O_RDWR));
	expect_pattern(again, 0, PAGE);
	OK(close(again));
	OK(close(fd));
	make_the_kernel_forget();
	ck_assert(within_a_second(is_stale, &handle));
	/* Nor is it ever that of another one. */
	make_object("a", PAGE);
	FAILS(ESTALE, open_handle(handle, O_RDWR));
}
END_TEST

START_TEST(a_handle_of_what_never_was_is_estale)
{
	static const unsigned char fills[] = {0, 1, 0x7f, 0xff};
	union handle handle;

	make_object("a", PAGE);
	for (size_t i = 0; i < sizeof fills; i++) {
		handle = handle_of("a", 0);
		memset(handle.of.f_handle, fills[i], handle.of.handle_bytes);
		FAILS(ESTALE, open_handle(handle, O_RDWR));
	}
}
END_TEST

static union handle somebodys;

static void open_somebodys(void *context)
{
	(void)context;
	FAILS(EPERM, open_handle(somebodys, O_RDONLY));
}

START_TEST(a_user_opens_nothing_by_a_handle)
{
	make_object("a", PAGE);
	OK(chmod("a", 0666));
	somebodys = handle_of("a", 0);
	in_child_as(1234, open_somebodys, NULL);
}
END_TEST

/* What fanotify reports by handles it wants to tell filesystems apart by, which FUSE has not. */
START_TEST(fanotify_marks_what_the_manual_says)
{
	static const struct {
		unsigned report, mark;
		int want;
	} marks[] = {
	    {0, 0, 0},
	    {0, FAN_MARK_MOUNT, 0},
	    {0, FAN_MARK_FILESYSTEM, 0},
	    {FAN_REPORT_FID, FAN_MARK_MOUNT, ENODEV},
	    {FAN_REPORT_FID, FAN_MARK_FILESYSTEM, ENODEV},
	};

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		int fd =
		    OK(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | marks[i].report, O_RDONLY));

		if (marks[i].want == 0 || fixture_is_tmpfs())
			OK(fanotify_mark(
			    fd, FAN_MARK_ADD | marks[i].mark, FAN_OPEN, AT_FDCWD, "."));
		else
			FAILS(marks[i].want, fanotify_mark(fd, FAN_MARK_ADD | marks[i].mark,
						 FAN_OPEN, AT_FDCWD, "."));
		OK(close(fd));
	}
}
END_TEST

void add_handle_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "handles", NULL);

	tcase_set_tags(tcase, "busy");
	tcase_add_loop_test(tcase, a_handle_opens_what_the_kernel_has_forgotten, 0, 2);
	tcase_add_test(tcase, a_handle_that_knows_its_place_leads_back_to_it);
	tcase_add_test(tcase, a_handle_follows_a_rename);
	tcase_add_test(tcase, a_handle_lives_as_long_as_the_object);
	tcase_add_test(tcase, a_handle_of_what_never_was_is_estale);
	tcase_add_test(tcase, a_user_opens_nothing_by_a_handle);
	tcase_add_test(tcase, fanotify_marks_what_the_manual_says);
}

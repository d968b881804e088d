/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel does not let a FUSE daemon decide, as shmfs(5) says in CAVEATS. Where a kernel
 * has not got what is asked for, nothing is asserted.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { PAGES = 4, SIZE = PAGES * PAGE };

/* An object, mapped, every page of it touched. */
static unsigned char *touched_object(void)
{
	unsigned char *map = map_object(new_object("a", SIZE), SIZE, PROT_READ | PROT_WRITE);

	memset(map, 1, SIZE);
	return map;
}

static bool maps_own_pages(void)
{
	return fixture_maps_natively() || fixture_is_tmpfs();
}

START_TEST(io_uring_takes_buffers_that_are_the_pages_of_an_object)
{
	struct iovec buffer = {touched_object(), SIZE};
	struct io_uring_params params = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0)
		return;
	if (maps_own_pages()) {
		OK(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1));
		return;
	}
	GIVES(-1, syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1));
	/* Whoever refuses: where memory is pinned, or io_uring itself, which did so earlier. */
	ck_assert(errno == EFAULT || errno == EOPNOTSUPP);
}
END_TEST

START_TEST(userfaultfd_takes_mappings_of_the_pages_of_an_object)
{
	unsigned long map = (unsigned long)touched_object();
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {{map, SIZE}, UFFDIO_REGISTER_MODE_MISSING, 0};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return;
	OK(ioctl(fd, UFFDIO_API, &api));
	if (maps_own_pages())
		OK(ioctl(fd, UFFDIO_REGISTER, &range));
	else
		FAILS(EINVAL, ioctl(fd, UFFDIO_REGISTER, &range));
}
END_TEST

START_TEST(epoll_takes_an_object_which_is_always_ready)
{
	struct epoll_event wanted = {EPOLLIN | EPOLLOUT, {0}}, event = {0};
	int queue = OK(epoll_create1(EPOLL_CLOEXEC));
	int fd = new_object("a", 0);

	if (fixture_is_tmpfs()) {
		FAILS(EPERM, epoll_ctl(queue, EPOLL_CTL_ADD, fd, &wanted));
		return;
	}
	OK(epoll_ctl(queue, EPOLL_CTL_ADD, fd, &wanted));
	GIVES(1, epoll_wait(queue, &event, 1, 0));
	ck_assert_uint_eq(event.events, EPOLLIN | EPOLLOUT);
}
END_TEST

static const char *const directories[] = {"lower", "upper", "work", "merged"};

static void make_directories(void)
{
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		OK(mkdir(directories[i], 0755));
	make_object("lower/a", 100);
}

START_TEST(overlayfs_takes_no_upper_directory)
{
	make_directories();
	if (mount("overlay", "merged", "overlay", 0,
		"lowerdir=lower,upperdir=upper,workdir=work") == 0) {
		OK(umount2("merged", MNT_DETACH));
		ck_assert(fixture_is_tmpfs());
	} else {
		ck_assert(errno == EINVAL || errno == ENODEV);
	}
}
END_TEST

START_TEST(overlayfs_takes_lower_directories)
{
	char data[100];
	int fd;

	make_directories();
	if (mount("overlay", "merged", "overlay", 0, "lowerdir=lower:work") < 0) {
		ck_assert_int_eq(errno, ENODEV);
		return;
	}
	fd = OK(open("merged/a", O_RDONLY));
	GIVES(100, read(fd, data, sizeof(data)));
	BYTES_ARE(0, data, sizeof(data));
	OK(close(fd));
	OK(umount("merged"));
}
END_TEST

/* --- core dumps ------------------------------------------------------------------------------- */

enum { MIB = 1 << 20 };

/* Where the kernel puts them into the directory in which a process dies, and not elsewhere. */
static bool cores_come_here(void)
{
	char pattern[128] = "|";
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

	if (file == NULL)
		return false;
	if (fgets(pattern, sizeof(pattern), file) == NULL)
		pattern[0] = '|';
	fclose(file);
	return strncmp(pattern, "core", 4) == 0;
}

struct death {
	char directory[PATH_MAX];
	const char *object; /* which is mapped */
};

static void die(void *context)
{
	static const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	const struct death *death = context;
	size_t size = (size_t)status_of(death->object).st_size;
	unsigned char *map =
	    map_object(OK(open(death->object, O_RDWR)), size, PROT_READ | PROT_WRITE);

	memset(map, 1, size);
	OK(chdir(death->directory));
	OK(setrlimit(RLIMIT_CORE, &all));
	signal(SIGABRT, SIG_DFL);
	kill(getpid(), SIGABRT);
}

/* Of a process that has this object mapped. */
static off_t core_size(const char *object)
{
	struct death death = {.object = object};
	const struct dirent *entry;
	struct stat st = {0};
	DIR *dir;

	fixture_directory(death.directory, "core");
	ck_assert(WIFSIGNALED(status_of_child(die, &death)));
	dir = opendir(death.directory);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "core", 4) == 0)
			OK(fstatat(dirfd(dir), entry->d_name, &st, 0));
	closedir(dir);
	return st.st_size;
}

START_TEST(core_dumps_leave_large_objects_out)
{
	if (!cores_come_here() || launch_has_memfds())
		return;
	make_object("small", PAGE);
	make_object("large", 16 * MIB);
	ck_assert_int_lt(core_size("large") - core_size("small"), MIB);
}
END_TEST

void add_caveat_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "caveats", NULL);

	tcase_add_test(tcase, io_uring_takes_buffers_that_are_the_pages_of_an_object);
	tcase_add_test(tcase, userfaultfd_takes_mappings_of_the_pages_of_an_object);
	tcase_add_test(tcase, epoll_takes_an_object_which_is_always_ready);
	tcase_add_test(tcase, overlayfs_takes_no_upper_directory);
	tcase_add_test(tcase, overlayfs_takes_lower_directories);
	tcase_add_test(tcase, core_dumps_leave_large_objects_out);
}

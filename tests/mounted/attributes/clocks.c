/* SPDX-License-Identifier: BSD-2-Clause */
/* Times in one order with those of files elsewhere on the machine, as make(1) needs them. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "random.h"
#include "suites.h"

/* --- operations ------------------------------------------------------------------------------- */

/* In a directory "d" with an object "a" of a page and one that is open; turn counts up. */
struct scene {
	int fd, source;
	unsigned turn;
};

static void run_create(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/new");
	OK(close(OK(open("d/new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600))));
}

static void run_write(struct scene *scene)
{
	GIVES(1, pwrite(scene->fd, "x", 1, 0));
}

static void run_truncate(struct scene *scene)
{
	OK(ftruncate(scene->fd, PAGE * (1 + scene->turn % 3)));
}

static void run_truncate_to_the_same(struct scene *scene)
{
	OK(ftruncate(scene->fd, size_of(scene->fd)));
}

static void run_allocate(struct scene *scene)
{
	OK(fallocate(scene->fd, 0, 0, PAGE));
}

static void run_punch(struct scene *scene)
{
	OK(fallocate(scene->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
}

static void run_copy(struct scene *scene)
{
	off_t from = 0, to = 0;

	GIVES(100, copy_file_range(scene->source, &from, scene->fd, &to, 100, 0));
}

static void run_chmod(struct scene *scene)
{
	OK(fchmod(scene->fd, scene->turn % 2 ? 0600 : 0640));
}

static void run_chown(struct scene *scene)
{
	OK(fchown(scene->fd, 0, scene->turn % 2));
}

static void run_link(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/link");
	OK(link("d/a", "d/link"));
}

static void run_unlink(struct scene *scene)
{
	(void)scene;
	OK(link("d/a", "d/link"));
	OK(unlink("d/link"));
}

static void run_rename(struct scene *scene)
{
	OK(rename("d/a", "d/b"));
	OK(rename("d/b", "d/a"));
	(void)scene;
}

static void run_setxattr(struct scene *scene)
{
	OK(fsetxattr(scene->fd, "user.a", &scene->turn, sizeof scene->turn, 0));
}

static void run_removexattr(struct scene *scene)
{
	OK(fsetxattr(scene->fd, "user.b", "x", 1, 0));
	OK(fremovexattr(scene->fd, "user.b"));
}

static void run_mkdir(struct scene *scene)
{
	(void)scene;
	(void)rmdir("d/new");
	OK(mkdir("d/new", 0755));
}

static void run_rmdir(struct scene *scene)
{
	(void)scene;
	(void)mkdir("d/new", 0755);
	OK(rmdir("d/new"));
}

static void run_symlink(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/new");
	OK(symlink("target", "d/new"));
}

static void run_mknod(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/new");
	OK(mkfifo("d/new", 0600));
}

static void run_touch(struct scene *scene)
{
	OK(futimens(scene->fd, NULL));
}

static void run_set_times(struct scene *scene)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = scene->turn}};

	OK(futimens(scene->fd, times));
}

/* Of what was never read before, and is in no cache. */
static void run_read(struct scene *scene)
{
	char byte;
	int fd;

	(void)scene;
	(void)unlink("d/new");
	fd = new_object("d/new", PAGE);
	GIVES(1, pread(fd, &byte, 1, 0));
	OK(close(fd));
}

enum { A_TIME = 1, M_TIME = 2, C_TIME = 4 };

/* Which times of which node an operation moves. */
static const struct operation {
	const char *name;
	void (*run)(struct scene *scene);
	const char *node;
	unsigned moves;
} operations[] = {
    {"open of a new name", run_create, "d/new", A_TIME | M_TIME | C_TIME},
    {"open of a new name", run_create, "d", M_TIME | C_TIME},
    {"pwrite", run_write, "d/a", M_TIME | C_TIME},
    {"ftruncate", run_truncate, "d/a", M_TIME | C_TIME},
    {"ftruncate to the same size", run_truncate_to_the_same, "d/a", M_TIME | C_TIME},
    {"fallocate", run_allocate, "d/a", M_TIME | C_TIME},
    {"fallocate of a hole", run_punch, "d/a", M_TIME | C_TIME},
    {"copy_file_range", run_copy, "d/a", M_TIME | C_TIME},
    {"fchmod", run_chmod, "d/a", C_TIME},
    {"fchown", run_chown, "d/a", C_TIME},
    {"link", run_link, "d/a", C_TIME},
    {"link", run_link, "d", M_TIME | C_TIME},
    {"unlink", run_unlink, "d/a", C_TIME},
    {"unlink", run_unlink, "d", M_TIME | C_TIME},
    {"rename", run_rename, "d/a", C_TIME},
    {"rename", run_rename, "d", M_TIME | C_TIME},
    {"fsetxattr", run_setxattr, "d/a", C_TIME},
    {"fremovexattr", run_removexattr, "d/a", C_TIME},
    {"mkdir", run_mkdir, "d/new", A_TIME | M_TIME | C_TIME},
    {"mkdir", run_mkdir, "d", M_TIME | C_TIME},
    {"rmdir", run_rmdir, "d", M_TIME | C_TIME},
    {"symlink", run_symlink, "d/new", A_TIME | M_TIME | C_TIME},
    {"mkfifo", run_mknod, "d/new", A_TIME | M_TIME | C_TIME},
    {"futimens of now", run_touch, "d/a", A_TIME | M_TIME | C_TIME},
    {"futimens of a time", run_set_times, "d/a", C_TIME},
    {"pread", run_read, "d/new", A_TIME},
};

enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static struct scene begin_scene(void)
{
	struct scene scene;

	OK(mkdir("d", 0755));
	scene =
	    (struct scene){.fd = new_object("d/a", PAGE), .source = new_object("d/source", PAGE)};
	write_pattern(scene.source, 0, PAGE);
	return scene;
}

static void run(struct scene *scene, const struct operation *operation)
{
	scene->turn++;
	operation->run(scene);
}

static void end_scene(const struct scene *scene)
{
	OK(close(scene->fd));
	OK(close(scene->source));
}

/* --- files elsewhere -------------------------------------------------------------------------- */

/* One on a tmpfs and one where temporary files are. Each was looked at before it changes. */
struct elsewhere {
	char path[PATH_MAX];
	int dir, fd;
};

static struct elsewhere elsewhere[2];

static void begin_elsewhere(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct elsewhere *one = &elsewhere[i];

		fixture_directory(one->path, "elsewhere");
		if (i == 0)
			OK(mount("elsewhere", one->path, "tmpfs", 0, "size=1m"));
		one->dir = OK(open(one->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		one->fd = OK(openat(one->dir, "old", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	}
}

static void end_elsewhere(void)
{
	for (unsigned i = 0; i < 2; i++) {
		OK(close(elsewhere[i].fd));
		OK(close(elsewhere[i].dir));
	}
	OK(umount(elsewhere[0].path));
}

static struct timespec time_of_a_change(const struct elsewhere *where)
{
	struct stat st;

	OK(fstat(where->fd, &st));
	GIVES(1, pwrite(where->fd, "x", 1, 0));
	OK(fstat(where->fd, &st));
	return st.st_mtim;
}

static struct timespec time_of_a_new_file(const struct elsewhere *where)
{
	struct stat st;

	OK(mknodat(where->dir, "new", S_IFREG | 0600, 0));
	OK(fstatat(where->dir, "new", &st, 0));
	OK(unlinkat(where->dir, "new", 0));
	return st.st_mtim;
}

/* --- their order ------------------------------------------------------------------------------ */

static bool is_earlier(struct timespec left, struct timespec right)
{
	return left.tv_sec < right.tv_sec ||
	       (left.tv_sec == right.tv_sec && left.tv_nsec < right.tv_nsec);
}

static bool is_same(struct timespec left, struct timespec right)
{
	return !is_earlier(left, right) && !is_earlier(right, left);
}

static void expect_order(const struct operation *operation, const struct stat *st,
    struct timespec first, struct timespec last)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim, st->st_ctim};

	for (unsigned i = 0; i < 3; i++) {
		if (!(operation->moves & 1u << i))
			continue;
		ck_assert_msg(!is_earlier(times[i], first),
		    "%s: %ctime of %s is earlier than a file that was changed before",
		    operation->name, "amc"[i], operation -> node);
		ck_assert_msg(!is_earlier(last, times[i]),
		    "%s: %ctime of %s is later than a file that was made afterwards",
		    operation->name, "amc"[i], operation -> node);
	}
}

/* Whether what is elsewhere tells changes apart, between which somebody looked. */
static bool is_fine(const struct elsewhere *where)
{
	struct timespec last = time_of_a_change(where);

	for (int i = 0; i < 20; i++) {
		struct timespec next = time_of_a_change(where);

		if (is_same(last, next))
			return false;
		last = next;
	}
	return true;
}

static struct stat status_without_links(const char *name)
{
	struct stat st;

	OK(lstat(name, &st));
	return st;
}

START_TEST(a_change_comes_between_those_of_files_elsewhere)
{
	const struct operation *operation = &operations[_i];
	struct scene scene = begin_scene();
	unsigned rounds = random_steps(100);

	begin_elsewhere();
	for (unsigned round = 0; round < rounds; round++) {
		struct timespec first = time_of_a_change(&elsewhere[round % 2]), last;
		struct stat st;

		run(&scene, operation);
		/* Whether or not anybody looks before the next. */
		if (round / 2 % 2)
			(void)status_without_links(operation->node);
		last = time_of_a_new_file(&elsewhere[round / 4 % 2]);
		st = status_without_links(operation->node);
		expect_order(operation, &st, first, last);
	}
	end_elsewhere();
	end_scene(&scene);
}
END_TEST

START_TEST(a_change_after_a_look_is_a_later_one)
{
	const struct operation *operation = &operations[_i];
	struct scene scene = begin_scene();
	unsigned rounds = random_steps(100);
	struct timespec last = {0};
	bool fine;

	begin_elsewhere();
	/* A tmpfs has none of that for its directories. */
	fine = is_fine(&elsewhere[0]) && !fixture_is_tmpfs();
	for (unsigned round = 0; round < rounds && fine; round++) {
		struct timespec next;

		run(&scene, operation);
		next = operation->moves & C_TIME ? status_without_links(operation->node).st_ctim
						 : status_without_links(operation->node).st_atim;
		ck_assert_msg(is_earlier(last, next), "%s: the time of %s stays what it was",
		    operation->name, operation->node);
		last = next;
	}
	end_elsewhere();
	end_scene(&scene);
}
END_TEST

void add_clock_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "clocks", NULL);

	tcase_add_loop_test(tcase, a_change_comes_between_those_of_files_elsewhere, 0, OPERATIONS);
	tcase_add_loop_test(tcase, a_change_after_a_look_is_a_later_one, 0, OPERATIONS);
}

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
#include <unistd.h>

#include "expect.h"
#include "kernel.h"
#include "mount_fixture.h"
#include "objects.h"
#include "operations.h"
#include "random.h"
#include "suites.h"

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

/* What comes next is of any kind: times come from the memory that was written, or from elsewhere.
 */
START_TEST(a_change_of_any_kind_after_a_look_is_a_later_one)
{
	struct random random = random_begin("a_change_of_any_kind_after_a_look_is_a_later_one");
	struct scene scene = begin_scene();
	unsigned rounds = random_steps(2000);
	struct timespec last = {0};
	const char *before = "nothing";
	bool fine;

	begin_elsewhere();
	fine = is_fine(&elsewhere[0]);
	for (unsigned round = 0; round < rounds && fine; round++) {
		const struct operation *operation =
		    &operations[random_below(&random, (unsigned)operation_count)];
		struct timespec next;

		if (strcmp(operation->node, "d/a") != 0 || !(operation->moves & C_TIME))
			continue;
		run(&scene, operation);
		next = status_without_links("d/a").st_ctim;
		ck_assert_msg(is_earlier(last, next), "%s after %s: the time stays what it was",
		    operation->name, before);
		last = next;
		before = operation->name;
	}
	end_elsewhere();
	end_scene(&scene);
}
END_TEST

enum { HUGE_PAGE = 2 << 20 };

/* Of a byte, for which a huge page is zeroed. The system notes the time when it begins, and the
 * clock ticks before it ends. */
START_TEST(a_write_that_takes_long_is_later_than_the_change_before)
{
	struct mount *mount = mount_start(kernel_has_huge() ? "huge=always" : "");
	int fd = new_object(mount_path(mount, "a"), HUGE_PAGE);
	unsigned rounds = random_steps(500);
	struct stat before, after;
	bool fine;

	begin_elsewhere();
	fine = is_fine(&elsewhere[0]) && mount->pid != 0;
	for (unsigned round = 0; round < rounds && fine; round++) {
		OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE_PAGE));
		OK(fchmod(fd, round % 2 ? 0600 : 0640));
		OK(fstat(fd, &before));
		GIVES(1, pwrite(fd, "x", 1, 0));
		OK(fstat(fd, &after));
		ck_assert_msg(is_earlier(before.st_ctim, after.st_ctim), "round %u", round);
		ck_assert(is_earlier(before.st_ctim, after.st_mtim));
	}
	end_elsewhere();
	OK(close(fd));
	OK(unlink(mount_path(mount, "a")));
	mount_stop(mount);
}
END_TEST

void add_clock_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "clocks", NULL);

	tcase_set_tags(tcase, "busy");
	tcase_add_loop_test(
	    tcase, a_change_comes_between_those_of_files_elsewhere, 0, operation_count);
	tcase_add_loop_test(tcase, a_change_after_a_look_is_a_later_one, 0, operation_count);
	tcase_add_test(tcase, a_change_of_any_kind_after_a_look_is_a_later_one);
	tcase_add_test(tcase, a_write_that_takes_long_is_later_than_the_change_before);
}

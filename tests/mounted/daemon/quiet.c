/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon that has nothing to do does nothing. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { OPENINGS = 200, MOST_CHILDREN = 8 };

/* How often one thread has left a processor, by its own will or not. */
static long switches_of_thread(pid_t pid, const char *thread)
{
	char path[300], line[128];
	long sum = 0, count;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, thread);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "expected to read %s", path);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &count) == 1)
			sum += count;
	fclose(file);
	return sum;
}

static long switches_of(pid_t pid)
{
	const struct dirent *entry;
	char path[64];
	long sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	ck_assert_msg(tasks != NULL, "expected to list %s", path);
	while ((entry = readdir(tasks)) != NULL)
		if (entry->d_name[0] != '.')
			sum += switches_of_thread(pid, entry->d_name);
	closedir(tasks);
	return sum;
}

/* The supervisor and its children. */
static long switches_of_all(pid_t supervisor)
{
	pid_t children[MOST_CHILDREN];
	int count = list_children_of(supervisor, children, MOST_CHILDREN, 0);
	long sum = switches_of(supervisor);

	ck_assert_int_gt(count, 0);
	for (int i = 0; i < count; i++)
		sum += switches_of(children[i]);
	return sum;
}

static const char *const polls[] = {"poll_us=0", "", "poll_us=1000"};

START_TEST(nothing_wakes_up_in_a_quiet_second)
{
	struct mount *mount = mount_start(polls[_i]);
	const char *path = mount_path(mount, "a");
	int fd = new_object(path, PAGE);
	long before;

	for (int i = 0; i < OPENINGS; i++)
		OK(close(OK(open(path, O_RDWR))));
	usleep(300000);
	before = switches_of_all(mount->pid);
	sleep(1);
	ck_assert_int_eq(switches_of_all(mount->pid) - before, 0);
	OK(close(fd));
	mount_stop(mount);
}
END_TEST

void add_quiet_cases(Suite *suite)
{
	TCase *tcase = tcase_create("quiet");

	tcase_set_tags(tcase, "alone");
	tcase_set_timeout(tcase, 25);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, nothing_wakes_up_in_a_quiet_second, 0, 3);
}

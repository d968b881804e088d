/* SPDX-License-Identifier: BSD-2-Clause */
/* mac=: whose label an object has, what is logged, root, and the file that is read again. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "policy_file.h"
#include "suites.h"

static void expect_label(const char *path, const char *want)
{
	char text[256];
	ssize_t length = OK(getxattr(path, "user.shmfs.label", text, sizeof(text) - 1));

	text[length] = '\0';
	ck_assert_str_eq(text, want);
}

/* The label is the creator's however the object came about, and whoever owns it later. */
static void make_in_many_ways(void *context)
{
	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0666));
	int other = OK(open("o", O_RDWR | O_CREAT, 0666));
	char path[64];

	(void)context;
	/* By descriptor alone, some kernels want a capability. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW));
	expect_label("linked", "biba/5:1,mls/5:1");
	GIVES(6, write(fd, "secret", 6));
	GIVES(6, copy_file_range(fd, &(off_t){0}, other, &(off_t){0}, 6, 0));
	expect_label("o", "biba/5:1,mls/5:1");
	FAILS(EPERM, setxattr("o", "user.shmfs.label", "biba/low", 8, 0));
	OK(mkdir("dir", 0777));
	expect_label("dir", "biba/5:1,mls/5:1");
	OK(close(fd));
	OK(close(other));
}

START_TEST(the_label_is_the_creators)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_in_many_ways, NULL);
	OK(chown("o", uid_of(BOTTOM), uid_of(BOTTOM)));
	expect_label("o", "biba/5:1,mls/5:1");
	expect_label(".", "biba/equal,mls/equal");
	remove_labelled();
}
END_TEST

static void make_unnamed(void *context)
{
	char self[64];
	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0666));

	(void)context;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, self, AT_FDCWD, "o", AT_SYMLINK_FOLLOW));
	OK(close(fd));
}

static void expect_hidden(void *context)
{
	struct stat st;

	(void)context;
	FAILS(EACCES, stat("o", &st));
	FAILS(EACCES, open("o", O_RDONLY));
	FAILS(EACCES, open("o", O_PATH));
}

START_TEST(an_object_that_was_unnamed_has_its_creators_label)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_unnamed, NULL);
	expect_label("o", "biba/5:1,mls/5:1");
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	remove_labelled();
}
END_TEST

/* What one caller was told is not answered to another from the kernel's caches, nor kept from the
 * first by what the other was told. */
static void stat_often(void *context)
{
	struct stat st;

	(void)context;
	for (int i = 0; i < 3; i++)
		OK(stat("o", &st));
}

START_TEST(the_kernel_mixes_no_callers_up)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_labelled, NULL);
	for (int i = 0; i < 3; i++) {
		in_child_as(uid_of(ONE), stat_often, NULL);
		in_child_as(uid_of(TWO), expect_hidden, NULL);
	}
	remove_labelled();
}
END_TEST

START_TEST(a_denial_is_logged)
{
	char line[256];

	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_labelled, NULL);
	in_child_as(uid_of(BOTTOM), expect_hidden, NULL);
	remove_labelled();
	snprintf(
	    line, sizeof(line), "denied: uid %u, gid %u, pid ", uid_of(BOTTOM), uid_of(BOTTOM));
	ck_assert(has_logged(shared_mount, line));
	ck_assert(has_logged(shared_mount,
	    "label biba/low,mls/low: stat of 'o', label biba/5:1,mls/5:1: mls: no read up"));
}
END_TEST

/* --- root ------------------------------------------------------------------------------------- */

static void start_with_low_root(void)
{
	char text[256];

	snprintf(text, sizeof(text), "default mls/low\nuser %u mls/high\n", uid_of(TOP));
	write_policy(text);
	shared_mount = mount_with_policies("mls");
}

static void remove_things(void *context)
{
	(void)context;
	OK(unlink("dir/in"));
	OK(rmdir("dir"));
	OK(unlink("link"));
	OK(unlink("o"));
}

START_TEST(root_is_a_subject_like_any_other)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(TOP), make_labelled, NULL);
	FAILS(EACCES, open("o", O_RDONLY));
	FAILS(EACCES, open("o", O_RDWR));
	FAILS(EACCES, unlink("o"));
	FAILS(EACCES, chmod("o", 0777));
	FAILS(EACCES, chown("o", 0, 0));
	FAILS(EACCES, rename("o", "mine"));
	FAILS(EACCES, chdir("dir"));
	ck_assert_int_ne(system("cat o >/dev/null 2>&1"), 0);
	ck_assert_int_ne(system("rm -rf dir >/dev/null 2>&1"), 0);
	in_child_as(uid_of(TOP), remove_things, NULL);
}
END_TEST

/* --- reading the file again ------------------------------------------------------------------- */

static void start_to_reread(void)
{
	write_usual_policy("# reread");
	shared_mount = mount_with_policies("mls");
}

START_TEST(sighup_reads_the_file_again)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_labelled, NULL);
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	write_policy("default mls/equal\n");
	reread_policy(shared_mount, "again: 1 subjects");
	in_child_as(uid_of(TWO), stat_often, NULL);
	/* Objects keep their labels. */
	expect_label("o", "mls/5:1");
	write_usual_policy("strictness as-documented");
	reread_policy(shared_mount, "again: 5 subjects");
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	remove_labelled();
}
END_TEST

START_TEST(a_bad_file_keeps_what_there_was)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_labelled, NULL);
	write_policy("default mls/equal\nuser\n");
	reread_policy(shared_mount, "file:2: 'user' needs an id and a label; the subjects stay");
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	in_child_as(uid_of(ONE), stat_often, NULL);
	write_usual_policy("strictness revoke");
	reread_policy(shared_mount, "strictness stays as it was when mounting");
	write_usual_policy("# good again");
	reread_policy(shared_mount, "again: 5 subjects");
	remove_labelled();
}
END_TEST

void add_label_cases(Suite *suite)
{
	TCase *tcase;

	tcase = case_on_mount(suite, "labels", start_with_both_policies);
	tcase_add_test(tcase, the_label_is_the_creators);
	tcase_add_test(tcase, an_object_that_was_unnamed_has_its_creators_label);
	tcase_add_test(tcase, the_kernel_mixes_no_callers_up);

	/* On a mount of its own: not more than a few are logged. */
	tcase = case_on_mount(suite, "log of denials", start_with_both_policies);
	tcase_add_test(tcase, a_denial_is_logged);

	tcase = case_on_mount(suite, "root under mls", start_with_low_root);
	tcase_add_test(tcase, root_is_a_subject_like_any_other);

	tcase = case_on_mount(suite, "reading the policy file again", start_to_reread);
	tcase_add_test(tcase, sighup_reads_the_file_again);
	tcase_add_test(tcase, a_bad_file_keeps_what_there_was);
}

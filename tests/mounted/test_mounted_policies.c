/* SPDX-License-Identifier: BSD-2-Clause */
/* mac=biba, mac=mls and both: four users, whatever they try, by system calls and by shell tools. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "policy_file.h"
#include "suites.h"

static void start_biba(void)
{
	write_usual_policy("# biba");
	shared_mount = mount_with_policies("biba");
}

static void start_mls(void)
{
	write_usual_policy("# mls");
	shared_mount = mount_with_policies("mls");
}

static void start_both(void)
{
	write_usual_policy("# both");
	shared_mount = mount_with_policies("biba,mls");
}

/* --- what is expected ------------------------------------------------------------------------- */

/* The policies of the mount that this case runs on, as bits: 1 biba, 2 mls. */
static int policies_of(int number)
{
	return number / (POLICY_USERS * POLICY_USERS) + 1;
}

/* No read down under Biba, no read up under MLS. */
static bool may_observe(int policies, enum policy_user subject, enum policy_user object)
{
	return (!(policies & 1) || dominates(object, subject)) &&
	       (!(policies & 2) || dominates(subject, object));
}

/* No write up under Biba, no write down under MLS. */
static bool may_modify(int policies, enum policy_user subject, enum policy_user object)
{
	return (!(policies & 1) || dominates(subject, object)) &&
	       (!(policies & 2) || dominates(object, subject));
}

struct pair {
	enum policy_user subject, object;
	bool observes, changes; /* the latter as far as a path leads: it observes too */
};

static struct pair pair_of(int policies, int number)
{
	struct pair pair = {
	    .subject = (enum policy_user)(number / POLICY_USERS % POLICY_USERS),
	    .object = (enum policy_user)(number % POLICY_USERS),
	};

	pair.observes = may_observe(policies, pair.subject, pair.object);
	pair.changes = pair.observes && may_modify(policies, pair.subject, pair.object);
	return pair;
}

/* --- system calls ----------------------------------------------------------------------------- */

static void make_things(void *context)
{
	int fd;

	(void)context;
	umask(0);
	fd = OK(open("o", O_RDWR | O_CREAT | O_EXCL, 0666));
	GIVES(6, write(fd, "secret", 6));
	OK(close(fd));
	OK(mkdir("dir", 0777));
	OK(close(OK(open("dir/in", O_RDWR | O_CREAT | O_EXCL, 0666))));
	OK(symlink("target", "link"));
}

static void try_to(bool allowed, const char *what, long result)
{
	int error = errno;

	if (allowed)
		ck_assert_msg(result >= 0, "%s: %s", what, strerror(error));
	else
		ck_assert_msg(result == -1 && error == EACCES, "%s: expected EACCES, got %ld (%s)",
		    what, result, result == -1 ? strerror(error) : "success");
}

#define TRY(allowed, call) try_to(allowed, #call, (long)(call))

static void read_it(const struct pair *pair)
{
	char data[6] = "";
	int fd = open("o", O_RDONLY);
	const char *map;

	TRY(pair->observes, fd);
	if (fd < 0)
		return;
	GIVES(6, read(fd, data, 6));
	ck_assert_mem_eq(data, "secret", 6);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_mem_eq(map, "secret", 6);
	OK(munmap((void *)(uintptr_t)map, PAGE));
	FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	OK(close(fd));
}

static void write_it(const struct pair *pair)
{
	static const int flags[] = {O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDWR | O_CREAT};
	char *map;
	int fd;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		fd = open("o", flags[i], 0600);
		try_to(pair->changes, "open for writing", fd);
		if (fd >= 0)
			OK(close(fd));
	}
	if (!pair->changes)
		return;
	fd = OK(open("o", O_RDWR));
	GIVES(6, pwrite(fd, "SECRET", 6, 0));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	memcpy(map, "secret", 6);
	OK(munmap(map, PAGE));
	OK(close(fd));
}

static void look_at_it(const struct pair *pair)
{
	struct statx statx_;
	struct stat st;
	char text[64];

	/* Somebody who may has just asked, so the kernel would know. */
	TRY(pair->observes, stat("o", &st));
	TRY(pair->observes, lstat("link", &st));
	TRY(pair->observes, statx(AT_FDCWD, "o", AT_STATX_DONT_SYNC, STATX_ALL, &statx_));
	TRY(pair->observes, statx(AT_FDCWD, "o", AT_STATX_FORCE_SYNC, STATX_ALL, &statx_));
	TRY(pair->observes, access("o", F_OK));
	TRY(pair->observes, readlink("link", text, sizeof(text)));
	TRY(pair->observes, getxattr("o", "user.shmfs.label", text, sizeof(text)));
	TRY(pair->observes, listxattr("o", text, sizeof(text)));
	TRY(pair->observes, stat("dir", &st));
	TRY(pair->observes, stat("dir/in", &st));
}

static void list_it(const struct pair *pair)
{
	struct dirent *entry;
	DIR *dir = opendir(".");
	int seen = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		seen += strcmp(entry->d_name, "o") == 0 || strcmp(entry->d_name, "dir") == 0;
	ck_assert_int_eq(closedir(dir), 0);
	ck_assert_int_eq(seen, pair->observes ? 2 : 0);
	dir = opendir("dir");
	TRY(pair->observes, dir != NULL ? 0 : -1);
	if (dir != NULL)
		ck_assert_int_eq(closedir(dir), 0);
}

static void change_it(const struct pair *pair)
{
	bool changes = pair->changes;

	TRY(changes, truncate("o", 6));
	TRY(changes, setxattr("o", "user.a", "b", 1, 0));
	TRY(changes, utimensat(AT_FDCWD, "o", NULL, 0));
	TRY(changes, link("o", "linked"));
	TRY(changes, rename("o", "moved"));
	if (changes)
		OK(rename("moved", "o"));
	if (changes)
		OK(unlink("linked"));
	TRY(changes, mkdir("dir/new", 0700));
	TRY(changes, open("dir/object", O_RDWR | O_CREAT, 0600));
	OK(close(OK(open("own", O_RDWR | O_CREAT, 0600))));
	TRY(changes, rename("own", "dir/moved"));
	if (changes)
		OK(rename("dir/moved", "own"));
	TRY(changes, renameat2(AT_FDCWD, "own", AT_FDCWD, "o", RENAME_EXCHANGE));
	TRY(changes, renameat2(AT_FDCWD, "own", AT_FDCWD, "o", RENAME_EXCHANGE));
	TRY(changes, rename("own", "o"));
	if (changes)
		OK(rmdir("dir/new"));
	TRY(changes, unlink("dir/in"));
	TRY(changes, unlink("o"));
	if (!changes)
		OK(unlink("own"));
}

static void try_everything(void *context)
{
	const struct pair *pair = context;

	list_it(pair);
	look_at_it(pair);
	read_it(pair);
	write_it(pair);
	change_it(pair);
}

/* As root, who is equal to all here. */
static void clean_up(void)
{
	GIVES(0, system("rm -rf o dir link own linked moved *.out"));
}

static void run_pair(int policies, int number)
{
	struct pair pair = pair_of(policies, number);
	struct stat st;

	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(pair.object), make_things, NULL);
	OK(stat("o", &st));
	in_child_as(uid_of(pair.subject), try_everything, &pair);
	clean_up();
}

START_TEST(biba_has_no_read_down_and_no_write_up)
{
	run_pair(1, _i);
}
END_TEST

START_TEST(mls_has_no_read_up_and_no_write_down)
{
	run_pair(2, _i);
}
END_TEST

START_TEST(both_policies_have_to_agree)
{
	run_pair(3, _i);
}
END_TEST

/* --- shell tools ------------------------------------------------------------------------------ */

static const struct {
	const char *command;
	bool changes; /* else it only observes */
} commands[] = {
    {"cat o", false},
    {"cp o own.out", false},
    {"wc -c <o", false},
    {"dd if=o of=own.out status=none", false},
    {"ls -l o", false},
    {"stat o", false},
    {"stat --cached=always o", false},
    {"cmp o o", false},
    {"ls dir", false},
    {"tar cf own.out o", false},
    {"echo more >o", true},
    {"echo more >>o", true},
    {"truncate -s 7 o", true},
    {"touch o", true},
    {"sh -c 'exec 3<>o'", true},
    {"dd if=/dev/zero of=o bs=1 count=1 conv=notrunc status=none", true},
    {"ln o linked", true},
    {"touch dir/new", true},
    {"mv o moved && mv moved o", true},
    {"rm -f o", true},
};

static void run_command(void *context)
{
	exit(system(context) == 0 ? 0 : 1);
}

struct shell {
	uid_t uid;
	const char *command;
};

static void run_as(void *context)
{
	const struct shell *shell = context;
	char line[256];

	become_user(shell->uid);
	snprintf(line, sizeof(line), "{ %s; } >/dev/null 2>&1", shell->command);
	run_command(line);
}

static void expect_command(const struct pair *pair, const char *command, bool allowed)
{
	struct shell shell = {uid_of(pair->subject), command};
	int status = status_of_child(run_as, &shell);

	ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0) == allowed,
	    "'%s' by user %d on what user %d has made: status 0x%x", command, pair->subject,
	    pair->object, status);
}

static void shell_pair(int policies, int number)
{
	struct pair pair = pair_of(policies, number);

	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(pair.object), make_things, NULL);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		expect_command(
		    &pair, commands[i].command, commands[i].changes ? pair.changes : pair.observes);
		GIVES(0, system("rm -f own.out linked"));
	}
	clean_up();
}

START_TEST(shell_tools_cannot_either)
{
	shell_pair(policies_of(_i), _i);
}
END_TEST

/* --- the rest --------------------------------------------------------------------------------- */

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

	(void)context;
	OK(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH) == -1 && errno == ENOENT
		? linkat(AT_FDCWD, mount_path(shared_mount, "linked"), AT_FDCWD, "linked", 0)
		: 0);
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
	clean_up();
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
	clean_up();
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
	in_child_as(uid_of(ONE), make_things, NULL);
	for (int i = 0; i < 3; i++) {
		in_child_as(uid_of(ONE), stat_often, NULL);
		in_child_as(uid_of(TWO), expect_hidden, NULL);
	}
	clean_up();
}
END_TEST

START_TEST(a_denial_is_logged)
{
	char line[256];

	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_things, NULL);
	in_child_as(uid_of(BOTTOM), expect_hidden, NULL);
	clean_up();
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
	in_child_as(uid_of(TOP), make_things, NULL);
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
	in_child_as(uid_of(ONE), make_things, NULL);
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	write_policy("default mls/equal\n");
	reread_policy(shared_mount, "again: 1 subjects");
	in_child_as(uid_of(TWO), stat_often, NULL);
	/* Objects keep their labels. */
	expect_label("o", "mls/5:1");
	write_usual_policy("strictness as-documented");
	reread_policy(shared_mount, "again: 5 subjects");
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	clean_up();
}
END_TEST

START_TEST(a_bad_file_keeps_what_there_was)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_things, NULL);
	write_policy("default mls/equal\nuser\n");
	reread_policy(shared_mount, "file:2: 'user' needs an id and a label; the subjects stay");
	in_child_as(uid_of(TWO), expect_hidden, NULL);
	in_child_as(uid_of(ONE), stat_often, NULL);
	write_usual_policy("strictness revoke");
	reread_policy(shared_mount, "strictness stays as it was when mounting");
	write_usual_policy("# good again");
	reread_policy(shared_mount, "again: 5 subjects");
	clean_up();
}
END_TEST

static void add_pairs(
    Suite *suite, const char *name, void (*start)(void), int policies, const TTest *test)
{
	TCase *tcase = case_on_mount(suite, name, start);
	int first = (policies - 1) * POLICY_USERS * POLICY_USERS;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test, 0, POLICY_USERS * POLICY_USERS);
	tcase_add_loop_test(
	    tcase, shell_tools_cannot_either, first, first + POLICY_USERS * POLICY_USERS);
}

void add_policy_cases(Suite *suite)
{
	TCase *tcase;

	add_pairs(suite, "biba", start_biba, 1, biba_has_no_read_down_and_no_write_up);
	add_pairs(suite, "mls", start_mls, 2, mls_has_no_read_up_and_no_write_down);
	add_pairs(suite, "biba and mls", start_both, 3, both_policies_have_to_agree);

	tcase = case_on_mount(suite, "labels", start_both);
	tcase_add_test(tcase, the_label_is_the_creators);
	tcase_add_test(tcase, an_object_that_was_unnamed_has_its_creators_label);
	tcase_add_test(tcase, the_kernel_mixes_no_callers_up);

	/* On a mount of its own: not more than a few are logged. */
	tcase = case_on_mount(suite, "log of denials", start_both);
	tcase_add_test(tcase, a_denial_is_logged);

	tcase = case_on_mount(suite, "root under mls", start_with_low_root);
	tcase_add_test(tcase, root_is_a_subject_like_any_other);

	tcase = case_on_mount(suite, "reading the policy file again", start_to_reread);
	tcase_add_test(tcase, sighup_reads_the_file_again);
	tcase_add_test(tcase, a_bad_file_keeps_what_there_was);
}

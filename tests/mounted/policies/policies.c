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

static void run_pair(int policies, int number)
{
	struct pair pair = pair_of(policies, number);
	struct stat st;

	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(pair.object), make_labelled, NULL);
	OK(stat("o", &st));
	in_child_as(uid_of(pair.subject), try_everything, &pair);
	remove_labelled();
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
	in_child_as(uid_of(pair.object), make_labelled, NULL);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		expect_command(
		    &pair, commands[i].command, commands[i].changes ? pair.changes : pair.observes);
		GIVES(0, system("rm -f own.out linked"));
	}
	remove_labelled();
}

START_TEST(shell_tools_cannot_either)
{
	shell_pair(policies_of(_i), _i);
}
END_TEST

static void add_pairs(
    Suite *suite, const char *name, void (*start)(void), int policies, const TTest *test)
{
	TCase *tcase = case_on_mount(suite, name, start);
	int first = (policies - 1) * POLICY_USERS * POLICY_USERS;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test, 0, POLICY_USERS * POLICY_USERS);
	/* Thousands of programs: minutes where a processor is emulated. */
	tcase = case_on_mount(suite, name, start);
	tcase_set_tags(tcase, "shell");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(
	    tcase, shell_tools_cannot_either, first, first + POLICY_USERS * POLICY_USERS);
}

void add_policy_cases(Suite *suite)
{
	add_pairs(suite, "biba", start_biba, 1, biba_has_no_read_down_and_no_write_up);
	add_pairs(suite, "mls", start_mls, 2, mls_has_no_read_up_and_no_write_down);
	add_pairs(suite, "biba and mls", start_with_both_policies, 3, both_policies_have_to_agree);
}

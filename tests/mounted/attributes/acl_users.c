/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX access control lists: who may do what by them. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl_list.h"
#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

/* Their numbers stand in the texts of lists too. */
enum { NAMED = 65001, MASKED = 65002, STRANGER = 65003, GROUP = 65010 };

/* What one user can do with "a". */
struct access {
	uid_t uid;
	gid_t gid;
	bool reads, writes;
};

static void expect_open(int flags, bool allowed)
{
	if (allowed)
		OK(close(OK(open("a", flags, 0600))));
	else
		FAILS(EACCES, open("a", flags, 0600));
}

static void try_access(void *context)
{
	const struct access *access = context;

	OK(setgroups(0, NULL));
	OK(setresgid(access->gid, access->gid, access->gid));
	OK(setresuid(access->uid, access->uid, access->uid));
	expect_open(O_RDONLY, access->reads);
	expect_open(O_WRONLY, access->writes);
	expect_open(O_RDWR, access->reads && access->writes);
	expect_open(O_RDWR | O_CREAT, access->reads && access->writes);
}

static void expect_access(uid_t uid, gid_t gid, const char *what)
{
	struct access access = {uid, gid, strchr(what, 'r') != NULL, strchr(what, 'w') != NULL};

	in_child(try_access, &access);
}

START_TEST(a_named_user_may_what_the_mode_alone_would_refuse)
{
	make_object("a", 0);
	expect_access(NAMED, NAMED, "");
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:rw u:65002:r g::- m::rw o::-"));
	expect_access(NAMED, NAMED, "rw");
	expect_access(MASKED, MASKED, "r");
	expect_access(STRANGER, STRANGER, "");
	OK(removexattr("a", ACL_ACCESS));
	expect_access(NAMED, NAMED, "");
}
END_TEST

START_TEST(the_mask_bounds_named_users_and_groups)
{
	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:rw g::- g:65010:rw m::r o::rw"));
	expect_access(NAMED, NAMED, "r");
	expect_access(STRANGER, GROUP, "r");
	expect_access(STRANGER, STRANGER, "rw");
	OK(chmod("a", 0626));
	expect_access(NAMED, NAMED, "w");
	expect_access(STRANGER, GROUP, "w");
	OK(chmod("a", 0666));
	expect_access(NAMED, NAMED, "rw");
	expect_access(STRANGER, GROUP, "rw");
}
END_TEST

START_TEST(a_named_user_may_be_refused_what_others_may)
{
	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:- g::r g:65010:r m::rw o::rw"));
	expect_access(NAMED, NAMED, "");
	expect_access(STRANGER, GROUP, "r");
	expect_access(STRANGER, STRANGER, "rw");
}
END_TEST

START_TEST(the_owner_is_not_bound_by_the_mask)
{
	make_object("a", 0);
	OK(chown("a", NAMED, GROUP));
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65002:rw g::rw m::- o::-"));
	expect_access(NAMED, NAMED, "rw");
	expect_access(MASKED, MASKED, "");
	expect_access(STRANGER, GROUP, "");
}
END_TEST

static void make_in_directory(void *context)
{
	(void)context;
	OK(close(OK(open("d/made", O_RDWR | O_CREAT | O_EXCL, 0600))));
}

static void fail_in_directory(void *context)
{
	(void)context;
	FAILS(EACCES, open("d/other", O_RDWR | O_CREAT, 0600));
	FAILS(EACCES, unlink("d/made"));
	FAILS(EACCES, access("d/made", F_OK));
}

START_TEST(a_list_of_a_directory_decides_who_may_change_it)
{
	OK(mkdir("d", 0700));
	in_child_as(STRANGER, fail_in_directory, NULL);
	OK(set_acl("d", ACL_ACCESS, "u::rwx u:65001:rwx g::- m::rwx o::-"));
	in_child_as(NAMED, make_in_directory, NULL);
	in_child_as(STRANGER, fail_in_directory, NULL);
}
END_TEST

static void change_own_list(void *context)
{
	(void)context;
	OK(set_acl("own", ACL_ACCESS, "u::rw u:65002:r g::- m::r o::-"));
	FAILS(EPERM, set_acl("a", ACL_ACCESS, "u::rw u:65001:rw g::- m::rw o::-"));
	FAILS(EPERM, removexattr("a", ACL_ACCESS));
	FAILS(EPERM, set_acl(".", ACL_DEFAULT, "u::rwx g::rwx o::rwx"));
	expect_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-");
}

START_TEST(only_the_owner_changes_a_list_and_everybody_reads_it)
{
	make_object("a", 0);
	make_object("own", 0);
	OK(chown("own", NAMED, NAMED));
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	in_child_as(NAMED, change_own_list, NULL);
	expect_mode("own", 0640);
}
END_TEST

static void set_list_with_group(void *context)
{
	const gid_t *group = context;

	OK(setgroups(0, NULL));
	OK(setresgid(*group, *group, *group));
	OK(setresuid(NAMED, NAMED, NAMED));
	OK(set_acl("a", ACL_ACCESS, "u::rwx u:65002:r g::rx m::rx o::-"));
}

START_TEST(a_list_set_by_no_member_of_the_group_takes_the_set_group_id_bit)
{
	gid_t group = _i == 0 ? GROUP : STRANGER;

	make_object("a", 0);
	OK(chown("a", NAMED, GROUP));
	OK(chmod("a", 02750));
	in_child(set_list_with_group, &group);
	expect_mode("a", _i == 0 ? 02750 : 0750);
}
END_TEST

static void wait_for_permission(void *context)
{
	struct turn *turns = context;

	become_user(NAMED);
	turn_wait(&turns[0]);
	FAILS(EACCES, open("a", O_RDONLY));
	turn_give(&turns[1]);
	turn_wait(&turns[0]);
	OK(close(OK(open("a", O_RDONLY))));
}

START_TEST(a_change_counts_at_once_for_another_process)
{
	struct turn turns[2];
	pid_t child;

	turn_init(&turns[0]);
	turn_init(&turns[1]);
	make_object("a", 0);
	child = start_child(wait_for_permission, turns);
	turn_give(&turns[0]);
	turn_wait(&turns[1]);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	turn_give(&turns[0]);
	end_child(child);
}
END_TEST

struct removal {
	uid_t uid;
	gid_t gid;
	mode_t want;
};

static void remove_list(void *context)
{
	const struct removal *removal = context;

	OK(setgroups(0, NULL));
	OK(setresgid(removal->gid, removal->gid, removal->gid));
	OK(setresuid(removal->uid, removal->uid, removal->uid));
	OK(removexattr("a", ACL_ACCESS));
	expect_mode("a", removal->want);
}

/* As a list that is set would. */
START_TEST(a_list_that_is_taken_away_takes_the_set_group_id_bit_from_strangers)
{
	static struct removal removals[] = {{65001, 65002, 0644}, {65001, 65010, 02644}};

	for (int i = 0; i < 2; i++) {
		make_object("a", 0);
		OK(chown("a", 65001, 65010));
		OK(chmod("a", 02644));
		in_child(remove_list, &removals[i]);
		OK(unlink("a"));
	}
}
END_TEST

void add_acl_user_cases(Suite *suite)
{
	TCase *users = case_on_mount(suite, "access control lists, users", NULL);

	tcase_add_test(users, a_named_user_may_what_the_mode_alone_would_refuse);
	tcase_add_test(users, the_mask_bounds_named_users_and_groups);
	tcase_add_test(users, a_named_user_may_be_refused_what_others_may);
	tcase_add_test(users, the_owner_is_not_bound_by_the_mask);
	tcase_add_test(users, a_list_of_a_directory_decides_who_may_change_it);
	tcase_add_test(users, only_the_owner_changes_a_list_and_everybody_reads_it);
	tcase_add_loop_test(
	    users, a_list_set_by_no_member_of_the_group_takes_the_set_group_id_bit, 0, 2);
	tcase_add_test(users, a_list_that_is_taken_away_takes_the_set_group_id_bit_from_strangers);
	tcase_add_test(users, a_change_counts_at_once_for_another_process);
}

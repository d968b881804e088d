/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts of users: who is charged, who is refused by which limit, and what each is told. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/charge.h"
#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_attr attr;

static void begin(uint64_t pages, uint64_t nodes, uint64_t user_pages, uint64_t user_nodes)
{
	struct shmfs_config config = small_config();

	config.size_limit = pages * PAGE;
	config.node_limit = nodes;
	config.user_size_limit = user_pages * PAGE;
	config.user_node_limit = user_nodes;
	fs = open_with(config);
}

static int64_t make(const struct shmfs_cred *cred, const char *name)
{
	return TX(fs, shmfs_mknod(fs, cred, SHMFS_ROOT, name, S_IFREG | 0600, &attr));
}

static int64_t try_size(uint64_t id, uint64_t pages)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = pages * PAGE};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

static void expect_account(const struct shmfs_cred *cred, uint64_t pages, uint64_t nodes)
{
	struct account account = charge_account(fs, cred->uid);

	ck_assert_uint_eq(account.pages, pages);
	ck_assert_uint_eq(account.nodes, nodes);
}

static void expect_refusal(
    enum shmfs_limit limit, uid_t uid, uint64_t asked, uint64_t used, uint64_t allowed)
{
	struct shmfs_refusal refusal;

	ck_assert(shmfs_refused(fs, &refusal));
	ck_assert_int_eq(refusal.limit, limit);
	ck_assert_uint_eq(refusal.uid, uid);
	ck_assert_uint_eq(refusal.asked, asked);
	ck_assert_uint_eq(refusal.used, used);
	ck_assert_uint_eq(refusal.allowed, allowed);
}

START_TEST(each_user_has_a_limit_of_his_own)
{
	uint64_t alice, bob;

	begin(0, 0, 10, 3);
	GIVES(0, make(ALICE, "a"));
	alice = attr.id;
	GIVES(0, make(BOB, "b"));
	bob = attr.id;
	GIVES(0, try_size(alice, 10));
	GIVES(-EDQUOT, try_size(alice, 11));
	GIVES(0, try_size(bob, 10));
	expect_account(ALICE, 10, 1);
	expect_account(BOB, 10, 1);
	GIVES(0, make(ALICE, "a2"));
	GIVES(0, make(ALICE, "a3"));
	GIVES(-EDQUOT, make(ALICE, "a4"));
	GIVES(-EDQUOT, TX(fs, shmfs_link(fs, ALICE, alice, SHMFS_ROOT, "a4", &attr)));
	GIVES(-EDQUOT, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "a4", 0755, &attr)));
	GIVES(0, make(BOB, "b2"));
	close_checked(fs);
}
END_TEST

START_TEST(root_is_limited_by_the_mount_alone)
{
	uint64_t id;

	begin(20, 6, 1, 1);
	GIVES(0, make(SUPERUSER, "a"));
	id = attr.id;
	GIVES(0, make(SUPERUSER, "b"));
	GIVES(0, try_size(id, 20));
	GIVES(-ENOSPC, try_size(id, 21));
	close_checked(fs);
}
END_TEST

START_TEST(the_limit_of_all_holds_for_each)
{
	begin(5, 0, 10, 0);
	GIVES(0, make(ALICE, "a"));
	GIVES(-ENOSPC, try_size(attr.id, 6));
	GIVES(-EDQUOT, try_size(attr.id, 11));
	GIVES(0, try_size(attr.id, 5));
	GIVES(0, make(BOB, "b"));
	GIVES(-ENOSPC, try_size(attr.id, 1));
	close_checked(fs);
}
END_TEST

START_TEST(the_creator_is_charged_whoever_owns_or_grows_it)
{
	const struct shmfs_change chown = {.what = SHMFS_CHANGE_UID, .uid = BOB->uid};
	uint64_t id, handle;

	begin(0, 0, 10, 0);
	GIVES(0, make(ALICE, "sem.a"));
	id = attr.id;
	GIVES(0, TX(fs, shmfs_setattr(fs, id, &chown, &attr)));
	handle = open_object(fs, id, O_RDWR);
	GIVES(1, TX(fs, shmfs_write(fs, BOB, handle, "x", 1, 4 * PAGE)));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	expect_account(ALICE, 5, 2);
	expect_account(BOB, 0, 0);
	release(fs, handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, BOB, SHMFS_ROOT, "sem.a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, BOB, SHMFS_ROOT, "b")));
	expect_account(ALICE, 5, 1);
	forget(fs, id, 2);
	expect_account(ALICE, 0, 0);
	close_checked(fs);
}
END_TEST

START_TEST(what_a_node_takes_besides_its_size_is_charged_too)
{
	char target[200];

	begin(0, 0, 10, 0);
	memset(target, 't', sizeof target);
	target[127] = '\0';
	GIVES(0, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, "short", target, &attr)));
	expect_account(ALICE, 0, 1);
	target[127] = 't';
	target[128] = '\0';
	GIVES(0, TX(fs, shmfs_symlink(fs, ALICE, SHMFS_ROOT, "long", target, &attr)));
	expect_account(ALICE, 1, 2);
	GIVES(0, TX(fs, shmfs_setxattr(fs, BOB, attr.id, "user.a", target, 100, 0)));
	expect_account(ALICE, 2, 2);
	expect_account(BOB, 0, 0);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "long")));
	expect_account(ALICE, 2, 2);
	forget(fs, attr.id, 1);
	expect_account(ALICE, 0, 1);
	close_checked(fs);
}
END_TEST

START_TEST(refusals_are_explained)
{
	struct shmfs_refusal refusal;
	uint64_t id;

	begin(5, 4, 4, 2);
	GIVES(0, make(ALICE, "object"));
	id = attr.id;
	ck_assert(!shmfs_refused(fs, &refusal));
	GIVES(0, try_size(id, 1));
	GIVES(-EDQUOT, try_size(id, 7));
	expect_refusal(SHMFS_LIMIT_USER_SIZE, ALICE->uid, 6 * PAGE, PAGE, 4 * PAGE);
	ck_assert(shmfs_refused(fs, &refusal));
	ck_assert_str_eq(refusal.object, "object");
	GIVES(0, make(ALICE, "second"));
	ck_assert(!shmfs_refused(fs, &refusal));
	GIVES(-EDQUOT, make(ALICE, "third"));
	expect_refusal(SHMFS_LIMIT_USER_NODES, ALICE->uid, 1, 2, 2);
	GIVES(0, make(SUPERUSER, "root's"));
	GIVES(-ENOSPC, make(SUPERUSER, "more"));
	expect_refusal(SHMFS_LIMIT_NODES, 0, 1, 4, 4);
	GIVES(-ENOSPC, try_size(id_of(fs, SHMFS_ROOT, "root's"), 5));
	expect_refusal(SHMFS_LIMIT_SIZE, 0, 5 * PAGE, PAGE, 5 * PAGE);
	GIVES(-ENOENT, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "missing")));
	ck_assert(!shmfs_refused(fs, &refusal));
	close_checked(fs);
}
END_TEST

START_TEST(an_object_without_a_name_is_told_by_its_id)
{
	struct shmfs_refusal refusal;
	struct shmfs_opened opened;
	char want[32];

	begin(2, 0, 0, 0);
	GIVES(0, TX(fs, shmfs_tmpfile(fs, ALICE, SHMFS_ROOT, 0600, O_RDWR, &attr, &opened)));
	snprintf(want, sizeof want, "#%" PRIu64, attr.id);
	GIVES(-ENOSPC, try_size(attr.id, 3));
	ck_assert(shmfs_refused(fs, &refusal));
	ck_assert_str_eq(refusal.object, want);
	close_checked(fs);
}
END_TEST

/* Limits and use as a user is told. */
static void expect_view(const struct shmfs_cred *cred, uint64_t limit, uint64_t used)
{
	struct shmfs_usage view;

	shmfs_user_usage(fs, cred->uid, SHMFS_ROOT, &view);
	ck_assert_uint_eq(view.limit_pages, limit);
	ck_assert_uint_eq(view.used_pages, used);
}

START_TEST(each_user_sees_what_he_could_still_get)
{
	begin(10, 0, 6, 0);
	expect_view(ALICE, 6, 0);
	expect_view(SUPERUSER, 10, 0);
	GIVES(0, make(BOB, "b"));
	GIVES(0, try_size(attr.id, 6));
	/* Four of ten are left to all. */
	expect_view(ALICE, 6, 2);
	expect_view(BOB, 6, 6);
	expect_view(SUPERUSER, 10, 6);
	GIVES(0, make(ALICE, "a"));
	GIVES(0, try_size(attr.id, 3));
	expect_view(ALICE, 6, 5);
	close_checked(fs);
	begin(0, 0, 6, 0);
	expect_view(ALICE, 6, 0);
	expect_view(SUPERUSER, 0, 0);
	close_checked(fs);
	begin(4, 0, 6, 0);
	expect_view(ALICE, 4, 0);
	close_checked(fs);
}
END_TEST

START_TEST(many_users_have_accounts_only_while_they_hold_something)
{
	uint64_t arena, ids[500];
	char name[32];

	begin(0, 0, 10, 10);
	arena = usage(fs).arena_bytes;
	check_every_transaction(false);
	for (unsigned i = 0; i < 500; i++) {
		const struct shmfs_cred cred = {.uid = i * 8589934, .gid = i};

		snprintf(name, sizeof name, "%u", i);
		GIVES(0, make(&cred, name));
		ids[i] = attr.id;
	}
	check_namespace(fs);
	ck_assert_uint_eq(fs->super->charge.accounts.count, 500);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "%u", i);
		GIVES(0, TX(fs, shmfs_unlink(fs, SUPERUSER, SHMFS_ROOT, name)));
		forget(fs, ids[i], 1);
	}
	check_namespace(fs);
	ck_assert_uint_eq(fs->super->charge.accounts.count, 1);
	ck_assert_uint_le(usage(fs).arena_bytes, arena + 4 * ARENA_PAGE_SIZE);
	close_checked(fs);
}
END_TEST

Suite *accounts_suite(void)
{
	Suite *suite = suite_create("accounts");
	TCase *tests = harness_case(suite, "accounts");

	tcase_add_test(tests, each_user_has_a_limit_of_his_own);
	tcase_add_test(tests, root_is_limited_by_the_mount_alone);
	tcase_add_test(tests, the_limit_of_all_holds_for_each);
	tcase_add_test(tests, the_creator_is_charged_whoever_owns_or_grows_it);
	tcase_add_test(tests, what_a_node_takes_besides_its_size_is_charged_too);
	tcase_add_test(tests, refusals_are_explained);
	tcase_add_test(tests, an_object_without_a_name_is_told_by_its_id);
	tcase_add_test(tests, each_user_sees_what_he_could_still_get);
	tcase_add_test(tests, many_users_have_accounts_only_while_they_hold_something);
	return suite;
}

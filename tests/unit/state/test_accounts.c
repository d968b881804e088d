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

static int64_t link_as(const struct shmfs_cred *cred, uint64_t id, const char *name)
{
	return TX(fs, shmfs_link(fs, cred, id, SHMFS_ROOT, name, &attr));
}

static int64_t rename_as(
    const struct shmfs_cred *cred, const char *from, const char *to, unsigned flags)
{
	return TX(fs, shmfs_rename(fs, cred, SHMFS_ROOT, from, SHMFS_ROOT, to, flags));
}

static int64_t unlink_as(const struct shmfs_cred *cred, const char *name)
{
	return TX(fs, shmfs_unlink(fs, cred, SHMFS_ROOT, name));
}

START_TEST(a_further_name_is_charged_to_its_maker)
{
	struct shmfs_refusal refusal;
	uint64_t id;

	begin(0, 0, 0, 3);
	GIVES(0, make(ALICE, "a"));
	id = attr.id;
	GIVES(0, link_as(BOB, id, "b1"));
	GIVES(0, link_as(BOB, id, "b2"));
	GIVES(0, link_as(BOB, id, "b3"));
	GIVES(-EDQUOT, link_as(BOB, id, "b4"));
	ck_assert(shmfs_refused(fs, &refusal));
	ck_assert_uint_eq(refusal.uid, BOB->uid);
	expect_account(ALICE, 0, 1);
	expect_account(BOB, 0, 3);
	ck_assert_uint_eq(usage(fs).used_nodes, 5);
	GIVES(0, link_as(ALICE, id, "a2"));
	expect_account(ALICE, 0, 2);
	/* Whoever removes it. */
	GIVES(0, unlink_as(ALICE, "b2"));
	expect_account(BOB, 0, 2);
	GIVES(0, unlink_as(BOB, "a2"));
	expect_account(ALICE, 0, 1);
	forget(fs, id, 5);
	close_checked(fs);
}
END_TEST

START_TEST(a_node_is_charged_for_one_name_until_the_last)
{
	uint64_t id;

	begin(0, 0, 0, 0);
	GIVES(0, make(ALICE, "a"));
	id = attr.id;
	GIVES(0, link_as(BOB, id, "b1"));
	GIVES(0, link_as(BOB, id, "b2"));
	forget(fs, id, 3);
	GIVES(0, unlink_as(ALICE, "a"));
	expect_account(ALICE, 0, 1);
	expect_account(BOB, 0, 1);
	GIVES(0, unlink_as(BOB, "b2"));
	expect_account(ALICE, 0, 1);
	expect_account(BOB, 0, 0);
	GIVES(0, unlink_as(BOB, "b1"));
	expect_account(ALICE, 0, 0);
	close_checked(fs);
}
END_TEST

START_TEST(a_name_keeps_its_charge_wherever_it_is_renamed_to)
{
	uint64_t id, dir;

	begin(0, 0, 0, 0);
	GIVES(0, make(ALICE, "a"));
	id = attr.id;
	GIVES(0, link_as(BOB, id, "b"));
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	expect_account(ALICE, 0, 2);
	GIVES(0, rename_as(ALICE, "b", "b2", 0));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "b2", dir, "b", 0)));
	expect_account(BOB, 0, 1);
	/* Of two names that change places each keeps what it has. */
	GIVES(0, make(SUPERUSER, "other"));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, dir, "b", SHMFS_ROOT, "other", RENAME_EXCHANGE)));
	expect_account(SUPERUSER, 0, 2);
	expect_account(BOB, 0, 1);
	/* It takes the place of another, whose charge ends. */
	GIVES(0, link_as(SUPERUSER, id, "root's"));
	GIVES(0, make(BOB, "victim"));
	GIVES(0, link_as(ALICE, attr.id, "again"));
	expect_account(ALICE, 0, 3);
	GIVES(0, rename_as(BOB, "root's", "again", 0));
	expect_account(ALICE, 0, 2);
	expect_account(SUPERUSER, 0, 3);
	GIVES(0, unlink_as(BOB, "again"));
	expect_account(SUPERUSER, 0, 2);
	close_checked(fs);
}
END_TEST

START_TEST(a_further_name_is_charged_to_the_tenant_and_to_its_maker)
{
	uint64_t dir, id;

	begin(0, 0, 0, 4);
	dir = new_tenant(fs, "tenant", 0, 5);
	id = new_object(fs, dir, "a");
	GIVES(0, TX(fs, shmfs_link(fs, BOB, id, dir, "b1", &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, BOB, id, dir, "b2", &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, BOB, id, dir, "b3", &attr)));
	expect_account(BOB, 0, 3);
	ck_assert_uint_eq(charge_tenant(fs, 1)->used.nodes, 5);
	GIVES(-ENOSPC, TX(fs, shmfs_link(fs, BOB, id, dir, "b4", &attr)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "b1")));
	expect_account(BOB, 0, 2);
	ck_assert_uint_eq(charge_tenant(fs, 1)->used.nodes, 4);
	close_checked(fs);
}
END_TEST

static int64_t try_size_as(const struct shmfs_cred *cred, uint64_t id, uint64_t pages)
{
	const struct shmfs_change what = {
	    .what = SHMFS_CHANGE_SIZE, .size = pages * PAGE, .by = *cred};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

START_TEST(who_grows_somebody_elses_object_needs_room_of_their_own)
{
	uint64_t alice, bob, handle;

	begin(0, 0, 10, 0);
	GIVES(0, make(ALICE, "sem.a"));
	alice = attr.id;
	GIVES(0, make(BOB, "b"));
	bob = attr.id;
	GIVES(0, try_size_as(BOB, bob, 8));
	GIVES(-EDQUOT, try_size_as(BOB, alice, 3));
	expect_refusal(SHMFS_LIMIT_USER_SIZE, BOB->uid, 3 * PAGE, 8 * PAGE, 10 * PAGE);
	handle = open_object(fs, alice, O_RDWR);
	GIVES(-EDQUOT, TX(fs, shmfs_write(fs, BOB, handle, "x", 1, 2 * PAGE)));
	GIVES(-EDQUOT, TX(fs, shmfs_fallocate(fs, BOB, handle, 0, 0, 3 * PAGE)));
	expect_account(ALICE, 0, 1);
	GIVES(0, try_size_as(BOB, alice, 2));
	/* It is the owner who is charged, and whose limit holds for everybody. */
	expect_account(ALICE, 2, 1);
	expect_account(BOB, 8, 1);
	GIVES(0, try_size_as(ALICE, alice, 9));
	GIVES(-EDQUOT, try_size_as(SUPERUSER, alice, 11));
	GIVES(0, try_size_as(BOB, alice, 1));
	GIVES(0, try_size_as(SUPERUSER, alice, 10));
	release(fs, handle);
	close_checked(fs);
}
END_TEST

START_TEST(an_attribute_of_somebody_elses_needs_room_only_for_what_grows)
{
	static const char value[65536];
	uint64_t alice;

	begin(0, 0, 2, 0);
	GIVES(0, make(ALICE, "a"));
	alice = attr.id;
	GIVES(0, make(BOB, "b"));
	GIVES(0, try_size_as(BOB, attr.id, 1));
	GIVES(0, TX(fs, shmfs_setxattr(fs, BOB, alice, "user.a", value, 100, 0)));
	GIVES(0, try_size_as(BOB, attr.id, 2));
	GIVES(0, TX(fs, shmfs_setxattr(fs, BOB, alice, "user.a", value, 200, 0)));
	GIVES(-EDQUOT, TX(fs, shmfs_setxattr(fs, BOB, alice, "user.a", value, PAGE, 0)));
	GIVES(-EDQUOT, TX(fs, shmfs_setxattr(fs, BOB, alice, "user.b", value, PAGE - 100, 0)));
	expect_account(ALICE, 1, 1);
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
	tcase_add_test(tests, a_further_name_is_charged_to_its_maker);
	tcase_add_test(tests, a_node_is_charged_for_one_name_until_the_last);
	tcase_add_test(tests, a_name_keeps_its_charge_wherever_it_is_renamed_to);
	tcase_add_test(tests, a_further_name_is_charged_to_the_tenant_and_to_its_maker);
	tcase_add_test(tests, who_grows_somebody_elses_object_needs_room_of_their_own);
	tcase_add_test(tests, an_attribute_of_somebody_elses_needs_room_only_for_what_grows);
	tcase_add_test(tests, the_creator_is_charged_whoever_owns_or_grows_it);
	tcase_add_test(tests, what_a_node_takes_besides_its_size_is_charged_too);
	tcase_add_test(tests, refusals_are_explained);
	tcase_add_test(tests, an_object_without_a_name_is_told_by_its_id);
	tcase_add_test(tests, each_user_sees_what_he_could_still_get);
	tcase_add_test(tests, many_users_have_accounts_only_while_they_hold_something);
	return suite;
}

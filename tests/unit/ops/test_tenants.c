/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories with an account of their own: what they refuse, and their end. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/charge.h"
#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_attr attr;
static struct shmfs_opened opened;

static int64_t set_limits(uint64_t dir, uint64_t pages, uint64_t nodes)
{
	const struct shmfs_limits limits = {pages * PAGE, nodes};

	return TX(fs, shmfs_tenant_set_limits(fs, shmfs_tenant_at(fs, dir), &limits));
}

static int64_t try_size(uint64_t id, uint64_t pages)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = pages * PAGE};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

static int64_t try_object(const struct shmfs_cred *cred, uint64_t dir, const char *name)
{
	return TX(fs, shmfs_mknod(fs, cred, dir, name, S_IFREG | 0600, &attr));
}

static struct shmfs_tenant told(uint32_t number)
{
	struct shmfs_tenant tenant;

	GIVES(0, shmfs_tenant(fs, number, &tenant));
	return tenant;
}

static void expect_use(uint32_t number, uint64_t pages, uint64_t nodes)
{
	REQUIRE_SAME(pages * PAGE, told(number).bytes);
	REQUIRE_SAME(nodes, told(number).nodes);
}

static void expect_refusal(
    enum shmfs_limit limit, uint32_t tenant, uint64_t asked, uint64_t used, uint64_t allowed)
{
	struct shmfs_refusal refusal;

	ck_assert(shmfs_refused(fs, &refusal));
	ck_assert_int_eq(refusal.limit, limit);
	ck_assert_uint_eq(refusal.tenant, tenant);
	ck_assert_uint_eq(refusal.asked, asked);
	ck_assert_uint_eq(refusal.used, used);
	ck_assert_uint_eq(refusal.allowed, allowed);
}

START_TEST(what_is_made_below_is_charged_to_the_tenant_whoever_makes_it)
{
	uint64_t dir, sub, id;
	uint32_t number;

	fs = open_small();
	dir = new_tenant(fs, "app", 10, 6);
	number = shmfs_tenant_at(fs, dir);
	ck_assert_uint_ne(number, 0);
	ck_assert_str_eq(told(number).name, "app");
	expect_use(number, 0, 1);
	sub = new_directory(fs, dir, "sub");
	id = new_object_of(fs, sub, "a", 4 * PAGE);
	expect_use(number, 4, 3);
	GIVES(0, try_object(SUPERUSER, sub, "b"));
	GIVES(-ENOSPC, try_size(attr.id, 7));
	expect_refusal(SHMFS_LIMIT_TENANT_SIZE, number, 7 * PAGE, 4 * PAGE, 10 * PAGE);
	GIVES(0, try_size(attr.id, 6));
	GIVES(0, TX(fs, shmfs_link(fs, BOB, id, dir, "a too", &attr)));
	expect_use(number, 10, 5);
	GIVES(0, TX(fs, shmfs_tmpfile(fs, ALICE, sub, 0600, O_RDWR, &attr, &opened)));
	GIVES(-ENOSPC, try_object(SUPERUSER, dir, "c"));
	expect_refusal(SHMFS_LIMIT_TENANT_NODES, number, 1, 6, 6);
	GIVES(-ENOSPC, TX(fs, shmfs_setxattr(fs, SUPERUSER, id, "user.a", "b", 1, 0)));
	GIVES(-ENOSPC, TX(fs, shmfs_link(fs, BOB, id, dir, "a as well", &attr)));
	/* What is outside is none of its business. */
	(void)new_object_of(fs, SHMFS_ROOT, "outside", 20 * PAGE);
	expect_use(number, 10, 6);
	close_checked(fs);
}
END_TEST

START_TEST(freebsd_has_enomem_for_ftruncate_and_tenants_in_its_flat_namespace)
{
	struct shmfs_config config = small_config();
	uint64_t dir, handle;

	config.rules = SHMFS_RULES_FREEBSD;
	fs = open_with(config);
	dir = new_tenant(fs, "jail", 2, 2);
	GIVES(0, TX(fs, shmfs_create(fs, ALICE, dir, "a", 0600, O_RDWR, &attr, &opened)));
	handle = opened.handle;
	GIVES(-ENOMEM, try_size(attr.id, 3));
	GIVES(-ENOSPC, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 3 * PAGE)));
	GIVES(-ENOSPC, try_object(ALICE, dir, "b"));
	GIVES(-EPERM, TX(fs, shmfs_mkdir(fs, SUPERUSER, dir, "sub", 0700, &attr)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, ALICE, dir, "a", SHMFS_ROOT, "a", 0)));
	close_checked(fs);
}
END_TEST

START_TEST(tenant_user_and_mount_are_charged_all_or_none)
{
	struct shmfs_config config = small_config();
	uint64_t dir, id;
	uint32_t number;

	config.size_limit = 12 * PAGE;
	config.user_size_limit = 8 * PAGE;
	fs = open_with(config);
	dir = new_tenant(fs, "app", 10, 0);
	number = shmfs_tenant_at(fs, dir);
	id = new_object(fs, dir, "a");
	GIVES(-EDQUOT, try_size(id, 9));
	expect_refusal(SHMFS_LIMIT_USER_SIZE, number, 9 * PAGE, 0, 8 * PAGE);
	expect_use(number, 0, 2);
	(void)new_object_of(fs, SHMFS_ROOT, "b", 6 * PAGE);
	GIVES(0, try_object(BOB, dir, "c"));
	GIVES(-ENOSPC, try_size(attr.id, 7));
	expect_refusal(SHMFS_LIMIT_SIZE, number, 7 * PAGE, 6 * PAGE, 12 * PAGE);
	expect_use(number, 0, 3);
	GIVES(0, set_limits(dir, 5, 0));
	GIVES(-ENOSPC, try_size(attr.id, 6));
	expect_refusal(SHMFS_LIMIT_TENANT_SIZE, number, 6 * PAGE, 0, 5 * PAGE);
	ck_assert_uint_eq(usage(fs).used_pages, 6);
	ck_assert_uint_eq(charge_account(fs, BOB->uid).pages, 0);
	close_checked(fs);
}
END_TEST

START_TEST(limits_change_at_once_and_take_nothing_away)
{
	const struct shmfs_limits huge = {UINT64_MAX, 0};
	uint64_t dir, id;
	uint32_t number;

	fs = open_small();
	dir = new_tenant(fs, "app", 0, 0);
	number = shmfs_tenant_at(fs, dir);
	id = new_object_of(fs, dir, "a", 8 * PAGE);
	GIVES(0, set_limits(dir, 4, 1));
	expect_use(number, 8, 2);
	GIVES(-ENOSPC, try_size(id, 9));
	GIVES(0, try_size(id, 6));
	GIVES(-ENOSPC, try_size(id, 7));
	GIVES(-ENOSPC, try_object(SUPERUSER, dir, "b"));
	GIVES(0, set_limits(dir, 7, 3));
	GIVES(0, try_size(id, 7));
	GIVES(0, try_object(SUPERUSER, dir, "b"));
	GIVES(-ENOENT, TX(fs, shmfs_tenant_set_limits(fs, number + 1, &huge)));
	GIVES(-EINVAL, TX(fs, shmfs_tenant_set_limits(fs, number, &huge)));
	close_checked(fs);
}
END_TEST

START_TEST(the_charge_outlives_the_directory)
{
	uint64_t arena, dir, id, other, pin, handle;
	uint32_t number;

	fs = open_small();
	arena = usage(fs).arena_bytes;
	dir = new_tenant(fs, "app", 5, 0);
	number = shmfs_tenant_at(fs, dir);
	id = new_object_of(fs, dir, "a", 2 * PAGE);
	other = new_object_of(fs, dir, "b", PAGE);
	handle = open_object(fs, id, O_RDWR);
	GIVES(0, TX(fs, shmfs_pin(fs, other, &(struct shmfs_part){0, PAGE, false}, 7, &pin)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "b")));
	GIVES(0, TX(fs, shmfs_rmdir(fs, SUPERUSER, SHMFS_ROOT, "app")));
	forget(fs, id, 1);
	forget(fs, other, 1);
	/* The caller knows the directory; nothing can be made there. */
	GIVES(-ENOENT, try_object(ALICE, dir, "c"));
	expect_use(number, 3, 3);
	forget(fs, dir, 1);
	expect_use(number, 3, 2);
	REQUIRE_SAME(0, told(number).dir);
	ck_assert_str_eq(told(number).name, "app");
	/* It goes on with its limit, and is not the one that comes after it. */
	GIVES(-ENOSPC, try_size(id, 5));
	GIVES(0, try_size(id, 4));
	ck_assert_uint_ne(shmfs_tenant_at(fs, new_tenant(fs, "app", 1, 0)), number);
	release(fs, handle);
	expect_use(number, 1, 1);
	TX_VOID(fs, shmfs_unpin(fs, pin));
	GIVES(-ENOENT, shmfs_tenant(fs, number, &(struct shmfs_tenant){0}));
	forget(fs, id_of(fs, SHMFS_ROOT, "app"), 1);
	GIVES(0, TX(fs, shmfs_rmdir(fs, SUPERUSER, SHMFS_ROOT, "app")));
	ck_assert_uint_eq(fs->super->tenants.by_number.count, 0);
	ck_assert_uint_le(
	    usage(fs).arena_bytes, arena + 2 * ARENA_PAGE_SIZE + descriptor_table_size(fs));
	close_checked(fs);
}
END_TEST

static void expect_view(const struct shmfs_cred *cred, uint64_t id, uint64_t limit, uint64_t used)
{
	struct shmfs_usage view;

	shmfs_user_usage(fs, cred->uid, id, &view);
	ck_assert_uint_eq(view.limit_pages, limit);
	ck_assert_uint_eq(view.used_pages, used);
}

START_TEST(a_node_has_the_view_of_its_tenant)
{
	struct shmfs_config config = small_config();
	struct shmfs_usage view;
	uint64_t dir, id, empty;

	config.size_limit = 20 * PAGE;
	config.node_limit = 100;
	config.user_size_limit = 10 * PAGE;
	fs = open_with(config);
	dir = new_tenant(fs, "app", 8, 6);
	empty = new_tenant(fs, "empty", 0, 0);
	id = new_object_of(fs, dir, "a", 3 * PAGE);
	expect_view(SUPERUSER, dir, 8, 3);
	expect_view(SUPERUSER, id, 8, 3);
	expect_view(SUPERUSER, SHMFS_ROOT, 20, 3);
	expect_view(SUPERUSER, empty, 20, 3);
	expect_view(SUPERUSER, 123456, 20, 3);
	/* Five are left of the tenant's, seven of Alice's: and then three of hers. */
	expect_view(ALICE, id, 8, 3);
	(void)new_object_of(fs, SHMFS_ROOT, "b", 4 * PAGE);
	expect_view(ALICE, id, 8, 5);
	expect_view(BOB, id, 8, 3);
	/* One of the mount's. */
	GIVES(0, try_object(BOB, SHMFS_ROOT, "c"));
	GIVES(0, try_size(attr.id, 10));
	GIVES(0, try_object(SUPERUSER, SHMFS_ROOT, "d"));
	GIVES(0, try_size(attr.id, 2));
	expect_view(SUPERUSER, id, 8, 7);
	shmfs_user_usage(fs, 0, id, &view);
	ck_assert_uint_eq(view.limit_nodes, 6);
	ck_assert_uint_eq(view.used_nodes, 2);
	close_checked(fs);
}
END_TEST

static int count_tenant(void *arg, const struct shmfs_tenant *tenant)
{
	uint64_t *sum = arg;

	*sum += tenant->number;
	return 0;
}

START_TEST(tenants_are_told_page_by_page)
{
	uint64_t sum = 0, from = 0, want = 0;
	char name[32];

	fs = open_small();
	check_every_transaction(false);
	for (unsigned i = 1; i <= 100; i++) {
		snprintf(name, sizeof name, "t%u", i);
		GIVES(0, try_tenant(fs, name, 1, 1));
		want += i;
	}
	do {
		from = shmfs_tenants(fs, from, 7, count_tenant, &sum);
	} while (from != 0);
	ck_assert_uint_eq(sum, want);
	check_every_transaction(true);
	close_checked(fs);
}
END_TEST

START_TEST(there_are_not_more_tenants_than_there_may_be)
{
	struct shmfs_config config = small_config();
	char name[32];

	config.arena_size = 128 << 20;
	fs = open_with(config);
	check_every_transaction(false);
	for (unsigned i = 0; i < SHMFS_TENANTS_MAX; i++) {
		snprintf(name, sizeof name, "t%u", i);
		REQUIRE_SAME(0, try_tenant(fs, name, 1, 1));
	}
	GIVES(-ENOSPC, try_tenant(fs, "one more", 0, 0));
	GIVES(0, TX(fs, shmfs_rmdir(fs, SUPERUSER, SHMFS_ROOT, "t77")));
	GIVES(0, try_tenant(fs, "one more", 0, 0));
	/* Numbers that are taken are passed over. */
	fs->super->tenants.last = UINT32_MAX;
	GIVES(0, TX(fs, shmfs_rmdir(fs, SUPERUSER, SHMFS_ROOT, "t4")));
	GIVES(0, TX(fs, shmfs_rmdir(fs, SUPERUSER, SHMFS_ROOT, "one more")));
	GIVES(0, try_tenant(fs, "again", 0, 0));
	ck_assert_uint_eq(shmfs_tenant_at(fs, id_of(fs, SHMFS_ROOT, "again")), 5);
	check_namespace(fs);
	close_checked(fs);
}
END_TEST

START_TEST(refusals_are_counted_though_they_are_undone)
{
	uint64_t dir, id;
	uint32_t number;

	fs = open_small();
	dir = new_tenant(fs, "app", 2, 2);
	number = shmfs_tenant_at(fs, dir);
	id = new_object(fs, dir, "a");
	shmfs_begin(fs);
	GIVES(-ENOSPC,
	    shmfs_setattr(fs, id,
		&(const struct shmfs_change){.what = SHMFS_CHANGE_SIZE, .size = 3 * PAGE}, &attr));
	shmfs_tenant_count_refusal(fs);
	shmfs_rollback(fs);
	for (int i = 0; i < 2; i++) {
		shmfs_begin(fs);
		GIVES(-ENOSPC, shmfs_mkdir(fs, ALICE, dir, "b", 0700, &attr));
		shmfs_tenant_count_refusal(fs);
		shmfs_rollback(fs);
	}
	fs = take_up(fs);
	ck_assert_uint_eq(told(number).refused_size, 1);
	ck_assert_uint_eq(told(number).refused_nodes, 2);
	close_checked(fs);
}
END_TEST

Suite *tenants_suite(void)
{
	Suite *suite = suite_create("tenants");
	TCase *accounts = harness_case(suite, "accounts"), *ends = harness_case(suite, "ends");

	tcase_add_test(accounts, what_is_made_below_is_charged_to_the_tenant_whoever_makes_it);
	tcase_add_test(
	    accounts, freebsd_has_enomem_for_ftruncate_and_tenants_in_its_flat_namespace);
	tcase_add_test(accounts, tenant_user_and_mount_are_charged_all_or_none);
	tcase_add_test(accounts, limits_change_at_once_and_take_nothing_away);
	tcase_add_test(accounts, a_node_has_the_view_of_its_tenant);
	tcase_add_test(accounts, tenants_are_told_page_by_page);
	tcase_add_test(accounts, there_are_not_more_tenants_than_there_may_be);
	tcase_add_test(accounts, refusals_are_counted_though_they_are_undone);
	tcase_add_test(ends, the_charge_outlives_the_directory);
	return suite;
}

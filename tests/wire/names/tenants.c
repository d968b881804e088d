/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in a tenant, and across its border. */
#include "requests.h"
#include "suites.h"

enum { TENANT_PAGES = 8, TENANT_NODES = 4 };

/* The directory of a new tenant, known to the kernel. */
static uint64_t new_tenant(struct wire *w, const char *name)
{
	const struct shmfs_subject all = {.exempt = true};
	const struct shmfs_tenant_config config = {
	    .limits = {TENANT_PAGES * PAGE, TENANT_NODES}, .mode = 01777};
	struct shmfs *fs = w->server.channel.fs;
	struct shmfs_made made;

	shmfs_begin(fs);
	GIVES(0, shmfs_tenant_create(fs, &all, name, &config, &made));
	shmfs_commit(fs);
	GIVES(0, ask_lookup(w, ROOT, name));
	return entry_of(w)->nodeid;
}

START_TEST(statfs_answers_for_the_node)
{
	struct wire *w = wire_open();
	uint64_t dir = new_tenant(w, "app"), id = new_object_of(w, dir, "a", 3 * PAGE);

	for (int i = 0; i < 2; i++) {
		GIVES(0, ask_statfs_of(w, i == 0 ? dir : id));
		ck_assert_uint_eq(statfs_of(w)->blocks, TENANT_PAGES);
		ck_assert_uint_eq(statfs_of(w)->bfree, TENANT_PAGES - 3);
		ck_assert_uint_eq(statfs_of(w)->bavail, TENANT_PAGES - 3);
		ck_assert_uint_eq(statfs_of(w)->files, TENANT_NODES);
		ck_assert_uint_eq(statfs_of(w)->ffree, TENANT_NODES - 2);
	}
	GIVES(0, ask_statfs(w));
	ck_assert_uint_ne(statfs_of(w)->blocks, TENANT_PAGES);
	/* What the kernel may know no more is answered as the whole. */
	GIVES(0, ask_statfs_of(w, 4711));
	ck_assert_uint_ne(statfs_of(w)->blocks, TENANT_PAGES);
	wire_close(w);
}
END_TEST

START_TEST(the_limit_of_a_tenant_is_enospc_and_is_counted)
{
	struct wire *w = wire_open();
	uint64_t dir = new_tenant(w, "app"), id = new_object(w, dir, "a");
	const struct counters *counters = w->server.channel.counters;
	struct shmfs_tenant tenant;

	GIVES(-ENOSPC, ask_resize(w, id, (TENANT_PAGES + 1) * PAGE));
	GIVES(0, ask_resize(w, id, TENANT_PAGES * PAGE));
	GIVES(0, ask_mkdir(w, dir, "b", 0755));
	GIVES(0, ask_mkdir(w, dir, "c", 0755));
	GIVES(-ENOSPC, ask_mkdir(w, dir, "d", 0755));
	GIVES(-ENOSPC, ask_link(w, id, dir, "d"));
	ck_assert_uint_eq(counters->refused[SHMFS_LIMIT_TENANT_SIZE], 1);
	ck_assert_uint_eq(counters->refused[SHMFS_LIMIT_TENANT_NODES], 2);
	GIVES(0, shmfs_tenant(w->server.channel.fs, 1, &tenant));
	ck_assert_uint_eq(tenant.refused_size, 1);
	ck_assert_uint_eq(tenant.refused_nodes, 2);
	wire_close(w);
}
END_TEST

START_TEST(a_border_is_exdev)
{
	struct wire *w = wire_open();
	uint64_t dir = new_tenant(w, "app"), a = new_object(w, dir, "a");
	uint64_t b = new_object(w, ROOT, "b");

	GIVES(-EXDEV, ask_link(w, a, ROOT, "new"));
	GIVES(-EXDEV, ask_link(w, b, dir, "new"));
	GIVES(-EXDEV, ask_rename(w, dir, "a", ROOT, "a"));
	GIVES(-EXDEV, ask_rename2(w, ROOT, "b", dir, "a", 2));
	GIVES(a, id_of(w, dir, "a"));
	GIVES(b, id_of(w, ROOT, "b"));
	wire_close(w);
}
END_TEST

Suite *tenants_suite(void)
{
	const TTest *const tests[] = {
	    statfs_answers_for_the_node,
	    the_limit_of_a_tenant_is_enospc_and_is_counted,
	    a_border_is_exdev,
	};

	return suite_of("tenants", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Three users in ten tenants and outside of them, at random: no name crosses a border, and all
 * accounts agree with what is there. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"
#include "random.h"
#include "suites.h"

enum {
	TENANTS = 10,
	NAMES = 6,
	HANDLES = 60,
	PAGE_LIMIT = 8000,
	NODE_LIMIT = 1000,
	LIFETIME = 5000
};

static const struct shmfs_subject root = {.exempt = true};

struct life {
	struct shmfs *fs;
	struct random random;
	uint64_t handles[HANDLES];
	unsigned handle_count;
	unsigned done, crossed, full, other;
};

/* A place for a name: in which tenant (0: none), and in which directory (0: there is none). */
struct spot {
	uint32_t tenant;
	uint64_t dir;
	char name[16];
};

static unsigned below(struct life *life, unsigned bound)
{
	return random_below(&life->random, bound);
}

static const struct shmfs_cred *somebody(struct life *life)
{
	static const struct shmfs_cred users[] = {
	    {.uid = 1001, .gid = 2001}, {.uid = 1002, .gid = 2002}, {.uid = 0, .gid = 0}};

	return &users[below(life, 3)];
}

/* The directory that is there; 0: none is. */
static uint64_t directory_at(struct shmfs *fs, uint64_t dir, const char *name)
{
	uint64_t id = dir != 0 ? id_of(fs, dir, name) : 0;

	return id != 0 && S_ISDIR(attributes(fs, id).mode) ? id : 0;
}

/* One step down. A tenant begins at its directory, wherever that has come to. */
static void descend(struct life *life, struct spot *spot, const char *name)
{
	uint32_t tenant;

	spot->dir = directory_at(life->fs, spot->dir, name);
	tenant = shmfs_tenant_at(life->fs, spot->dir);
	if (tenant != 0)
		spot->tenant = tenant;
}

static struct spot some_spot(struct life *life)
{
	struct spot spot = {.dir = SHMFS_ROOT};
	char name[16];

	if (below(life, TENANTS + 1) > 0) {
		snprintf(name, sizeof name, "t%u", below(life, TENANTS));
		descend(life, &spot, name);
	}
	while (spot.dir != 0 && below(life, 3) == 0) {
		snprintf(name, sizeof name, "d%u", below(life, 2));
		descend(life, &spot, name);
	}
	snprintf(spot.name, sizeof spot.name, "%c%u", below(life, 5) == 0 ? 'd' : 'n',
	    below(life, NAMES));
	/* Now and then a tenant's own directory. */
	if (spot.dir == SHMFS_ROOT && below(life, 20) == 0)
		snprintf(spot.name, sizeof spot.name, "t%u", below(life, TENANTS));
	return spot;
}

static void remember(struct life *life, uint64_t handle)
{
	unsigned which = life->handle_count;

	if (which == HANDLES) {
		which = below(life, HANDLES);
		release(life->fs, life->handles[which]);
	} else {
		life->handle_count++;
	}
	life->handles[which] = handle;
}

static int64_t make_tenant(struct life *life)
{
	struct shmfs_tenant_config config = {.mode = 01777, .uid = below(life, 3)};
	struct shmfs_made made;
	char name[16];

	if (below(life, 2) == 0)
		config.limits = (struct shmfs_limits){below(life, 300) * PAGE, below(life, 60)};
	snprintf(name, sizeof name, "t%u", below(life, TENANTS));
	return TX(life->fs, shmfs_tenant_create(life->fs, &root, name, &config, &made));
}

static int64_t limit_tenant(struct life *life)
{
	const struct shmfs_limits limits = {below(life, 300) * PAGE, below(life, 60)};
	char name[16];
	uint64_t dir;

	snprintf(name, sizeof name, "t%u", below(life, TENANTS));
	dir = id_of(life->fs, SHMFS_ROOT, name);
	return TX(
	    life->fs, shmfs_tenant_set_limits(life->fs, shmfs_tenant_at(life->fs, dir), &limits));
}

static int64_t make(struct life *life, const struct spot *at)
{
	struct shmfs_attr attr;
	struct shmfs_opened opened;
	const struct shmfs_cred *by = somebody(life);
	int64_t rc;

	if (at->name[0] == 'd')
		rc = TX(life->fs, shmfs_mkdir(life->fs, by, at->dir, at->name, 0755, &attr));
	else
		rc = TX(life->fs,
		    shmfs_create(life->fs, by, at->dir, at->name, 0666, O_RDWR, &attr, &opened));
	if (rc < 0)
		return rc;
	if (at->name[0] != 'd')
		remember(life, opened.handle);
	forget(life->fs, attr.id, 1);
	return rc;
}

/* An object without a name that gets one, in its own tenant or elsewhere. */
static int64_t make_nameless(struct life *life, const struct spot *at, const struct spot *to)
{
	struct shmfs_attr attr;
	struct shmfs_opened opened;
	int64_t rc = TX(life->fs,
	    shmfs_tmpfile(life->fs, somebody(life), at->dir, 0600, O_RDWR, &attr, &opened));

	if (rc < 0)
		return rc;
	remember(life, opened.handle);
	rc = TX(life->fs, shmfs_link(life->fs, somebody(life), attr.id, to->dir, to->name, &attr));
	forget(life->fs, attr.id, rc == 0 ? 2 : 1);
	return rc;
}

static int64_t link_object(struct life *life, const struct spot *at, const struct spot *to)
{
	uint64_t id = at->dir != 0 ? id_of(life->fs, at->dir, at->name) : 0;
	struct shmfs_attr attr;
	int64_t rc =
	    TX(life->fs, shmfs_link(life->fs, somebody(life), id, to->dir, to->name, &attr));

	if (rc == 0)
		forget(life->fs, id, 1);
	return rc;
}

static int64_t rename_something(struct life *life, const struct spot *at, const struct spot *to)
{
	static const unsigned flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};

	return TX(life->fs, shmfs_rename(life->fs, somebody(life), at->dir, at->name, to->dir,
				to->name, flags[below(life, 4)]));
}

static int64_t resize_something(struct life *life, const struct spot *at)
{
	const struct shmfs_change size = {
	    .what = SHMFS_CHANGE_SIZE, .size = below(life, 40 * (unsigned)PAGE)};
	uint64_t id = at->dir != 0 ? id_of(life->fs, at->dir, at->name) : 0;
	struct shmfs_attr attr;

	if (below(life, 4) == 0)
		return TX(life->fs, shmfs_setxattr(life->fs, somebody(life), id, "user.a", "value",
					below(life, 6), 0));
	return TX(life->fs, shmfs_setattr(life->fs, id, &size, &attr));
}

static int64_t take_away(struct life *life, const struct spot *at)
{
	if (life->handle_count > 0 && below(life, 2) == 0) {
		unsigned which = below(life, life->handle_count);

		release(life->fs, life->handles[which]);
		life->handles[which] = life->handles[--life->handle_count];
		return 0;
	}
	if (at->name[0] == 'n')
		return TX(life->fs, shmfs_unlink(life->fs, somebody(life), at->dir, at->name));
	return TX(life->fs, shmfs_rmdir(life->fs, somebody(life), at->dir, at->name));
}

static void expect_no_crossing(const struct spot *at, const struct spot *to, int64_t rc)
{
	REQUIRE(rc < 0 || at->tenant == to->tenant, "%s of tenant %u came to tenant %u as %s",
	    at->name, at->tenant, to->tenant, to->name);
}

static int64_t some_operation(struct life *life)
{
	struct spot at = some_spot(life), to = some_spot(life);
	unsigned kind = below(life, 100);
	int64_t rc;

	if (kind < 3)
		return make_tenant(life);
	if (kind < 5)
		return limit_tenant(life);
	if (kind < 40)
		return make(life, &at);
	if (kind < 55)
		return resize_something(life, &at);
	if (kind < 65)
		return take_away(life, &at);
	rc = kind < 75	 ? make_nameless(life, &at, &to)
	     : kind < 82 ? link_object(life, &at, &to)
			 : rename_something(life, &at, &to);
	expect_no_crossing(&at, &to, rc);
	return rc;
}

static void count(struct life *life, int64_t rc)
{
	REQUIRE(rc != -ENOMEM && rc != -ENFILE && rc != -EIO, "got %s", result_text(rc));
	life->done += rc >= 0;
	life->crossed += rc == -EXDEV;
	life->full += rc == -ENOSPC || rc == -EDQUOT;
	life->other += rc < 0 && rc != -EXDEV && rc != -ENOSPC && rc != -EDQUOT;
}

/* A namespace, from its beginning: in the long run trees come to lie in trees. */
static void live(struct life *life, unsigned steps)
{
	struct shmfs_config config = small_config();

	config.size_limit = (uint64_t)PAGE_LIMIT * PAGE;
	config.node_limit = NODE_LIMIT;
	config.user_size_limit = config.size_limit / 2;
	life->fs = open_with(config);
	for (unsigned step = 0; step < steps; step++) {
		count(life, some_operation(life));
		if (step % 100 == 0)
			check_namespace(life->fs);
	}
	while (life->handle_count > 0)
		release(life->fs, life->handles[--life->handle_count]);
	close_checked(life->fs);
}

START_TEST(names_stay_within_tenants_and_every_account_is_right)
{
	struct life life = {.random = random_begin("names_stay_within_tenants")};
	unsigned steps = random_steps(50000 / slowness());

	check_every_transaction(false);
	for (unsigned lived = 0; lived < steps; lived += LIFETIME)
		live(&life, LIFETIME);
	printf("%u done, %u at a border, %u at a limit, %u else\n", life.done, life.crossed,
	    life.full, life.other);
	fflush(stdout);
	REQUIRE(life.done > steps / 4 && life.crossed > steps / 50, "too little was done");
}
END_TEST

Suite *tenant_life_suite(void)
{
	Suite *suite = suite_create("tenant life");
	TCase *tests = harness_case(suite, "tenant life");

	tcase_add_test(tests, names_stay_within_tenants_and_every_account_is_right);
	return suite;
}

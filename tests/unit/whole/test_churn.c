/* SPDX-License-Identifier: BSD-2-Clause */
/* A long random life of a namespace, with rollbacks, and then everything is taken away again. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "fs/storage/arena.h"
#include "harness.h"
#include "random.h"
#include "suites.h"

enum {
	KNOWN = 600,
	OPEN = 100,
	NAMES = 120,
	MEMORIES = 400,
	PAGE_LIMIT = 4000,
	NODE_LIMIT = 3000,
	USER_NODE_LIMIT = 40
};

/* What the caller knows: nodes with its references, and handles. */
struct life {
	struct shmfs *fs;
	struct random random;
	struct {
		uint64_t id, references;
	} known[KNOWN];
	uint64_t handle[OPEN];
	unsigned known_count, handle_count;
	unsigned succeeded, failed, undone;
};

/* What one operation changed in what the caller knows. */
struct learnt {
	uint64_t id, handle;
	uint64_t forgot;
	bool released;
	unsigned which;
};

static unsigned below(struct life *life, unsigned bound)
{
	return random_below(&life->random, bound);
}

static uint64_t some_node(struct life *life)
{
	if (life->known_count == 0 || random_percent(&life->random, 25))
		return SHMFS_ROOT;
	return life->known[below(life, life->known_count)].id;
}

static uint64_t some_handle(struct life *life)
{
	return life->handle_count == 0 ? 0 : life->handle[below(life, life->handle_count)];
}

static const char *some_name(struct life *life, char name[64])
{
	static const char *const kinds[] = {"n", "n", "sem.", "a rather longer name, number "};

	snprintf(name, 64, "%s%u", kinds[below(life, 4)], below(life, NAMES));
	return name;
}

static uint64_t some_size(struct life *life)
{
	return random_percent(&life->random, 80) ? below(life, 100000) : below(life, 20000000);
}

/* One of the users, to whom all that they make is charged. */
static const struct shmfs_cred *somebody(struct life *life)
{
	static const struct shmfs_cred users[] = {
	    {.uid = 1001, .gid = 2001}, {.uid = 1002, .gid = 2002}, {.uid = 0, .gid = 0}};

	return &users[below(life, 3)];
}

static int make(struct life *life, struct learnt *learnt)
{
	struct shmfs_attr attr = {.id = 0};
	struct shmfs_opened opened = {.handle = 0};
	uint64_t dir = some_node(life);
	char name[64], target[64];
	int rc;

	some_name(life, name);
	switch (below(life, 6)) {
	case 0:
		rc = shmfs_mkdir(life->fs, somebody(life), dir, name, 0755, &attr);
		break;
	case 1:
		rc = shmfs_symlink(
		    life->fs, somebody(life), dir, name, some_name(life, target), &attr);
		break;
	case 2:
		rc = shmfs_link(life->fs, ALICE, some_node(life), dir, name, &attr);
		break;
	case 3:
		rc = shmfs_lookup(life->fs, ALICE, dir, name, &attr);
		break;
	default:
		rc = shmfs_create(life->fs, somebody(life), dir, name, 0644,
		    random_percent(&life->random, 10) ? O_RDWR | O_TRUNC : O_RDWR, &attr, &opened);
		break;
	}
	learnt->id = attr.id;
	learnt->handle = opened.handle;
	return rc;
}

static int take_away(struct life *life, struct learnt *learnt)
{
	char name[64];

	switch (below(life, 5)) {
	case 0:
		return shmfs_unlink(
		    life->fs, somebody(life), some_node(life), some_name(life, name));
	case 1:
		return shmfs_rmdir(life->fs, ALICE, some_node(life), some_name(life, name));
	case 2:
		if (life->handle_count == 0)
			return 0;
		learnt->released = true;
		learnt->which = below(life, life->handle_count);
		shmfs_release(life->fs, life->handle[learnt->which]);
		return 0;
	default:
		if (life->known_count == 0)
			return 0;
		learnt->which = below(life, life->known_count);
		learnt->forgot = 1 + below(life, (unsigned)life->known[learnt->which].references);
		shmfs_forget(life->fs, life->known[learnt->which].id, learnt->forgot);
		return 0;
	}
}

static int64_t change(struct life *life, struct learnt *learnt)
{
	static char buffer[30000];
	const struct shmfs_change size = {.what = SHMFS_CHANGE_SIZE, .size = some_size(life)};
	static const unsigned flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct shmfs_opened opened = {.handle = 0};
	char from[64], to[64];
	struct shmfs_attr attr;
	int64_t rc;

	switch (below(life, 8)) {
	case 0:
	case 1:
		return shmfs_rename(life->fs, somebody(life), some_node(life),
		    some_name(life, from), some_node(life), some_name(life, to),
		    flags[below(life, 4)]);
	case 2:
		return shmfs_setattr(life->fs, some_node(life), &size, &attr);
	case 3:
		rc = shmfs_open(life->fs, ALICE, some_node(life), O_RDWR, &opened);
		learnt->handle = opened.handle;
		return rc;
	case 4:
		return shmfs_write(life->fs, somebody(life), some_handle(life), buffer,
		    below(life, sizeof buffer), some_size(life) / 10);
	case 5:
		return shmfs_read(life->fs, ALICE, some_handle(life), buffer,
		    below(life, sizeof buffer), some_size(life) / 10);
	case 6:
		return shmfs_fallocate(life->fs, ALICE, some_handle(life), 0, some_size(life) / 10,
		    some_size(life) / 10);
	default:
		return shmfs_fallocate(life->fs, ALICE, some_handle(life), 3, some_size(life) / 10,
		    1 + some_size(life) / 10);
	}
}

static void remember(struct life *life, const struct learnt *learnt)
{
	unsigned i = 0;

	if (learnt->released)
		life->handle[learnt->which] = life->handle[--life->handle_count];
	if (learnt->handle != 0)
		life->handle[life->handle_count++] = learnt->handle;
	if (learnt->forgot > 0) {
		life->known[learnt->which].references -= learnt->forgot;
		if (life->known[learnt->which].references == 0)
			life->known[learnt->which] = life->known[--life->known_count];
	}
	if (learnt->id == 0)
		return;
	while (i < life->known_count && life->known[i].id != learnt->id)
		i++;
	if (i == life->known_count) {
		life->known[i].id = learnt->id;
		life->known[i].references = 0;
		life->known_count++;
	}
	life->known[i].references++;
}

static int64_t some_operation(struct life *life, struct learnt *learnt)
{
	bool full = life->known_count > KNOWN - 2 || life->handle_count > OPEN - 2 ||
		    outside->books.memories > MEMORIES;
	unsigned kind = full ? 99 : below(life, 100);

	if (kind < 40)
		return make(life, learnt);
	if (kind < 70)
		return change(life, learnt);
	return take_away(life, learnt);
}

static void live_a_step(struct life *life)
{
	struct learnt learnt = {0};
	int64_t rc;

	outside_advance(0, 1000000);
	shmfs_begin(life->fs);
	rc = some_operation(life, &learnt);
	REQUIRE(rc != -ENOMEM && rc != -ENFILE && rc != -EIO, "got %s", result_text(rc));
	if (rc >= 0 && !random_percent(&life->random, 12)) {
		shmfs_commit(life->fs);
		remember(life, &learnt);
		life->succeeded++;
	} else {
		shmfs_rollback(life->fs);
		life->failed += rc < 0;
		life->undone += rc >= 0;
	}
}

/* --- the end
 * ---------------------------------------------------------------------------------------- */

struct first {
	char name[SHMFS_NAME_MAX + 1];
	bool found, dir;
	uint64_t id;
};

static int first_entry(void *arg, const struct shmfs_entry *entry)
{
	struct first *first = arg;

	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return 0;
	first->found = true;
	first->dir = S_ISDIR(entry->mode);
	first->id = entry->id;
	snprintf(first->name, sizeof first->name, "%s", entry->name);
	return 1;
}

static void remove_tree(struct shmfs *fs, uint64_t dir)
{
	for (;;) {
		struct first first = {.found = false};

		GIVES(0, shmfs_readdir(fs, ALICE, dir, 0, first_entry, &first));
		if (!first.found)
			return;
		if (first.dir) {
			remove_tree(fs, first.id);
			GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, dir, first.name)));
		} else {
			GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, first.name)));
		}
	}
}

static void take_everything_away(struct life *life)
{
	while (life->handle_count > 0)
		release(life->fs, life->handle[--life->handle_count]);
	remove_tree(life->fs, SHMFS_ROOT);
	while (life->known_count > 0) {
		life->known_count--;
		forget(life->fs, life->known[life->known_count].id,
		    life->known[life->known_count].references);
	}
}

START_TEST(a_long_random_life_leaves_nothing_behind)
{
	struct shmfs_config config = small_config();
	static struct life life;
	uint64_t used, most = 0;

	life.random = random_begin("a_long_random_life");
	config.size_limit = (uint64_t)PAGE_LIMIT * PAGE;
	config.node_limit = NODE_LIMIT;
	/* So that each limit refuses now and then. */
	config.user_size_limit = config.size_limit / 3;
	config.user_node_limit = USER_NODE_LIMIT;
	config.backing = _i == 1;
	config.spare_memories = config.backing ? SHMFS_SPARES_MAX : 0;
	life.fs = open_with(config);
	used = usage(life.fs).arena_bytes;
	check_every_transaction(false);
	for (unsigned step = 0; step < random_steps(100000 / slowness()); step++) {
		live_a_step(&life);
		if (step % 1000 == 0)
			check_namespace(life.fs);
		if (usage(life.fs).arena_bytes > most)
			most = usage(life.fs).arena_bytes;
	}
	check_namespace(life.fs);
	printf("%u steps succeeded, %u failed, %u were undone; arena at most %" PRIu64 " KiB\n",
	    life.succeeded, life.failed, life.undone, most >> 10);
	fflush(stdout);
	take_everything_away(&life);
	check_namespace(life.fs);
	ck_assert_uint_eq(usage(life.fs).used_nodes, 1);
	ck_assert_uint_eq(usage(life.fs).used_pages, 0);
	ck_assert_uint_eq(usage(life.fs).handles, 0);
	ck_assert_uint_eq(life.fs->super->spares.count, config.spare_memories);
	ck_assert_uint_eq(outside->books.memories, config.spare_memories);
	ck_assert_uint_eq(outside->books.backings, config.spare_memories);
	/* The path of the root in the tree of nodes has become longer with the ids. */
	ck_assert_uint_le(usage(life.fs).arena_bytes,
	    used + 8 * ARENA_PAGE_SIZE + descriptor_table_size(life.fs));
	close_checked(life.fs);
}
END_TEST

Suite *churn_suite(void)
{
	Suite *suite = suite_create("churn");
	TCase *tests = harness_case(suite, "churn");

	tcase_add_loop_test(tests, a_long_random_life_leaves_nothing_behind, 0, 2);
	return suite;
}

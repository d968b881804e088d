/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas that run full: each operation succeeds or is -ENOMEM, and taking things away never fails.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "harness.h"
#include "operations.h"
#include "snapshot.h"
#include "suites.h"

enum { ROUNDS = 100 };

/* What a script has made so far. Each of a round's things is there, or was refused. */
struct script {
	struct shmfs *fs;
	uint64_t dir[ROUNDS], object[ROUNDS], symlink[ROUNDS], handle[ROUNDS];
	bool moved[ROUNDS], linked[ROUNDS];
	unsigned refused;
};

/* Whether a call that may lack memory has worked; if not, nothing has changed. */
static bool worked(struct script *s, int64_t rc, struct snapshot *before)
{
	REQUIRE(rc >= 0 || rc == -ENOMEM, "expected success or -ENOMEM, got %s", result_text(rc));
	(void)end_transaction(s->fs, rc);
	if (rc < 0) {
		snapshot_expect(before, s->fs->arena, "an operation without memory");
		s->refused++;
	}
	snapshot_free(before);
	return rc >= 0;
}

static struct snapshot *begin(struct script *s)
{
	struct snapshot *before = snapshot_take(s->fs->arena);

	shmfs_begin(s->fs);
	return before;
}

static void make_round(struct script *s, int i)
{
	uint64_t parent = i > 0 && s->dir[i - 1] != 0 ? s->dir[i - 1] : SHMFS_ROOT;
	char name[64], target[1001];
	struct snapshot *before;
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	snprintf(name, sizeof name, "a name of some length for round %d", i);
	before = begin(s);
	if (worked(s, shmfs_mkdir(s->fs, ALICE, parent, name, 0755, &attr), before))
		s->dir[i] = attr.id;
	snprintf(name, sizeof name, "sem.%d", i);
	before = begin(s);
	if (worked(s, shmfs_create(s->fs, ALICE, SHMFS_ROOT, name, 0600, O_RDWR, &attr, &opened),
		before)) {
		s->object[i] = attr.id;
		s->handle[i] = opened.handle;
	}
	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	snprintf(name, sizeof name, "symlink-%d", i);
	before = begin(s);
	if (worked(s, shmfs_symlink(s->fs, ALICE, SHMFS_ROOT, name, target, &attr), before))
		s->symlink[i] = attr.id;
}

static void change_round(struct script *s, int i)
{
	struct snapshot *before;
	struct shmfs_attr attr;
	char name[64], to[64];

	if (s->object[i] == 0)
		return;
	before = begin(s);
	(void)worked(s, shmfs_write(s->fs, ALICE, s->handle[i], name, sizeof name, 5000), before);
	snprintf(name, sizeof name, "link-%d", i);
	before = begin(s);
	if (worked(s, shmfs_link(s->fs, ALICE, s->object[i], SHMFS_ROOT, name, &attr), before)) {
		s->linked[i] = true;
		forget(s->fs, s->object[i], 1);
	}
	if (s->dir[i] == 0)
		return;
	snprintf(name, sizeof name, "sem.%d", i);
	snprintf(to, sizeof to, "moved-%d", i);
	before = begin(s);
	if (worked(s, shmfs_rename(s->fs, ALICE, SHMFS_ROOT, name, s->dir[i], to, 0), before))
		s->moved[i] = true;
}

static void remove_round(struct script *s, int i)
{
	uint64_t parent = i > 0 && s->dir[i - 1] != 0 ? s->dir[i - 1] : SHMFS_ROOT;
	char name[64];

	snprintf(name, sizeof name, "%s%d", s->moved[i] ? "moved-" : "sem.", i);
	if (s->object[i] != 0) {
		release(s->fs, s->handle[i]);
		GIVES(0, TX(s->fs, shmfs_unlink(
				       s->fs, ALICE, s->moved[i] ? s->dir[i] : SHMFS_ROOT, name)));
		forget(s->fs, s->object[i], 1);
	}
	snprintf(name, sizeof name, "link-%d", i);
	if (s->linked[i])
		GIVES(0, TX(s->fs, shmfs_unlink(s->fs, ALICE, SHMFS_ROOT, name)));
	snprintf(name, sizeof name, "symlink-%d", i);
	if (s->symlink[i] != 0) {
		GIVES(0, TX(s->fs, shmfs_unlink(s->fs, ALICE, SHMFS_ROOT, name)));
		forget(s->fs, s->symlink[i], 1);
	}
	snprintf(name, sizeof name, "a name of some length for round %d", i);
	if (s->dir[i] != 0) {
		GIVES(0, TX(s->fs, shmfs_rmdir(s->fs, ALICE, parent, name)));
		forget(s->fs, s->dir[i], 1);
	}
}

/* How often memory was refused; -1: the arena was too small even for the root. */
static int play(size_t arena_size)
{
	struct shmfs_config config = small_config();
	struct script s;
	uint64_t used;
	int rc;

	memset(&s, 0, sizeof s);
	config.arena_size = arena_size;
	rc = shmfs_open_new(&config, &s.fs);
	if (rc < 0) {
		REQUIRE(rc == -EINVAL || rc == -ENOMEM, "open: got %s", result_text(rc));
		return -1;
	}
	used = usage(s.fs).arena_bytes;
	for (int i = 0; i < ROUNDS; i++) {
		make_round(&s, i);
		change_round(&s, i);
	}
	for (int i = ROUNDS - 1; i >= 0; i--)
		remove_round(&s, i);
	ck_assert_uint_eq(usage(s.fs).used_nodes, 1);
	ck_assert_uint_eq(usage(s.fs).used_pages, 0);
	/* Ids that counted up make the tree of nodes higher, for the root too. */
	ck_assert_uint_le(
	    usage(s.fs).arena_bytes, used + 4 * ARENA_PAGE_SIZE + descriptor_table_size(s.fs));
	close_checked(s.fs);
	return (int)s.refused;
}

START_TEST(arenas_of_every_size_from_too_small_to_enough)
{
	unsigned too_small = 0, refusing = 0;
	size_t size = 200 << 10;
	int refused;

	do {
		refused = play(size);
		too_small += refused < 0;
		refusing += refused > 0;
		size += ARENA_PAGE_SIZE;
	} while (refused != 0);
	printf("an arena of %zu KiB is enough; %u smaller ones ran full\n", size >> 10, refusing);
	fflush(stdout);
	ck_assert_uint_gt(too_small, 0);
	ck_assert_uint_gt(refusing, 10);
}
END_TEST

/* Each operation of the table finds k pages less than it may need, for growing k. */
START_TEST(each_operation_in_arenas_with_few_pages_left)
{
	static struct world world;
	unsigned refused = 0;

	for (unsigned left = 0; left < 40; left += left < 8 ? 1 : 8) {
		world_begin_nearly_full(&world, left);
		for (size_t i = 0; i < operation_count; i++) {
			struct snapshot *before = snapshot_take(world.fs->arena);
			int64_t rc;

			shmfs_begin(world.fs);
			rc = operation_run(&operations[i], &world);
			REQUIRE(rc == operations[i].want || rc == -ENOMEM,
			    "%s: expected its result or -ENOMEM, got %s",
			    operation_text(&operations[i], ARENA_FULL), result_text(rc));
			refused += rc == -ENOMEM && operations[i].want != -ENOMEM;
			shmfs_rollback(world.fs);
			snapshot_expect(
			    before, world.fs->arena, operation_text(&operations[i], ARENA_FULL));
			snapshot_free(before);
			check_namespace(world.fs);
		}
		world_end(&world);
	}
	ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(taking_away_needs_no_memory)
{
	static struct world world;
	unsigned tried = 0;

	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *o = &operations[i];
		int64_t rc;

		if (o->action != FORGET && o->action != RELEASE && o->action != UNLINK &&
		    o->action != RMDIR)
			continue;
		world_begin(&world, ARENA_FULL);
		shmfs_begin(world.fs);
		rc = operation_run(o, &world);
		REQUIRE(rc == o->want, "%s: another result", operation_text(o, ARENA_FULL));
		(void)end_transaction(world.fs, rc);
		world_end(&world);
		tried++;
	}
	ck_assert_uint_gt(tried, 10);
}
END_TEST

Suite *tiny_suite(void)
{
	Suite *suite = suite_create("tiny");
	TCase *tests = harness_case(suite, "tiny");

	tcase_add_test(tests, arenas_of_every_size_from_too_small_to_enough);
	tcase_add_test(tests, each_operation_in_arenas_with_few_pages_left);
	tcase_add_test(tests, taking_away_needs_no_memory);
	return suite;
}

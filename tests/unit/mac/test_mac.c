/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: every entry, under each policy and both, for every relation of two labels. What
 * is expected comes from the rules as they are written down (shmfs_mac.h, and the table of
 * dominance in mac_biba(4)), by functions that share nothing with the code.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/mac/mac.h"
#include "harness.h"
#include "labels.h"
#include "scene.h"
#include "suites.h"

#define BOTH (MAC_OBSERVE | MAC_MODIFY)

/* --- what is asked ---------------------------------------------------------------------------- */

static int64_t do_lookup(struct scene *s, int name)
{
	return shmfs_lookup(
	    s->fs, &s->asker, name ? s->dir : SHMFS_ROOT, name ? "x" : "f", &s->attr);
}

static int64_t do_lookup_missing(struct scene *s, int unused)
{
	int rc = shmfs_lookup(s->fs, &s->asker, s->dir, "missing", &s->attr);

	(void)unused;
	return rc == -ENOENT ? 0 : rc;
}

static int64_t do_lookup_by_id(struct scene *s, int parent)
{
	return shmfs_lookup(
	    s->fs, &s->asker, parent ? s->dir : s->file, parent ? ".." : ".", &s->attr);
}

static int64_t do_getattr(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_getattr(s->fs, &s->asker, s->file, &s->attr);
}

static int64_t do_open(struct scene *s, int flags)
{
	return shmfs_open(s->fs, &s->asker, s->file, flags, &s->out);
}

static int64_t do_create_existing(struct scene *s, int flags)
{
	return shmfs_create(s->fs, &s->asker, SHMFS_ROOT, "f", 0600, flags, &s->attr, &s->out);
}

static int64_t do_create(struct scene *s, int in_root)
{
	return shmfs_create(s->fs, &s->asker, in_root ? SHMFS_ROOT : s->dir, "new", 0600, O_RDWR,
	    &s->attr, &s->out);
}

static int64_t do_tmpfile(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_tmpfile(s->fs, &s->asker, s->dir, 0600, O_RDWR, &s->attr, &s->out);
}

static int64_t do_mknod(struct scene *s, int type)
{
	return shmfs_mknod(s->fs, &s->asker, s->dir, "new", (mode_t)type | 0600, &s->attr);
}

static int64_t do_mkdir(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_mkdir(s->fs, &s->asker, s->dir, "new", 0700, &s->attr);
}

static int64_t do_symlink(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_symlink(s->fs, &s->asker, s->dir, "new", "to", &s->attr);
}

static int64_t do_unlink(struct scene *s, int name)
{
	return shmfs_unlink(s->fs, &s->asker, name ? s->dir : SHMFS_ROOT, name ? "x" : "f");
}

static int64_t do_rmdir(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_rmdir(s->fs, &s->asker, SHMFS_ROOT, "hollow");
}

static int64_t do_rename(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_rename(s->fs, &s->asker, SHMFS_ROOT, "f", SHMFS_ROOT, "new", 0);
}

static int64_t do_replace(struct scene *s, int flags)
{
	return shmfs_rename(s->fs, &s->asker, SHMFS_ROOT, "own", SHMFS_ROOT, "f", (unsigned)flags);
}

static int64_t do_exchange_from(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_rename(s->fs, &s->asker, SHMFS_ROOT, "f", SHMFS_ROOT, "own", RENAME_EXCHANGE);
}

static int64_t do_move_into(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_rename(s->fs, &s->asker, SHMFS_ROOT, "own", s->dir, "new", 0);
}

static int64_t do_move_out(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_rename(s->fs, &s->asker, s->dir, "x", SHMFS_ROOT, "new", 0);
}

static int64_t do_link(struct scene *s, int into_dir)
{
	return shmfs_link(s->fs, &s->asker, into_dir ? s->own : s->file,
	    into_dir ? s->dir : SHMFS_ROOT, "new", &s->attr);
}

static int64_t do_setattr(struct scene *s, int what)
{
	struct shmfs_change change = {
	    .what = (unsigned)what, .uid = MAKER, .gid = 1, .mode = 0640, .size = 5};

	change.by = s->asker;
	return shmfs_setattr(s->fs, s->file, &change, &s->attr);
}

static int64_t do_read(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_read(s->fs, &s->asker, s->opened, s->buffer, 10, 0);
}

static int64_t do_write(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_write(s->fs, &s->asker, s->opened, "1", 1, 0);
}

static int64_t do_begin(struct scene *s, int writes)
{
	const struct shmfs_range range = {s->opened, 0};
	const struct shmfs_read_request what = {.handle = s->opened, .size = 10};
	struct shmfs_memory memory;

	return writes ? shmfs_write_begin(s->fs, &s->asker, &range, 10, &memory)
		      : shmfs_read_begin(s->fs, &s->asker, &what, &memory);
}

static int64_t do_write_back(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_write_back(s->fs, s->opened, "1", 1, 0);
}

static int64_t do_copy(struct scene *s, int from_own)
{
	const struct shmfs_range file = {s->opened, 0}, own = {s->own_opened, 0};

	return shmfs_copy(
	    s->fs, &s->asker, from_own ? &own : &file, from_own ? &file : &own, s->buffer, 10);
}

static int64_t do_fallocate(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_fallocate(s->fs, &s->asker, s->opened, 0, 0, 200);
}

static int64_t do_lseek(struct scene *s, int unused)
{
	uint64_t found;

	(void)unused;
	return shmfs_lseek(s->fs, &s->asker, s->opened, 0, SEEK_HOLE, &found);
}

static int64_t do_getxattr(struct scene *s, int own)
{
	return shmfs_getxattr(s->fs, &s->asker, s->file, own ? "user.shmfs.label" : "user.a",
	    s->buffer, sizeof s->buffer);
}

static int64_t do_listxattr(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_listxattr(s->fs, &s->asker, s->file, s->buffer, sizeof s->buffer);
}

static int64_t do_setxattr(struct scene *s, int own)
{
	return shmfs_setxattr(
	    s->fs, &s->asker, s->file, own ? "user.shmfs.grow" : "user.a", "1", 1, 0);
}

static int64_t do_removexattr(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_removexattr(s->fs, &s->asker, s->file, "user.a");
}

static int visit(void *arg, const struct shmfs_entry *entry)
{
	(void)arg;
	(void)entry;
	return 0;
}

static int64_t do_readdir(struct scene *s, int in_root)
{
	return shmfs_readdir(s->fs, &s->asker, in_root ? SHMFS_ROOT : s->dir, 0, visit, NULL);
}

static int64_t do_readlink(struct scene *s, int unused)
{
	(void)unused;
	return shmfs_readlink(s->fs, &s->asker, s->symlink, s->buffer);
}

static int64_t do_ask(struct scene *s, int what)
{
	return shmfs_ask(s->fs, &s->asker, s->file, (enum shmfs_ask)what);
}

struct question {
	const char *what;
	int64_t (*ask)(struct scene *s, int argument);
	int argument;
	unsigned access; /* what it is, of the maker's node or directory */
	bool revoking;	 /* only if the policies revoke */
};

static const struct question questions[] = {
    {"lookup", do_lookup, 0, MAC_OBSERVE, false},
    {"lookup in a directory", do_lookup, 1, MAC_OBSERVE, false},
    {"lookup of nothing in a directory", do_lookup_missing, 0, MAC_OBSERVE, false},
    {"lookup of itself", do_lookup_by_id, 0, MAC_OBSERVE, false},
    {"lookup of the parent of a directory", do_lookup_by_id, 1, MAC_OBSERVE, false},
    {"getattr", do_getattr, 0, MAC_OBSERVE, false},
    {"open O_RDONLY", do_open, O_RDONLY, MAC_OBSERVE, false},
    {"open O_WRONLY", do_open, O_WRONLY, BOTH, false},
    {"open O_RDWR", do_open, O_RDWR, BOTH, false},
    {"open O_RDONLY|O_TRUNC", do_open, O_RDONLY | O_TRUNC, BOTH, false},
    {"create, existing, O_RDONLY", do_create_existing, O_RDONLY, MAC_OBSERVE, false},
    {"create, existing, O_RDWR", do_create_existing, O_RDWR, BOTH, false},
    {"create in the root", do_create, 1, 0, false},
    {"create in a directory", do_create, 0, MAC_MODIFY, false},
    {"tmpfile", do_tmpfile, 0, 0, false},
    {"mknod of an object", do_mknod, S_IFREG, MAC_MODIFY, false},
    {"mknod of a FIFO", do_mknod, S_IFIFO, MAC_MODIFY, false},
    {"mkdir", do_mkdir, 0, MAC_MODIFY, false},
    {"symlink", do_symlink, 0, MAC_MODIFY, false},
    {"unlink", do_unlink, 0, MAC_MODIFY, false},
    {"unlink in a directory", do_unlink, 1, MAC_MODIFY, false},
    {"rmdir", do_rmdir, 0, MAC_MODIFY, false},
    {"rename", do_rename, 0, MAC_MODIFY, false},
    {"rename over it", do_replace, 0, MAC_MODIFY, false},
    {"exchange with it", do_replace, RENAME_EXCHANGE, MAC_MODIFY, false},
    {"exchange it", do_exchange_from, 0, MAC_MODIFY, false},
    {"rename into a directory", do_move_into, 0, MAC_MODIFY, false},
    {"rename out of a directory", do_move_out, 0, MAC_MODIFY, false},
    {"link", do_link, 0, MAC_MODIFY, false},
    {"link into a directory", do_link, 1, MAC_MODIFY, false},
    {"truncate", do_setattr, SHMFS_CHANGE_SIZE, MAC_MODIFY, false},
    {"chmod", do_setattr, SHMFS_CHANGE_MODE, MAC_MODIFY, false},
    {"chown", do_setattr, SHMFS_CHANGE_UID | SHMFS_CHANGE_GID, MAC_MODIFY, false},
    {"chown of nothing", do_setattr, 0, MAC_MODIFY, false},
    {"utimes", do_setattr, SHMFS_CHANGE_MTIME, MAC_MODIFY, false},
    {"read", do_read, 0, MAC_OBSERVE, true},
    {"write", do_write, 0, MAC_MODIFY, true},
    {"begin to read", do_begin, 0, MAC_OBSERVE, true},
    {"begin to write", do_begin, 1, MAC_MODIFY, true},
    {"write back", do_write_back, 0, 0, false},
    {"copy from it", do_copy, 0, MAC_OBSERVE, true},
    {"copy to it", do_copy, 1, MAC_MODIFY, true},
    {"fallocate", do_fallocate, 0, MAC_MODIFY, false},
    {"lseek", do_lseek, 0, MAC_OBSERVE, true},
    {"getxattr", do_getxattr, 0, MAC_OBSERVE, false},
    {"getxattr of the label", do_getxattr, 1, MAC_OBSERVE, false},
    {"listxattr", do_listxattr, 0, MAC_OBSERVE, false},
    {"setxattr", do_setxattr, 0, MAC_MODIFY, false},
    {"setxattr of grow", do_setxattr, 1, MAC_MODIFY, false},
    {"removexattr", do_removexattr, 0, MAC_MODIFY, false},
    {"readdir", do_readdir, 0, MAC_OBSERVE, false},
    {"readdir of the root", do_readdir, 1, 0, false},
    {"readlink", do_readlink, 0, MAC_OBSERVE, false},
    {"observing otherwise", do_ask, SHMFS_ASK_OBSERVE, MAC_OBSERVE, false},
    {"modifying otherwise", do_ask, SHMFS_ASK_MODIFY, MAC_MODIFY, false},
    {"pin", do_ask, SHMFS_ASK_PIN, BOTH, false},
};

/* --- what is expected ------------------------------------------------------------------------- */

/* No read down and no write up under Biba, no read up and no write down under MLS. */
static bool is_denied(enum shmfs_policy policy, unsigned access, const struct shmfs_label *subject,
    const struct shmfs_label *object)
{
	const struct shmfs_element *s = &subject->of[policy], *o = &object->of[policy];
	bool up = expect_dominates(o, s), down = expect_dominates(s, o);

	if (policy == SHMFS_BIBA)
		return ((access & MAC_OBSERVE) && !up) || ((access & MAC_MODIFY) && !down);
	return ((access & MAC_OBSERVE) && !down) || ((access & MAC_MODIFY) && !up);
}

static void expect_answer(struct scene *s, const struct question *q, unsigned policies, bool revoke,
    const struct shmfs_label *subject, const struct shmfs_label *object)
{
	unsigned access = q->revoking && !revoke ? 0 : q->access;
	struct shmfs_denial denial;
	bool denied[SHMFS_POLICIES];
	bool want = false;
	int64_t rc;

	for (enum shmfs_policy p = 0; p < SHMFS_POLICIES; p++) {
		denied[p] = (policies >> p & 1) && is_denied(p, access, subject, object);
		want = want || denied[p];
	}
	shmfs_begin(s->fs);
	rc = q->ask(s, q->argument);
	REQUIRE(want ? rc == -EACCES : rc >= 0, "%s, %s on %s%s: expected %s, got %s", q->what,
	    label_text(policies, subject), label_text(policies, object), revoke ? ", revoke" : "",
	    want ? "-EACCES" : "success", result_text(rc));
	REQUIRE(shmfs_denied(s->fs, &denial) == want, "%s: explained wrongly", q->what);
	for (enum shmfs_policy p = 0; want && p < SHMFS_POLICIES; p++)
		REQUIRE((denial.rules[p] != NULL) == denied[p], "%s, %s on %s: %s denies, or not",
		    q->what, label_text(policies, subject), label_text(policies, object),
		    shmfs_policy_name(p));
	shmfs_rollback(s->fs);
}

static void ask_all(unsigned policies, bool revoke, const struct shmfs_label *subject,
    const struct shmfs_label *object)
{
	struct scene s;

	check_every_transaction(false);
	scene_begin(&s, policies, revoke, subject, object);
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		expect_answer(&s, &questions[i], policies, revoke, subject, object);
	close_checked(s.fs);
}

/* One policy, and every pair of elements. */
START_TEST(each_entry_is_decided_as_one_policy_is_written)
{
	enum shmfs_policy policy = (enum shmfs_policy)(_i / 2);

	for (size_t a = 0; a < element_count; a++) {
		for (size_t b = 0; b < element_count; b++) {
			struct shmfs_label subject = {0}, object = {0};

			subject.of[policy] = elements[a];
			object.of[policy] = elements[b];
			ask_all(1u << policy, _i % 2 == 1, &subject, &object);
		}
	}
}
END_TEST

/* Both together: the relations multiply. */
START_TEST(each_entry_is_decided_as_both_policies_are_written)
{
	size_t number = 0;

	for (size_t i = 0; i < element_count * element_count; i++) {
		for (size_t j = 0; j < element_count * element_count; j++) {
			struct shmfs_label subject, object;

			if (number++ % slowness() != 0)
				continue;
			subject.of[SHMFS_BIBA] = elements[i / element_count];
			object.of[SHMFS_BIBA] = elements[i % element_count];
			subject.of[SHMFS_MLS] = elements[j / element_count];
			object.of[SHMFS_MLS] = elements[j % element_count];
			ask_all(ALL_POLICIES, _i == 1, &subject, &object);
		}
	}
}
END_TEST

Suite *mac_suite(void)
{
	Suite *suite = suite_create("mac");
	TCase *tests = harness_case(suite, "mac");

	tcase_add_loop_test(tests, each_entry_is_decided_as_one_policy_is_written, 0, 4);
	tcase_add_loop_test(tests, each_entry_is_decided_as_both_policies_are_written, 0, 2);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A random life of users with random labels, who tell all they know wherever they can and learn
 * whatever they can. What a user knows is a set of users, itself at first. It travels as a byte of
 * data, an attribute, a target, a name, a size or a time; whoever observes one knows it from then
 * on. However many steps it takes, nobody may come to know of a user from whom the policies keep
 * it: under MLS of one above it, under Biba of one below.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"
#include "labels.h"
#include "random.h"
#include "suites.h"

enum { USERS = 7, FIRST_UID = 100, IDS = 64, OPENED = 48, STEPS = 100000, SIZE_BASE = 4096 };

struct open_file {
	uint64_t handle; /* 0: none */
	unsigned user;
};

struct life {
	struct shmfs *fs;
	struct random random;
	unsigned policies;
	bool revoke;
	struct shmfs_label labels[USERS];
	unsigned knows[USERS]; /* bits of users */
	unsigned known_by_listing;
	uint64_t ids[IDS]; /* of nodes, some of them gone */
	bool is_dir[IDS];
	struct open_file opened[OPENED];
	unsigned long learned, told, denied;
	struct shmfs_attr attr;
	struct shmfs_opened out;
};

static struct shmfs_cred cred_of(unsigned user)
{
	return (struct shmfs_cred){.uid = FIRST_UID + user, .gid = 1};
}

/* Whether the policies let u learn of v. */
static bool may_know(const struct life *l, unsigned u, unsigned v)
{
	const struct shmfs_element *to = l->labels[u].of, *from = l->labels[v].of;

	if ((l->policies >> SHMFS_BIBA & 1) &&
	    !expect_dominates(&from[SHMFS_BIBA], &to[SHMFS_BIBA]))
		return false;
	return !(l->policies >> SHMFS_MLS & 1) ||
	       expect_dominates(&to[SHMFS_MLS], &from[SHMFS_MLS]);
}

static void learn(struct life *l, unsigned user, unsigned what, const char *how)
{
	for (unsigned v = 0; v < USERS; v++)
		REQUIRE(!(what >> v & 1) || may_know(l, user, v),
		    "by %s, user %u (%s) comes to know of user %u (%s)", how, user,
		    label_text(l->policies, &l->labels[user]), v,
		    label_text(l->policies, &l->labels[v]));
	l->learned += (what & ~l->knows[user]) != 0;
	l->knows[user] |= what;
}

static int64_t ended(struct life *l, int64_t rc)
{
	l->denied += rc == -EACCES;
	return end_transaction(l->fs, rc);
}

#define STEP(l, call) (shmfs_begin((l)->fs), ended((l), (int64_t)(call)))

static uint64_t any_id(struct life *l)
{
	return l->ids[random_below(&l->random, IDS)];
}

static uint64_t any_dir(struct life *l)
{
	unsigned i = random_below(&l->random, IDS);

	return l->is_dir[i] ? l->ids[i] : SHMFS_ROOT;
}

/* A name says what its giver knows; the rest makes it one of a few. */
static void name_of(struct life *l, unsigned user, char name[16])
{
	snprintf(name, 16, "%02x-%u", l->knows[user], random_below(&l->random, 6));
}

/* A name that may be there, and that can be thought of. */
static void guess(struct life *l, unsigned user, char name[16])
{
	unsigned other = random_below(&l->random, USERS);

	if (l->knows[other] & ~l->knows[user])
		other = user;
	snprintf(name, 16, "%02x-%u", l->knows[other], random_below(&l->random, 6));
}

static unsigned said_by(const char *name)
{
	return (unsigned)strtoul(name, NULL, 16);
}

static void note_node(struct life *l, bool is_dir)
{
	unsigned i = random_below(&l->random, IDS);

	l->ids[i] = l->attr.id;
	l->is_dir[i] = is_dir;
	l->told++;
}

/* The number of an opening that is free or is made so. */
static struct open_file *free_opening(struct life *l)
{
	struct open_file *file = &l->opened[random_below(&l->random, OPENED)];

	if (file->handle != 0)
		release(l->fs, file->handle);
	file->handle = 0;
	return file;
}

static void note_opening(struct life *l, unsigned user)
{
	struct open_file *file = free_opening(l);

	*file = (struct open_file){l->out.handle, user};
}

/* An opening that the user may use: an own one, or where each use is decided any that was handed
 * over.
 */
static uint64_t any_opening(struct life *l, unsigned user)
{
	for (unsigned i = 0; i < 8; i++) {
		const struct open_file *file = &l->opened[random_below(&l->random, OPENED)];

		if (file->handle != 0 && (l->revoke || file->user == user))
			return file->handle;
	}
	return 4711;
}

static void make(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	unsigned kind = random_below(&l->random, 5);
	uint64_t dir = any_dir(l);
	char name[16], target[16];

	name_of(l, user, name);
	name_of(l, user, target);
	if (kind == 0 && STEP(l, shmfs_mkdir(l->fs, cred, dir, name, 0777, &l->attr)) == 0)
		note_node(l, true);
	else if (kind == 1 && STEP(l, shmfs_symlink(l->fs, cred, dir, name, target, &l->attr)) == 0)
		note_node(l, false);
	else if (kind == 2 &&
		 STEP(l, shmfs_mknod(l->fs, cred, dir, name, S_IFREG | 0666, &l->attr)) == 0)
		note_node(l, false);
	else if (kind == 3 && STEP(l, shmfs_create(l->fs, cred, dir, name, 0666, O_RDWR, &l->attr,
					  &l->out)) == 0) {
		note_node(l, false);
		note_opening(l, user);
	} else if (kind == 4 &&
		   STEP(l, shmfs_tmpfile(l->fs, cred, dir, 0666, O_RDWR, &l->attr, &l->out)) == 0) {
		note_node(l, false);
		note_opening(l, user);
	}
}

static void open_one(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC};

	if (STEP(l, shmfs_open(
			l->fs, cred, any_id(l), flags[random_below(&l->random, 4)], &l->out)) == 0)
		note_opening(l, user);
}

static void tell(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	unsigned char knows = (unsigned char)l->knows[user];
	uint64_t handle = any_opening(l, user);
	struct shmfs_change change = {.by = *cred};

	switch (random_below(&l->random, 4)) {
	case 0:
		(void)STEP(l, shmfs_fallocate(l->fs, cred, handle, 0, 0, SIZE_BASE));
		l->told += STEP(l, shmfs_write(l->fs, cred, handle, &knows, 1, 0)) == 1;
		break;
	case 1:
		l->told +=
		    STEP(l, shmfs_setxattr(l->fs, cred, any_id(l), "user.k", &knows, 1, 0)) == 0;
		break;
	case 2:
		change.what = SHMFS_CHANGE_SIZE;
		change.size = SIZE_BASE + knows;
		l->told += STEP(l, shmfs_setattr(l->fs, any_id(l), &change, &l->attr)) == 0;
		break;
	default:
		change.what = SHMFS_CHANGE_MTIME;
		change.mtime.tv_sec = knows;
		l->told += STEP(l, shmfs_setattr(l->fs, any_id(l), &change, &l->attr)) == 0;
	}
}

static void ask_attributes(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	if (STEP(l, shmfs_getattr(l->fs, cred, any_id(l), &l->attr)) < 0)
		return;
	if (S_ISREG(l->attr.mode) && l->attr.size >= SIZE_BASE)
		learn(l, user, (unsigned)(l->attr.size - SIZE_BASE), "size");
	if (l->attr.mtime.tv_sec < 256)
		learn(l, user, (unsigned)l->attr.mtime.tv_sec, "time");
}

static int take_name(void *arg, const struct shmfs_entry *entry)
{
	struct life *l = arg;

	if (entry->name[0] != '.')
		l->known_by_listing |= said_by(entry->name);
	return 0;
}

static void ask(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	char target[SHMFS_TARGET_MAX + 1], name[16];
	unsigned char byte;

	switch (random_below(&l->random, 6)) {
	case 0:
		if (STEP(l, shmfs_read(l->fs, cred, any_opening(l, user), &byte, 1, 0)) == 1)
			learn(l, user, byte, "read");
		break;
	case 1:
		if (STEP(l, shmfs_getxattr(l->fs, cred, any_id(l), "user.k", &byte, 1)) == 1)
			learn(l, user, byte, "getxattr");
		break;
	case 2:
		if (STEP(l, shmfs_readlink(l->fs, cred, any_id(l), target)) > 0)
			learn(l, user, said_by(target), "readlink");
		break;
	case 3:
		l->known_by_listing = 0;
		if (STEP(l, shmfs_readdir(l->fs, cred, any_dir(l), 0, take_name, l)) == 0)
			learn(l, user, l->known_by_listing, "readdir");
		break;
	case 4:
		guess(l, user, name);
		if (STEP(l, shmfs_lookup(l->fs, cred, any_dir(l), name, &l->attr)) == 0)
			learn(l, user, said_by(name), "lookup");
		break;
	default:
		ask_attributes(l, user, cred);
	}
}

/* Names that are given, moved and taken. */
static void rename_some(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	static const unsigned flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	char from[16], to[16];

	guess(l, user, from);
	name_of(l, user, to);
	switch (random_below(&l->random, 4)) {
	case 0:
		l->told += STEP(l, shmfs_rename(l->fs, cred, any_dir(l), from, any_dir(l), to,
				       flags[random_below(&l->random, 4)])) == 0;
		break;
	case 1:
		l->told +=
		    STEP(l, shmfs_link(l->fs, cred, any_id(l), any_dir(l), to, &l->attr)) == 0;
		break;
	case 2:
		(void)STEP(l, shmfs_unlink(l->fs, cred, any_dir(l), from));
		break;
	default:
		(void)STEP(l, shmfs_rmdir(l->fs, cred, any_dir(l), from));
	}
}

/* The bytes pass from one object to another without being seen. */
static void copy(struct life *l, unsigned user, const struct shmfs_cred *cred)
{
	const struct shmfs_range from = {any_opening(l, user), 0}, to = {any_opening(l, user), 0};
	char byte;

	l->told += STEP(l, shmfs_copy(l->fs, cred, &from, &to, &byte, 1)) == 1;
}

static void one_step(struct life *l)
{
	unsigned user = random_below(&l->random, USERS), what = random_below(&l->random, 100);
	struct shmfs_cred cred = cred_of(user);

	/* The root is equal to all, and its own attributes its owner's to change. */
	if (what < 12)
		make(l, user, &cred);
	else if (what < 24)
		open_one(l, user, &cred);
	else if (what < 48)
		tell(l, user, &cred);
	else if (what < 84)
		ask(l, user, &cred);
	else if (what < 94)
		rename_some(l, user, &cred);
	else
		copy(l, user, &cred);
}

static struct shmfs_element random_element(struct life *l)
{
	static const char *const words[] = {"low", "high"};
	struct shmfs_element made;

	if (random_below(&l->random, 4) == 0)
		return element(words[random_below(&l->random, 2)]);
	made = element("0");
	made.number = random_below(&l->random, 4);
	made.compartments[0] = random_below(&l->random, 8);
	return made;
}

static void begin(struct life *l, unsigned policies, bool revoke)
{
	struct shmfs_mac_subject subjects[USERS + 1] = {{.kind = SHMFS_SUBJECT_DEFAULT}};
	const struct shmfs_mac mac = {policies, revoke, subjects, USERS + 1};
	struct shmfs_config config = small_config();

	l->policies = policies;
	l->revoke = revoke;
	for (unsigned u = 0; u < USERS; u++) {
		for (int p = 0; p < SHMFS_POLICIES; p++) {
			if (policies >> p & 1)
				l->labels[u].of[p] = random_element(l);
		}
		l->knows[u] = 1u << u;
		subjects[u + 1] =
		    (struct shmfs_mac_subject){SHMFS_SUBJECT_UID, FIRST_UID + u, l->labels[u], 0};
	}
	config.mac = &mac;
	config.node_limit = 300;
	l->fs = open_with(config);
	/* A time of today is no message. */
	outside_advance(1000000000, 0);
	for (unsigned i = 0; i < IDS; i++)
		l->ids[i] = 4711;
}

static void let_live(struct life *l, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++)
		one_step(l);
	for (unsigned i = 0; i < OPENED; i++) {
		if (l->opened[i].handle != 0)
			release(l->fs, l->opened[i].handle);
	}
	close_checked(l->fs);
}

START_TEST(nothing_flows_against_the_policies)
{
	static const unsigned policies[] = {1u << SHMFS_BIBA, 1u << SHMFS_MLS, ALL_POLICIES};
	struct random random = random_begin("nothing_flows_against_the_policies");
	unsigned steps = random_steps(STEPS / slowness()), lives = 20;
	unsigned long learned = 0, told = 0, denied = 0;

	check_every_transaction(false);
	for (unsigned i = 0; i < lives; i++) {
		struct life *l = calloc(1, sizeof *l);

		l->random.state = random_next(&random);
		begin(l, policies[_i / 2], _i % 2 == 1);
		let_live(l, steps / lives);
		learned += l->learned;
		told += l->told;
		denied += l->denied;
		free(l);
	}
	printf("%u operations: %lu told, %lu learned, %lu denied\n", steps, told, learned, denied);
	fflush(stdout);
	/* That much is allowed, or the test shows nothing. */
	ck_assert_uint_gt(told, steps / 50);
	ck_assert_uint_gt(learned, lives / 4);
	ck_assert_uint_gt(denied, steps / 20);
}
END_TEST

Suite *mac_flow_suite(void)
{
	Suite *suite = suite_create("flow");
	TCase *tests = harness_case(suite, "flow");

	tcase_add_loop_test(tests, nothing_flows_against_the_policies, 0, 6);
	return suite;
}

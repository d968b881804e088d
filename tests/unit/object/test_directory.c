/* SPDX-License-Identifier: BSD-2-Clause */
/* Listing directories: order, cookies, and readers that go on while entries come and go. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "random.h"
#include "suites.h"

/* A reader takes so many entries at a time and goes on from where it was. */
struct reader {
	uint64_t next;
	unsigned room;
	bool at_end;
	uint64_t last_id;
	char last_name[SHMFS_NAME_MAX + 1];
	mode_t last_mode;
	void (*seen)(void *arg, const struct shmfs_entry *entry);
	void *arg;
};

/* Like the filling of a buffer: an entry that has no room is not taken. */
static int take_entry(void *arg, const struct shmfs_entry *entry)
{
	struct reader *reader = arg;

	if (reader->room == 0) {
		reader->at_end = false;
		return 1;
	}
	reader->room--;
	reader->next = entry->next;
	reader->last_id = entry->id;
	reader->last_mode = entry->mode & S_IFMT;
	snprintf(reader->last_name, sizeof reader->last_name, "%s", entry->name);
	if (reader->seen != NULL)
		reader->seen(reader->arg, entry);
	return 0;
}

static void read_some(struct shmfs *fs, uint64_t dir, struct reader *reader, unsigned room)
{
	reader->room = room;
	reader->at_end = true;
	GIVES(0, shmfs_readdir(fs, ALICE, dir, reader->next, take_entry, reader));
}

static void expect_entry(struct shmfs *fs, uint64_t dir, struct reader *reader, const char *name,
    uint64_t id, mode_t type)
{
	read_some(fs, dir, reader, 1);
	ck_assert_uint_eq(reader->room, 0);
	ck_assert_str_eq(reader->last_name, name);
	ck_assert_uint_eq(reader->last_id, id);
	ck_assert_uint_eq(reader->last_mode, type);
}

static void expect_end(struct shmfs *fs, uint64_t dir, struct reader *reader)
{
	read_some(fs, dir, reader, 1);
	ck_assert_uint_eq(reader->room, 1);
	ck_assert(reader->at_end);
}

START_TEST(the_newest_entry_comes_first)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");
	uint64_t b = new_object(fs, dir, "b"), a = new_directory(fs, dir, "a");
	uint64_t link = new_symlink(fs, dir, "link", "a");
	struct reader reader = {0};

	expect_entry(fs, dir, &reader, ".", dir, S_IFDIR);
	expect_entry(fs, dir, &reader, "..", SHMFS_ROOT, S_IFDIR);
	expect_entry(fs, dir, &reader, "link", link, S_IFLNK);
	expect_entry(fs, dir, &reader, "a", a, S_IFDIR);
	expect_entry(fs, dir, &reader, "b", b, S_IFREG);
	expect_end(fs, dir, &reader);
	expect_end(fs, dir, &reader);
	close_checked(fs);
}
END_TEST

START_TEST(the_root_is_its_own_parent)
{
	struct shmfs *fs = open_small();
	struct reader reader = {0};

	expect_entry(fs, SHMFS_ROOT, &reader, ".", SHMFS_ROOT, S_IFDIR);
	expect_entry(fs, SHMFS_ROOT, &reader, "..", SHMFS_ROOT, S_IFDIR);
	expect_end(fs, SHMFS_ROOT, &reader);
	close_checked(fs);
}
END_TEST

START_TEST(the_parent_follows_a_move)
{
	struct shmfs *fs = open_small();
	uint64_t a = new_directory(fs, SHMFS_ROOT, "a"), b = new_directory(fs, SHMFS_ROOT, "b");
	uint64_t moving = new_directory(fs, a, "moving");
	struct reader reader = {.next = 1};

	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, a, "moving", b, "moved", 0)));
	expect_entry(fs, moving, &reader, "..", b, S_IFDIR);
	close_checked(fs);
}
END_TEST

START_TEST(any_cookie_is_answered)
{
	static const uint64_t cookies[] = {4, 5, 100, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};
	struct shmfs *fs = open_small();

	(void)new_object(fs, SHMFS_ROOT, "a");
	for (size_t i = 0; i < sizeof cookies / sizeof cookies[0]; i++) {
		struct reader reader = {.next = cookies[i]};

		expect_end(fs, SHMFS_ROOT, &reader);
	}
	for (uint64_t cookie = 0; cookie <= 3; cookie++) {
		struct reader reader = {.next = cookie};

		read_some(fs, SHMFS_ROOT, &reader, 10);
		ck_assert_uint_eq(10 - reader.room, 3 - cookie);
	}
	close_checked(fs);
}
END_TEST

START_TEST(a_reader_goes_on_where_an_entry_was_removed)
{
	struct shmfs *fs = open_small();
	struct reader reader = {.next = 2};
	uint64_t c = new_object(fs, SHMFS_ROOT, "c");

	(void)new_object(fs, SHMFS_ROOT, "b");
	(void)new_object(fs, SHMFS_ROOT, "a");
	read_some(fs, SHMFS_ROOT, &reader, 1);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	expect_entry(fs, SHMFS_ROOT, &reader, "c", c, S_IFREG);
	expect_end(fs, SHMFS_ROOT, &reader);
	close_checked(fs);
}
END_TEST

START_TEST(an_entry_that_comes_back_has_a_new_place)
{
	struct shmfs *fs = open_small();
	struct reader reader = {.next = 2};
	uint64_t b, a;

	(void)new_object(fs, SHMFS_ROOT, "a");
	b = new_object(fs, SHMFS_ROOT, "b");
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	a = new_object(fs, SHMFS_ROOT, "a");
	expect_entry(fs, SHMFS_ROOT, &reader, "a", a, S_IFREG);
	expect_entry(fs, SHMFS_ROOT, &reader, "b", b, S_IFREG);
	expect_end(fs, SHMFS_ROOT, &reader);
	close_checked(fs);
}
END_TEST

START_TEST(replacing_and_exchanging_keep_places)
{
	struct shmfs *fs = open_small();
	uint64_t a = new_object(fs, SHMFS_ROOT, "a"), b = new_object(fs, SHMFS_ROOT, "b");
	uint64_t c = new_object(fs, SHMFS_ROOT, "c");
	struct reader reader = {.next = 2};

	GIVES(
	    0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", RENAME_EXCHANGE)));
	expect_entry(fs, SHMFS_ROOT, &reader, "c", c, S_IFREG);
	expect_entry(fs, SHMFS_ROOT, &reader, "b", a, S_IFREG);
	expect_entry(fs, SHMFS_ROOT, &reader, "a", b, S_IFREG);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "c", SHMFS_ROOT, "a", 0)));
	reader.next = 2;
	expect_entry(fs, SHMFS_ROOT, &reader, "b", a, S_IFREG);
	expect_entry(fs, SHMFS_ROOT, &reader, "a", c, S_IFREG);
	expect_end(fs, SHMFS_ROOT, &reader);
	close_checked(fs);
}
END_TEST

/* Of every kind, under a name that is longer, or shorter; "b" stands between the two. */
START_TEST(a_rename_keeps_the_place)
{
	struct shmfs *fs = open_small();
	uint64_t last = new_object(fs, SHMFS_ROOT, "a"), b = new_object(fs, SHMFS_ROOT, "b");
	uint64_t first = new_directory(fs, SHMFS_ROOT, "c");
	struct reader reader = {.next = 2};

	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "name", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "c", SHMFS_ROOT, "directory", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "directory", SHMFS_ROOT, "d",
			    RENAME_NOREPLACE)));
	expect_entry(fs, SHMFS_ROOT, &reader, "d", first, S_IFDIR);
	expect_entry(fs, SHMFS_ROOT, &reader, "b", b, S_IFREG);
	expect_entry(fs, SHMFS_ROOT, &reader, "name", last, S_IFREG);
	expect_end(fs, SHMFS_ROOT, &reader);
	close_checked(fs);
}
END_TEST

/* Each makes another entry whenever the reader has read one, by another change of the directory. */
static void renew_by_rename(struct shmfs *fs, uint64_t dir, uint64_t other, unsigned turn)
{
	(void)other;
	GIVES(0, TX(fs, shmfs_rename(
			    fs, ALICE, dir, turn % 2 ? "b" : "a", dir, turn % 2 ? "a" : "b", 0)));
}

static void renew_by_moving(struct shmfs *fs, uint64_t dir, uint64_t other, unsigned turn)
{
	(void)turn;
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, dir, "a", other, "a", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, other, "a", dir, "a", 0)));
}

static void renew_by_making(struct shmfs *fs, uint64_t dir, uint64_t other, unsigned turn)
{
	(void)other;
	(void)turn;
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "a")));
	forget(fs, new_object(fs, dir, "a"), 1);
}

static void renew_by_linking(struct shmfs *fs, uint64_t dir, uint64_t other, unsigned turn)
{
	struct shmfs_attr attr;
	const char *from = turn % 2 ? "b" : "a", *to = turn % 2 ? "a" : "b";

	(void)other;
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, dir, from, &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, attr.id, dir, to, &attr)));
	forget(fs, attr.id, 2);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, from)));
}

static void renew_by_more(struct shmfs *fs, uint64_t dir, uint64_t other, unsigned turn)
{
	char name[32];

	(void)other;
	snprintf(name, sizeof name, "more-%u", turn);
	forget(fs, new_directory(fs, dir, name), 1);
}

START_TEST(a_walk_ends_whatever_its_entries_do)
{
	static void (*const renew[])(struct shmfs *, uint64_t, uint64_t, unsigned) = {
	    renew_by_rename, renew_by_moving, renew_by_making, renew_by_linking, renew_by_more};
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");
	uint64_t other = new_directory(fs, SHMFS_ROOT, "other");
	struct reader reader = {.next = 2};

	(void)new_object(fs, dir, "a");
	for (unsigned turn = 0; !reader.at_end; turn++) {
		ck_assert_uint_le(turn, 2);
		read_some(fs, dir, &reader, 1);
		if (reader.room > 0)
			break;
		renew[_i](fs, dir, other, turn);
	}
	close_checked(fs);
}
END_TEST

START_TEST(a_removed_directory_shows_nothing)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir");
	struct reader reader = {0};

	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "dir")));
	expect_end(fs, dir, &reader);
	close_checked(fs);
}
END_TEST

START_TEST(only_directories_are_listed)
{
	struct shmfs *fs = open_small();
	struct reader reader = {0};

	GIVES(-ENOTDIR,
	    shmfs_readdir(fs, ALICE, new_object(fs, SHMFS_ROOT, "a"), 0, take_entry, &reader));
	GIVES(-ENOTDIR, shmfs_readdir(fs, ALICE, new_symlink(fs, SHMFS_ROOT, "b", "."), 0,
			    take_entry, &reader));
	GIVES(-ESTALE, shmfs_readdir(fs, ALICE, 0, 0, take_entry, &reader));
	GIVES(-ESTALE, shmfs_readdir(fs, ALICE, 999, 0, take_entry, &reader));
	GIVES(-ESTALE, shmfs_readdir(fs, ALICE, UINT64_MAX, 0, take_entry, &reader));
	close_checked(fs);
}
END_TEST

/* --- readers of a directory that changes --------------------------------------------------------
 */

enum { STAYING = 200, PASSING = 100, READERS = 8 };

struct crowd {
	struct shmfs *fs;
	bool passing[PASSING]; /* which names are there now */
	bool renamed[STAYING]; /* which have their other name now */
};

static void count_staying(void *arg, const struct shmfs_entry *entry)
{
	unsigned char *times = arg;
	unsigned number;

	if (sscanf(entry->name, "staying-%u", &number) == 1) {
		REQUIRE(number < STAYING, "an entry %s that nobody made", entry->name);
		times[number]++;
	}
}

/* A name that stays gets another one that stays, of another length. */
static void rename_one_that_stays(struct crowd *crowd, struct random *random)
{
	unsigned number = random_below(random, STAYING);
	char from[40], to[40];

	snprintf(from, sizeof from, crowd->renamed[number] ? "staying-%u-" : "staying-%u", number);
	snprintf(to, sizeof to, crowd->renamed[number] ? "staying-%u" : "staying-%u-", number);
	GIVES(0, TX(crowd->fs, shmfs_rename(crowd->fs, ALICE, SHMFS_ROOT, from, SHMFS_ROOT, to,
				   RENAME_NOREPLACE)));
	crowd->renamed[number] = !crowd->renamed[number];
}

/* Makes, removes, renames or replaces one of the names that do not stay. */
static void pass(struct crowd *crowd, struct random *random)
{
	unsigned one = random_below(random, PASSING), two = random_below(random, PASSING);
	char from[32], to[32];

	snprintf(from, sizeof from, "passing-%u", one);
	snprintf(to, sizeof to, "passing-%u", two);
	if (!crowd->passing[one]) {
		forget(crowd->fs, new_object(crowd->fs, SHMFS_ROOT, from), 1);
		crowd->passing[one] = true;
	} else if (one != two && random_percent(random, 50)) {
		GIVES(0, TX(crowd->fs,
			     shmfs_rename(crowd->fs, ALICE, SHMFS_ROOT, from, SHMFS_ROOT, to, 0)));
		crowd->passing[one] = false;
		crowd->passing[two] = true;
	} else {
		GIVES(0, TX(crowd->fs, shmfs_unlink(crowd->fs, ALICE, SHMFS_ROOT, from)));
		crowd->passing[one] = false;
	}
}

/* An exchange leaves both names where they are, so whoever stays may take part. */
static void swap_two_that_stay(struct crowd *crowd, struct random *random)
{
	unsigned one = random_below(random, STAYING), two = random_below(random, STAYING);
	char from[32], to[32];

	if (crowd->renamed[one] || crowd->renamed[two])
		return;
	snprintf(from, sizeof from, "staying-%u", one);
	snprintf(to, sizeof to, "staying-%u", two);
	GIVES(0, TX(crowd->fs, shmfs_rename(crowd->fs, ALICE, SHMFS_ROOT, from, SHMFS_ROOT, to,
				   RENAME_EXCHANGE)));
}

static void fill_crowd(struct crowd *crowd, struct random *random)
{
	char name[32];

	for (unsigned i = 0; i < STAYING; i++) {
		snprintf(name, sizeof name, "staying-%u", i);
		forget(crowd->fs, new_object(crowd->fs, SHMFS_ROOT, name), 1);
		if (random_percent(random, 50))
			pass(crowd, random);
	}
}

static void read_on(struct crowd *crowd, struct reader *reader, unsigned char *times, unsigned room)
{
	reader->seen = count_staying;
	reader->arg = times;
	read_some(crowd->fs, SHMFS_ROOT, reader, room);
	if (!reader->at_end)
		return;
	for (unsigned i = 0; i < STAYING; i++)
		REQUIRE(times[i] == 1, "staying-%u was seen %u times", i, times[i]);
	memset(times, 0, STAYING);
	*reader = (struct reader){0};
}

START_TEST(every_entry_that_stays_is_seen_exactly_once)
{
	struct random random = random_begin("every_entry_that_stays_is_seen_exactly_once");
	static unsigned char times[READERS][STAYING];
	struct reader readers[READERS] = {{0}};
	struct crowd crowd = {.fs = open_small()};

	check_every_transaction(false);
	fill_crowd(&crowd, &random);
	for (unsigned step = 0; step < random_steps(30000 / slowness()); step++) {
		unsigned which = random_below(&random, READERS);

		if (random_percent(&random, 60))
			pass(&crowd, &random);
		else if (random_percent(&random, 10))
			swap_two_that_stay(&crowd, &random);
		else if (random_percent(&random, 20))
			rename_one_that_stays(&crowd, &random);
		else
			read_on(
			    &crowd, &readers[which], times[which], 1 + random_below(&random, 40));
	}
	close_checked(crowd.fs);
}
END_TEST

Suite *directory_suite(void)
{
	Suite *suite = suite_create("directory");
	TCase *tests = harness_case(suite, "directory");

	tcase_add_test(tests, the_newest_entry_comes_first);
	tcase_add_test(tests, the_root_is_its_own_parent);
	tcase_add_test(tests, the_parent_follows_a_move);
	tcase_add_test(tests, any_cookie_is_answered);
	tcase_add_test(tests, a_reader_goes_on_where_an_entry_was_removed);
	tcase_add_test(tests, an_entry_that_comes_back_has_a_new_place);
	tcase_add_test(tests, replacing_and_exchanging_keep_places);
	tcase_add_test(tests, a_rename_keeps_the_place);
	tcase_add_loop_test(tests, a_walk_ends_whatever_its_entries_do, 0, 5);
	tcase_add_test(tests, a_removed_directory_shows_nothing);
	tcase_add_test(tests, only_directories_are_listed);
	tcase_add_test(tests, every_entry_that_stays_is_seen_exactly_once);
	return suite;
}

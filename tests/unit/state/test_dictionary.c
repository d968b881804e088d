/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash table: growth and shrinking, chains, and how little each step changes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/object/node.h"
#include "fs/state/dictionary.h"
#include "harness.h"
#include "random.h"
#include "snapshot.h"
#include "suites.h"

enum {
	MANY = 100000,
	/* A chain this long does not come up by chance: an unsplit bucket holds 4 on average. */
	LONGEST = 32,
	/* What one step may save: two pages of the tree and a chain being split, generously. */
	STEP_BYTES = 16384,
};

static struct arena *arena;
static int arena_fd;
static struct dictionary *dictionary;
static struct entry *entries[MANY];
static struct node dirs[1000];

static void begin_dictionary(const char *test)
{
	struct random random = random_begin(test);
	const uint64_t key[2] = {random_next(&random), random_next(&random)};

	GIVES(0, arena_create(false, 128 << 20, PAGE, &arena_fd, &arena));
	txn_begin(&arena->txn);
	dictionary = arena_alloc(arena, sizeof *dictionary);
	GIVES(0, dictionary_init(arena, dictionary, key));
	txn_commit(&arena->txn, outside_os());
	for (unsigned i = 0; i < 1000; i++)
		dirs[i].id = i + 1;
}

static void end_dictionary(void)
{
	ck_assert_uint_eq(arena_verify(arena, NULL, NULL), 0);
	arena_unmap(arena);
	close(arena_fd);
}

static struct entry *make_entry(struct node *dir, const char *name)
{
	size_t length = strlen(name);
	struct entry *entry = arena_alloc(arena, sizeof *entry + length + 1);

	REQUIRE(entry != NULL, "no memory for an entry");
	entry->dir = dir;
	entry->length = (uint32_t)length & INT32_MAX;
	memcpy(entry->name, name, length);
	entry->hash = dictionary_hash(dictionary, dir, name, length);
	return entry;
}

static struct entry *find(const struct node *dir, const char *name)
{
	return dictionary_find(dictionary, dir, name, strlen(name));
}

/* Enters a name in a transaction and returns how much of the log the dictionary alone took. */
static uint64_t insert(unsigned i, struct node *dir, const char *name)
{
	uint64_t before, after;

	txn_begin(&arena->txn);
	entries[i] = make_entry(dir, name);
	before = arena->txn.log_used;
	dictionary_insert(arena, dictionary, entries[i]);
	after = arena->txn.log_used;
	txn_commit(&arena->txn, outside_os());
	return after - before;
}

static uint64_t take_out(unsigned i)
{
	uint64_t log;

	txn_begin(&arena->txn);
	dictionary_remove(arena, dictionary, entries[i]);
	log = arena->txn.log_used;
	arena_free(arena, entries[i]);
	txn_commit(&arena->txn, outside_os());
	return log;
}

struct chains {
	uint64_t bucket, length, longest, total;
};

static void count_chain(void *arg, const struct entry *entry, uint64_t bucket, uint64_t belongs)
{
	struct chains *chains = arg;

	(void)entry;
	REQUIRE_SAME(belongs, bucket);
	if (bucket != chains->bucket)
		chains->length = 0;
	chains->bucket = bucket;
	chains->length++;
	chains->total++;
	if (chains->length > chains->longest)
		chains->longest = chains->length;
}

static uint64_t longest_chain(void)
{
	struct chains chains = {.bucket = UINT64_MAX};

	dictionary_each(dictionary, count_chain, &chains);
	ck_assert_uint_eq(chains.total, dictionary->entries);
	return chains.longest;
}

/* The i-th of many names, in one of the ways in which programs choose them. */
static struct node *nth_name(unsigned kind, unsigned i, char name[32])
{
	switch (kind) {
	case 0:
		snprintf(name, 32, "object-%u", i);
		return &dirs[0];
	case 1:
		snprintf(name, 32, "%u-object", i);
		return &dirs[0];
	case 2:
		snprintf(name, 32, "%c%c%c", 'A' + (int)(i / 1600 % 40), 'A' + (int)(i / 40 % 40),
		    'A' + (int)(i % 40));
		return &dirs[i / 64000];
	default:
		snprintf(name, 32, "same-%u", i / 1000);
		return &dirs[i % 1000];
	}
}

static void insert_many(unsigned kind, uint64_t *most)
{
	char name[32];

	for (unsigned i = 0; i < MANY; i++) {
		struct node *dir = nth_name(kind, i, name);
		uint64_t log = insert(i, dir, name);

		*most = log > *most ? log : *most;
	}
}

static void remove_many(unsigned first, uint64_t *most)
{
	/* In another order than they came: 7919 is prime to MANY. */
	for (unsigned i = first; i < MANY; i++) {
		uint64_t log = take_out((unsigned)((uint64_t)i * 7919 % MANY));

		*most = log > *most ? log : *most;
	}
}

START_TEST(many_names_and_back)
{
	uint64_t most = 0, longest, buckets, used;
	char name[32];

	begin_dictionary("many_names_and_back");
	buckets = dictionary->buckets;
	used = arena_used(arena);
	insert_many((unsigned)_i, &most);
	longest = longest_chain();
	ck_assert_uint_eq(dictionary->entries, MANY);
	ck_assert_uint_ge(dictionary->buckets, MANY / 2 - 1);
	for (unsigned i = 0; i < MANY; i++) {
		struct node *dir = nth_name((unsigned)_i, i, name);

		REQUIRE(find(dir, name) == entries[i], "%s is not found", name);
	}
	ck_assert_ptr_null(find(&dirs[0], "missing"));
	remove_many(0, &most);
	printf("dictionary, names of kind %d: longest chain %" PRIu64
	       ", most saved in a step %" PRIu64 " bytes\n",
	    _i, longest, most);
	fflush(stdout);
	ck_assert_uint_le(longest, LONGEST);
	ck_assert_uint_le(most, STEP_BYTES);
	ck_assert_uint_eq(dictionary->entries, 0);
	ck_assert_uint_eq(dictionary->buckets, buckets);
	ck_assert_uint_le(arena_used(arena), used + ARENA_PAGE_SIZE);
	end_dictionary();
}
END_TEST

START_TEST(chains_stay_short_while_it_shrinks)
{
	uint64_t most = 0;

	begin_dictionary("chains_stay_short_while_it_shrinks");
	insert_many(0, &most);
	for (unsigned i = 0; i < MANY; i++) {
		(void)take_out(i);
		if (i % 20000 == 0)
			ck_assert_uint_le(longest_chain(), LONGEST);
		/* Few names leave few buckets, so that walking all of them stays cheap. */
		if (i > MANY / 10)
			REQUIRE(dictionary->buckets <= 4 * dictionary->entries + 2 * 512,
			    "%" PRIu64 " buckets for %" PRIu64 " entries", dictionary->buckets,
			    dictionary->entries);
	}
	end_dictionary();
}
END_TEST

START_TEST(names_of_different_directories_are_different)
{
	begin_dictionary("names_of_different_directories_are_different");
	insert(0, &dirs[0], "name");
	ck_assert_ptr_null(find(&dirs[1], "name"));
	insert(1, &dirs[1], "name");
	ck_assert_ptr_eq(find(&dirs[0], "name"), entries[0]);
	ck_assert_ptr_eq(find(&dirs[1], "name"), entries[1]);
	ck_assert_ptr_null(find(&dirs[0], "nam"));
	ck_assert_ptr_null(find(&dirs[0], "names"));
	(void)take_out(0);
	ck_assert_ptr_null(find(&dirs[0], "name"));
	ck_assert_ptr_eq(find(&dirs[1], "name"), entries[1]);
	end_dictionary();
}
END_TEST

/* Each step is done twice, undone in between; several of them split or join buckets. */
START_TEST(each_step_across_growth_and_shrinking_can_be_undone)
{
	enum { COUNT = 1100, STEP = 7 };
	struct snapshot *before;
	char name[32];

	begin_dictionary("each_step_across_growth_and_shrinking_can_be_undone");
	for (unsigned i = 0; i < COUNT; i++) {
		struct node *dir = nth_name(0, i, name);

		if (i % STEP == 0 || (i >= 1020 && i < 1030)) {
			before = snapshot_take(arena);
			txn_begin(&arena->txn);
			dictionary_insert(arena, dictionary, make_entry(dir, name));
			txn_rollback(&arena->txn, outside_os());
			snapshot_expect(before, arena, "an insertion");
			snapshot_free(before);
		}
		insert(i, dir, name);
	}
	ck_assert_uint_gt(dictionary->buckets, 512);
	for (unsigned i = 0; i < COUNT; i++) {
		if (i % STEP == 0 || dictionary->buckets > 512) {
			before = snapshot_take(arena);
			txn_begin(&arena->txn);
			dictionary_remove(arena, dictionary, entries[i]);
			txn_rollback(&arena->txn, outside_os());
			snapshot_expect(before, arena, "a removal");
			snapshot_free(before);
		}
		(void)take_out(i);
	}
	ck_assert_uint_eq(dictionary->buckets, 512);
	end_dictionary();
}
END_TEST

/* What the bound on a chain that is moved allows a step to save. */
enum { CROWDED_BYTES = TXN_LOG_SIZE / 2 };

/* Enters names as if the hash had failed: their hashes have the same low bits, or are the same. */
static uint64_t crowd(unsigned first, unsigned count, uint64_t low_bits, bool same)
{
	uint64_t most = 0;
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		uint64_t before, log;

		snprintf(name, sizeof name, "crowd-%u", first + i);
		txn_begin(&arena->txn);
		entries[first + i] = make_entry(&dirs[0], name);
		entries[first + i]->hash = (uint64_t)(same ? 1 : i + 1) << 40 | low_bits;
		before = arena->txn.log_used;
		dictionary_insert(arena, dictionary, entries[first + i]);
		log = arena->txn.log_used - before;
		txn_commit(&arena->txn, outside_os());
		most = log > most ? log : most;
	}
	return most;
}

static uint64_t take_out_from(unsigned first, unsigned end)
{
	uint64_t most = 0;

	for (unsigned i = first; i < end; i++) {
		uint64_t log = take_out(i);

		most = log > most ? log : most;
	}
	return most;
}

/* Buckets that would come together when the table shrinks to an eighth. */
START_TEST(a_bucket_that_is_too_long_is_neither_split_nor_joined)
{
	enum { OTHERS = 40000, CROWDS = 8, CROWD = 1000, LAST = OTHERS + CROWDS * CROWD };
	char name[32];

	begin_dictionary("a_bucket_that_is_too_long_is_neither_split_nor_joined");
	for (unsigned i = 0; i < OTHERS; i++)
		insert(i, nth_name(0, i, name), name);
	for (unsigned i = 0; i < CROWDS; i++)
		ck_assert_uint_le(
		    crowd(OTHERS + i * CROWD, CROWD, 77 + i * 2048, false), CROWDED_BYTES);
	ck_assert_uint_le(take_out_from(0, OTHERS), CROWDED_BYTES);
	ck_assert_uint_le(longest_chain(), 1024);
	ck_assert_uint_gt(dictionary->buckets, 512);
	ck_assert_uint_le(take_out_from(OTHERS, LAST), CROWDED_BYTES);
	ck_assert_uint_eq(dictionary->entries, 0);
	end_dictionary();
}
END_TEST

START_TEST(no_entry_is_refused_for_the_length_of_a_bucket)
{
	enum { COUNT = 5000, OTHERS = 40000 };
	char name[32];

	begin_dictionary("no_entry_is_refused_for_the_length_of_a_bucket");
	ck_assert_uint_le(crowd(0, COUNT, 4711, true), CROWDED_BYTES);
	ck_assert_uint_ge(longest_chain(), COUNT);
	for (unsigned i = COUNT; i < COUNT + OTHERS; i++)
		ck_assert_uint_le(insert(i, nth_name(0, i, name), name), CROWDED_BYTES);
	for (unsigned i = COUNT; i < COUNT + OTHERS; i++)
		ck_assert_ptr_eq(find(nth_name(0, i, name), name), entries[i]);
	ck_assert_uint_le(take_out_from(0, COUNT + OTHERS), CROWDED_BYTES);
	ck_assert_uint_eq(dictionary->entries, 0);
	end_dictionary();
}
END_TEST

/* A page of the tree of buckets is full at half a million names, and the next one needs another. */
START_TEST(growth_beyond_one_page_of_segments_can_be_undone)
{
	enum { EDGE = 512 * 512 };
	struct snapshot *before;
	unsigned number = 0;
	uint64_t log = 0;
	char name[32];

	begin_dictionary("growth_beyond_one_page_of_segments_can_be_undone");
	while (dictionary->buckets < EDGE || dictionary->entries < 2 * EDGE) {
		snprintf(name, sizeof name, "%u", number++);
		txn_begin(&arena->txn);
		dictionary_insert(arena, dictionary, make_entry(&dirs[0], name));
		txn_commit(&arena->txn, outside_os());
	}
	before = snapshot_take(arena);
	txn_begin(&arena->txn);
	dictionary_insert(arena, dictionary, make_entry(&dirs[0], "one more"));
	log = arena->txn.log_used;
	ck_assert_uint_eq(dictionary->buckets, EDGE + 1);
	txn_rollback(&arena->txn, outside_os());
	snapshot_expect(before, arena, "an insertion");
	snapshot_free(before);
	ck_assert_uint_le(log, STEP_BYTES);
	insert(0, &dirs[0], "one more");
	ck_assert_uint_eq(dictionary->buckets, EDGE + 1);
	ck_assert_ptr_eq(find(&dirs[0], "one more"), entries[0]);
	ck_assert_uint_le(longest_chain(), LONGEST);
	end_dictionary();
}
END_TEST

START_TEST(without_memory_to_grow_it_works_on)
{
	void *last[1000];
	unsigned taken = 0;
	char name[32];

	begin_dictionary("without_memory_to_grow_it_works_on");
	/* Entries first, as they need memory too, then every page, so that no bucket can be added.
	 */
	txn_begin(&arena->txn);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(name, sizeof name, "object-%u", i);
		entries[i] = make_entry(&dirs[0], name);
	}
	txn_commit(&arena->txn, outside_os());
	arena->page_count = arena->page_fresh + 600;
	for (unsigned round = 0; round < 60; round++) {
		txn_begin(&arena->txn);
		for (unsigned i = 0; i < 10; i++)
			last[taken++] = arena_alloc(arena, ARENA_PAGE_SIZE);
		txn_commit(&arena->txn, outside_os());
	}
	ck_assert_ptr_nonnull(last[taken - 1]);
	dictionary->entries += 1000; /* as if there were so many, so that it wants to grow */
	for (unsigned i = 0; i < 600; i++) {
		txn_begin(&arena->txn);
		dictionary_insert(arena, dictionary, entries[i]);
		txn_commit(&arena->txn, outside_os());
	}
	ck_assert_uint_eq(dictionary->buckets, 512);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(name, sizeof name, "object-%u", i);
		ck_assert_ptr_eq(find(&dirs[0], name), entries[i]);
	}
	/* With memory at hand again it goes on growing. */
	for (unsigned i = 0; i < taken; i += 10) {
		txn_begin(&arena->txn);
		for (unsigned j = 0; j < 10; j++)
			arena_free(arena, last[i + j]);
		txn_commit(&arena->txn, outside_os());
	}
	insert(600, &dirs[1], "one more");
	ck_assert_uint_eq(dictionary->buckets, 513);
	end_dictionary();
}
END_TEST

Suite *dictionary_suite(void)
{
	Suite *suite = suite_create("dictionary");
	TCase *tests = harness_case(suite, "dictionary");

	tcase_add_loop_test(tests, many_names_and_back, 0, 4);
	tcase_add_test(tests, chains_stay_short_while_it_shrinks);
	tcase_add_test(tests, names_of_different_directories_are_different);
	tcase_add_test(tests, each_step_across_growth_and_shrinking_can_be_undone);
	tcase_add_test(tests, a_bucket_that_is_too_long_is_neither_split_nor_joined);
	tcase_add_test(tests, no_entry_is_refused_for_the_length_of_a_bucket);
	tcase_add_test(tests, growth_beyond_one_page_of_segments_can_be_undone);
	tcase_add_test(tests, without_memory_to_grow_it_works_on);
	return suite;
}

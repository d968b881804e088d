/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix tree against a sorted array. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/storage/index.h"
#include "harness.h"
#include "random.h"
#include "snapshot.h"
#include "suites.h"

enum { MODEL_MAX = 1500 };

struct model {
	uint64_t key[MODEL_MAX];
	void *value[MODEL_MAX];
	unsigned count;
};

static struct arena *arena;
static int arena_fd;
static struct index *tree;

static void begin_arena(size_t size)
{
	/* It knows the arena's own pages alone. */
	GIVES(0, arena_create(false, size, ARENA_PAGE_SIZE, &arena_fd, &arena));
	txn_begin(&arena->txn);
	tree = arena_alloc(arena, sizeof *tree);
	txn_commit(&arena->txn, outside_os());
}

static void end_arena(void)
{
	arena_unmap(arena);
	close(arena_fd);
}

static void *value_of(uint64_t number)
{
	return (void *)(uintptr_t)(16 * (number + 1));
}

/* The place of the first key that is at least this one. */
static unsigned model_place(const struct model *model, uint64_t key)
{
	unsigned low = 0, high = model->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (model->key[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool model_has(const struct model *model, uint64_t key)
{
	unsigned at = model_place(model, key);

	return at < model->count && model->key[at] == key;
}

static void model_insert(struct model *model, uint64_t key, void *value)
{
	unsigned at = model_place(model, key);
	size_t behind = model->count - at;

	memmove(&model->key[at + 1], &model->key[at], behind * sizeof model->key[0]);
	memmove(&model->value[at + 1], &model->value[at], behind * sizeof model->value[0]);
	model->key[at] = key;
	model->value[at] = value;
	model->count++;
}

static void model_remove(struct model *model, uint64_t key)
{
	unsigned at = model_place(model, key);
	size_t behind = --model->count - at;

	memmove(&model->key[at], &model->key[at + 1], behind * sizeof model->key[0]);
	memmove(&model->value[at], &model->value[at + 1], behind * sizeof model->value[0]);
}

static void expect_next(const struct model *model, uint64_t from)
{
	unsigned at = model_place(model, from);
	uint64_t key = from;
	void *found = index_next(tree, &key);

	if (at == model->count) {
		ck_assert_ptr_null(found);
		return;
	}
	ck_assert_ptr_eq(found, model->value[at]);
	ck_assert_uint_eq(key, model->key[at]);
}

static void expect_previous(const struct model *model, uint64_t from)
{
	unsigned behind = model_place(model, from);
	uint64_t key = from;
	void *found;

	behind += behind < model->count && model->key[behind] == from;
	found = index_previous(tree, &key);
	if (behind == 0) {
		ck_assert_ptr_null(found);
		return;
	}
	ck_assert_ptr_eq(found, model->value[behind - 1]);
	ck_assert_uint_eq(key, model->key[behind - 1]);
}

static void expect_same(const struct model *model)
{
	uint64_t key = 0;

	ck_assert_uint_eq(tree->count, model->count);
	for (unsigned i = 0; i < model->count; i++, key++) {
		REQUIRE(index_next(tree, &key) == model->value[i], "the next value is wrong");
		REQUIRE_SAME(model->key[i], key);
		REQUIRE(index_get(tree, key) == model->value[i], "the value is wrong");
	}
}

/* Keys that are dense, at the edges of levels, anywhere, or near one that is there. */
static uint64_t random_key(struct random *random, const struct model *model)
{
	static const uint64_t edges[] = {0, 1, 15, 16, 17, 255, 256, 4095, 4096, UINT32_MAX,
	    UINT64_C(1) << 32, UINT64_C(1) << 60, (UINT64_C(1) << 60) - 1, UINT64_MAX - 1,
	    UINT64_MAX, UINT64_MAX - 15, UINT64_MAX - 16, UINT64_C(1) << 63};

	switch (random_below(random, 4)) {
	case 0:
		return edges[random_below(random, sizeof edges / sizeof edges[0])];
	case 1:
		return random_below(random, 3000);
	case 2:
		return random_next(random) >> random_below(random, 64);
	default:
		if (model->count == 0)
			return 0;
		return model->key[random_below(random, model->count)] + random_below(random, 40) -
		       20;
	}
}

static void random_change(struct random *random, struct model *model, bool growing)
{
	uint64_t key = random_key(random, model);

	if (model->count > 0 && (!growing || model->count == MODEL_MAX))
		key = model->key[random_below(random, model->count)];
	if (model_has(model, key)) {
		index_remove(arena, tree, key);
		model_remove(model, key);
	} else {
		GIVES(0, index_insert(arena, tree, key, value_of(key % 1000)));
		model_insert(model, key, value_of(key % 1000));
	}
}

START_TEST(random_keys_behave_like_a_sorted_array)
{
	struct random random = random_begin("random_keys_behave_like_a_sorted_array");
	static struct model model, before;
	uint64_t empty;

	begin_arena(32 << 20);
	empty = arena_used(arena);
	for (unsigned step = 0; step < random_steps(60000 / slowness()); step++) {
		bool undo = random_percent(&random, 25);

		before = model;
		txn_begin(&arena->txn);
		for (unsigned i = 1 + random_below(&random, 4); i > 0; i--)
			random_change(&random, &model, random_percent(&random, 60));
		if (undo) {
			txn_rollback(&arena->txn, outside_os());
			model = before;
		} else {
			txn_commit(&arena->txn, outside_os());
		}
		expect_next(&model, random_key(&random, &model));
		expect_previous(&model, random_key(&random, &model));
		ck_assert_ptr_eq(index_get(tree, UINT64_C(0x123456789)),
		    model_has(&model, UINT64_C(0x123456789)) ? value_of(0x123456789 % 1000) : NULL);
		if (step % 500 == 0)
			expect_same(&model);
	}
	expect_same(&model);
	while (model.count > 0) {
		txn_begin(&arena->txn);
		random_change(&random, &model, false);
		txn_commit(&arena->txn, outside_os());
	}
	expect_same(&model);
	ck_assert_ptr_null(tree->root);
	ck_assert_uint_eq(arena_used(arena), empty);
	end_arena();
}
END_TEST

START_TEST(edges_of_the_key_space)
{
	static const uint64_t keys[] = {
	    0, 15, 16, 255, 256, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX};
	enum { COUNT = sizeof keys / sizeof keys[0] };

	begin_arena(1 << 20);
	/* Upwards and downwards, so that each key makes the tree grow at some time. */
	for (int down = 0; down < 2; down++) {
		uint64_t key = 0;

		for (unsigned i = 0; i < COUNT; i++) {
			uint64_t k = keys[down ? COUNT - 1 - i : i];

			txn_begin(&arena->txn);
			ck_assert_ptr_null(index_get(tree, k));
			GIVES(0, index_insert(arena, tree, k, value_of(i)));
			ck_assert_ptr_eq(index_get(tree, k), value_of(i));
			txn_commit(&arena->txn, outside_os());
		}
		for (unsigned i = 0; i < COUNT; i++, key++) {
			ck_assert_ptr_nonnull(index_next(tree, &key));
			ck_assert_uint_eq(key, keys[i]);
		}
		key = UINT64_MAX;
		for (unsigned i = COUNT; i-- > 0; key--) {
			ck_assert_ptr_nonnull(index_previous(tree, &key));
			ck_assert_uint_eq(key, keys[i]);
		}
		for (unsigned i = 0; i < COUNT; i++) {
			txn_begin(&arena->txn);
			index_remove(arena, tree, keys[i]);
			txn_commit(&arena->txn, outside_os());
			ck_assert_ptr_null(index_get(tree, keys[i]));
		}
		ck_assert_uint_eq(tree->count, 0);
	}
	end_arena();
}
END_TEST

START_TEST(an_empty_index_has_nothing)
{
	static const uint64_t keys[] = {0, 1, UINT64_MAX};

	begin_arena(1 << 20);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t key = keys[i];

		ck_assert_ptr_null(index_get(tree, key));
		ck_assert_ptr_null(index_next(tree, &key));
		ck_assert_ptr_null(index_previous(tree, &key));
	}
	end_arena();
}
END_TEST

/* Counting up with few keys alive, as handles do: the tree does not grow with what has been. */
START_TEST(keys_that_count_up_leave_nothing_behind)
{
	uint64_t used;

	begin_arena(1 << 20);
	for (uint64_t key = 1; key < 5000; key++) {
		txn_begin(&arena->txn);
		GIVES(0, index_insert(arena, tree, key, value_of(key)));
		if (key > 10)
			index_remove(arena, tree, key - 10);
		txn_commit(&arena->txn, outside_os());
		if (key == 100)
			used = arena_used(arena);
	}
	ck_assert_uint_le(arena_used(arena), used + ARENA_PAGE_SIZE);
	end_arena();
}
END_TEST

START_TEST(without_memory_an_insertion_fails_and_can_be_undone)
{
	struct random random = random_begin("without_memory_an_insertion_fails");
	unsigned refused = 0;

	begin_arena(360 << 10);
	for (unsigned i = 0; i < 500; i++) {
		struct snapshot *before = snapshot_take(arena);
		uint64_t key = random_next(&random);

		txn_begin(&arena->txn);
		if (index_insert(arena, tree, key, value_of(i)) == 0) {
			txn_commit(&arena->txn, outside_os());
		} else {
			txn_rollback(&arena->txn, outside_os());
			snapshot_expect(before, arena, "an insertion without memory");
			refused++;
		}
		snapshot_free(before);
	}
	ck_assert_uint_gt(refused, 100);
	ck_assert_uint_gt(tree->count, 10);
	end_arena();
}
END_TEST

Suite *index_suite(void)
{
	Suite *suite = suite_create("index");
	TCase *tests = harness_case(suite, "index");

	tcase_add_test(tests, random_keys_behave_like_a_sorted_array);
	tcase_add_test(tests, edges_of_the_key_space);
	tcase_add_test(tests, an_empty_index_has_nothing);
	tcase_add_test(tests, keys_that_count_up_leave_nothing_behind);
	tcase_add_test(tests, without_memory_an_insertion_fails_and_can_be_undone);
	return suite;
}

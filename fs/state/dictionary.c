/* SPDX-License-Identifier: BSD-2-Clause */
/* The linear hash table of dictionary.h. */
#include "dictionary.h"

#include <errno.h>
#include <string.h>

#include "siphash.h"

/* Pointers in a page: buckets of a segment, and segments or pages of segments of the tree. */
#define FAN (ARENA_PAGE_SIZE / sizeof(void *))

#define MIN_BUCKETS FAN
#define MAX_BUCKETS ((uint64_t)FAN * FAN * FAN)

/*
 * The longest bucket that is split or joined: that is done in one transaction, whose log is
 * bounded. A keyed hash makes no bucket of more than a few dozen, unless memory to grow was missing
 * for long; then the table keeps its size, and no name is refused for it.
 */
#define CHAIN_MAX 1024

/* Entries to a bucket at which the table grows; it shrinks at a quarter of that. */
#define LOAD 2

static inline struct entry **bucket_at(const struct dictionary *d, uint64_t bucket)
{
	return &d->segments[bucket / FAN / FAN][bucket / FAN % FAN][bucket % FAN];
}

static unsigned chain_length(const struct entry *entry)
{
	unsigned length = 0;

	for (; entry != NULL; entry = entry->next)
		length++;
	return length;
}

/* The largest power of two that is at most n. */
static inline uint64_t power_below(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n));
}

/*
 * Bucket b of a table of n buckets, 2^k <= n < 2^(k+1), holds the hashes whose low k+1 bits say b;
 * where those say a bucket that is not there yet, the low k bits count.
 */
static inline uint64_t bucket_of(const struct dictionary *d, uint64_t hash)
{
	uint64_t power = power_below(d->buckets);
	uint64_t bucket = hash & (2 * power - 1);

	return bucket < d->buckets ? bucket : bucket & (power - 1);
}

/* Makes sure of the pages above the given bucket, the first of a segment. */
static int add_segment(struct arena *arena, struct dictionary *d, uint64_t bucket)
{
	struct entry ****top = &d->segments[bucket / FAN / FAN];
	struct entry **segment;

	if (*top == NULL) {
		struct entry ***page = arena_alloc(arena, ARENA_PAGE_SIZE);

		if (page == NULL)
			return -ENOMEM;
		txn_save(&arena->txn, top, sizeof *top);
		*top = page;
	}
	segment = arena_alloc(arena, ARENA_PAGE_SIZE);
	if (segment == NULL)
		return -ENOMEM;
	txn_save(&arena->txn, &(*top)[bucket / FAN % FAN], sizeof segment);
	(*top)[bucket / FAN % FAN] = segment;
	return 0;
}

/* The page above the segments stays: it serves FAN * FAN buckets, and they come back. */
static void drop_segment(struct arena *arena, struct dictionary *d, uint64_t bucket)
{
	struct entry ***slot = &d->segments[bucket / FAN / FAN][bucket / FAN % FAN];

	arena_free(arena, *slot);
	txn_save(&arena->txn, slot, sizeof *slot);
	*slot = NULL;
}

int dictionary_init(struct arena *arena, struct dictionary *d, const uint64_t key[2])
{
	txn_save(&arena->txn, d, sizeof *d);
	*d = (struct dictionary){.key = {key[0], key[1]}};
	d->segments = arena_alloc(arena, ARENA_PAGE_SIZE);
	if (d->segments == NULL)
		return -ENOMEM;
	d->buckets = MIN_BUCKETS;
	return add_segment(arena, d, 0);
}

uint64_t dictionary_hash(
    const struct dictionary *d, const struct node *dir, const char *name, size_t length)
{
	return siphash(d->key, dir->id, name, length);
}

struct entry *dictionary_find(
    const struct dictionary *d, const struct node *dir, const char *name, size_t length)
{
	uint64_t hash = dictionary_hash(d, dir, name, length);
	struct entry *entry = *bucket_at(d, bucket_of(d, hash));

	for (; entry != NULL; entry = entry->next) {
		if (entry->hash == hash && entry->dir == dir && entry->length == length &&
		    memcmp(entry->name, name, length) == 0)
			return entry;
	}
	return NULL;
}

static void push(struct arena *arena, struct dictionary *d, struct entry *entry)
{
	struct entry **bucket = bucket_at(d, bucket_of(d, entry->hash));

	txn_save(&arena->txn, bucket, sizeof *bucket);
	txn_save(&arena->txn, &entry->next, sizeof entry->next);
	entry->next = *bucket;
	*bucket = entry;
}

/* Empties a bucket and enters its entries again, where they now belong. */
static void distribute(struct arena *arena, struct dictionary *d, struct entry **bucket)
{
	struct entry *entry = *bucket;

	txn_save(&arena->txn, bucket, sizeof *bucket);
	*bucket = NULL;
	while (entry != NULL) {
		struct entry *next = entry->next;

		push(arena, d, entry);
		entry = next;
	}
}

/* The caller has saved *d. Without memory the table stays as it is, and where the bucket to be
 * split is too long. */
static void grow(struct arena *arena, struct dictionary *d)
{
	uint64_t added = d->buckets, split = added & (power_below(added) - 1);

	if (added == MAX_BUCKETS || chain_length(*bucket_at(d, split)) > CHAIN_MAX)
		return;
	if (added % FAN == 0 && add_segment(arena, d, added) < 0)
		return;
	d->buckets++;
	distribute(arena, d, bucket_at(d, split));
}

/* Where the joined bucket would be too long the table stays as it is. */
static void shrink(struct arena *arena, struct dictionary *d)
{
	uint64_t last = d->buckets - 1, joined = last & (power_below(last) - 1);

	if (chain_length(*bucket_at(d, last)) + chain_length(*bucket_at(d, joined)) > CHAIN_MAX)
		return;
	d->buckets--;
	distribute(arena, d, bucket_at(d, last));
	if (last % FAN == 0)
		drop_segment(arena, d, last);
}

void dictionary_insert(struct arena *arena, struct dictionary *d, struct entry *entry)
{
	txn_save(&arena->txn, d, sizeof *d);
	d->entries++;
	if (d->entries > d->buckets * LOAD)
		grow(arena, d);
	push(arena, d, entry);
}

void dictionary_remove(struct arena *arena, struct dictionary *d, struct entry *entry)
{
	struct entry **link = bucket_at(d, bucket_of(d, entry->hash));

	while (*link != entry)
		link = &(*link)->next;
	txn_save(&arena->txn, link, sizeof *link);
	*link = entry->next;
	txn_save(&arena->txn, d, sizeof *d);
	d->entries--;
	/* One bucket per entry would not keep up: the table has twice as many when this begins. */
	for (int i = 0; i < 2; i++) {
		if (d->buckets > MIN_BUCKETS && d->entries < d->buckets * LOAD / 4)
			shrink(arena, d);
	}
}

void dictionary_each(const struct dictionary *d,
    void (*visit)(void *arg, const struct entry *entry, uint64_t bucket, uint64_t belongs),
    void *arg)
{
	for (uint64_t bucket = 0; bucket < d->buckets; bucket++) {
		const struct entry *entry = *bucket_at(d, bucket);

		for (; entry != NULL; entry = entry->next)
			visit(arg, entry, bucket, bucket_of(d, entry->hash));
	}
}

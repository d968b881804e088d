/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many objects in one directory: the cost of each with few and with many of them.
 *
 * Few are measured first, in a mount that holds nothing else, so that no structure of the whole
 * mount has grown yet. They are measured as they are and also cold: with the processor's caches
 * full of other data, as they are for the next of many objects. Everything is done in batches of
 * FEW_OBJECTS, alternating between tmpfs and shmfs; a batch is one sample. The objects of a batch
 * are used in the order of their creation.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
	CREATE,
	LIST,
	STAT,
	LOOKUP,
	RENAME,
	REMOVE,
	KINDS,
};

enum {
	BOTH = SHMFS + 1, /* tmpfs and shmfs, which go first in turn */
	LISTINGS = 7,
	SWEEP = 64 * 1024 * 1024,
	ENOUGH_FOR_ONE_PASS = 20 * FEW_OBJECTS,
};

static const char *const many_names[KINDS] = {
    "create-many", "list-many", "stat-many", "lookup-many", "rename-many", "remove-many"};
static const char *const growth_names[KINDS] = {"growth-create", "growth-list", "growth-stat",
    "growth-lookup", "growth-rename", "growth-remove"};
static const char *const cold_names[KINDS] = {"cold-growth-create", "cold-growth-list",
    "cold-growth-stat", "cold-growth-lookup", "cold-growth-rename", "cold-growth-remove"};

struct name {
	char text[32];
};

/* Samples of every operation on both sides, in nanoseconds per object. */
struct many {
	struct samples of[KINDS];
};

/* The names are made beforehand: printing one costs half of what a stat costs. */
static struct name *make_names(long count)
{
	struct name *names = calloc((size_t)count, sizeof(*names));

	if (names == NULL) {
		perror("bench: calloc");
		exit(EXIT_ERROR);
	}
	for (long i = 0; i < count; i++)
		snprintf(names[i].text, sizeof(names[i].text), "many.%08ld", i);
	return names;
}

static void create_one(const struct side *side, const char *name)
{
	int fd = openat(side->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(side, "openat with O_CREAT");
	if (close(fd) != 0)
		fail(side, "close");
}

static void stat_one(const struct side *side, const char *name)
{
	struct stat status;

	if (fstatat(side->dir, name, &status, 0) != 0)
		fail(side, "fstatat");
}

/* A name that nobody has asked for: the kernel knows nothing of it and asks. */
static void lookup_one(const struct side *side, const char *name)
{
	static unsigned long asked;
	struct stat status;
	char absent[64];

	snprintf(absent, sizeof(absent), "%s.%lu", name, asked++);
	if (fstatat(side->dir, absent, &status, 0) == 0)
		fail_count(side, "fstatat of an absent name", 0, -1);
	if (errno != ENOENT)
		fail(side, "fstatat of an absent name");
}

/* There and back, so that the names stay; two renames count as one. */
static void rename_one(const struct side *side, const char *name)
{
	if (renameat(side->dir, name, side->dir, "renamed") != 0 ||
	    renameat(side->dir, "renamed", side->dir, name) != 0)
		fail(side, "renameat");
}

static void remove_one(const struct side *side, const char *name)
{
	if (unlinkat(side->dir, name, 0) != 0)
		fail(side, "unlinkat");
}

static void (*const each[KINDS])(const struct side *side, const char *name) = {
    [CREATE] = create_one,
    [STAT] = stat_one,
    [LOOKUP] = lookup_one,
    [RENAME] = rename_one,
    [REMOVE] = remove_one,
};

static double batch(enum kind kind, const struct side *side, const struct name *names, long count)
{
	double start = now();

	for (long i = 0; i < count; i++)
		each[kind](side, names[i].text);
	return (now() - start) / (double)count;
}

static long count_entries(const struct side *side)
{
	int fd = openat(side->root, side->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	long count = 0;

	if (stream == NULL)
		fail(side, "opendir");
	while ((entry = readdir(stream)) != NULL)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (closedir(stream) != 0)
		fail(side, "closedir");
	return count;
}

/* The directory is changed first, so that no cache of the previous listing can answer. */
static double list(const struct side *side, long count)
{
	create_one(side, "changed");
	remove_one(side, "changed");

	double start = now();
	long found = count_entries(side);
	double elapsed = now() - start;

	if (found != count)
		fail_count(side, "number of objects listed", found, count);
	return elapsed / (double)count;
}

static void sweep_caches(void)
{
	static char other_data[SWEEP];
	static int value;

	memset(other_data, ++value, sizeof(other_data));
	__asm__ volatile("" : : "r"(other_data) : "memory");
}

static void few_once(
    const struct side *side, const struct name *names, int i, bool cold, struct many *samples)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		if (cold)
			sweep_caches();
		double cost =
		    kind == LIST ? list(side, FEW_OBJECTS) : batch(kind, side, names, FEW_OBJECTS);

		series_add(&samples->of[kind].side[i], cost);
	}
}

static void measure_few(const struct options *options, const struct side *sides,
    const struct name *names, bool cold, struct many *samples)
{
	long batches = options->quick ? 5 : 21;

	for (long round = 0; round < batches; round++)
		for (int turn = 0; turn < BOTH; turn++) {
			int i = (int)((round + turn) % BOTH);

			few_once(&sides[i], names, i, cold, samples);
		}
}

static void all_in_batches(enum kind kind, const struct side *sides, const struct name *names,
    long count, struct many *samples)
{
	for (long from = 0; from < count; from += FEW_OBJECTS)
		for (int turn = 0; turn < BOTH; turn++) {
			int i = (int)((from / FEW_OBJECTS + turn) % BOTH);
			long size = count - from < FEW_OBJECTS ? count - from : FEW_OBJECTS;

			series_add(
			    &samples->of[kind].side[i], batch(kind, &sides[i], names + from, size));
		}
}

static void list_all(const struct side *sides, long count, struct many *samples)
{
	for (long round = 0; round < LISTINGS; round++)
		for (int turn = 0; turn < BOTH; turn++) {
			int i = (int)((round + turn) % BOTH);

			series_add(&samples->of[LIST].side[i], list(&sides[i], count));
		}
}

/* With less than 20 batches one pass gives too few samples. */
static void measure_many(const struct options *options, const struct side *sides,
    const struct name *names, struct many *samples)
{
	int passes = options->objects >= ENOUGH_FOR_ONE_PASS ? 1 : 3;

	for (int pass = 0; pass < passes; pass++) {
		all_in_batches(CREATE, sides, names, options->objects, samples);
		list_all(sides, options->objects, samples);
		all_in_batches(STAT, sides, names, options->objects, samples);
		all_in_batches(LOOKUP, sides, names, options->objects, samples);
		all_in_batches(RENAME, sides, names, options->objects, samples);
		all_in_batches(REMOVE, sides, names, options->objects, samples);
	}
}

static bool growth_is_measured(const struct options *options)
{
	return options->objects > FEW_OBJECTS;
}

bool objects_has(const struct options *options, const char *name)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		if (strcmp(many_names[kind], name) == 0)
			return options_want(options, name);
		if (strcmp(growth_names[kind], name) == 0 || strcmp(cold_names[kind], name) == 0)
			return growth_is_measured(options) && options_want(options, name);
	}
	return false;
}

static bool want_any(const struct options *options)
{
	for (enum kind kind = 0; kind < KINDS; kind++)
		if (objects_has(options, many_names[kind]) ||
		    objects_has(options, growth_names[kind]) ||
		    objects_has(options, cold_names[kind]))
			return true;
	return false;
}

static void store_many(const struct options *options, struct many *many, struct result found[KINDS],
    struct results *results)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		found[kind] = (struct result){0};
		snprintf(found[kind].name, sizeof(found[kind].name), "%s", many_names[kind]);
		samples_finish(&many->of[kind], &found[kind]);
		if (objects_has(options, many_names[kind]))
			results->single[results->single_count++] = found[kind];
	}
}

static void store_growth(const struct options *options, const char *const names[KINDS],
    struct many *few, const struct result many[KINDS], struct results *results)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct growth growth = {.name = names[kind]};
		struct result result;

		samples_finish(&few->of[kind], &result);
		memcpy(growth.few, result.cost, sizeof(growth.few));
		memcpy(growth.many, many[kind].cost, sizeof(growth.many));
		if (objects_has(options, growth.name))
			results->growth[results->growth_count++] = growth;
	}
}

void objects_run(const struct options *options, const struct side *sides, struct results *results)
{
	struct many warm = {0};
	struct many cold = {0};
	struct many many = {0};
	struct result found[KINDS];

	if (!want_any(options))
		return;

	long most = options->objects < FEW_OBJECTS ? FEW_OBJECTS : options->objects;
	struct name *names = make_names(most);

	if (growth_is_measured(options)) {
		measure_few(options, sides, names, false, &warm);
		measure_few(options, sides, names, true, &cold);
	}
	measure_many(options, sides, names, &many);
	free(names);
	store_many(options, &many, found, results);
	store_growth(options, growth_names, &warm, found, results);
	store_growth(options, cold_names, &cold, found, results);
}

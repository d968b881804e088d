/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks through an object that is larger than the processor's caches, in order and at random, so
 * that nobody gains from what was just used. In each round every filesystem, every floor program
 * and a memfd get new memory, and are measured one after the other: which physical pages memory
 * has changes the speed of a walk by some percent.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	PLACES = SIDES + MAX_RIVALS,
	CALLS = 2048,	 /* of a sample, at most */
	BYTES = 8 * MIB, /* of a sample, or as few calls as are at least made */
	CALLS_MIN = 8,
};

static char buffer[MIB] __attribute__((aligned(4096)));

struct place {
	struct side side; /* who is named if something fails */
	bool is_there, is_rival, reads_only;
	bool maps;     /* its mappings are the memory itself */
	bool reads;    /* without its daemon, through an opening that only reads */
	int directory; /* -1: it is a memfd */
	const char *name;
	int extra; /* flags to open it with, so that its daemon is asked */
	int fd, reader;
	char *map;
};

struct work {
	struct place *place;
	size_t size, chunk, cursor;
	bool random;
	unsigned long state;
};

static size_t next(struct work *work)
{
	size_t at = work->cursor;

	if (work->random) {
		work->state = work->state * 6364136223846793005UL + 1442695040888963407UL;
		return (work->state >> 33) % (work->size / work->chunk) * work->chunk;
	}
	work->cursor = at + 2 * work->chunk <= work->size ? at + work->chunk : 0;
	return at;
}

/* --- kinds ------------------------------------------------------------------------------------ */

static void expect(const struct work *work, const char *call, ssize_t got)
{
	if (got != (ssize_t)work->chunk)
		fail_count(&work->place->side, call, got, (long)work->chunk);
}

static void do_fault(struct work *work)
{
	*(volatile char *)(work->place->map + next(work)) = 1;
}

static void do_memset(struct work *work)
{
	memset(work->place->map + next(work), 2, work->chunk);
}

static void do_pread_only(struct work *work)
{
	expect(work, "pread", pread(work->place->reader, buffer, work->chunk, (off_t)next(work)));
}

static void do_pread(struct work *work)
{
	expect(work, "pread", pread(work->place->fd, buffer, work->chunk, (off_t)next(work)));
}

static void do_pwrite(struct work *work)
{
	expect(work, "pwrite", pwrite(work->place->fd, buffer, work->chunk, (off_t)next(work)));
}

static bool can_map(const struct place *place)
{
	return place->maps;
}

static bool can_read(const struct place *place)
{
	return place->reads;
}

/* A memfd has no daemon that would be asked, as the tmpfs has none, and needs no second column. */
static bool can_move(const struct place *place)
{
	return !place->is_rival || place->directory >= 0;
}

static bool can_write(const struct place *place)
{
	return can_move(place) && !place->reads_only;
}

/* The first is what new memory is for, and touches all of it. */
static const struct kind {
	const char *name;
	bool (*can)(const struct place *place);
	void (*call)(struct work *work);
} kinds[] = {
    {"fault", can_map, do_fault},
    {"memset", can_map, do_memset},
    {"pread-ro", can_read, do_pread_only},
    {"pread", can_move, do_pread},
    {"pwrite", can_write, do_pwrite},
};

enum { FAULT, MEMSET, READ_ONLY };

static const struct size {
	const char *name;
	size_t bytes; /* 0: a page, whatever this machine has */
} sizes[] = {{"4k", 4 * KIB}, {"64k", 64 * KIB}, {"256k", 256 * KIB}, {"1m", MIB}};

/* Every walk that there is. */
struct row {
	const struct kind *kind;
	size_t chunk;
	bool random;
	char name[40];
	bool wanted;
	struct series of[PLACES];
};

static struct row rows[MAX_WALKS];
static size_t row_count;

static void add_row(const struct kind *kind, const char *size, size_t chunk, bool random)
{
	struct row *row = &rows[row_count++];

	*row = (struct row){.kind = kind, .chunk = chunk, .random = random};
	snprintf(row->name, sizeof row->name, "%s-%s%s%s", random ? "random" : "walk", kind->name,
	    size[0] != '\0' ? "-" : "", size);
}

static void make_rows(const struct options *options)
{
	if (row_count > 0)
		return;
	add_row(&kinds[FAULT], "", (size_t)sysconf(_SC_PAGESIZE), false);
	add_row(&kinds[MEMSET], "", MIB, false);
	for (size_t k = READ_ONLY; k < sizeof kinds / sizeof kinds[0]; k++)
		for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
			for (int random = 0; random < 2; random++)
				add_row(&kinds[k], sizes[s].name, sizes[s].bytes, random == 1);
	for (size_t i = 0; i < row_count; i++)
		rows[i].wanted = options_want(options, rows[i].name);
}

bool walk_has(const struct options *options, const char *name)
{
	make_rows(options);
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].wanted && strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

/* --- places ----------------------------------------------------------------------------------- */

static void make_side(struct place *place, const struct side *side)
{
	bool plain = strcmp(side->label, "plain") == 0;

	*place = (struct place){.side = *side,
	    .is_there = side_is_there(side),
	    .maps = !plain,
	    .reads = !plain,
	    .directory = side->dir,
	    .name = "walk",
	    .extra = plain ? O_DIRECT : 0};
}

static void make_rival(struct place *place, const struct rival *rival)
{
	*place = (struct place){.side = {.label = rival->label, .path = rival->path},
	    .is_there = true,
	    .is_rival = true,
	    .reads_only = rival->reads_only,
	    .maps = rival->path == NULL,
	    .directory = -1,
	    .name = "memory"};
	if (rival->path == NULL)
		return;
	place->directory = open(rival->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->directory < 0)
		fail(&place->side, "open");
}

static int open_again(const struct place *place, int flags)
{
	int fd = openat(place->directory, place->name, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(&place->side, "openat");
	return fd;
}

static void fill(const struct place *place, size_t size)
{
	for (size_t at = 0; at < size; at += MIB)
		if (pwrite(place->fd, buffer, MIB, (off_t)at) != MIB)
			fail(&place->side, "pwrite");
}

static void begin(struct place *place, size_t size)
{
	place->reader = -1;
	if (place->directory < 0)
		place->fd = memfd_create("walk", MFD_CLOEXEC);
	else
		place->fd = open_again(
		    place, O_RDWR | (place->is_rival ? 0 : O_CREAT | O_EXCL) | place->extra);
	if (place->fd < 0)
		fail(&place->side, "memfd_create");
	if (ftruncate(place->fd, 0) != 0 || ftruncate(place->fd, (off_t)size) != 0)
		fail(&place->side, "ftruncate");
	if (place->reads)
		place->reader = open_again(place, O_RDONLY);
	if (!place->maps) {
		fill(place, size);
		return;
	}
	place->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, place->fd, 0);
	if (place->map == MAP_FAILED)
		fail(&place->side, "mmap");
}

static void end(struct place *place, size_t size)
{
	if (place->maps)
		munmap(place->map, size);
	if (!place->is_rival &&
	    (ftruncate(place->fd, 0) != 0 || unlinkat(place->directory, place->name, 0) != 0))
		fail(&place->side, "removal");
	if (place->reader >= 0)
		close(place->reader);
	close(place->fd);
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* A page is first touched once: that walk goes all the way. */
static long calls_of(const struct row *row, size_t size)
{
	size_t count = BYTES / row->chunk;

	if (row->kind == &kinds[FAULT])
		return (long)(size / row->chunk);
	return count > CALLS ? CALLS : count < CALLS_MIN ? CALLS_MIN : (long)count;
}

static double sample(const struct row *row, struct place *place, size_t size, long round)
{
	long calls = calls_of(row, size);
	struct work work = {.place = place,
	    .size = size,
	    .chunk = row->chunk,
	    .random = row->random,
	    .state = (unsigned long)round,
	    .cursor = (size_t)(round * calls) * row->chunk % size / MIB * MIB};
	double start;

	if (row->kind == &kinds[FAULT])
		work.cursor = 0;
	start = now();
	for (long i = 0; i < calls; i++)
		row->kind->call(&work);
	return (now() - start) / (double)calls;
}

/* Row by row, so that what is compared is measured within milliseconds. */
static void measure_round(struct place *places, size_t size, long round)
{
	for (int i = 0; i < PLACES; i++)
		if (places[i].is_there)
			begin(&places[i], size);
	for (size_t r = 0; r < row_count; r++) {
		for (int turn = 0; turn < PLACES; turn++) {
			int i = (int)((round + turn) % PLACES);
			bool can = places[i].is_there && rows[r].kind->can(&places[i]);

			if (can && (rows[r].wanted || rows[r].kind == &kinds[FAULT]))
				series_add(
				    &rows[r].of[i], sample(&rows[r], &places[i], size, round));
		}
	}
	for (int i = 0; i < PLACES; i++)
		if (places[i].is_there)
			end(&places[i], size);
}

/* --- results ---------------------------------------------------------------------------------- */

/* A series is sorted for its median, so quotients of rounds come first. */
static void finish(struct row *row, struct walk *out)
{
	double quotient[MAX_RIVALS];

	*out = (struct walk){.bytes = row->chunk, .best = -1, .floor = NAN};
	snprintf(out->name, sizeof out->name, "%s", row->name);
	out->ratio = series_quotient(&row->of[SHMFS], &row->of[TMPFS]);
	for (int i = 0; i < MAX_RIVALS; i++)
		quotient[i] = series_quotient(&row->of[SHMFS], &row->of[SIDES + i]);
	for (int i = 0; i < PLACES; i++) {
		double cost = series_percentile(&row->of[i], 0.5);

		if (i < SIDES)
			out->cost[i] = cost;
		else
			out->rival[i - SIDES] = cost;
		series_release(&row->of[i]);
	}
	for (int i = 0; i < MAX_RIVALS; i++)
		if (!isnan(out->rival[i]) &&
		    (out->best < 0 || out->rival[i] < out->rival[out->best]))
			out->best = i;
	if (out->best >= 0)
		out->floor = quotient[out->best];
}

static bool any_is_wanted(void)
{
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].wanted)
			return true;
	return false;
}

void walk_run(const struct options *options, const struct side *sides, struct results *results)
{
	static struct place places[PLACES];
	size_t size = (size_t)options->walked * MIB;

	make_rows(options);
	if (!any_is_wanted())
		return;
	for (int i = 0; i < SIDES; i++)
		make_side(&places[i], &sides[i]);
	for (size_t i = 0; i < options->rival_count; i++)
		make_rival(&places[SIDES + i], &options->rivals[i]);
	for (long round = 0; round < options->rounds; round++)
		measure_round(places, size, round);
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].wanted)
			finish(&rows[i], &results->walk[results->walk_count++]);
}

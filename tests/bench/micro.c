/* SPDX-License-Identifier: BSD-2-Clause */
/* Single operations: samples of a few milliseconds, each on an object of its own. */
#include "bench.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ONE_PAGE = 0, /* as a chunk: whatever this machine's page size is */
	SMALL = 4096,
	KIB = 1024,
	MIB = 1024 * KIB,
	WARM_UP = 16, /* one iteration without the clock for so many with it */
	MOST_ITERATIONS = 1000000,
};

static const char OBJECT[] = "object";
static const char CYCLED[] = "cycled";

struct object {
	const struct side *side;
	int fd;
	char *map;
	size_t size;
	size_t chunk;
	size_t cursor;
};

enum traits {
	MAPPED = 1,    /* measured through a mapping */
	UNTOUCHED = 2, /* the pages must not exist yet, so an object is good for one pass only */
	AS_RATE = 4,   /* shown as GiB/s */
};

struct operation {
	const char *name;
	size_t size;  /* of the object that is prepared */
	size_t chunk; /* bytes that one iteration handles */
	int flags;    /* how the object is open while it is measured */
	unsigned traits;
	void (*run)(struct object *object, long iterations);
};

static char transfer[MIB] __attribute__((aligned(4096)));

/* Successive iterations walk over the object and start again at its end. */
static void advance(struct object *object)
{
	object->cursor += object->chunk;
	if (object->cursor + object->chunk > object->size)
		object->cursor = 0;
}

static void run_fault(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		*(volatile char *)(object->map + object->cursor) = 1;
		advance(object);
	}
}

static void run_memset(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		memset(object->map + object->cursor, (int)(i & 0x7f), object->chunk);
		advance(object);
	}
}

static void run_pread(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		ssize_t got = pread(object->fd, transfer, object->chunk, (off_t)object->cursor);

		if (got != (ssize_t)object->chunk)
			fail_count(object->side, "pread", got, (long)object->chunk);
		advance(object);
	}
}

static void run_pwrite(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		ssize_t got = pwrite(object->fd, transfer, object->chunk, (off_t)object->cursor);

		if (got != (ssize_t)object->chunk)
			fail_count(object->side, "pwrite", got, (long)object->chunk);
		advance(object);
	}
}

static void run_open_close(struct object *object, long iterations)
{
	for (long i = 0; i < iterations; i++) {
		int fd = openat(object->side->dir, OBJECT, O_RDWR | O_CLOEXEC);

		if (fd < 0)
			fail(object->side, "openat");
		if (close(fd) != 0)
			fail(object->side, "close");
	}
}

static void run_stat(struct object *object, long iterations)
{
	struct stat status;

	for (long i = 0; i < iterations; i++)
		if (fstatat(object->side->dir, OBJECT, &status, 0) != 0)
			fail(object->side, "fstatat");
}

static char *map_object(const struct side *side, int fd, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		fail(side, "mmap");
	return map;
}

static int create_object(const struct side *side, const char *name, size_t size)
{
	int fd = openat(side->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(side, "openat with O_CREAT");
	if (ftruncate(fd, (off_t)size) != 0)
		fail(side, "ftruncate");
	return fd;
}

static void run_cycle(struct object *object, long iterations)
{
	const struct side *side = object->side;

	for (long i = 0; i < iterations; i++) {
		int fd = create_object(side, CYCLED, object->chunk);
		char *map = map_object(side, fd, object->chunk);

		*(volatile char *)map = 1;
		if (munmap(map, object->chunk) != 0)
			fail(side, "munmap");
		if (close(fd) != 0)
			fail(side, "close");
		if (unlinkat(side->dir, CYCLED, 0) != 0)
			fail(side, "unlinkat");
	}
}

static const struct operation operations[] = {
    {"fault", 16 * MIB, ONE_PAGE, O_RDWR, MAPPED | UNTOUCHED, run_fault},
    {"memset", 4 * MIB, MIB, O_RDWR, MAPPED | AS_RATE, run_memset},
    {"pread-ro-4k", MIB, 4 * KIB, O_RDONLY, 0, run_pread},
    {"pread-ro-64k", MIB, 64 * KIB, O_RDONLY, AS_RATE, run_pread},
    {"pread-ro-1m", MIB, MIB, O_RDONLY, AS_RATE, run_pread},
    {"pread-rw-4k", MIB, 4 * KIB, O_RDWR, 0, run_pread},
    {"pread-rw-64k", MIB, 64 * KIB, O_RDWR, AS_RATE, run_pread},
    {"pread-rw-1m", MIB, MIB, O_RDWR, AS_RATE, run_pread},
    {"pwrite-4k", MIB, 4 * KIB, O_RDWR, 0, run_pwrite},
    {"pwrite-64k", MIB, 64 * KIB, O_RDWR, AS_RATE, run_pwrite},
    {"pwrite-1m", MIB, MIB, O_RDWR, AS_RATE, run_pwrite},
    {"roundtrip", MIB, 1, O_RDWR, 0, run_pread},
    {"open-close", SMALL, SMALL, O_RDWR, 0, run_open_close},
    {"stat", SMALL, SMALL, O_RDWR, 0, run_stat},
    {"cycle", SMALL, SMALL, O_RDWR, 0, run_cycle},
};

enum {
	OPERATIONS = sizeof(operations) / sizeof(operations[0]),
};

static size_t chunk_of(const struct operation *operation)
{
	return operation->chunk != ONE_PAGE ? operation->chunk : (size_t)sysconf(_SC_PAGESIZE);
}

static void unmap_object(struct object *object)
{
	if (object->map != NULL && munmap(object->map, object->size) != 0)
		fail(object->side, "munmap");
	object->map = NULL;
}

static void reopen_object(struct object *object, int flags)
{
	if (close(object->fd) != 0)
		fail(object->side, "close");
	object->fd = openat(object->side->dir, OBJECT, flags | O_CLOEXEC);
	if (object->fd < 0)
		fail(object->side, "openat");
}

/*
 * Every sample has a new object: which physical pages an object happens to have can change the
 * speed of a copy by some percent, and would do so for the whole run if the object lived that long.
 */
static struct object prepare(const struct operation *operation, const struct side *side)
{
	struct object object = {
	    .side = side, .size = operation->size, .chunk = chunk_of(operation)};

	object.fd = create_object(side, OBJECT, object.size);
	object.map = map_object(side, object.fd, object.size);
	if (!(operation->traits & UNTOUCHED))
		memset(object.map, 1, object.size);
	if (!(operation->traits & MAPPED))
		unmap_object(&object);
	if (operation->flags != O_RDWR)
		reopen_object(&object, operation->flags);
	return object;
}

/*
 * The memory is given back by ftruncate, because that is synchronous on both sides: what a daemon
 * frees only after the last close would cost time in the other side's sample.
 */
static void dispose(const struct operation *operation, struct object *object)
{
	unmap_object(object);
	if (operation->flags == O_RDWR && ftruncate(object->fd, 0) != 0)
		fail(object->side, "ftruncate to 0");
	if (unlinkat(object->side->dir, OBJECT, 0) != 0)
		fail(object->side, "unlinkat");
	if (close(object->fd) != 0)
		fail(object->side, "close");
}

static double timed(const struct operation *operation, struct object *object, long iterations)
{
	double start = now();

	operation->run(object, iterations);
	return now() - start;
}

/* The untimed part brings back into the caches what the other side has displaced. */
static double sample(const struct operation *operation, const struct side *side, long iterations)
{
	struct object object = prepare(operation, side);

	operation->run(&object, (iterations + WARM_UP - 1) / WARM_UP);
	double elapsed = timed(operation, &object, iterations);

	dispose(operation, &object);
	return elapsed / (double)iterations;
}

/* A page is first touched once: the timed and the untimed part share the object's pages. */
static long iterations_of_one_pass(const struct operation *operation)
{
	long all = (long)(operation->size / chunk_of(operation));

	return all * WARM_UP / (WARM_UP + 1);
}

static double fastest_of_three(const struct operation *operation, struct object *object, long count)
{
	double fastest = timed(operation, object, count);

	for (int i = 0; i < 2; i++)
		fastest = fmin(fastest, timed(operation, object, count));
	return fastest;
}

/*
 * A single slow try must not decide: a side with too few iterations would pay more for every one of
 * them in all its samples.
 */
static long calibrate(const struct operation *operation, const struct side *side, double target)
{
	struct object object = prepare(operation, side);
	double elapsed = fastest_of_three(operation, &object, 1);
	long iterations = 1;

	while (elapsed < target / 4 && iterations < MOST_ITERATIONS) {
		iterations *= 2;
		elapsed = fastest_of_three(operation, &object, iterations);
	}
	dispose(operation, &object);
	return (long)fmin(MOST_ITERATIONS, fmax(1, (double)iterations * target / elapsed));
}

static void measure(const struct operation *operation, const struct options *options,
    const struct side *sides, struct result *result)
{
	struct pair pair = {0};
	double target = options->quick ? 1e6 : 2e6;
	bool once = operation->traits & UNTOUCHED;
	long iterations[SIDES];

	for (int i = 0; i < SIDES; i++)
		iterations[i] = once ? iterations_of_one_pass(operation)
				     : calibrate(operation, &sides[i], target);
	for (long round = 0; round < options->rounds; round++)
		for (int turn = 0; turn < SIDES; turn++) {
			int i = side_in_turn(round, turn);

			pair_add(&pair, i, sample(operation, &sides[i], iterations[i]));
		}
	pair_finish(&pair, result->cost, &result->ratio);
}

bool micro_has(const struct options *options, const char *name)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		if (strcmp(operations[i].name, name) == 0)
			return options_want(options, name);
	return false;
}

void micro_run(const struct options *options, const struct side *sides, struct results *results)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		const struct operation *operation = &operations[i];
		struct result *result = &results->single[results->single_count];

		if (!options_want(options, operation->name))
			continue;
		result->name = operation->name;
		result->bytes = operation->traits & AS_RATE ? operation->chunk : 0;
		measure(operation, options, sides, result);
		results->single_count++;
	}
}

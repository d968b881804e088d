/* SPDX-License-Identifier: BSD-2-Clause */
/* The copies of snapshot.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "harness.h"
#include "snapshot.h"

/* A transaction's log has no room for as many pages, so none behind them can have changed. */
#define PAGES_BEYOND (TXN_LOG_SIZE / ARENA_PAGE_SIZE)

struct snapshot {
	struct arena arena;
	uint64_t page_count, stack_count;
	uint8_t *pages;
	uint32_t *stack;
	struct outside_books books;
	uint64_t sizes[OUTSIDE_IDS]; /* of the open memories */
};

static void copy_header(struct arena *out, const struct arena *arena)
{
	memcpy(out, arena, sizeof *out);
	memset(&out->txn, 0, sizeof out->txn);
}

static uint64_t memory_size(int fd)
{
	struct stat st;

	REQUIRE_SAME(0, fstat(fd, &st));
	return (uint64_t)st.st_size;
}

static inline uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

/* A time that somebody was told stays told, whatever becomes of the transaction. */
static void forget_told(const struct arena *arena)
{
	struct super *super = arena->root;

	if (super != NULL)
		super->told = (struct timespec){0};
}

struct snapshot *snapshot_take(const struct arena *arena)
{
	struct snapshot *s = calloc(1, sizeof *s);

	forget_told(arena);
	copy_header(&s->arena, arena);
	s->page_count = at_most(arena->page_fresh + PAGES_BEYOND, arena->page_count);
	s->stack_count = at_most(arena->free_count + PAGES_BEYOND, arena->page_count);
	s->pages = malloc(s->page_count * ARENA_PAGE_SIZE);
	s->stack = malloc(s->stack_count * sizeof *s->stack);
	memcpy(s->pages, arena->pages, s->page_count * ARENA_PAGE_SIZE);
	memcpy(s->stack, arena->free_pages, s->stack_count * sizeof *s->stack);
	s->books = outside->books;
	for (int fd = 0; fd < OUTSIDE_IDS; fd++) {
		if (s->books.memory[fd])
			s->sizes[fd] = memory_size(fd);
	}
	return s;
}

static void expect_region(
    const char *region, const char *what, const void *was, const void *is, uint64_t size)
{
	const uint8_t *a = was, *b = is;

	if (memcmp(a, b, size) == 0)
		return;
	for (uint64_t i = 0; i < size; i++)
		REQUIRE(a[i] == b[i],
		    "%s: %s differs at byte %" PRIu64 " (+%" PRIu64 " of page %" PRIu64
		    "): expected 0x%02x, got 0x%02x",
		    what, region, i, i % ARENA_PAGE_SIZE, i / ARENA_PAGE_SIZE, a[i], b[i]);
}

void snapshot_expect_arena(const struct snapshot *s, const struct arena *arena, const char *what)
{
	struct arena header;

	forget_told(arena);
	copy_header(&header, arena);
	expect_region("the arena's header", what, &s->arena, &header, sizeof header);
	expect_region("the stack of free pages", what, s->stack, arena->free_pages,
	    s->stack_count * sizeof *s->stack);
	expect_region("pages", what, s->pages, arena->pages, s->page_count * ARENA_PAGE_SIZE);
}

void snapshot_expect(const struct snapshot *s, const struct arena *arena, const char *what)
{
	snapshot_expect_arena(s, arena, what);
	expect_region("what is open", what, &s->books, &outside->books, sizeof s->books);
	for (int fd = 0; fd < OUTSIDE_IDS; fd++) {
		if (s->books.memory[fd])
			REQUIRE(memory_size(fd) == s->sizes[fd],
			    "%s: memory %d: expected %" PRIu64 " bytes, got %" PRIu64, what, fd,
			    s->sizes[fd], memory_size(fd));
	}
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->pages);
	free(snapshot->stack);
	free(snapshot);
}

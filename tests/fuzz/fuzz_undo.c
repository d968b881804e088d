/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing the transaction that a process left behind: whatever stands in it, it is refused, or
 * applied to what a transaction may change and to nothing else. The input is its words, and the end
 * of its log.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/shmfs.h"
#include "fs/storage/txn.h"

enum { FIRST = 64, ROOM = 8192, EDGE = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As in an arena: what may be changed lies on both sides of the log. */
static struct {
	uint8_t before[EDGE];
	struct txn txn;
	uint8_t low[ROOM];
	_Alignas(8) uint8_t log[TXN_LOG_SIZE];
	uint8_t high[ROOM];
	uint8_t behind[EDGE];
} arena;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_undo: %s\n", what);
	abort();
}

static int close_fd(void *arg, int fd)
{
	(void)arg;
	must(fd >= FIRST, "a descriptor of the process is closed");
	return 0;
}

static int cut(void *arg, int fd, uint64_t size)
{
	(void)arg;
	must(fd >= FIRST && size <= INT64_MAX, "another file is cut");
	return 0;
}

static int empty(void *arg, int fd, uint64_t size)
{
	(void)arg;
	must(fd >= FIRST && size == 0, "another file is emptied");
	return 0;
}

static void close_backing(void *arg, int id)
{
	(void)arg;
	(void)id;
}

static void unname(void *arg, enum shmfs_pages pages, uint64_t name)
{
	(void)arg;
	(void)pages;
	(void)name;
}

static const struct shmfs_os os = {
    .close = close_fd,
    .cut = cut,
    .truncate = empty,
    .backing_close = close_backing,
    .memory_unname = unname,
};

/* Addresses are told relative to the arena, so that inputs mean the same in every process. */
static void relocate(uint8_t *words, size_t size)
{
	for (size_t at = 0; at + 8 <= size; at += 8) {
		uint64_t word;

		memcpy(&word, words + at, sizeof word);
		if (word >> 48 != 0x4141)
			continue;
		word = (uintptr_t)&arena + (word & 0xffffffffffff);
		memcpy(words + at, &word, sizeof word);
	}
}

static void fill(const uint8_t *data, size_t size)
{
	size_t head = size < sizeof arena.txn ? size : sizeof arena.txn, rest = size - head;

	memset(&arena, 0x5a, sizeof arena);
	memset(&arena.txn, 0, sizeof arena.txn);
	memset(arena.log, 0, sizeof arena.log);
	memcpy(&arena.txn, data, head);
	arena.txn.log = arena.log;
	if (rest > sizeof arena.log)
		rest = sizeof arena.log;
	memcpy(arena.log, data + head, rest);
	relocate(arena.log, rest);
}

static bool is_all(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != 0x5a)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t log[TXN_LOG_SIZE];
	const struct txn_bounds bounds = {
	    arena.low, arena.high + sizeof arena.high, arena.log, FIRST};
	int rc;

	fill(data, size);
	memcpy(log, arena.log, sizeof log);
	rc = txn_check(&arena.txn, &bounds);
	if (rc == 0) {
		txn_recover(&arena.txn, &os);
		must(arena.txn.state == TXN_IDLE, "the transaction goes on");
	} else {
		must(rc == -EPROTO, "another errno");
	}
	must(is_all(arena.before, EDGE) && is_all(arena.behind, EDGE), "bytes beside the arena");
	must(memcmp(log, arena.log, sizeof log) == 0 && arena.txn.log == arena.log, "the log");
	must(rc == 0 || (is_all(arena.low, ROOM) && is_all(arena.high, ROOM)), "a refusal changes");
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions: what makes a change of the arena all or nothing.
 *
 * Bytes are saved before they are changed. A rollback puts them back in reverse order and leaves
 * the arena as it was, byte for byte. The log lies in the arena itself, so whoever finds the arena
 * after a crash can do the rollback.
 *
 * What is no memory of the arena (descriptors, sizes of objects, backing ids) cannot be saved like
 * that. An operation notes an effect instead. Effects of kind *_ON_ROLLBACK take back what was
 * done;
 * *_ON_COMMIT are the destructive steps (closing, freeing, shrinking), which therefore are only
 * taken once the change is final. Taking the same effects twice does no harm as long as nothing
 * else happens in between, so an interrupted commit or rollback can be started over.
 *
 * Life of a transaction, in txn.state, moved on by single stores:
 *   IDLE -> ACTIVE -> COMMITTED -> IDLE      (effects of commit are taken while COMMITTED)
 *   IDLE -> ACTIVE -> IDLE                   (rollback)
 */
#ifndef SHMFS_TXN_H
#define SHMFS_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shmfs_os;

enum txn_state { TXN_IDLE, TXN_ACTIVE, TXN_COMMITTED };

enum txn_effect_kind {
	TXN_CLOSE_ON_COMMIT,
	TXN_CLOSE_ON_ROLLBACK,
	TXN_SIZE_ON_COMMIT,
	TXN_EMPTY_ON_COMMIT,
	TXN_SIZE_ON_ROLLBACK,
	TXN_UNBACK_ON_COMMIT,
	TXN_UNBACK_ON_ROLLBACK,
	TXN_UNNAME_ON_COMMIT,
	TXN_UNNAME_ON_ROLLBACK,
};

struct txn_effect {
	uint32_t kind;
	int32_t id;	/* a descriptor, a backing id, or the pages of memory with a name */
	uint64_t value; /* a size, or the name of memory */
};

/*
 * No operation comes near these bounds: the longest, a rename, saves a few dozen structures of at
 * most a page, notes four effects, and moves the entries of one bucket of the dictionary, whose
 * length is bounded (dictionary.c). Passing them is a mistake in the code and ends the process.
 */
#define TXN_LOG_SIZE (256 * 1024)
#define TXN_EFFECTS 16

struct txn {
	uint32_t state;
	uint32_t effect_count;
	uint64_t log_used;
	uint8_t *log;
	struct txn_effect effects[TXN_EFFECTS];
};

void txn_begin(struct txn *txn);

/* Saves `size` bytes at `memory`, which the caller is about to change. */
void txn_save(struct txn *txn, void *memory, size_t size);

void txn_effect(struct txn *txn, enum txn_effect_kind kind, int id, uint64_t value);

void txn_commit(struct txn *txn, const struct shmfs_os *os);
void txn_rollback(struct txn *txn, const struct shmfs_os *os);

/* What a transaction may change: bytes from low to high without those of the log, and descriptors
 * from the first one up. */
struct txn_bounds {
	const uint8_t *low, *high, *log;
	int descriptor_first;
};

/*
 * Whether what a process left behind is what the functions above make of changes within these
 * bounds: 0 or -EPROTO. Whoever has more rights than that process asks before txn_recover(), while
 * nobody else has the memory.
 */
int txn_check(const struct txn *txn, const struct txn_bounds *bounds);

/* Ends whatever a process left behind: rolls back, or completes a commit. */
void txn_recover(struct txn *txn, const struct shmfs_os *os);

#endif

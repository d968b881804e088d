/* SPDX-License-Identifier: BSD-2-Clause */
/* Undo log and effects; see txn.h. */
#include "txn.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fs/failpoint.h"
#include "fs/shmfs.h"

/* A record of the log. It stands behind the bytes that it describes, so that the log can be read
 * backwards. */
struct record {
	void *memory;
	uint64_t size;
};

static inline size_t round_up8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/*
 * A process can be killed between any two instructions, and what it stored until then stays. So the
 * order of stores is all that matters, and it is the compiler that must not change it.
 */
static inline void order_stores(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void set_state(struct txn *txn, enum txn_state state)
{
	order_stores();
	*(volatile uint32_t *)&txn->state = state;
	order_stores();
	failpoint("transaction moved on");
}

void txn_begin(struct txn *txn)
{
	assert(txn->state == TXN_IDLE);
	txn->log_used = 0;
	txn->effect_count = 0;
	set_state(txn, TXN_ACTIVE);
}

void txn_save(struct txn *txn, void *memory, size_t size)
{
	size_t padded = round_up8(size);
	struct record *record;

	assert(txn->state == TXN_ACTIVE);
	failpoint("before a save");
	if (padded + sizeof *record > TXN_LOG_SIZE - txn->log_used)
		abort();
	memcpy(txn->log + txn->log_used, memory, size);
	record = (struct record *)(void *)(txn->log + txn->log_used + padded);
	record->memory = memory;
	record->size = size;
	order_stores();
	*(volatile uint64_t *)&txn->log_used = txn->log_used + padded + sizeof *record;
	order_stores();
	failpoint("saved");
}

void txn_effect(struct txn *txn, enum txn_effect_kind kind, int id, uint64_t value)
{
	assert(txn->state == TXN_ACTIVE);
	if (txn->effect_count == TXN_EFFECTS)
		abort();
	txn->effects[txn->effect_count] =
	    (struct txn_effect){.kind = (uint32_t)kind, .id = id, .value = value};
	order_stores();
	*(volatile uint32_t *)&txn->effect_count = txn->effect_count + 1;
	order_stores();
	failpoint("effect noted");
}

/*
 * None of these can fail in a way that matters: close and the closing of a backing id always let
 * go, and shrinking needs no memory. A truncation on rollback only goes back to a size that was
 * there.
 */
static void take_commit_effect(const struct txn_effect *effect, const struct shmfs_os *os)
{
	switch ((enum txn_effect_kind)effect->kind) {
	case TXN_CLOSE_ON_COMMIT:
		os->close(os->arg, effect->id);
		break;
	case TXN_SIZE_ON_COMMIT:
		os->cut(os->arg, effect->id, effect->value);
		break;
	case TXN_EMPTY_ON_COMMIT:
		os->truncate(os->arg, effect->id, 0);
		break;
	case TXN_UNBACK_ON_COMMIT:
		os->backing_close(os->arg, effect->id);
		break;
	case TXN_UNNAME_ON_COMMIT:
		os->memory_unname(os->arg, (enum shmfs_pages)effect->id, effect->value);
		break;
	case TXN_CLOSE_ON_ROLLBACK:
	case TXN_SIZE_ON_ROLLBACK:
	case TXN_UNBACK_ON_ROLLBACK:
	case TXN_UNNAME_ON_ROLLBACK:
		break;
	}
}

static void take_rollback_effect(const struct txn_effect *effect, const struct shmfs_os *os)
{
	switch ((enum txn_effect_kind)effect->kind) {
	case TXN_CLOSE_ON_ROLLBACK:
		os->close(os->arg, effect->id);
		break;
	case TXN_SIZE_ON_ROLLBACK:
		os->cut(os->arg, effect->id, effect->value);
		break;
	case TXN_UNBACK_ON_ROLLBACK:
		os->backing_close(os->arg, effect->id);
		break;
	case TXN_UNNAME_ON_ROLLBACK:
		os->memory_unname(os->arg, (enum shmfs_pages)effect->id, effect->value);
		break;
	case TXN_CLOSE_ON_COMMIT:
	case TXN_SIZE_ON_COMMIT:
	case TXN_EMPTY_ON_COMMIT:
	case TXN_UNBACK_ON_COMMIT:
	case TXN_UNNAME_ON_COMMIT:
		break;
	}
}

static void finish_commit(struct txn *txn, const struct shmfs_os *os)
{
	for (uint32_t i = 0; i < txn->effect_count; i++) {
		take_commit_effect(&txn->effects[i], os);
		failpoint("effect of commit taken");
	}
	set_state(txn, TXN_IDLE);
}

void txn_commit(struct txn *txn, const struct shmfs_os *os)
{
	assert(txn->state == TXN_ACTIVE);
	set_state(txn, TXN_COMMITTED);
	finish_commit(txn, os);
}

/*
 * The memory goes back before the descriptors: a crash in between leaves descriptors that no node
 * names, and never a node that names a closed one.
 */
void txn_rollback(struct txn *txn, const struct shmfs_os *os)
{
	assert(txn->state == TXN_ACTIVE);
	while (txn->log_used > 0) {
		const struct record *record =
		    (const struct record *)(const void *)(txn->log + txn->log_used) - 1;
		size_t padded = round_up8(record->size);
		size_t start = txn->log_used - sizeof *record - padded;

		memcpy(record->memory, txn->log + start, record->size);
		order_stores();
		*(volatile uint64_t *)&txn->log_used = start;
		failpoint("bytes put back");
	}
	for (uint32_t i = txn->effect_count; i > 0; i--) {
		take_rollback_effect(&txn->effects[i - 1], os);
		failpoint("effect of rollback taken");
	}
	set_state(txn, TXN_IDLE);
}

/* --- what another process left ---------------------------------------------------------------- */

static bool is_inside(const uint8_t *memory, uint64_t size, const uint8_t *low, const uint8_t *high)
{
	return memory >= low && memory <= high && size <= (uint64_t)(high - memory);
}

static bool is_of_transaction(const struct record *record, const struct txn_bounds *bounds)
{
	const uint8_t *memory = record->memory;

	return is_inside(memory, record->size, bounds->low, bounds->log) ||
	       is_inside(memory, record->size, bounds->log + TXN_LOG_SIZE, bounds->high);
}

/* Backwards, as they are put back. */
static bool are_records(const struct txn *txn, const struct txn_bounds *bounds)
{
	uint64_t end = txn->log_used;

	if (end > TXN_LOG_SIZE || end % 8 != 0)
		return false;
	while (end > 0) {
		const struct record *record;
		uint64_t left;

		if (end < sizeof *record)
			return false;
		left = end - sizeof *record;
		record = (const struct record *)(const void *)(txn->log + left);
		if (round_up8(record->size) > left || !is_of_transaction(record, bounds))
			return false;
		end = left - round_up8(record->size);
	}
	return true;
}

/* Without a default, so that the compiler names a kind that is missing. */
static bool is_effect(const struct txn_effect *effect, const struct txn_bounds *bounds)
{
	switch ((enum txn_effect_kind)effect->kind) {
	case TXN_SIZE_ON_COMMIT:
	case TXN_SIZE_ON_ROLLBACK:
		return effect->id >= bounds->descriptor_first && effect->value <= INT64_MAX;
	case TXN_EMPTY_ON_COMMIT:
	case TXN_CLOSE_ON_COMMIT:
	case TXN_CLOSE_ON_ROLLBACK:
		return effect->id >= bounds->descriptor_first;
	case TXN_UNNAME_ON_COMMIT:
	case TXN_UNNAME_ON_ROLLBACK:
		return effect->id >= SHMFS_PAGES_OF_MOUNT && effect->id <= SHMFS_PAGES_SMALL;
	case TXN_UNBACK_ON_COMMIT:
	case TXN_UNBACK_ON_ROLLBACK:
		return true;
	}
	return false;
}

int txn_check(const struct txn *txn, const struct txn_bounds *bounds)
{
	if (txn->log != bounds->log || txn->state > TXN_COMMITTED ||
	    txn->effect_count > TXN_EFFECTS ||
	    (txn->state == TXN_ACTIVE && !are_records(txn, bounds)))
		return -EPROTO;
	for (uint32_t i = 0; txn->state != TXN_IDLE && i < txn->effect_count; i++) {
		if (!is_effect(&txn->effects[i], bounds))
			return -EPROTO;
	}
	return 0;
}

void txn_recover(struct txn *txn, const struct shmfs_os *os)
{
	if (txn->state == TXN_ACTIVE)
		txn_rollback(txn, os);
	else if (txn->state == TXN_COMMITTED)
		finish_commit(txn, os);
}

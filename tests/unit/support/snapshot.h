/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy of everything that a rollback has to bring back: the arena's bytes and what is open. */
#ifndef SHMFS_TESTS_UNIT_SNAPSHOT_H
#define SHMFS_TESTS_UNIT_SNAPSHOT_H

struct shmfs;
struct arena;
struct snapshot;

/* Without the undo log and the fields of the transaction, which say what happens, not what is. */
struct snapshot *snapshot_take(const struct arena *arena);

/* Fails the test at the first byte that differs; what: said in the message. Frees nothing. */
void snapshot_expect(const struct snapshot *snapshot, const struct arena *arena, const char *what);

/* The same for the arena's bytes alone, whatever is open. */
void snapshot_expect_arena(
    const struct snapshot *snapshot, const struct arena *arena, const char *what);

void snapshot_free(struct snapshot *snapshot);

#endif

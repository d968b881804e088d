/* SPDX-License-Identifier: BSD-2-Clause */
/* Small namespaces, transactions in one line, and assertions on results with the exact errno. */
#ifndef SHMFS_TESTS_UNIT_HARNESS_H
#define SHMFS_TESTS_UNIT_HARNESS_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "door.h"
#include "outside.h"
#include "test_memory.h"

/* Macros only because the message has to quote the call and the line that made it. */
#define GIVES(want, call) expect_result(__FILE__, __LINE__, #call, (int64_t)(call), (int64_t)(want))

/* ck_assert writes to a file each time it holds, which loops cannot afford; this does not. */
#define REQUIRE(condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg(__VA_ARGS__);                                                 \
	} while (0)
#define REQUIRE_SAME(want, got)                                                                    \
	expect_same_number(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(want))

/* A whole transaction around one call: committed if the result is not negative, else rolled back.
 * A macro because the call has to be made between the two ends. */
#define TX(fs, call) (shmfs_begin(fs), end_transaction((fs), (int64_t)(call)))
#define TX_VOID(fs, call) (shmfs_begin(fs), (call), (void)end_transaction((fs), 0))

void expect_result(const char *file, int line, const char *call, int64_t result, int64_t want);
void expect_same_number(const char *file, int line, const char *what, uint64_t got, uint64_t want);
/* "-ENOENT", or a number; a static buffer. */
const char *result_text(int64_t result);

/* Commits or rolls back, checks the whole namespace unless checks are off, returns result. */
int64_t end_transaction(struct shmfs *fs, int64_t result);

/* Turns the check after each transaction off and on, for tests with many nodes. */
void check_every_transaction(bool on);

/* shmfs_verify() finds nothing, and the books of the outside world agree with the nodes. */
void check_namespace(const struct shmfs *fs);

/* Fixture of every suite: an outside world, and nothing left open in it at the end. */
void harness_setup(void);
void harness_teardown(void);
/* A test case with this fixture and time enough for a slow machine. */
TCase *harness_case(Suite *suite, const char *name);

/* A namespace for tests: 8 MiB of arena anywhere, outside_os(), patterns "sem.*:tmp-*". */
struct shmfs_config small_config(void);
struct shmfs *open_small(void);
struct shmfs *open_with(struct shmfs_config config);
/* Checks it, closes it, and proves that nothing stays open. */
void close_checked(struct shmfs *fs);

/* What the arena keeps for good for descriptors that were in use at one time; descriptor.h. */
uint64_t descriptor_table_size(const struct shmfs *fs);

/* Puts another view of the same arena in the place of fs, as the next process would have it. */
struct shmfs *take_up(struct shmfs *fs);

/* fork(2) as a supervisor makes its server: memory of its own, one table of descriptors for both.
 */
pid_t fork_sharing_descriptors(void);

#define ALICE (&(const struct shmfs_cred){.uid = 1001, .gid = 2001})
#define BOB (&(const struct shmfs_cred){.uid = 1002, .gid = 2002})
#define SUPERUSER (&(const struct shmfs_cred){.uid = 0, .gid = 0})

/* Each makes something in a transaction of its own, which must succeed, and returns its id. What
 * has a node id has one reference of the caller. */
uint64_t new_object(struct shmfs *fs, uint64_t dir, const char *name);
uint64_t new_directory(struct shmfs *fs, uint64_t dir, const char *name);
uint64_t new_symlink(struct shmfs *fs, uint64_t dir, const char *name, const char *target);
uint64_t new_object_of(struct shmfs *fs, uint64_t dir, const char *name, uint64_t size);
uint64_t open_object(struct shmfs *fs, uint64_t id, int flags);

/* A tenant, by a path, of Alice; so many pages and nodes, 0: any number. The second one must
 * succeed, at the root, and returns the id of the directory. */
int64_t try_tenant(struct shmfs *fs, const char *path, uint64_t pages, uint64_t nodes);
uint64_t new_tenant(struct shmfs *fs, const char *name, uint64_t pages, uint64_t nodes);

/* These must succeed too. */
struct shmfs_attr change_attributes(struct shmfs *fs, uint64_t id, struct shmfs_change what);
void resize(struct shmfs *fs, uint64_t id, uint64_t size);
void forget(struct shmfs *fs, uint64_t id, uint64_t count);
void release(struct shmfs *fs, uint64_t handle);
void write_bytes(struct shmfs *fs, uint64_t handle, char byte, size_t size, uint64_t offset);

/* `size` bytes at `offset` are there and are all `byte`. */
void expect_bytes(struct shmfs *fs, uint64_t handle, char byte, size_t size, uint64_t offset);

struct shmfs_attr attributes(struct shmfs *fs, uint64_t id);
struct shmfs_usage usage(const struct shmfs *fs);
bool exists(struct shmfs *fs, uint64_t id);

/* What a name stands for, without taking a reference; 0 = nothing. */
uint64_t id_of(struct shmfs *fs, uint64_t dir, const char *name);
/* How many entries a directory has, without "." and "..". */
uint64_t count_entries(struct shmfs *fs, uint64_t dir);

/* -1, 0, 1 as a is before, at or after b. */
int compare_times(struct timespec a, struct timespec b);
#define SAME_TIME(want, got) ck_assert_int_eq(compare_times((want), (got)), 0)

/* 1 without sanitizers; a larger divisor of long loops with them. */
unsigned slowness(void);

#endif

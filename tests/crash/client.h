/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients: processes that loop over system calls on the mount and check every result and every
 * byte, each in a directory of its own, and in one that all share. The calls are chosen so that one
 * that is lost or made twice shows: a name that must be new, a counter, a lock that one alone
 * holds.
 */
#ifndef SHMFS_TESTS_CRASH_CLIENT_H
#define SHMFS_TESTS_CRASH_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "random.h"

enum { CLIENTS_MAX = 16, WHY_SIZE = 256, LOCK_KINDS = 3, PRIZES = 3 };

/* What one client tells. */
struct told {
	_Atomic uint64_t rounds, calls;
	_Atomic(const char *) doing;
	_Atomic bool failed;
	char why[WHY_SIZE];
};

/* Shared by all clients and the parent. */
struct shared {
	_Atomic bool stop;
	_Atomic uint64_t added[LOCK_KINDS]; /* to the counter that this kind of lock guards */
	/* Names that are there once: how often one was made, and taken away. */
	_Atomic uint64_t made[PRIZES], removed[PRIZES];
	_Atomic int32_t holder[PRIZES]; /* who holds what one alone can hold; 0: nobody */
	struct told told[CLIENTS_MAX];
};

struct client {
	unsigned index;
	struct random random;
	struct shared *shared;
	struct told *told;
};

extern struct client client;

/* A random number below bound. */
uint64_t below(uint64_t bound);

/* Each ends the client, and the test, unless the call went as it must. */
long client_ok(const char *call, long result);
void client_fails(const char *call, long result, int error);
void client_check(const char *condition, bool holds);

#define OK(call) client_ok(#call, (long)(call))
#define FAILS(error, call) client_fails(#call, (long)(call), (error))
#define CHECK(condition) client_check(#condition, (condition))

/* Data that belongs to a seed. */
void fill(unsigned char *data, size_t size, uint64_t seed);

/* Whole transfers, which this filesystem makes in one call below 1 MiB and on to the end above. */
void write_all(int fd, const unsigned char *data, size_t size, off_t offset);
void expect_data(int fd, const unsigned char *data, size_t size, off_t offset);

/* How often a directory lists a name, and how many names it lists. */
unsigned listed(const char *dir, const char *name, unsigned *all);

/* Makes `shared` and what the clients share on the mount. */
struct shared *clients_prepare(const char *dir);

/* They do only what the function of this name does; false if there is none. */
bool clients_choose(const char *name);

/* Starts `count` of them. */
void clients_start(struct shared *shared, const char *dir, unsigned count, uint64_t seed);

/* True: somebody has failed, or has waited for one call for `seconds`; that is printed. */
bool clients_failed(struct shared *shared, unsigned count, unsigned seconds);

/* Ends them and compares what they counted with what is there. Returns the number of failures. */
unsigned clients_end(struct shared *shared, const char *dir, unsigned count);

/* Rounds of all clients, and the system calls that they checked. */
uint64_t clients_rounds(const struct shared *shared);
uint64_t clients_calls(const struct shared *shared);

/* --- what they do ------------------------------------------------------------------------------
 */
void live_of_object(void); /* work_objects.c */
void changes_of_kept(void);
void large_transfers(void);
void memory_that_is_freed(void);
void stores_through_mappings(void); /* work_mapped.c */
void unnamed_object(void);	    /* work_others.c */
void extended_attributes(void);
void allocations_and_copies(void);
void directories(void); /* work_names.c */
void listing(void);
void counting_under_locks(void); /* work_shared.c */
void races_for_prizes(void);

#endif

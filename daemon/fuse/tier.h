/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tiers: two ways in which the kernel reaches an object's memory. Callers see the same behaviour in
 * each, at different speed.
 *
 * There is no third in which reads and writes come to the server while mappings go through FUSE's
 * page cache: before it sends such a write, the kernel writes back and drops the page; a store in
 * between has it read again as it is, and what is written back later takes the write away. Telling
 * the kernel to drop the page does not help, as that writes it back first.
 */
#ifndef SHMFS_FUSE_TIER_H
#define SHMFS_FUSE_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/shmfs.h"

enum tier {
	/* Mappings and read-only reads go to the memfd itself. */
	TIER_PASSTHROUGH = 0,
	/* Everything goes through FUSE's page cache. */
	TIER_CACHED = 2,
};

/* What the handover of shmfs 0.1 says of a mount in that third tier. */
#define TIER_DIRECT_OF_0_1 1

/* Values of the option io=. */
enum tier_choice { TIER_AUTO, TIER_ONLY_PASSTHROUGH, TIER_ONLY_CACHED };

bool tier_choice_parse(const char *text, enum tier_choice *out);
const char *tier_choice_name(enum tier_choice choice);
const char *tier_name(enum tier tier);

/* The tier of new openings, from what a handover says. */
enum tier tier_handed_over(uint32_t number);

/* Flags to ask for in the reply to INIT, of those that the kernel offers. */
uint64_t tier_init_flags(enum tier_choice choice, uint64_t offered);

/*
 * Decides once INIT is answered, given what it agreed on. A one-line reason is put in why: for the
 * log on success, for the user on failure. -EOPNOTSUPP: the tier that was asked for cannot be had.
 */
int tier_choose(enum tier_choice choice, uint64_t agreed, int fuse_fd, char *why, size_t why_size,
    enum tier *out);

/* Flags for the reply to OPEN and CREATE, for an opening with these flags of open(2). revokes:
 * every read comes to the server; under io=cached, that is a mount which began with 0.1. */
uint32_t tier_open_flags(enum tier tier, int flags, bool revokes);

/* Through which openings the kernel reads without the server. */
enum shmfs_native tier_native_reads(enum tier tier, bool revokes);

/* Registers a memfd with the kernel: its backing id, or a negative errno of the ioctl. */
int tier_backing_open(int fuse_fd, int fd);
void tier_backing_close(int fuse_fd, int backing);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is, of users whose requests wait: that of the user who has had the least time. Who
 * comes begins with what the others have had: time that they had while nobody else asked is
 * nobody's.
 *
 * Requests are numbers here, of the places where they lie. Times are nanoseconds, and are handed
 * in.
 */
#ifndef SHMFS_FUSE_TURNS_TURNS_H
#define SHMFS_FUSE_TURNS_TURNS_H

#include <stdbool.h>
#include <stdint.h>

/* Users of whom something is known at a time. */
#define TURNS_USERS 64

/* Numbers of places are below this one. */
#define TURNS_PLACES 1024

#define TURNS_NONE UINT16_MAX

/*
 * A user's requests about names are a list of their own, and the two lists alternate: whoever asks
 * about a name has the kernel's lock of its directory, for which others may wait. So it is not to
 * wait for all that the same user's threads have asked for elsewhere.
 */
enum turns_kind { TURNS_NAMES, TURNS_OTHERS, TURNS_KINDS };

/* In the order in which they came. */
struct turns_list {
	uint16_t first, last, count;
};

struct turns_user {
	uint32_t uid;
	enum turns_kind kind; /* of the last one that was taken */
	struct turns_list lists[TURNS_KINDS];
	uint64_t used;
};

/* All zeros: nobody waits. */
struct turns {
	unsigned count;	  /* requests that wait */
	unsigned waiting; /* users whose they are */
	uint64_t used;	  /* by whoever had the last turn, when it began */
	unsigned user_count;
	struct turns_user users[TURNS_USERS];
	uint16_t next[TURNS_PLACES];
};

struct turns_user *turns_user(struct turns *turns, uint32_t uid);

/* One more request of a user waits. */
void turns_add(struct turns *turns, struct turns_user *user, enum turns_kind kind, uint16_t place);

/* Takes the request whose turn it is; there is one. */
uint16_t turns_take(struct turns *turns, struct turns_user **user);

/* A turn of a user for whom nothing waited, nor for anybody else. */
void turns_begin(struct turns *turns, const struct turns_user *user);

/* So much was done for a user. */
void turns_charge(const struct turns *turns, struct turns_user *user, uint64_t time);

/* This request waits no more. */
void turns_remove(struct turns *turns, uint16_t place);

#endif

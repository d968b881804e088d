/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions of the server to workers, on its loop.
 *
 * A worker that ends before it has answered, that answers nonsense, or that does not answer in its
 * time is let go, and the question is another one's, some times in all. So many of a role are at
 * work at a time; the others wait, and users have their turn in the order of their uids. A worker
 * that has answered stays for the next question of the same asker, unless somebody else waits.
 */
#ifndef SHMFS_ROLES_QUERY_H
#define SHMFS_ROLES_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "role.h"

struct uv_loop_s;
struct query;

/* Those who ask for one role. */
struct queries {
	struct uv_loop_s *loop;
	enum role role;
	int asking; /* the socket to the zygote */
	int fd_max; /* descriptors are below */
	struct query *first;
	unsigned workers;
	uid_t last; /* who had the last turn */
};

enum query_part { QUERY_MORE, QUERY_LAST, QUERY_NONSENSE };

struct query_owner {
	/* A part of an answer, which is only to be kept: nothing is asked or freed here. */
	enum query_part (*heard)(void *arg, const void *part, size_t size);
	/* All of it is heard; or nobody could answer. */
	void (*done)(void *arg, bool answered);
};

/* One who asks. NULL: there is no memory. */
struct query *query_new(
    struct queries *queries, uid_t uid, const struct query_owner *owner, void *arg);

/* Asks; one question at a time. Its bytes stay where they are until it is done, which is not yet
 * when this returns. */
void query_ask(struct query *query, const void *question, size_t size);

/* Also in the midst of a question. The loop must run once more. NULL is nothing. */
void query_free(struct query *query);

#endif

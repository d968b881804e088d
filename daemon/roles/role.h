/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roles: work that needs few rights, or that reads what users wrote, and that the server has done
 * by other processes.
 *
 *   parser    reads what clients of the control socket send, and may do nothing (parse.h)
 *   holders   looks through /proc for who has objects, and may read (scan.h)
 *
 * For each role there is a zygote, a child of the supervisor, which executes the program anew and
 * so has none of the memory or descriptors of a server. It gives up what its role does not need,
 * and then forks a worker whenever it is sent a socket, whose other end the server keeps. A worker
 * answers what comes by its socket until that ends. So the process that one client's bytes have
 * broken serves no other.
 *
 *   zygotes.c    in the supervisor: starts zygotes, and the next one when one dies
 *   zygote.c    the zygote, and its workers
 *   query.c     in the server: questions, who has a turn, and what is done when a worker dies
 *
 * Both ends of the socket between server and zygote are the supervisor's, too, so that it outlives
 * either: what was asked while there is no zygote is the next one's.
 */
#ifndef SHMFS_ROLES_ROLE_H
#define SHMFS_ROLES_ROLE_H

#include <stdint.h>

enum role { ROLE_PARSER, ROLE_HOLDERS };
#define ROLES 2

/* Bytes of a question, and of a message that is a part of an answer. */
#define ROLE_QUESTION_MAX 65537
#define ROLE_ANSWER_MAX 8192

/* How long a worker may live, and how many of a zygote at a time. */
#define ROLE_WORKER_MS 15000
#define ROLE_WORKERS_MAX 32

/* What a zygote says of a worker that has failed, by the socket on which it is asked, to the
 * supervisor, which reads it once the zygote has ended. */
struct role_note {
	int32_t status; /* of wait(2) */
	int32_t call;	/* for which it was ended, of confine_denied(); -1: none */
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Many requests of several users, that wait to be served. */
#ifndef SHMFS_TESTS_WIRE_PROTOCOL_BACKLOG_H
#define SHMFS_TESTS_WIRE_PROTOCOL_BACKLOG_H

#include "requests.h"

/* Users; how many requests one of them has; bytes of a WRITE that is too long for a cell. */
enum { HOG = 1001, VICTIM = 1002, MANY = 60, WRITE_SIZE = 2 * 4096 };

/* A session on which nothing waits, and the hog alone has asked lately. */
struct wire *backlog_begin(void);

/* Nothing waits, and for long nobody but this user has asked. */
void be_used_to(struct wire *w, uint32_t uid);

/* The message that is laid out is this user's, and not of a thread that has sent another one. */
void by_another_thread(struct wire *w, uint32_t uid);

/* Each returns the unique number of the request that it has sent. */
uint64_t send_getattr(struct wire *w, uint32_t uid);
uint64_t send_write(struct wire *w, uint32_t uid, struct file file);

/* To be sent: so many times this byte. */
void lay_out_write(struct wire *w, uint32_t uid, struct file file, uint32_t size, char byte);

/* There is a request to be served. */
void serve_one(struct wire *w);

/* Serves until there is an answer, of success or that there is no such name: whose it is. */
uint64_t next_answer(struct wire *w);

/* Serves, and takes answers, until there is no request more. */
void serve_all(struct wire *w);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Assertions on system calls with the exact errno, and tests that need a second process. */
#ifndef SHMFS_TESTS_MOUNTED_EXPECT_H
#define SHMFS_TESTS_MOUNTED_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Macros only because the message has to quote the call and the line that made it. */
#define OK(call) expect_ok(__FILE__, __LINE__, #call, (long)(call))
#define FAILS(want_errno, call) expect_errno(__FILE__, __LINE__, #call, (long)(call), want_errno)
#define GIVES(want, call) expect_value(__FILE__, __LINE__, #call, (long)(call), want)
#define BYTES_ARE(byte, data, length)                                                              \
	expect_bytes(__FILE__, __LINE__, #data, (const unsigned char *)(data), length, byte)
#define BYTES_EQUAL(want, data, length)                                                            \
	expect_equal(__FILE__, __LINE__, #data, (const unsigned char *)(data),                     \
	    (const unsigned char *)(want), length)

/* The result of a call that must not fail; descriptors, processes and counts fit an int. */
int expect_ok(const char *file, int line, const char *call, long result);
/* A call that must give exactly `want`. */
void expect_value(const char *file, int line, const char *call, long result, long want);
/* A call that must give -1 and this errno. */
void expect_errno(const char *file, int line, const char *call, long result, int want);
void expect_bytes(const char *file, int line, const char *what, const unsigned char *data,
    size_t length, unsigned char want);
void expect_equal(const char *file, int line, const char *what, const unsigned char *data,
    const unsigned char *want, size_t length);

/*
 * Other processes. An assertion that fails in one is reported by libcheck like one of the test
 * itself, because the forked process writes to the same message file and ends.
 */
typedef void child_body(void *context);
pid_t start_child(child_body *body, void *context);
void end_child(pid_t pid);
void kill_child(pid_t pid);
/* The status of wait(2). */
int status_of_child(child_body *body, void *context);
void in_child(child_body *body, void *context);
void in_child_as(uid_t uid, child_body *body, void *context);
/* For the current process: another user with his own group and no capability. */
void become_user(uid_t uid);

/* Hand-over between processes; a process that never gets its turn fails by libcheck's timeout. */
struct turn {
	int pipe[2];
};
void turn_init(struct turn *turn);
void turn_give(struct turn *turn);
void turn_wait(struct turn *turn);

/* True as soon as `condition` is, false if it is not within one second, on a machine as others. */
bool within_a_second(bool (*condition)(void *), void *context);
void pause_ms(long milliseconds);

#endif

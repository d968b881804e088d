/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon whose program is a copy, which tests replace, and whose server they kill. */
#ifndef SHMFS_TESTS_MOUNTED_OWN_DAEMON_H
#define SHMFS_TESTS_MOUNTED_OWN_DAEMON_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct own_daemon {
	pid_t pid;
	char dir[PATH_MAX], program_dir[PATH_MAX], program[PATH_MAX + 16], log[PATH_MAX + 16];
};

/* The one of the test. */
extern struct own_daemon daemon_;

/* In the foreground, mounted when this returns. */
void start_daemon(void);

/* Ends it by a signal, or waits for its end with this status; nothing is mounted then. */
void end_daemon(void);
void expect_end(int want);

/* Puts a file, or a text, in the place of its program. */
void daemon_install(const char *from);
void daemon_install_text(const char *text);

/* A path in the mount, which stays until the next call. */
const char *in_mount(const char *name);

/* The server there is; 0: none. And whether there is another one than the given (pid_t *). */
pid_t daemon_server(void);
bool is_another_server(void *context);

bool is_nothing_mounted(void *context);

/* The arguments of the program that runs now, as it has left them. */
size_t daemon_arguments(char *out, size_t size);

/* The log comes to have these words. */
void expect_log(const char *words);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon under test: a mount in a private mount namespace, the supervisor that was started for
 * it, and the server that the supervisor starts whenever there is none.
 *
 * Environment: that of launch.h.
 */
#ifndef SHMFS_TESTS_CRASH_DAEMON_H
#define SHMFS_TESTS_CRASH_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

/* Ends the process: something in the test itself does not work. */
_Noreturn void broken(const char *what);

/* NULL, or the reason why nothing can be mounted here. */
const char *daemon_prepare(const char *test);

/* Starts it with these options (may be "") and waits for the mount. Exits when there is none. */
void daemon_start(const char *options);

/* Where the mount is. */
const char *daemon_dir(void);
pid_t daemon_supervisor(void);

/* The server; 0: there is none at this moment. */
pid_t daemon_server(void);

/* SIGKILLs the server; 0: there was none. Returns who was killed. */
pid_t daemon_kill_server(void);

/* Stops the server so that nothing changes; false: there is none at this moment. */
bool daemon_freeze(void);
void daemon_thaw(void);

/* Children of the supervisor that have ended and were not waited for, for longer than a moment. */
unsigned daemon_zombies(void);

/* Open descriptors of the supervisor, which are the server's too. */
unsigned daemon_descriptors(void);

/* A descriptor of the supervisor's, by what its link in /proc says, opened here, after so many that
 * say the same; -1: it has none. Duplicated if it is not to be opened anew. */
int daemon_open_descriptor(const char *link, unsigned skip, bool duplicate);

/* How many of the supervisor's descriptors are of objects' memory. */
unsigned daemon_memories(void);

bool daemon_has_ended(void);
unsigned daemon_log_count(const char *text);
bool daemon_log_mentions(const char *text);
void daemon_show_log(void);

/* Waits until the kernel has no request of this mount that is not answered. False: it has. */
bool daemon_is_idle(void);

/* The number of the kernel's connection to the daemon; and ends one: whoever waits for an answer,
 * and cannot be killed, gets an error. */
unsigned daemon_connection(void);
void daemon_abort(unsigned number);

/* Unmounts. False: the daemon did not end, or not with status 0. */
bool daemon_end(void);

/* The last of all. */
void daemon_clean_up(void);

#endif

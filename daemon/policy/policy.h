/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy file (shmfs.policy(5)): who has which label.
 *
 * Reading is strict. Whatever is not exactly right is refused with one line that begins with the
 * file's name and the line's number, and nothing of the file is used.
 */
#ifndef SHMFS_POLICY_POLICY_H
#define SHMFS_POLICY_POLICY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "fs/shmfs.h"

struct server;

/* Bounds of a file, in bytes. */
#define POLICY_FILE_MAX (1024 * 1024)
#define POLICY_LINE_MAX 4096

struct policy {
	bool revoke;
	struct shmfs_mac_subject *subjects; /* as struct shmfs_mac has them; owned here */
	size_t count;
};

/*
 * Parses the text of a file. policies: those in effect (1 << enum shmfs_policy), each of which
 * every label must have. name is for messages. 0, -EINVAL or -ENOMEM, and then one line is in why.
 */
int policy_parse(const char *name, const char *text, size_t length, unsigned policies,
    struct policy *out, char *why, size_t why_size);

/* The same with the file itself. Also the errors of open(2) and read(2). */
int policy_read(
    const char *path, unsigned policies, struct policy *out, char *why, size_t why_size);

/* What it holds is freed; all zeros is nothing. */
void policy_free(struct policy *policy);

/* A path that stays good when the working directory changes. -ENAMETOOLONG, errors of getcwd(3). */
int policy_absolute(const char *path, char out[PATH_MAX]);

/*
 * Reads the file again and puts its subjects in effect, in a transaction of its own. A file that is
 * malformed, or of another strictness than the one that openings were made under, changes nothing.
 * What came of it is logged.
 */
int policy_reload(struct server *server);

/* Names of policies with commas or colons between, each once; and back. False: no such list. */
bool policy_list_parse(const char *text, unsigned *out);
void policy_list_print(unsigned policies, char *out, size_t size);

/* --- parts of the parser, policy_label.c ------------------------------------------------------ */

/* "biba/high,mls/5:1+17", NUL-terminated. -EINVAL, and then what is wrong with it is in why. */
int policy_label_parse(
    const char *text, unsigned policies, struct shmfs_label *out, char *why, size_t why_size);

/* A copy of untrusted text for a message: printable, and not long. A static buffer. */
const char *policy_quote(const char *text);

#endif

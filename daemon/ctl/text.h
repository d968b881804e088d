/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people, and what people write. */
#ifndef SHMFS_CTL_TEXT_H
#define SHMFS_CTL_TEXT_H

#include "ctl.h"

/* A name as it can be shown on a terminal, in out: what is not printable is \xNN. */
const char *ctl_escape(const char *name, char *out, size_t size);

/* "4.5K" and the like. */
const char *ctl_human(uint64_t bytes, char out[32]);
/* "12s", "5m", "3h", "2d". */
const char *ctl_age(int64_t seconds, char out[32]);
/* "rw-r--r--" */
const char *ctl_mode(unsigned mode, char out[32]);
/* The name of a user or group, or the number. */
const char *ctl_user(uid_t uid, bool numeric, char out[64]);
const char *ctl_group(gid_t gid, bool numeric, char out[64]);

/* Seconds since it was made, of what List tells. */
int64_t ctl_object_age(const json_t *object);

/* --- what people write ------------------------------------------------------------------------ */

/* Bytes with k, m, g or t behind them, or digits alone; as number.h. */
bool ctl_read_size(const char *text, uint64_t *out);
/* Seconds with s, m, h or d behind them, or digits alone. */
bool ctl_read_seconds(const char *text, uint64_t *out);

/* A size into a member of parameters, strictly; without a text there is none. */
bool ctl_add_size(json_t *params, const char *member, const char *text);
/* The same, which may be a part of the machine's memory: "50%". */
bool ctl_add_part_of_memory(json_t *params, const char *member, const char *text);
/* Permission bits, in octal; as strtol(3) with base 0 has it where it begins with 0. */
bool ctl_read_mode(const char *text, uint64_t max, uint64_t *out);
/* A user's name or number. */
bool ctl_read_user(const char *text, uid_t *out);

/* --- progress --------------------------------------------------------------------------------- */

/* A line on a terminal for what takes longer than a second. */
struct ctl_progress {
	const char *what;
	uint64_t began, shown;
};
void ctl_progress_begin(struct ctl_progress *progress, const char *what);
/* total 0: not known. */
void ctl_progress(struct ctl_progress *progress, uint64_t done, uint64_t total);
void ctl_progress_end(struct ctl_progress *progress);

#endif

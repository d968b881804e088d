/* SPDX-License-Identifier: BSD-2-Clause */
/* Refusals in words; see denial_log.h. */
#include "denial_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "fuse/channel.h"

/* What the process calls itself: anything, so only harmless characters are kept. */
static void command_of(pid_t pid, char *out, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(out, size, "?");
	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	file = pid > 0 ? fopen(path, "re") : NULL;
	if (file == NULL)
		return;
	if (fgets(out, (int)size, file) == NULL)
		snprintf(out, size, "?");
	fclose(file);
	out[strcspn(out, "\n")] = '\0';
}

static const char *limit_name(enum shmfs_limit limit)
{
	switch (limit) {
	case SHMFS_LIMIT_SIZE:
		return "size";
	case SHMFS_LIMIT_NODES:
		return "nr_inodes";
	case SHMFS_LIMIT_USER_SIZE:
		return "user_size";
	case SHMFS_LIMIT_USER_NODES:
		return "user_inodes";
	case SHMFS_LIMIT_TENANT_SIZE:
		return "tenant_size";
	case SHMFS_LIMIT_TENANT_NODES:
		return "tenant_inodes";
	case SHMFS_LIMIT_NONE:
		break;
	}
	return "?";
}

/* " of tenant 'jobs/17'"; a path that is too long for a line is cut. "": there is none. */
static void tenant_text(const struct shmfs *fs, uint32_t number, char *out, size_t size)
{
	struct shmfs_tenant tenant;
	char path[SHMFS_PATH_MAX];

	out[0] = '\0';
	if (shmfs_tenant(fs, number, &tenant) < 0)
		return;
	if (shmfs_tenant_path(fs, NULL, number, path) < 0)
		memcpy(path, tenant.name, sizeof tenant.name);
	printable_replace(path);
	snprintf(out, size, " of tenant '%.*s'", SHMFS_NAME_MAX, path);
}

static void log_limit(struct denial_log *log, const struct channel *channel,
    const struct shmfs_refusal *refusal, const struct shmfs_cred *cred)
{
	unsigned long left_out;
	char command[32], object[sizeof refusal->object], tenant[SHMFS_NAME_MAX + 32];

	channel->counters->refused[refusal->limit]++;
	shmfs_tenant_count_refusal(channel->fs);
	if (!log_may(&log->refusals, &left_out))
		return;
	command_of(cred->pid, command, sizeof command);
	printable_replace(command);
	memcpy(object, refusal->object, sizeof object);
	printable_replace(object);
	tenant_text(channel->fs, refusal->tenant, tenant, sizeof tenant);
	log_info("refused: uid %u, pid %ld (%s), object '%s' of uid %u%s: asked for %" PRIu64
		 " more, %" PRIu64 " used, limit %s=%" PRIu64,
	    cred->uid, (long)cred->pid, command, object, refusal->uid, tenant, refusal->asked,
	    refusal->used, limit_name(refusal->limit), refusal->allowed);
	if (left_out > 0)
		log_info("%lu refusals before that were not logged", left_out);
}

/* "mls: no read up, biba: no write up" */
static void rules_of_denial(const struct shmfs_denial *denial, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (enum shmfs_policy policy = 0; policy < SHMFS_POLICIES; policy++) {
		if (denial->rules[policy] != NULL && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s: %s",
			    used > 0 ? ", " : "", shmfs_policy_name(policy), denial->rules[policy]);
	}
}

/* A label with many compartments is cut, so that the line stays one. */
static void label_text(
    const struct shmfs *fs, const struct shmfs_label *label, char *out, size_t size)
{
	char text[SHMFS_LABEL_SIZE];
	size_t length = shmfs_label_print(shmfs_policies(fs), label, text);

	if (length < size)
		memcpy(out, text, length + 1);
	else
		snprintf(out, size, "%.*s...", (int)size - 4, text);
}

static void log_denial(struct denial_log *log, const struct shmfs *fs, struct shmfs_denial *denial,
    const struct shmfs_cred *cred)
{
	char command[32], rules[64], subject[160], object[160];
	unsigned long left_out;

	if (!log_may(&log->denials, &left_out))
		return;
	command_of(cred->pid, command, sizeof command);
	printable_replace(command);
	printable_replace(denial->object);
	rules_of_denial(denial, rules, sizeof rules);
	label_text(fs, &denial->subject, subject, sizeof subject);
	label_text(fs, &denial->object_label, object, sizeof object);
	log_info("denied: uid %u, gid %u, pid %ld (%s), label %s: %s of '%s', label %s: %s",
	    cred->uid, cred->gid, (long)cred->pid, command, subject, denial->entry, denial->object,
	    object, rules);
	if (left_out > 0)
		log_info("%lu denials before that were not logged", left_out);
}

void denial_log(
    struct denial_log *log, const struct channel *channel, const struct shmfs_cred *cred)
{
	struct shmfs_refusal refusal;
	struct shmfs_denial denial;
	const struct shmfs *fs = channel->fs;

	if (shmfs_refused(fs, &refusal))
		log_limit(log, channel, &refusal, cred);
	else if (shmfs_denied(fs, &denial))
		log_denial(log, fs, &denial, cred);
}

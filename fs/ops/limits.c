/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits that are shown and changed while mounted, and who uses what. */
#include <errno.h>

#include "fs/state/charge.h"
#include "fs/state/rules.h"
#include "fs/storage/arith.h"

static struct account account_of(
    const struct shmfs *fs, const struct shmfs_limits *limits, uid_t uid)
{
	return (struct account){
	    .uid = uid,
	    .pages = charge_pages_of(fs, limits->bytes),
	    .nodes = limits->nodes,
	};
}

static struct shmfs_limits limits_of(const struct shmfs *fs, const struct account *account)
{
	return (struct shmfs_limits){
	    .bytes = account->pages << fs->page_shift,
	    .nodes = account->nodes,
	};
}

static int end_exception(struct shmfs *fs, uid_t uid)
{
	struct index *exceptions = &fs->super->charge.exceptions;
	struct account *exception = index_get(exceptions, uid);

	if (exception == NULL)
		return -ENOENT;
	index_remove(fs->arena, exceptions, uid);
	arena_free(fs->arena, exception);
	return 0;
}

static int set_exception(struct shmfs *fs, uid_t uid, const struct shmfs_limits *limits)
{
	struct index *exceptions = &fs->super->charge.exceptions;
	struct account *exception = index_get(exceptions, uid);
	int rc = 0;

	if (exception == NULL) {
		if (exceptions->count >= SHMFS_EXCEPTIONS_MAX)
			return -ENOSPC;
		exception = arena_alloc(fs->arena, sizeof *exception);
		if (exception == NULL)
			return -ENOMEM;
		rc = index_insert(fs->arena, exceptions, uid, exception);
	}
	save(fs, exception, sizeof *exception);
	*exception = account_of(fs, limits, uid);
	return rc;
}

int shmfs_set_limits(
    struct shmfs *fs, enum shmfs_scope scope, uid_t uid, const struct shmfs_limits *limits)
{
	struct charge *charge = &fs->super->charge;
	struct account *to = scope == SHMFS_SCOPE_MOUNT ? &charge->limit : &charge->user_limit;

	if (limits != NULL && limits->bytes > INT64_MAX)
		return -EINVAL;
	if (scope == SHMFS_SCOPE_USER) {
		if (uid == 0)
			return -EINVAL;
		return limits != NULL ? set_exception(fs, uid, limits) : end_exception(fs, uid);
	}
	if (limits == NULL)
		return -EINVAL;
	save(fs, to, sizeof *to);
	*to = account_of(fs, limits, 0);
	return 0;
}

int shmfs_get_limits(
    const struct shmfs *fs, enum shmfs_scope scope, uid_t uid, struct shmfs_limits *out)
{
	const struct charge *charge = &fs->super->charge;
	const struct account *from = NULL;

	switch (scope) {
	case SHMFS_SCOPE_MOUNT:
		from = &charge->limit;
		break;
	case SHMFS_SCOPE_USERS:
		from = &charge->user_limit;
		break;
	case SHMFS_SCOPE_USER:
		from = index_get(&charge->exceptions, uid);
		break;
	}
	if (from == NULL)
		return -ENOENT;
	*out = limits_of(fs, from);
	return 0;
}

/* The smallest uid, from *uid on, that has an account or is an exception. */
static bool next_user(const struct charge *charge, uint64_t *uid)
{
	uint64_t charged = *uid, excepted = *uid;
	bool has_charged = index_next(&charge->accounts, &charged) != NULL;
	bool has_excepted = index_next(&charge->exceptions, &excepted) != NULL;

	if (!has_charged && !has_excepted)
		return false;
	*uid = !has_excepted || (has_charged && charged < excepted) ? charged : excepted;
	return true;
}

uint64_t shmfs_users(const struct shmfs *fs, uint64_t from, unsigned most,
    int (*visit)(void *arg, const struct shmfs_user *user), void *arg)
{
	const struct charge *charge = &fs->super->charge;

	for (uint64_t uid = from; next_user(charge, &uid); uid++) {
		struct account used = charge_account(fs, (uint32_t)uid);
		struct account limit = charge_user_limit(fs, (uint32_t)uid);
		struct shmfs_user user = {
		    .uid = (uid_t)uid,
		    .bytes = used.pages << fs->page_shift,
		    .nodes = used.nodes,
		    .limits = limits_of(fs, &limit),
		    .exception = index_get(&charge->exceptions, uid) != NULL,
		};

		if (most-- == 0 || visit(arg, &user) != 0)
			return uid;
	}
	return 0;
}

void shmfs_usage(const struct shmfs *fs, struct shmfs_usage *out)
{
	const struct charge *charge = &fs->super->charge;

	*out = (struct shmfs_usage){
	    .limit_pages = charge->limit.pages,
	    .used_pages = charge->total.pages,
	    .page_size = (uint32_t)page_bytes(fs),
	    .limit_nodes = charge->limit.nodes,
	    .used_nodes = charge->total.nodes,
	    .name_max = rules_of(fs)->name_max,
	    .handles = fs->super->handles.count,
	    .pins = fs->super->pins.count,
	    .arena_bytes = arena_used(fs->arena),
	};
}

static inline uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

/* A limit of all within another, of a user or a tenant: the smaller one, and of it as much used as
 * leaves what both leave. */
static void narrow(uint64_t *limit, uint64_t *used, uint64_t user_limit, uint64_t user_used)
{
	uint64_t remains = left(user_limit, user_used);

	if (user_limit == 0)
		return;
	if (*limit != 0) {
		remains = smaller(remains, left(*limit, *used));
		user_limit = smaller(user_limit, *limit);
	}
	*limit = user_limit;
	*used = left(user_limit, remains);
}

static void narrow_by(
    struct shmfs_usage *usage, const struct account *limit, const struct account *used)
{
	narrow(&usage->limit_pages, &usage->used_pages, limit->pages, used->pages);
	narrow(&usage->limit_nodes, &usage->used_nodes, limit->nodes, used->nodes);
}

void shmfs_user_usage(const struct shmfs *fs, uid_t uid, uint64_t id, struct shmfs_usage *out)
{
	struct account user = charge_account(fs, uid), limit = charge_user_limit(fs, uid);
	const struct node *node = node_get(fs, id);
	const struct tenant *tenant = node != NULL ? charge_tenant(fs, node->tenant) : NULL;

	shmfs_usage(fs, out);
	narrow_by(out, &limit, &user);
	if (tenant != NULL)
		narrow_by(out, &tenant->limit, &tenant->used);
}

bool shmfs_refused(const struct shmfs *fs, struct shmfs_refusal *out)
{
	if (fs->refusal.limit == SHMFS_LIMIT_NONE)
		return false;
	*out = fs->refusal;
	if (out->limit == SHMFS_LIMIT_SIZE || out->limit == SHMFS_LIMIT_USER_SIZE ||
	    out->limit == SHMFS_LIMIT_TENANT_SIZE) {
		out->asked <<= fs->page_shift;
		out->used <<= fs->page_shift;
		out->allowed <<= fs->page_shift;
	}
	return true;
}

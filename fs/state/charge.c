/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts of pages and nodes; see charge.h. */
#include "charge.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "deferred_free.h"
#include "rules.h"

uint64_t charge_pages_of(const struct shmfs *fs, uint64_t size)
{
	return (size >> fs->page_shift) + ((size & (page_bytes(fs) - 1)) != 0);
}

uint64_t charge_bytes_of(const struct shmfs *fs, uint64_t size)
{
	return charge_pages_of(fs, size) << fs->page_shift;
}

static struct account *find(const struct shmfs *fs, uint32_t uid)
{
	return index_get(&fs->super->charge.accounts, uid);
}

struct account charge_account(const struct shmfs *fs, uint32_t uid)
{
	const struct account *account = find(fs, uid);

	return account != NULL ? *account : (struct account){.uid = uid};
}

struct account charge_user_limit(const struct shmfs *fs, uint32_t uid)
{
	const struct charge *charge = &fs->super->charge;
	const struct account *exception;

	if (uid == 0)
		return (struct account){0};
	exception = index_get(&charge->exceptions, uid);
	return exception != NULL ? *exception : charge->user_limit;
}

/* Limits may be set below what is in use, so "what is left" must not be computed by subtraction. */
static bool fits(uint64_t used, uint64_t more, uint64_t limit)
{
	uint64_t sum;

	return !__builtin_add_overflow(used, more, &sum) && (limit == 0 || sum <= limit);
}

static bool refuse(struct shmfs *fs, enum shmfs_limit limit, uint32_t uid, uint64_t asked,
    uint64_t used, uint64_t allowed)
{
	fs->refusal = (struct shmfs_refusal){
	    .limit = limit,
	    .uid = uid,
	    .asked = asked,
	    .used = used,
	    .allowed = allowed,
	};
	return false;
}

static bool fits_user(
    struct shmfs *fs, const struct account *account, uint64_t pages, uint64_t nodes)
{
	uint32_t uid = (uint32_t)account->uid;
	struct account limit = charge_user_limit(fs, uid);

	if (!fits(account->pages, pages, limit.pages))
		return refuse(fs, SHMFS_LIMIT_USER_SIZE, uid, pages, account->pages, limit.pages);
	if (!fits(account->nodes, nodes, limit.nodes))
		return refuse(fs, SHMFS_LIMIT_USER_NODES, uid, nodes, account->nodes, limit.nodes);
	return true;
}

static bool fits_tenant(
    struct shmfs *fs, const struct tenant *tenant, uint32_t uid, uint64_t pages, uint64_t nodes)
{
	const struct account *used = &tenant->used, *limit = &tenant->limit;

	if (!fits(used->pages, pages, limit->pages))
		return refuse(fs, SHMFS_LIMIT_TENANT_SIZE, uid, pages, used->pages, limit->pages);
	if (!fits(used->nodes, nodes, limit->nodes))
		return refuse(fs, SHMFS_LIMIT_TENANT_NODES, uid, nodes, used->nodes, limit->nodes);
	return true;
}

static bool fits_total(struct shmfs *fs, uint32_t uid, uint64_t pages, uint64_t nodes)
{
	const struct account *total = &fs->super->charge.total, *limit = &fs->super->charge.limit;

	if (!fits(total->pages, pages, limit->pages))
		return refuse(fs, SHMFS_LIMIT_SIZE, uid, pages, total->pages, limit->pages);
	if (!fits(total->nodes, nodes, limit->nodes))
		return refuse(fs, SHMFS_LIMIT_NODES, uid, nodes, total->nodes, limit->nodes);
	return true;
}

/*
 * Memory is granted only where it can be touched, so what is being freed has to be free first, as
 * far as it would be too much. To be called where the pages fit. -EAGAIN: that is too much to be
 * freed meanwhile.
 */
static int make_room(struct shmfs *fs, uint64_t pages)
{
	const struct charge *charge = &fs->super->charge;
	uint64_t used = charge->total.pages + pages;

	if (pages == 0 || fs->super->deferred.list.count == 0 || charge->limit.pages == 0)
		return 0;
	return deferred_free_down_to(fs, charge->limit.pages - used);
}

static void increase(struct shmfs *fs, struct account *account, uint64_t pages, uint64_t nodes)
{
	save(fs, account, sizeof *account);
	account->pages += pages;
	account->nodes += nodes;
}

static void decrease(struct shmfs *fs, struct account *account, uint64_t pages, uint64_t nodes)
{
	assert(account->pages >= pages && account->nodes >= nodes);
	save(fs, account, sizeof *account);
	account->pages -= pages;
	account->nodes -= nodes;
}

/* Of one user at a time: what others were granted is not much, or was taken over at once. */
static void note_granted(struct shmfs *fs, uint32_t uid, uint64_t pages)
{
	if (pages == 0)
		return;
	if (fs->granted.uid != uid)
		fs->granted = (struct shmfs_share){.uid = uid};
	fs->granted.pages += pages;
	fs->grants = true;
}

/* All limits are asked before any account changes. */
static int add(struct shmfs *fs, struct account *account, struct tenant *tenant, uint64_t pages,
    uint64_t nodes)
{
	uint32_t uid = (uint32_t)account->uid;
	int rc;

	if (!fits_user(fs, account, pages, nodes))
		return -rules_of(fs)->over_user_limit;
	if (tenant != NULL && !fits_tenant(fs, tenant, uid, pages, nodes))
		return -ENOSPC;
	if (!fits_total(fs, uid, pages, nodes))
		return -ENOSPC;
	rc = make_room(fs, pages);
	if (rc < 0)
		return rc;
	increase(fs, account, pages, nodes);
	if (tenant != NULL)
		increase(fs, &tenant->used, pages, nodes);
	increase(fs, &fs->super->charge.total, pages, nodes);
	note_granted(fs, uid, pages);
	return 0;
}

static void subtract(struct shmfs *fs, struct account *account, struct tenant *tenant,
    uint64_t pages, uint64_t nodes)
{
	decrease(fs, account, pages, nodes);
	if (tenant != NULL)
		decrease(fs, &tenant->used, pages, nodes);
	decrease(fs, &fs->super->charge.total, pages, nodes);
}

static int find_or_make(struct shmfs *fs, uint32_t uid, struct account **out)
{
	struct account *account = find(fs, uid);
	int rc;

	if (account == NULL) {
		account = arena_alloc(fs->arena, sizeof *account);
		if (account == NULL)
			return -ENOMEM;
		account->uid = uid;
		rc = index_insert(fs->arena, &fs->super->charge.accounts, uid, account);
		if (rc < 0)
			return rc;
	}
	*out = account;
	return 0;
}

/* Says which object a refusal was about, and whose that is. */
static void explain(struct shmfs *fs, uint32_t tenant, const char *name, uint64_t id)
{
	char *out = fs->refusal.object;

	fs->refusal.tenant = tenant;
	if (name != NULL && *name != '\0')
		snprintf(out, sizeof fs->refusal.object, "%s", name);
	else
		snprintf(out, sizeof fs->refusal.object, "#%" PRIu64, id);
}

int charge_node(struct shmfs *fs, uint32_t uid, uint32_t tenant, const char *name)
{
	struct account *account;
	int rc = find_or_make(fs, uid, &account);

	if (rc == 0)
		rc = add(fs, account, charge_tenant(fs, tenant), 0, 1);
	if (rc < 0)
		explain(fs, tenant, name, fs->super->next_id);
	return rc;
}

/* Ends an account, which is the beginning of something larger, with its last node. */
static void end_unused(struct shmfs *fs, struct index *accounts, struct account *account)
{
	if (account->nodes > 0)
		return;
	assert(account->pages == 0);
	index_remove(fs->arena, accounts, account->uid);
	arena_free(fs->arena, account);
}

void charge_node_end(struct shmfs *fs, uint32_t uid, uint32_t number)
{
	struct account *account = find(fs, uid);
	struct tenant *tenant = charge_tenant(fs, number);

	subtract(fs, account, tenant, 0, 1);
	end_unused(fs, &fs->super->charge.accounts, account);
	if (tenant != NULL)
		end_unused(fs, &fs->super->tenants.by_number, &tenant->used);
}

void charge_reduce(struct shmfs *fs, const struct node *node, uint64_t from, uint64_t to)
{
	uint64_t from_pages = charge_pages_of(fs, from), to_pages = charge_pages_of(fs, to);

	if (to_pages < from_pages)
		subtract(fs, find(fs, node->creator), charge_tenant(fs, node->tenant),
		    from_pages - to_pages, 0);
}

/* Whether a user who is not charged could be. */
static bool fits_grower(struct shmfs *fs, const struct node *node, uint32_t by, uint64_t pages)
{
	const struct account account = charge_account(fs, by);

	return by == node->creator || fits_user(fs, &account, pages, 0);
}

static int grow(struct shmfs *fs, const struct node *node, uint32_t by, uint64_t pages)
{
	int rc;

	if (fits_grower(fs, node, by, pages))
		rc = add(fs, find(fs, node->creator), charge_tenant(fs, node->tenant), pages, 0);
	else
		rc = -rules_of(fs)->over_user_limit;
	if (rc < 0)
		explain(fs, node->tenant, node->entry != NULL ? node->entry->name : NULL, node->id);
	return rc;
}

int charge_resize(
    struct shmfs *fs, const struct node *node, uint32_t by, uint64_t from, uint64_t to)
{
	uint64_t from_pages = charge_pages_of(fs, from), to_pages = charge_pages_of(fs, to);

	if (to_pages > from_pages)
		return grow(fs, node, by, to_pages - from_pages);
	charge_reduce(fs, node, from, to);
	return 0;
}

/* --- tenants ---------------------------------------------------------------------------------- */

struct tenant *charge_tenant(const struct shmfs *fs, uint32_t number)
{
	return number == 0 ? NULL : index_get(&fs->super->tenants.by_number, number);
}

/* A number comes again after four thousand million others. */
static uint32_t next_number(struct shmfs *fs)
{
	struct tenants *tenants = &fs->super->tenants;

	save(fs, &tenants->last, sizeof tenants->last);
	do {
		tenants->last++;
	} while (tenants->last == 0 || charge_tenant(fs, tenants->last) != NULL);
	return tenants->last;
}

int charge_tenant_create(struct shmfs *fs, struct tenant **out)
{
	struct index *by_number = &fs->super->tenants.by_number;
	struct tenant *tenant;
	int rc;

	if (by_number->count >= SHMFS_TENANTS_MAX)
		return -ENOSPC;
	tenant = arena_alloc(fs->arena, sizeof *tenant);
	if (tenant == NULL)
		return -ENOMEM;
	tenant->used.uid = next_number(fs);
	rc = index_insert(fs->arena, by_number, tenant->used.uid, tenant);
	if (rc < 0)
		return rc;
	*out = tenant;
	return 0;
}

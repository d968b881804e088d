/* SPDX-License-Identifier: BSD-2-Clause */
/* Tenants: made, limited, and told of. */
#include <errno.h>
#include <string.h>

#include "fs/mac/subjects.h"
#include "fs/object/access.h"
#include "fs/object/node.h"
#include "fs/object/xattr_follow.h"
#include "fs/state/charge.h"
#include "place.h"

static int check_limits(const struct shmfs_limits *limits)
{
	return limits->bytes > INT64_MAX ? -EINVAL : 0;
}

static void set_limits(struct shmfs *fs, struct tenant *tenant, const struct shmfs_limits *limits)
{
	save(fs, &tenant->limit, sizeof tenant->limit);
	tenant->limit.pages = charge_pages_of(fs, limits->bytes);
	tenant->limit.nodes = limits->nodes;
}

/* The free place that a path names, among what belongs to no tenant. */
static int find_place(
    struct shmfs *fs, const struct shmfs_subject *by, const char *path, struct place *out)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	const struct shmfs_cred cred = access_cred(by);
	char parent[SHMFS_PATH_MAX];
	uint64_t dir = SHMFS_ROOT;
	int rc = 0;

	if (slash != NULL) {
		size_t length = (size_t)(slash - path);

		if (length >= sizeof parent)
			return -ENAMETOOLONG;
		memcpy(parent, path, length);
		parent[length] = '\0';
		rc = length > 0 ? shmfs_find(fs, by, parent, &dir) : -EINVAL;
	}
	if (rc == 0)
		rc = place_find_free(fs, &cred, MAC_CREATE, dir, name, out);
	return rc == 0 && out->dir->tenant != 0 ? -EINVAL : rc;
}

static int make_directory(struct shmfs *fs, const struct shmfs_subject *by,
    const struct place *place, const struct shmfs_tenant_config *config, struct tenant *tenant)
{
	const struct shmfs_cred owner = {.uid = config->uid, .gid = config->gid};
	struct timespec before = place->dir->mtime;
	struct node *node;
	int rc = node_create(fs, place->name, S_IFDIR | config->mode, by->uid, config->gid,
	    (uint32_t)tenant->used.uid, &node);

	if (rc < 0)
		return rc;
	node->uid = config->uid;
	node->directory.next_cookie = COOKIE_FIRST;
	tenant->root = node->id;
	mac_label_new(fs, &owner, node);
	rc = xattrs_inherit(fs, place->dir, node, 0);
	if (rc == 0)
		rc = directory_add(fs, place, node, (struct name_charge){.uid = by->uid});
	if (rc == 0)
		node_make_later(place->dir, &before);
	return rc;
}

int shmfs_tenant_create(struct shmfs *fs, const struct shmfs_subject *by, const char *path,
    const struct shmfs_tenant_config *config, struct shmfs_made *out)
{
	struct tenant *tenant;
	struct place place;
	int rc = check_limits(&config->limits);

	if (rc == 0)
		rc = find_place(fs, by, path, &place);
	if (rc == 0)
		rc = charge_tenant_create(fs, &tenant);
	if (rc < 0)
		return rc;
	set_limits(fs, tenant, &config->limits);
	rc = make_directory(fs, by, &place, config, tenant);
	if (rc < 0)
		return rc;
	*out = (struct shmfs_made){.tenant = (uint32_t)tenant->used.uid, .dir = place.dir->id};
	return 0;
}

int shmfs_tenant_set_limits(struct shmfs *fs, uint32_t number, const struct shmfs_limits *limits)
{
	struct tenant *tenant = charge_tenant(fs, number);
	int rc = check_limits(limits);

	if (tenant == NULL)
		return -ENOENT;
	if (rc == 0)
		set_limits(fs, tenant, limits);
	return rc;
}

static void describe(const struct shmfs *fs, const struct tenant *tenant, struct shmfs_tenant *out)
{
	const struct node *root = node_get(fs, tenant->root);
	bool named = root != NULL && root->entry != NULL;

	*out = (struct shmfs_tenant){
	    .number = (uint32_t)tenant->used.uid,
	    .dir = named ? root->id : 0,
	    .uid = named ? root->uid : (uid_t)-1,
	    .bytes = tenant->used.pages << fs->page_shift,
	    .nodes = tenant->used.nodes,
	    .limits = {tenant->limit.pages << fs->page_shift, tenant->limit.nodes},
	    .refused_size = tenant->refused_pages,
	    .refused_nodes = tenant->refused_nodes,
	};
	memcpy(out->name, tenant->name, sizeof out->name);
}

int shmfs_tenant(const struct shmfs *fs, uint32_t number, struct shmfs_tenant *out)
{
	const struct tenant *tenant = charge_tenant(fs, number);

	if (tenant == NULL)
		return -ENOENT;
	describe(fs, tenant, out);
	return 0;
}

uint32_t shmfs_tenant_at(const struct shmfs *fs, uint64_t dir)
{
	const struct node *node = node_get(fs, dir);
	const struct tenant *tenant = node != NULL ? charge_tenant(fs, node->tenant) : NULL;

	return tenant != NULL && tenant->root == dir ? node->tenant : 0;
}

uint64_t shmfs_tenants(const struct shmfs *fs, uint64_t from, unsigned most,
    int (*visit)(void *arg, const struct shmfs_tenant *tenant), void *arg)
{
	const struct tenant *tenant;
	uint64_t number = from;

	for (; (tenant = index_next(&fs->super->tenants.by_number, &number)) != NULL; number++) {
		struct shmfs_tenant told;

		if (most-- == 0)
			return number;
		describe(fs, tenant, &told);
		if (visit(arg, &told) != 0)
			return number;
	}
	return 0;
}

/* Whether the policies let the subject know of a tenant, by the label of its directory. */
static bool may_observe(
    const struct shmfs *fs, const struct shmfs_subject *by, const struct node *root)
{
	struct shmfs_cred cred;

	if (by == NULL || fs->super->mac.policies == 0)
		return true;
	cred = access_cred(by);
	return root != NULL && mac_would(fs, &cred, MAC_STAT, root) == 0;
}

int shmfs_tenant_path(const struct shmfs *fs, const struct shmfs_subject *by, uint32_t number,
    char out[SHMFS_PATH_MAX])
{
	const struct tenant *tenant = charge_tenant(fs, number);
	const struct node *root = tenant != NULL ? node_get(fs, tenant->root) : NULL;

	if (tenant == NULL)
		return -ENOENT;
	if (!may_observe(fs, by, root))
		return -EACCES;
	return root == NULL ? -ENOENT : shmfs_path(fs, by, root->id, false, out);
}

/*
 * Not saved, so that the rollback of what was refused leaves it. A server that is killed in between
 * may count the same request once more.
 */
void shmfs_tenant_count_refusal(struct shmfs *fs)
{
	struct tenant *tenant = charge_tenant(fs, fs->refusal.tenant);

	if (tenant == NULL)
		return;
	tenant->refused_pages += fs->refusal.limit == SHMFS_LIMIT_TENANT_SIZE;
	tenant->refused_nodes += fs->refusal.limit == SHMFS_LIMIT_TENANT_NODES;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Beginning, end and transactions of a namespace. */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "name.h"

/* Each pattern must be one that a name can match. */
static int check_patterns(const char *patterns)
{
	while (*patterns != '\0') {
		size_t length = strcspn(patterns, ":");

		if (length > SHMFS_NAME_MAX)
			return -EINVAL;
		patterns += length;
		patterns += *patterns == ':';
	}
	return 0;
}

static int store_patterns(struct shmfs *fs, const char *patterns, char **to)
{
	size_t length;
	int rc;

	if (patterns == NULL)
		patterns = "";
	length = strlen(patterns);
	rc = check_patterns(patterns);
	if (rc < 0 || length >= ARENA_PAGE_SIZE)
		return -EINVAL;
	*to = arena_alloc(fs->arena, length + 1);
	if (*to == NULL)
		return -ENOMEM;
	memcpy(*to, patterns, length);
	return 0;
}

static int make_root(struct shmfs *fs, const struct shmfs_config *config)
{
	struct node *root;
	int rc = node_create(
	    fs, "/", S_IFDIR | config->root_mode, config->root_uid, config->root_gid, &root);

	if (rc < 0)
		return rc;
	root->names = 1;
	root->directory.parent = root;
	root->directory.next_cookie = COOKIE_FIRST;
	fs->super->root = root;
	return mac_label_root(fs, root);
}

/* Within a transaction. */
static int fill(struct shmfs *fs, const struct shmfs_config *config)
{
	struct super *super = arena_alloc(fs->arena, sizeof *super);
	uint64_t secret;
	int rc;

	if (super == NULL)
		return -ENOMEM;
	save(fs, &fs->arena->root, sizeof fs->arena->root);
	fs->arena->root = super;
	fs->super = super;
	super->next_id = SHMFS_ROOT;
	super->next_handle = 1;
	super->next_pin = 1;
	super->lifetime_age = config->lifetime_age;
	super->backing = config->backing;
	super->rules = config->rules;
	super->charge.limit = (struct account){
	    .pages = charge_pages_of(config->size_limit),
	    .nodes = config->node_limit,
	};
	super->charge.user_limit = (struct account){
	    .pages = charge_pages_of(config->user_size_limit),
	    .nodes = config->user_node_limit,
	};
	super->reclaim.least = config->reclaim_least;
	descriptor_init(fs,
	    config->descriptor_first > 0 ? config->descriptor_first : SHMFS_DESCRIPTOR_FIRST,
	    config->descriptor_limit);
	rc = fs->os->random(&secret, sizeof secret);
	if (rc == 0)
		rc = dictionary_init(fs->arena, &super->dictionary, secret);
	if (rc == 0)
		rc = store_patterns(fs, config->grow_patterns, &super->grow_patterns);
	if (rc == 0)
		rc = store_patterns(fs, config->lifetime_patterns, &super->lifetime_patterns);
	if (rc == 0)
		rc = mac_init(fs, config->mac);
	if (rc == 0)
		rc = make_root(fs, config);
	return rc;
}

int shmfs_open_new(const struct shmfs_config *config, struct shmfs **out)
{
	size_t size = config->arena_size != 0 ? config->arena_size : SHMFS_ARENA_SIZE;
	struct shmfs *fs;
	int rc;

	if ((config->root_mode & ~(mode_t)07777) || config->descriptor_first < 0 ||
	    config->descriptor_first > DESCRIPTOR_FIRST_MAX)
		return -EINVAL;
	fs = calloc(1, sizeof *fs);
	if (fs == NULL)
		return -ENOMEM;
	fs->os = config->os != NULL ? config->os : shmfs_os_linux();
	rc = arena_create(config->arena_base, size, &fs->arena_fd, &fs->arena);
	if (rc < 0)
		goto fail_arena;
	shmfs_begin(fs);
	rc = fill(fs, config);
	if (rc < 0)
		goto fail_fill;
	shmfs_commit(fs);
	*out = fs;
	return 0;

fail_fill:
	arena_unmap(fs->arena);
	close(fs->arena_fd);
fail_arena:
	free(fs);
	return rc;
}

int shmfs_open_again(int arena_fd, const struct shmfs_os *os, struct shmfs **out)
{
	struct shmfs *fs = calloc(1, sizeof *fs);
	int rc;

	if (fs == NULL)
		return -ENOMEM;
	fs->os = os != NULL ? os : shmfs_os_linux();
	rc = arena_map(arena_fd, &fs->arena);
	if (rc < 0) {
		free(fs);
		return rc;
	}
	txn_recover(&fs->arena->txn, fs->os);
	fs->arena_fd = arena_fd;
	fs->super = fs->arena->root;
	/* Whoever made it did not come to the end of his first transaction. */
	if (fs->super == NULL) {
		arena_unmap(fs->arena);
		free(fs);
		return -EPROTO;
	}
	shmfs_recover(fs);
	*out = fs;
	return 0;
}

void shmfs_recover(struct shmfs *fs)
{
	txn_recover(&fs->arena->txn, fs->os);
	shmfs_begin(fs);
	reclaim_drop_holes(fs);
	shmfs_commit(fs);
}

int shmfs_check(int arena_fd)
{
	return arena_check(arena_fd);
}

/* Ids of a connection that is gone are gone with it, so nothing is there to be closed. */
static void drop_references(struct shmfs *fs, struct node *node)
{
	node_change(fs, node);
	node->lookups = 0;
	if (is_object(node))
		node->object.backing = 0;
	node_drop_unused(fs, node);
}

void shmfs_drop_caller(struct shmfs *fs, bool backing)
{
	struct node *node;

	for (uint64_t id = 0; index_next(&fs->super->handles, &id) != NULL; id++) {
		shmfs_begin(fs);
		shmfs_release(fs, id);
		shmfs_commit(fs);
	}
	for (uint64_t id = 0; (node = index_next(&fs->super->nodes, &id)) != NULL; id++) {
		shmfs_begin(fs);
		drop_references(fs, node);
		shmfs_commit(fs);
	}
	shmfs_begin(fs);
	save(fs, fs->super, sizeof *fs->super);
	fs->super->backing = backing;
	fs->super->last_backing = 0;
	shmfs_commit(fs);
}

int shmfs_arena_fd(const struct shmfs *fs)
{
	return fs->arena_fd;
}

void shmfs_close(struct shmfs *fs)
{
	const struct node *node;

	if (fs == NULL)
		return;
	for (uint64_t id = 0; (node = index_next(&fs->super->nodes, &id)) != NULL; id++) {
		if (!is_object(node))
			continue;
		if (node->object.backing != 0)
			fs->os->backing_close(fs->os->arg, node->object.backing);
		if (node->object.fd >= 0)
			fs->os->close(node->object.fd);
	}
	for (const struct reclaim *entry = fs->super->reclaim.first; entry != NULL;
	     entry = entry->next) {
		if (entry->kind == RECLAIM_END)
			fs->os->close(entry->fd);
	}
	arena_unmap(fs->arena);
	close(fs->arena_fd);
	free(fs);
}

void shmfs_begin(struct shmfs *fs)
{
	fs->refusal.limit = SHMFS_LIMIT_NONE;
	fs->denial.entry = NULL;
	txn_begin(&fs->arena->txn);
}

void shmfs_commit(struct shmfs *fs)
{
	txn_commit(&fs->arena->txn, fs->os);
	arena_trim(fs->arena);
}

void shmfs_rollback(struct shmfs *fs)
{
	txn_rollback(&fs->arena->txn, fs->os);
}

bool shmfs_active(const struct shmfs *fs)
{
	return fs->arena->txn.state == TXN_ACTIVE;
}

bool shmfs_changed(const struct shmfs *fs)
{
	return fs->arena->txn.log_used > 0 || fs->arena->txn.effect_count > 0;
}

void shmfs_set_mark(struct shmfs *fs, struct shmfs_mark mark)
{
	save(fs, &fs->super->mark, sizeof fs->super->mark);
	fs->super->mark = mark;
}

struct shmfs_mark shmfs_mark(const struct shmfs *fs)
{
	return fs->super->mark;
}

int shmfs_last_backing(const struct shmfs *fs)
{
	return fs->super->last_backing;
}

void shmfs_usage(const struct shmfs *fs, struct shmfs_usage *out)
{
	const struct charge *charge = &fs->super->charge;

	*out = (struct shmfs_usage){
	    .limit_pages = charge->limit.pages,
	    .used_pages = charge->total.pages,
	    .limit_nodes = charge->limit.nodes,
	    .used_nodes = charge->total.nodes,
	    .name_max = rules_of(fs)->name_max,
	    .handles = fs->super->handles.count,
	    .pins = fs->super->pins.count,
	    .arena_bytes = arena_used(fs->arena),
	};
}

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

/* One user's view of a limit of all: the smaller limit, and of it as much used as leaves him what
 * both leave. */
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

void shmfs_user_usage(const struct shmfs *fs, uid_t uid, struct shmfs_usage *out)
{
	struct account user = charge_account(fs, uid), limit = charge_user_limit(fs, uid);

	shmfs_usage(fs, out);
	narrow(&out->limit_pages, &out->used_pages, limit.pages, user.pages);
	narrow(&out->limit_nodes, &out->used_nodes, limit.nodes, user.nodes);
}

bool shmfs_refused(const struct shmfs *fs, struct shmfs_refusal *out)
{
	if (fs->refusal.limit == SHMFS_LIMIT_NONE)
		return false;
	*out = fs->refusal;
	return true;
}

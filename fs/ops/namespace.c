/* SPDX-License-Identifier: BSD-2-Clause */
/* Beginning and end of a namespace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/mac/subjects.h"
#include "fs/object/directory.h"
#include "fs/object/life.h"
#include "fs/object/memory.h"
#include "fs/object/node.h"
#include "fs/state/charge.h"
#include "fs/state/deferred_free.h"
#include "fs/state/descriptor.h"
#include "fs/state/dictionary.h"
#include "fs/state/memory_use.h"
#include "fs/storage/arena.h"

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
	    fs, "/", S_IFDIR | config->root_mode, config->root_uid, config->root_gid, 0, &root);

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
	uint64_t key[2];
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
	    .pages = charge_pages_of(fs, config->size_limit),
	    .nodes = config->node_limit,
	};
	super->charge.user_limit = (struct account){
	    .pages = charge_pages_of(fs, config->user_size_limit),
	    .nodes = config->user_node_limit,
	};
	super->deferred.min = config->deferred_free_min;
	super->spares.most = config->spare_memories;
	descriptor_init(fs,
	    config->descriptor_first > 0 ? config->descriptor_first : SHMFS_DESCRIPTOR_FIRST,
	    config->descriptor_limit);
	rc = fs->os->random(fs->os->arg, key, sizeof key);
	if (rc == 0)
		rc = dictionary_init(fs->arena, &super->dictionary, key);
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

/* A page of the system has whole blocks of 512 bytes, and whole pages of the arena, at most as many
 * as are counted there. */
static bool is_page_size(size_t size)
{
	return (size & (size - 1)) == 0 && size >= ARENA_PAGE_SIZE &&
	       size / ARENA_PAGE_SIZE <= UINT16_MAX;
}

/* A view of no namespace yet. */
static int new_view(const struct shmfs_os *os, struct shmfs **out)
{
	struct shmfs *fs;
	size_t page;

	if (os == NULL)
		os = shmfs_os_linux();
	page = os->page_size(os->arg);
	if (!is_page_size(page))
		return -EOPNOTSUPP;
	fs = calloc(1, sizeof *fs);
	if (fs == NULL)
		return -ENOMEM;
	fs->os = os;
	fs->page_shift = (unsigned)__builtin_ctzll(page);
	*out = fs;
	return 0;
}

int shmfs_open_new(const struct shmfs_config *config, struct shmfs **out)
{
	size_t size = config->arena_size != 0 ? config->arena_size : SHMFS_ARENA_SIZE;
	struct shmfs *fs;
	int rc;

	if ((config->root_mode & ~(mode_t)07777) || config->descriptor_first < 0 ||
	    config->descriptor_first > DESCRIPTOR_FIRST_MAX ||
	    config->spare_memories > SHMFS_SPARES_MAX)
		return -EINVAL;
	rc = new_view(config->os, &fs);
	if (rc < 0)
		return rc;
	rc = arena_create(config->arena_fixed, size, page_bytes(fs), &fs->arena_fd, &fs->arena);
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

static bool is_in_arena(const struct shmfs *fs, const void *memory, size_t size)
{
	uint64_t offset = (uintptr_t)memory - (uintptr_t)fs->arena;

	return offset < fs->arena->size && size <= fs->arena->size - offset;
}

int shmfs_open_again(int arena_fd, const struct shmfs_os *os, struct shmfs **out)
{
	struct shmfs *fs;
	int rc = new_view(os, &fs);

	if (rc < 0)
		return rc;
	rc = arena_map(arena_fd, &fs->arena);
	if (rc < 0) {
		free(fs);
		return rc;
	}
	fs->arena_fd = arena_fd;
	fs->super = fs->arena->root;
	if (!is_in_arena(fs, fs->super, sizeof *fs->super)) {
		arena_unmap(fs->arena);
		free(fs);
		return -EPROTO;
	}
	*out = fs;
	return 0;
}

int shmfs_recover(struct shmfs *fs)
{
	int rc = arena_check_left(fs->arena, fs->arena_fd, SHMFS_DESCRIPTOR_FIRST);

	if (rc < 0)
		return rc;
	/* Before anything is made of it, as it may be closed next. */
	memory_settle(fs);
	txn_recover(&fs->arena->txn, fs->os);
	/* Whoever made it did not come to the end of the first transaction. */
	if (fs->arena->root != fs->super)
		return -EPROTO;
	shmfs_begin(fs);
	deferred_leave_holes(fs);
	shmfs_commit(fs);
	return 0;
}

void shmfs_recovered(struct shmfs *fs)
{
	shmfs_begin(fs);
	deferred_drop_left(fs);
	shmfs_commit(fs);
}

int shmfs_check(int arena_fd)
{
	return arena_check(arena_fd);
}

int shmfs_arena_fd(const struct shmfs *fs)
{
	return fs->arena_fd;
}

static void close_memory(const struct shmfs *fs, int fd, int backing)
{
	if (backing != 0)
		fs->os->backing_close(fs->os->arg, backing);
	if (fd >= 0)
		fs->os->close(fs->os->arg, fd);
}

void shmfs_close(struct shmfs *fs)
{
	const struct spare_memories *spares;
	const struct node *node;

	if (fs == NULL)
		return;
	for (uint64_t id = 0; (node = index_next(&fs->super->nodes, &id)) != NULL; id++) {
		if (is_object(node))
			close_memory(fs, node->object.fd, node->object.backing);
	}
	spares = &fs->super->spares;
	for (uint32_t i = 0; i < spares->count; i++)
		close_memory(fs, spares->list[i].fd, spares->list[i].backing);
	for (const struct deferred_free *entry = deferred_at(fs->super->deferred.list.first);
	     entry != NULL; entry = deferred_next_of(entry)) {
		if (entry->kind == FREE_END)
			fs->os->close(fs->os->arg, entry->fd);
	}
	arena_unmap(fs->arena);
	close(fs->arena_fd);
	free(fs);
}

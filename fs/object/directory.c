/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of directories; see directory.h. */
#include "directory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fs/state/dictionary.h"
#include "fs/state/name.h"
#include "fs/state/rules.h"
#include "node.h"
#include "tenant.h"

int directory_find(const struct shmfs *fs, uint64_t dir, const char *name, struct place *out)
{
	struct node *node = node_get(fs, dir);
	int length;

	if (node == NULL)
		return -ESTALE;
	if (!is_directory(node))
		return -ENOTDIR;
	length = name_length(name, rules_of(fs)->name_max);
	if (length < 0)
		return length;
	if (node->directory.parent == NULL)
		return -ENOENT;
	*out = (struct place){
	    .dir = node,
	    .name = name,
	    .length = (size_t)length,
	    .entry = dictionary_find(&fs->super->dictionary, node, name, (size_t)length),
	};
	return 0;
}

static void touch(struct shmfs *fs, struct node *dir, struct node *node)
{
	node_touch_mtime(fs, dir);
	node_touch_ctime(fs, node);
}

/* The two change a saved entry and a saved node. */
static void join_names(struct shmfs *fs, struct entry *entry, struct node *node)
{
	entry->node = node;
	entry->newer = NULL;
	entry->older = node->entry;
	if (entry->older != NULL) {
		save(fs, &entry->older->newer, sizeof entry->older->newer);
		entry->older->newer = entry;
	}
	node->entry = entry;
}

static void leave_names(struct shmfs *fs, struct entry *entry, struct node *node)
{
	if (entry->older != NULL) {
		save(fs, &entry->older->newer, sizeof entry->older->newer);
		entry->older->newer = entry->newer;
	}
	if (entry->newer != NULL) {
		save(fs, &entry->newer->older, sizeof entry->newer->older);
		entry->newer->older = entry->older;
	} else {
		node->entry = entry->older;
	}
}

static void bind_node(struct shmfs *fs, struct entry *entry, struct node *node)
{
	struct node *dir = entry->dir;

	node_change(fs, dir);
	node_change(fs, node);
	join_names(fs, entry, node);
	node->names++;
	if (is_directory(node)) {
		tenant_note_name(fs, dir, node, entry->name);
		dir->directory.subdirs++;
		node->directory.parent = dir;
	}
	touch(fs, dir, node);
}

/* While a directory moves it has two names for a moment, or none; its parent follows the last. */
static void unbind_node(struct shmfs *fs, struct entry *entry)
{
	struct node *dir = entry->dir, *node = entry->node;

	node_change(fs, dir);
	node_change(fs, node);
	assert(node->names > 0);
	node->names--;
	leave_names(fs, entry, node);
	if (is_directory(node)) {
		dir->directory.subdirs--;
		if (node->names == 0)
			node->directory.parent = NULL;
	}
	touch(fs, dir, node);
}

static void set_charge(struct entry *entry, struct name_charge charge)
{
	entry->maker = charge.uid;
	entry->charged = charge.counts;
}

static int enter(struct shmfs *fs, const struct place *place, struct node *node, uint64_t cookie,
    struct name_charge charge)
{
	struct dictionary *dictionary = &fs->super->dictionary;
	struct directory *directory = &place->dir->directory;
	struct entry *entry;

	assert(place->entry == NULL);
	entry = arena_alloc(fs->arena, sizeof *entry + place->length + 1);
	if (entry == NULL)
		return -ENOMEM;
	node_change(fs, place->dir);
	entry->dir = place->dir;
	entry->cookie = cookie;
	entry->length = (uint32_t)place->length & INT32_MAX;
	set_charge(entry, charge);
	memcpy(entry->name, place->name, place->length);
	entry->hash = dictionary_hash(dictionary, place->dir, place->name, place->length);
	if (index_insert(fs->arena, &directory->entries, entry->cookie, entry) < 0)
		return -ENOMEM;
	dictionary_insert(fs->arena, dictionary, entry);
	bind_node(fs, entry, node);
	return 0;
}

int directory_add(
    struct shmfs *fs, const struct place *place, struct node *node, struct name_charge charge)
{
	struct directory *directory = &place->dir->directory;

	node_change(fs, place->dir);
	return enter(fs, place, node, directory->next_cookie++, charge);
}

void directory_remove(struct shmfs *fs, struct entry *entry)
{
	unbind_node(fs, entry);
	dictionary_remove(fs->arena, &fs->super->dictionary, entry);
	index_remove(fs->arena, &entry->dir->directory.entries, entry->cookie);
	arena_free(fs->arena, entry);
}

int directory_rename(struct shmfs *fs, struct entry *entry, const struct place *place)
{
	struct name_charge charge = directory_charge(entry);
	struct node *node = entry->node;
	uint64_t cookie = entry->cookie;

	directory_remove(fs, entry);
	return enter(fs, place, node, cookie, charge);
}

void directory_rebind(
    struct shmfs *fs, struct entry *entry, struct node *node, struct name_charge charge)
{
	save(fs, entry, sizeof *entry);
	unbind_node(fs, entry);
	set_charge(entry, charge);
	bind_node(fs, entry, node);
}

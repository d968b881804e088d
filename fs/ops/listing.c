/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects and their places, for tools that look from aside. */
#include <errno.h>
#include <string.h>

#include "fs/mac/mac.h"
#include "fs/object/access.h"
#include "fs/object/directory.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/object/seal.h"
#include "fs/state/charge.h"

_Static_assert(sizeof(((struct shmfs_object *)0)->seals) >= SEAL_LIST_SIZE, "a list of seals fits");

static void describe(const struct shmfs *fs, const struct node *node, struct shmfs_object *out)
{
	uint64_t charged =
	    charge_bytes_of(fs, node->object.size) + charge_bytes_of(fs, node->xattr_bytes);

	*out = (struct shmfs_object){
	    .creator = node->creator,
	    .charged = charged,
	    .age = object_age(fs, node),
	    .opens = node->object.opens,
	    .writers = node->object.writers,
	    .pins = node->object.pins,
	    .grows = node->object.grows,
	    .tenant = node->tenant,
	};
	node_attributes(fs, node, &out->attr);
	seal_print(node, out->seals);
}

int shmfs_object(const struct shmfs *fs, uint64_t id, struct shmfs_object *out)
{
	const struct node *node = node_get(fs, id);

	if (node == NULL)
		return -ESTALE;
	if (!is_object(node))
		return -EINVAL;
	describe(fs, node, out);
	return 0;
}

uint64_t shmfs_list(const struct shmfs *fs, uint64_t from, unsigned most,
    int (*visit)(void *arg, const struct shmfs_object *object), void *arg)
{
	struct shmfs_object object;
	const struct node *node;
	uint64_t id = from;

	for (; (node = index_next(&fs->super->nodes, &id)) != NULL; id++) {
		if (most-- == 0)
			return id;
		if (!is_object(node) || node->ended != NODE_ENDED_NOT)
			continue;
		describe(fs, node, &object);
		if (visit(arg, &object) != 0)
			return id;
	}
	return 0;
}

/* Puts a name, and a slash where something stands behind it, before *start. */
static int prepend(char *path, size_t *start, const struct entry *entry)
{
	size_t slash = path[*start] != '\0', length = entry->length + slash;

	if (length > *start)
		return -ENAMETOOLONG;
	*start -= length;
	memcpy(path + *start, entry->name, entry->length);
	if (slash)
		path[*start + entry->length] = '/';
	return 0;
}

/* A path has at most SHMFS_PATH_MAX / 2 names, so the way up is bounded whatever the tree. */
int shmfs_path(const struct shmfs *fs, const struct shmfs_subject *by, uint64_t id, bool lists,
    char out[SHMFS_PATH_MAX])
{
	const struct node *node = node_get(fs, id);
	size_t start = SHMFS_PATH_MAX - 1;
	char path[SHMFS_PATH_MAX];

	if (node == NULL)
		return -ESTALE;
	path[start] = '\0';
	while (node != fs->super->root) {
		const struct entry *entry = node->entry;
		int rc;

		if (entry == NULL)
			return -ENOENT;
		if (by != NULL && !access_searches(fs, entry->dir, by, lists))
			return -EACCES;
		rc = prepend(path, &start, entry);
		if (rc < 0)
			return rc;
		node = entry->dir;
	}
	memcpy(out, path + start, SHMFS_PATH_MAX - start);
	return 0;
}

/* One step down from a directory; name ends at its first slash. */
static int descend(const struct shmfs *fs, const struct shmfs_subject *by, const struct node **at,
    const char *name, size_t length)
{
	char copy[SHMFS_NAME_MAX_FREEBSD + 1];
	struct shmfs_cred cred = access_cred(by);
	struct place place;
	int rc;

	if (S_ISLNK((*at)->mode))
		return -ELOOP;
	if (!is_directory(*at))
		return -ENOTDIR;
	if (!access_searches(fs, *at, by, false))
		return by->work != NULL && *by->work == 0 ? -ENAMETOOLONG : -EACCES;
	if (length >= sizeof copy)
		return -ENAMETOOLONG;
	memcpy(copy, name, length);
	copy[length] = '\0';
	rc = directory_find(fs, (*at)->id, copy, &place);
	if (rc < 0)
		return rc;
	if (place.entry == NULL)
		return -ENOENT;
	*at = place.entry->node;
	return mac_would(fs, &cred, MAC_STAT, *at);
}

int shmfs_find(
    const struct shmfs *fs, const struct shmfs_subject *by, const char *path, uint64_t *id)
{
	const struct node *node = fs->super->root;

	if (strnlen(path, SHMFS_PATH_MAX) == SHMFS_PATH_MAX)
		return -ENAMETOOLONG;
	while (*path != '\0') {
		size_t length = strcspn(path, "/");
		int rc = descend(fs, by, &node, path, length);

		if (rc < 0)
			return rc;
		path += length;
		/* A slash at the end leaves an empty name, which is refused. */
		if (*path == '/' && *++path == '\0')
			return -EINVAL;
	}
	*id = node->id;
	return 0;
}

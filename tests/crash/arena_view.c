/* SPDX-License-Identifier: BSD-2-Clause */
/* See arena_view.h. */
#include "arena_view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon.h"
#include "fs/object/handle.h"
#include "fs/object/memory.h"
#include "fs/state/charge.h"
#include "fs/state/descriptor.h"
#include "fs/state/xattr.h"

static struct shmfs view;
static size_t mapped;
/* Of memory that has names: of each kind of pages; -1: there is none. */
static int stores[3];

#define STORES (sizeof stores / sizeof stores[0])

void view_open(void)
{
	int fd = daemon_open_descriptor("/memfd:shmfs-arena (deleted)", 0, false);
	struct arena header;
	void *memory;

	if (fd < 0 || pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
		broken("no memfd named shmfs-arena");
	if (header.layout != ARENA_LAYOUT) {
		errno = EPROTO;
		broken("the arena of another build");
	}
	memory = mmap((void *)header.base, header.size, PROT_READ,
	    MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
	if (memory == MAP_FAILED)
		broken("mmap of the arena");
	close(fd);
	mapped = header.size;
	view.arena = memory;
	view.super = view.arena->root;
	view.os = shmfs_os_linux();
	view.arena_fd = -1;
	for (unsigned i = 0; i < STORES; i++)
		stores[i] = daemon_open_descriptor("/", i, true);
}

void view_close(void)
{
	munmap(view.arena, mapped);
	view.arena = NULL;
	for (unsigned i = 0; i < STORES; i++)
		if (stores[i] >= 0)
			close(stores[i]);
}

bool view_has_backing(void)
{
	return view.super->backing;
}

static uint64_t hash(uint64_t seed, const void *data, size_t size)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ byte[i]) * UINT64_C(0x100000001b3);
	return seed;
}

/* A node's memory is in one of them. */
static int open_by_name(uint64_t id)
{
	char path[64];
	int fd = -1;

	snprintf(path, sizeof path, "%" PRIx64, id);
	for (unsigned i = 0; fd < 0 && i < STORES; i++)
		fd = openat(stores[i], path, O_RDONLY | O_CLOEXEC);
	return fd;
}

/* Memory is there, whether it is open at this moment or not. */
static int open_memory(const struct node *node)
{
	char path[64];

	if (node->object.fd < 0)
		return open_by_name(node->id);
	snprintf(path, sizeof path, "/proc/%d/fd/%d", daemon_supervisor(), node->object.fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* What the memory itself says, which has to agree with its node. */
static void dump_memory(FILE *out, const struct node *node)
{
	static char buffer[1 << 20];
	uint64_t sum = UINT64_C(0xcbf29ce484222325), size = 0;
	ssize_t count;
	int fd = open_memory(node);

	if (fd < 0) {
		fprintf(out, " (memory: %s)", strerror(errno));
		return;
	}
	while ((count = read(fd, buffer, sizeof buffer)) > 0) {
		sum = hash(sum, buffer, (size_t)count);
		size += (uint64_t)count;
	}
	close(fd);
	fprintf(out, " memory=%" PRIu64 ":%016" PRIx64, size, sum);
}

/*
 * An empty object that nobody has open gives its memory back when it is closed, unless the kernel
 * has not let go of it by then.
 */
static bool may_have_memory(const struct object *object)
{
	return object->size == 0 && object->opens == 0;
}

static void dump_object(FILE *out, const struct node *node)
{
	const struct object *object = &node->object;

	fprintf(out, " size=%" PRIu64 " opens=%u writers=%u seals=%u pages=%u%s", object->size,
	    object->opens, object->writers, object->seals, object->pages,
	    object->grows ? " grows" : "");
	if (may_have_memory(object))
		return;
	if (object->backing > 0)
		fputs(" backing", out);
	if (memory_exists(node))
		dump_memory(out, node);
}

static void dump_xattrs(FILE *out, const struct node *node)
{
	static char value[XATTR_VALUE_MAX];

	for (const struct xattr *xattr = node->xattrs; xattr != NULL; xattr = xattr->next) {
		xattr_copy(xattr, value);
		fprintf(out, " %.*s=%u:%016" PRIx64, (int)xattr->name_length, xattr->name,
		    xattr->size, hash(0, value, xattr->size));
	}
}

static void dump_node(FILE *out, const struct node *node)
{
	fprintf(out, " mode=%o uid=%u gid=%u creator=%u names=%u lookups=%" PRIu64 "%s%s",
	    node->mode, node->uid, node->gid, node->creator, node->names, node->lookups,
	    node->ended != NODE_ENDED_NOT ? " ended" : "", node->linkable ? " linkable" : "");
	if (node->tenant != 0)
		fprintf(out, " tenant=%s", charge_tenant(&view, node->tenant)->name);
	if (is_object(node))
		dump_object(out, node);
	else if (is_directory(node))
		fprintf(out, " entries=%" PRIu64 " subdirs=%" PRIu64, node->directory.entries.count,
		    node->directory.subdirs);
	else if (S_ISLNK(node->mode))
		fprintf(out, " target=%s", node->symlink.target);
	dump_xattrs(out, node);
	fputc('\n', out);
}

static void dump_tree(FILE *out, const char *path, const struct node *dir)
{
	const struct entry *entry;

	for (uint64_t at = 0; (entry = index_next(&dir->directory.entries, &at)) != NULL; at++) {
		char *name;

		if (asprintf(&name, "%s/%s", path, entry->name) < 0)
			broken("asprintf");
		fprintf(out, "%s maker=%u%s", name, entry->maker, entry->charged ? " charged" : "");
		dump_node(out, entry->node);
		if (is_directory(entry->node))
			dump_tree(out, name, entry->node);
		free(name);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nodes without a name are told apart by what they are. */
static void dump_unnamed(FILE *out)
{
	const struct node *node;
	char **lines = NULL;
	size_t count = 0;

	for (uint64_t id = 0; (node = index_next(&view.super->nodes, &id)) != NULL; id++) {
		size_t length;
		FILE *line;

		if (node->names > 0)
			continue;
		lines = reallocarray(lines, count + 1, sizeof *lines);
		line = lines != NULL ? open_memstream(&lines[count], &length) : NULL;
		if (line == NULL)
			broken("memory");
		dump_node(line, node);
		fclose(line);
		count++;
	}
	if (count > 1)
		qsort(lines, count, sizeof *lines, by_text);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "(no name)%s", lines[i]);
		free(lines[i]);
	}
	free(lines);
}

/* Which memory is open at a moment says nothing; what has memory, and what there is beside. */
struct memories {
	uint64_t needed, named;
};

static struct memories count_memories(void)
{
	struct memories all = {0};
	const struct node *node;

	for (uint64_t id = 0; (node = index_next(&view.super->nodes, &id)) != NULL; id++) {
		if (!is_object(node))
			continue;
		all.needed += memory_exists(node) && !may_have_memory(&node->object);
		all.named += node->object.named;
	}
	return all;
}

static uint64_t count_names(int store)
{
	int fd = store >= 0 ? openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint64_t count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Their numbers count on from one run to the next. */
static void dump_tenants(FILE *out)
{
	const struct tenant *tenant;

	for (uint64_t number = 0;
	     (tenant = index_next(&view.super->tenants.by_number, &number)) != NULL; number++)
		fprintf(out,
		    "tenant %s: pages=%" PRIu64 " nodes=%" PRIu64 " of %" PRIu64 " and %" PRIu64
		    "%s\n",
		    tenant->name, tenant->used.pages, tenant->used.nodes, tenant->limit.pages,
		    tenant->limit.nodes,
		    node_get(&view, tenant->root) != NULL ? "" : ", without a directory");
}

static void dump_counts(FILE *out)
{
	const struct super *super = view.super;
	const struct account *account;
	struct memories memories = count_memories();
	uint64_t names = 0;

	for (unsigned i = 0; i < STORES; i++)
		names += count_names(stores[i]);
	fprintf(out,
	    "nodes=%" PRIu64 " handles=%" PRIu64 " entries=%" PRIu64 " memories=%" PRIu64 "\n",
	    super->nodes.count, super->handles.count, super->dictionary.entries, memories.needed);
	fprintf(out, "all: pages=%" PRIu64 " nodes=%" PRIu64 "\n", super->charge.total.pages,
	    super->charge.total.nodes);
	for (uint64_t uid = 0; (account = index_next(&super->charge.accounts, &uid)) != NULL; uid++)
		fprintf(out, "uid %" PRIu64 ": pages=%" PRIu64 " nodes=%" PRIu64 "\n", account->uid,
		    account->pages, account->nodes);
	fprintf(out, "memory that no object has: %" PRId64 " descriptors, %" PRId64 " names\n",
	    (int64_t)(daemon_memories() - descriptor_count(&view)),
	    (int64_t)(names - memories.named));
	dump_tenants(out);
}

/* What the next object would find in memory that is kept. */
static void dump_kept(FILE *out)
{
	const struct spare_memories *spares = &view.super->spares;
	unsigned full = 0;

	for (uint32_t i = 0; i < spares->count; i++) {
		char path[64];
		struct stat st;

		snprintf(
		    path, sizeof path, "/proc/%d/fd/%d", daemon_supervisor(), spares->list[i].fd);
		full += stat(path, &st) != 0 || st.st_size != 0 || st.st_blocks != 0;
	}
	fprintf(out, "kept memory that is not empty: %u\n", full);
}

unsigned view_kept(void)
{
	return view.super->spares.count;
}

static void dump_all(FILE *out)
{
	fputc('/', out);
	dump_node(out, view.super->root);
	dump_tree(out, "", view.super->root);
	dump_unnamed(out);
	dump_counts(out);
	dump_kept(out);
}

char *view_dump(void)
{
	char *text = NULL;
	size_t length;
	FILE *out;

	if (!daemon_freeze())
		return NULL;
	if (view.arena->txn.state == TXN_IDLE) {
		out = open_memstream(&text, &length);
		if (out == NULL)
			broken("memory");
		dump_all(out);
		fclose(out);
	}
	daemon_thaw();
	return text;
}

static void complain(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "    verify: %s\n", line);
}

unsigned view_verify(void)
{
	return shmfs_verify(&view, complain, NULL);
}

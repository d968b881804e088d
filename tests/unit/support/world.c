/* SPDX-License-Identifier: BSD-2-Clause */
/* The world in which the operations of operations.h run, in each of its situations. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "harness.h"
#include "labels.h"
#include "operations.h"

enum { ARENA_SMALL = 1 << 20, PAGE_LIMIT = 1024, NODE_LIMIT = 5000 };

static void make_directories(struct world *w)
{
	struct shmfs *fs = w->fs;

	w->id[ROOT] = SHMFS_ROOT;
	w->id[DIR] = new_directory(fs, SHMFS_ROOT, "dir");
	w->id[INSIDE] = new_object(fs, w->id[DIR], "inside");
	w->id[SUB] = new_directory(fs, w->id[DIR], "sub");
	(void)new_object(fs, w->id[SUB], "deep");
	w->id[HOLLOW] = new_directory(fs, SHMFS_ROOT, "hollow");
	w->id[REMOVED_DIR] = new_directory(fs, SHMFS_ROOT, "removed");
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "removed")));
}

static void make_objects(struct world *w)
{
	struct shmfs *fs = w->fs;
	char target[4000];

	w->id[FILE_A] = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	w->id[FILE_B] = new_object_of(fs, SHMFS_ROOT, "b", 3000);
	forget(fs, w->id[FILE_B], 1);
	w->id[FILE_C] = new_object_of(fs, SHMFS_ROOT, "c", 5000);
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, w->id[FILE_C], SHMFS_ROOT, "c2", &w->attr)));
	w->id[EMPTY] = new_object(fs, SHMFS_ROOT, "empty");
	w->id[GROWING] = new_object_of(fs, SHMFS_ROOT, "sem.g", 100);
	w->id[B_OPEN] = new_object_of(fs, SHMFS_ROOT, "open", 4096);
	w->id[UNNAMED] = new_object_of(fs, SHMFS_ROOT, "unnamed", 5000);
	w->id[ORPHAN] = new_object_of(fs, SHMFS_ROOT, "orphan", 5000);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "orphan")));
	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	w->id[SYMLINK] = new_symlink(fs, SHMFS_ROOT, "symlink", target);
	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, "fifo", S_IFIFO, &w->attr)));
	w->id[FIFO] = w->attr.id;
}

static void make_attributes(struct world *w)
{
	/* A version, then tag, permissions and id of each entry; little-endian. */
	static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 6, 0,
	    9, 0, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 0,
	    0, 255, 255, 255, 255};
	static const char value[6000] = "value";

	GIVES(0, TX(w->fs, shmfs_setxattr(w->fs, ALICE, w->id[SUB], "system.posix_acl_default", acl,
			       sizeof acl, 0)));
	GIVES(0, TX(w->fs, shmfs_setxattr(
			       w->fs, ALICE, w->id[FILE_B], "user.kept", value, sizeof value, 0)));
	GIVES(0,
	    TX(w->fs, shmfs_setxattr(w->fs, ALICE, w->id[FILE_B], "user.kept.too", value, 10, 0)));
}

static void make_handles(struct world *w)
{
	struct shmfs *fs = w->fs;

	w->id[READER] = open_object(fs, w->id[FILE_A], O_RDONLY);
	w->id[WRITER] = open_object(fs, w->id[FILE_A], O_WRONLY);
	w->id[READ_WRITE] = open_object(fs, w->id[FILE_A], O_RDWR);
	w->id[EMPTY_RW] = open_object(fs, w->id[EMPTY], O_RDWR);
	w->id[GROWING_RW] = open_object(fs, w->id[GROWING], O_RDWR);
	w->id[FULL_RW] = open_object(fs, w->id[B_OPEN], O_RDWR);
	w->id[UNNAMED_RW] = open_object(fs, w->id[UNNAMED], O_RDWR);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "unnamed")));
	forget(fs, w->id[UNNAMED], 1);
	write_bytes(fs, w->id[WRITER], 'a', 10000, 0);
	write_bytes(fs, w->id[FULL_RW], 'b', 4096, 0);
}

static void make_watched(struct world *w)
{
	const struct shmfs_limits limits = {1 << 20, 100};
	struct shmfs *fs = w->fs;

	w->id[PINNED] = new_object_of(fs, SHMFS_ROOT, "pinned", 9000);
	GIVES(0, TX(fs, shmfs_pin(fs, w->id[PINNED], &(struct shmfs_part){0, 9000, true}, 7,
			    &w->id[A_PIN])));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "pinned")));
	forget(fs, w->id[PINNED], 1);
	w->id[EXPIRING] = new_object(fs, SHMFS_ROOT, "expiring");
	w->id[EMPTIED] = new_object_of(fs, SHMFS_ROOT, "emptied", 5000);
	resize(fs, w->id[EMPTIED], 0);
	GIVES(0, TX(fs, shmfs_set_limits(fs, SHMFS_SCOPE_USER, 77, &limits)));
}

static void make_tenants(struct world *w)
{
	w->id[TENANT] = new_tenant(w->fs, "tenant", PAGES(512 << 10), 50);
	w->id[TENANT_FILE] = new_object_of(w->fs, w->id[TENANT], "mine", 5000);
	w->id[VACANT_TENANT] = new_tenant(w->fs, "vacant", 0, 0);
}

static void add_name(struct shmfs *fs, unsigned number)
{
	char name[32];

	snprintf(name, sizeof name, "filler-%u", number);
	forget(fs, new_object(fs, SHMFS_ROOT, name), 1);
}

static void remove_name(struct shmfs *fs, unsigned number)
{
	char name[32];

	snprintf(name, sizeof name, "filler-%u", number);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
}

/* The load at which the table grows is 2 entries to a bucket, and it begins with 512. */
static unsigned fill_dictionary(struct shmfs *fs, uint64_t buckets, uint64_t entries)
{
	const struct dictionary *dictionary = &fs->super->dictionary;
	unsigned number = 0;

	while (dictionary->buckets < buckets || dictionary->entries < entries)
		add_name(fs, number++);
	return number;
}

static void make_about_to_shrink(struct shmfs *fs)
{
	const struct dictionary *dictionary = &fs->super->dictionary;
	unsigned number = fill_dictionary(fs, 513, 0);

	while (dictionary->entries > dictionary->buckets / 2)
		remove_name(fs, --number);
	ck_assert_uint_eq(dictionary->buckets, 513);
}

/* Takes pages, then slots of every size, until there is nothing left but so many pages. */
static void fill_arena(struct shmfs *fs, unsigned pages)
{
	static const size_t sizes[] = {4096, 2000, 1000, 500, 250, 120, 60, 30, 1};
	void *memory;

	fs->arena->page_count -= pages;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		do {
			shmfs_begin(fs);
			memory = arena_alloc(fs->arena, sizes[i]);
			shmfs_commit(fs);
		} while (memory != NULL);
	}
	fs->arena->page_count += pages;
}

/* As where there never is room for more descriptors: when a transaction begins, all close. */
static void close_memories(struct shmfs *fs)
{
	int end = fs->super->descriptors.end;

	fs->super->descriptors.end = 0;
	shmfs_begin(fs);
	shmfs_commit(fs);
	ck_assert_uint_eq(outside->books.memories, 0);
	fs->super->descriptors.end = end;
}

static void keep_memories(struct shmfs *fs)
{
	uint64_t ids[2], handles[2];

	for (int i = 0; i < 2; i++) {
		ids[i] = new_object_of(fs, SHMFS_ROOT, i == 0 ? "gone" : "gone2", 5000);
		handles[i] = open_object(fs, ids[i], O_RDWR);
		write_bytes(fs, handles[i], 'g', 5000, 0);
	}
	for (int i = 0; i < 2; i++) {
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, i == 0 ? "gone" : "gone2")));
		release(fs, handles[i]);
		forget(fs, ids[i], 1);
	}
	ck_assert_uint_eq(fs->super->spares.count, 2);
}

static void fill_nodes(struct shmfs *fs)
{
	fs->super->charge.limit.nodes = fs->super->charge.total.nodes;
}

static void begin(struct world *w, enum situation situation)
{
	const struct shmfs_mac_subject subjects[] = {
	    {SHMFS_SUBJECT_DEFAULT, 0, label("equal", "equal"), 0},
	    {SHMFS_SUBJECT_UID, ALICE->uid, label("5", "high"), 0},
	};
	const struct shmfs_mac mac = {ALL_POLICIES, true, subjects, 2};
	struct shmfs_config config = small_config();

	config.arena_size = ARENA_SMALL;
	config.size_limit = (uint64_t)PAGE_LIMIT * PAGE;
	config.node_limit = NODE_LIMIT;
	config.backing = situation == BACKED || situation == CLOSED || situation == SPARED;
	config.spare_memories = situation == SPARED ? SHMFS_SPARES_MAX : 0;
	config.deferred_free_min = situation == FREED_LATER ? 1 : 0;
	config.lifetime_patterns = "expiring";
	outside->in_use = situation == IN_USE;
	if (situation == LABELLED)
		config.mac = &mac;
	w->fs = open_with(config);
	w->id[NOBODY] = 123456;
	check_every_transaction(false);
	make_directories(w);
	make_objects(w);
	make_attributes(w);
	make_handles(w);
	make_watched(w);
	make_tenants(w);
	if (situation == ABOUT_TO_GROW)
		(void)fill_dictionary(w->fs, 512, 1024);
	else if (situation == ABOUT_TO_SHRINK)
		make_about_to_shrink(w->fs);
	else if (situation == CLOSED)
		close_memories(w->fs);
	else if (situation == SPARED)
		keep_memories(w->fs);
	else if (situation == NODES_FULL)
		fill_nodes(w->fs);
	else if (situation == PAGES_FULL)
		(void)new_object_of(
		    w->fs, w->id[DIR], "full", (PAGE_LIMIT - usage(w->fs).used_pages) * PAGE);
	else if (situation == ARENA_FULL)
		fill_arena(w->fs, w->pages_left);
	/* So that a time which is set is another one. */
	outside_advance(1000, 7);
	check_every_transaction(true);
	check_namespace(w->fs);
}

void world_begin(struct world *w, enum situation situation)
{
	memset(w, 0, sizeof *w);
	begin(w, situation);
}

void world_begin_nearly_full(struct world *w, unsigned pages)
{
	memset(w, 0, sizeof *w);
	w->pages_left = pages;
	begin(w, ARENA_FULL);
}

void world_end(struct world *w)
{
	close_checked(w->fs);
	outside->in_use = false;
}

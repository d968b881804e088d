/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of verify find what they are there to find: each invariant is broken once. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/object/handle.h"
#include "fs/state/charge.h"
#include "fs/state/dictionary.h"
#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct node *dir, *object, *linked;
static struct handle *handle;
static struct entry *entry;

static void begin(void)
{
	const struct shmfs_subject all = {.exempt = true};
	const struct shmfs_tenant_config roomy = {.mode = 0700};
	struct shmfs_made made;
	struct shmfs_attr attr;
	uint64_t id;

	fs = open_small();
	dir = node_get(fs, new_directory(fs, SHMFS_ROOT, "dir"));
	id = new_object_of(fs, dir->id, "object", 5000);
	object = node_get(fs, id);
	handle = handle_get(fs, open_object(fs, id, O_RDWR));
	linked = node_get(fs, new_object(fs, SHMFS_ROOT, "linked"));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, linked->id, SHMFS_ROOT, "linked too", &attr)));
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.a", "value", 5, 0)));
	entry = dictionary_find(&fs->super->dictionary, dir, "object", 6);
	ck_assert_ptr_nonnull(entry);
	GIVES(0, TX(fs, shmfs_tenant_create(fs, &all, "tenant", &roomy, &made)));
	(void)new_object_of(fs, id_of(fs, SHMFS_ROOT, "tenant"), "mine", 5000);
}

static void note_line(void *arg, const char *line)
{
	ck_assert_uint_gt(strlen(line), 5);
	++*(unsigned *)arg;
}

/* Breaks something, looks, and puts it back. */
static void expect_found(const char *what, void *memory, const void *broken, size_t size)
{
	unsigned char sound[64];
	unsigned lines = 0, found;

	memcpy(sound, memory, size);
	memcpy(memory, broken, size);
	found = shmfs_verify(fs, note_line, &lines);
	memcpy(memory, sound, size);
	ck_assert_msg(found > 0, "%s: was not found", what);
	ck_assert_msg(lines == found, "%s: %u lines, expected %u", what, lines, found);
	ck_assert_uint_eq(shmfs_verify(fs, NULL, NULL), 0);
}

static void expect_count_found(const char *what, uint64_t *number)
{
	uint64_t more = *number + 1;

	expect_found(what, number, &more, sizeof more);
}

static void expect_number_found(const char *what, uint32_t *number, uint32_t broken)
{
	expect_found(what, number, &broken, sizeof broken);
}

/* The part of an entry that says how long the name is and who is charged for it. */
static void expect_entry_found(const char *what, struct entry broken)
{
	const size_t from = offsetof(struct entry, cookie) + sizeof broken.cookie;

	expect_found(what, (char *)entry + from, (const char *)&broken + from,
	    offsetof(struct entry, name) - from);
}

START_TEST(broken_charges_of_names_are_found)
{
	struct entry *again;

	begin();
	expect_entry_found("a second name charged",
	    (struct entry){.length = 6, .charged = true, .maker = ALICE->uid});
	again = dictionary_find(&fs->super->dictionary, fs->super->root, "linked too", 10);
	ck_assert_ptr_nonnull(again);
	ck_assert(again->charged);
	entry = again;
	expect_entry_found("a name not charged", (struct entry){.length = 10, .maker = ALICE->uid});
	expect_entry_found("a name charged to another",
	    (struct entry){.length = 10, .charged = true, .maker = SUPERUSER->uid});
	expect_entry_found("a name charged to a stranger",
	    (struct entry){.length = 10, .charged = true, .maker = 4711});
	close_checked(fs);
}
END_TEST

START_TEST(broken_counts_are_found)
{
	struct account *alice;
	struct tenant *tenant;
	uint64_t more;

	begin();
	tenant = charge_tenant(fs, 1);
	alice = index_get(&fs->super->charge.accounts, ALICE->uid);
	expect_count_found("entries of the dictionary", &fs->super->dictionary.entries);
	expect_count_found("pages charged", &fs->super->charge.total.pages);
	expect_count_found("nodes charged", &fs->super->charge.total.nodes);
	expect_count_found("pages of a user", &alice->pages);
	expect_count_found("nodes of a user", &alice->nodes);
	expect_count_found("handles", &fs->super->handles.count);
	expect_count_found("entries of a directory", &dir->directory.entries.count);
	expect_count_found("directories of a directory", &fs->super->root->directory.subdirs);
	more = object->object.size + PAGE;
	expect_found("size of an object", &object->object.size, &more, sizeof more);
	expect_number_found("openings of an object", &object->object.opens, 2);
	expect_number_found("writers of an object", &object->object.writers, 0);
	expect_number_found("names of an object", &linked->names, 3);
	expect_number_found("names of a directory", &dir->names, 2);
	expect_number_found("creator of a node", &object->creator, 4711);
	expect_number_found("bytes of attributes", &object->xattr_bytes, 1);
	expect_number_found("pins of an object", &object->object.pins, 1);
	expect_number_found("memories that are kept", &fs->super->spares.count, 1);
	expect_count_found("pages of a tenant", &tenant->used.pages);
	expect_count_found("nodes of a tenant", &tenant->used.nodes);
	expect_count_found("number of a tenant", &tenant->used.uid);
	expect_number_found("tenant of a node", &object->tenant, 1);
	expect_number_found("tenant of a node", &object->tenant, 77);
	close_checked(fs);
}
END_TEST

START_TEST(broken_references_are_found)
{
	struct node *nothing = NULL;
	int32_t no_memory = -1;
	struct tenant *tenant;

	begin();
	tenant = charge_tenant(fs, 1);
	expect_found("directory of a tenant", &tenant->root, &dir->id, sizeof dir->id);
	expect_found("directory of a tenant", &tenant->root, &(uint64_t){1 << 30}, 8);
	expect_found("node of an entry", &entry->node, &linked, sizeof linked);
	expect_found("directory of an entry", &entry->dir, &fs->super->root, sizeof entry->dir);
	expect_found("node of a handle", &handle->node, &linked, sizeof linked);
	expect_found("entry of a node", &object->entry, &linked->entry, sizeof entry);
	expect_found("parent of a directory", &dir->directory.parent, &nothing, sizeof nothing);
	expect_found("parent of a directory", &dir->directory.parent, &dir, sizeof dir);
	expect_found("memory of an object", &object->object.fd, &no_memory, sizeof no_memory);
	close_checked(fs);
}
END_TEST

START_TEST(broken_identities_are_found)
{
	begin();
	expect_count_found("id of a node", &object->id);
	expect_count_found("id of a handle", &handle->id);
	expect_count_found("hash of an entry", &entry->hash);
	expect_count_found("cookie of an entry", &entry->cookie);
	expect_entry_found("length of a name", (struct entry){.length = 5});
	expect_found("name of an entry", entry->name, "x", 1);
	expect_found("next cookie", &dir->directory.next_cookie, &entry->cookie, 8);
	expect_found("next id", &fs->super->next_id, &object->id, 8);
	close_checked(fs);
}
END_TEST

START_TEST(a_broken_arena_is_found)
{
	struct arena *arena;
	struct slab *slab;
	uint64_t many;

	begin();
	arena = fs->arena;
	for (int i = 0; i < ARENA_CLASSES; i++) {
		slab = arena->partial[i];
		if (slab == NULL)
			continue;
		expect_number_found("class of a slab", &slab->class, slab->class + 1);
		expect_number_found("used slots of a slab", &slab->used, slab->used + 1);
		expect_number_found("used slots of a slab", &slab->used, 0);
		expect_number_found("fresh slots of a slab", &slab->fresh, slab->fresh + 1);
		expect_found("back link of a slab", &slab->prev, &arena, sizeof arena);
	}
	many = arena->page_fresh + 1;
	expect_found("free pages", &arena->free_released, &many, sizeof many);
	close_checked(fs);
}
END_TEST

Suite *verify_suite(void)
{
	Suite *suite = suite_create("verify");
	TCase *tests = harness_case(suite, "verify");

	tcase_add_test(tests, broken_charges_of_names_are_found);
	tcase_add_test(tests, broken_counts_are_found);
	tcase_add_test(tests, broken_references_are_found);
	tcase_add_test(tests, broken_identities_are_found);
	tcase_add_test(tests, a_broken_arena_is_found);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The helpers of harness.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"

/* Slowest single test under sanitizers on a loaded machine, several times over. */
#define TIMEOUT 600

static bool check_always = true;

const char *result_text(int64_t result)
{
	static char text[32];
	const char *name = NULL;

	if (result < 0 && result >= -4095)
		name = strerrorname_np((int)-result);
	if (name != NULL)
		snprintf(text, sizeof text, "-%s", name);
	else
		snprintf(text, sizeof text, "%" PRId64, result);
	return text;
}

void expect_result(const char *file, int line, const char *call, int64_t result, int64_t want)
{
	char got[32];

	if (result == want)
		return;
	snprintf(got, sizeof got, "%s", result_text(result));
	ck_abort_msg("%s:%d: %s: expected %s, got %s", file, line, call, result_text(want), got);
}

void expect_same_number(const char *file, int line, const char *what, uint64_t got, uint64_t want)
{
	REQUIRE(got == want, "%s:%d: %s: expected %" PRIu64 ", got %" PRIu64, file, line, what,
	    want, got);
}

static void print_complaint(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "verify: %s\n", line);
}

static void check_size(const struct object *object, int fd)
{
	struct stat st;

	REQUIRE_SAME(0, fstat(fd, &st));
	/* What is cut off and freed later is longer until that is done. */
	if (object->deferred == 0)
		REQUIRE_SAME(object->size, (uint64_t)st.st_size);
	REQUIRE((uint64_t)st.st_size >= object->size, "memory is shorter than its object");
}

static void check_object(const struct node *node, struct outside_books *seen)
{
	const struct object *object = &node->object;
	int fd = object->fd >= 0 ? object->fd : outside_named(node->id);

	REQUIRE((outside_named(node->id) >= 0) == object->named, "a name is not what a node says");
	seen->names += object->named;
	if (object->fd >= 0) {
		REQUIRE(
		    outside->books.memory[object->fd], "a node names descriptor %d", object->fd);
		REQUIRE(!seen->memory[object->fd], "two nodes name one descriptor");
		seen->memory[object->fd] = true;
		seen->memories++;
	}
	if (fd >= 0)
		check_size(object, fd);
	if (object->backing != 0) {
		REQUIRE_SAME(outside_inode(fd), outside->books.backing[object->backing]);
		seen->backings++;
	}
}

static void check_spare(const struct spare_memory *spare, struct outside_books *seen)
{
	struct stat st;

	REQUIRE(outside->books.memory[spare->fd], "descriptor %d is kept", spare->fd);
	REQUIRE(!seen->memory[spare->fd], "an object has what is kept");
	REQUIRE_SAME(0, fstat(spare->fd, &st));
	REQUIRE(st.st_size == 0 && st.st_blocks == 0, "what is kept is not empty");
	seen->memory[spare->fd] = true;
	seen->memories++;
	if (spare->backing != 0) {
		REQUIRE_SAME(outside_inode(spare->fd), outside->books.backing[spare->backing]);
		seen->backings++;
	}
}

void check_namespace(const struct shmfs *fs)
{
	struct outside_books *seen = calloc(1, sizeof *seen);
	const struct node *node;

	REQUIRE_SAME(0, shmfs_verify(fs, print_complaint, NULL));
	for (uint64_t id = 0; (node = index_next(&fs->super->nodes, &id)) != NULL; id++) {
		if (is_object(node))
			check_object(node, seen);
	}
	for (uint32_t i = 0; i < fs->super->spares.count; i++)
		check_spare(&fs->super->spares.list[i], seen);
	for (const struct deferred_free *entry = deferred_at(fs->super->deferred.list.first);
	     entry != NULL; entry = deferred_next_of(entry))
		seen->memories += entry->kind == FREE_END;
	REQUIRE_SAME(seen->memories, outside->books.memories);
	REQUIRE_SAME(seen->backings, outside->books.backings);
	REQUIRE_SAME(seen->names, outside->books.names);
	free(seen);
}

int64_t end_transaction(struct shmfs *fs, int64_t result)
{
	if (result < 0)
		shmfs_rollback(fs);
	else
		shmfs_commit(fs);
	REQUIRE(!shmfs_active(fs), "a transaction is still active");
	if (check_always)
		check_namespace(fs);
	return result;
}

void check_every_transaction(bool on)
{
	check_always = on;
}

void harness_setup(void)
{
	outside_begin();
	check_every_transaction(true);
}

void harness_teardown(void)
{
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_uint_eq(outside->books.backings, 0);
	outside_end();
}

TCase *harness_case(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, harness_setup, harness_teardown);
	tcase_set_timeout(tests, TIMEOUT);
	suite_add_tcase(suite, tests);
	return tests;
}

struct shmfs_config small_config(void)
{
	return (struct shmfs_config){
	    .arena_size = 8 << 20,
	    .root_mode = 01777,
	    .grow_patterns = "sem.*:tmp-*",
	    .os = outside_os(),
	};
}

struct shmfs *open_with(struct shmfs_config config)
{
	struct shmfs *fs;

	GIVES(0, shmfs_open_new(&config, &fs));
	return fs;
}

struct shmfs *open_small(void)
{
	return open_with(small_config());
}

void close_checked(struct shmfs *fs)
{
	check_namespace(fs);
	shmfs_close(fs);
	outside_drop_names();
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_uint_eq(outside->books.backings, 0);
}

struct shmfs *take_up(struct shmfs *fs)
{
	int fd = shmfs_arena_fd(fs);
	struct shmfs *next;

	free(fs);
	outside_close_stray();
	GIVES(0, shmfs_open_again(fd, outside_os(), &next));
	GIVES(0, shmfs_recover(next));
	return next;
}

pid_t fork_sharing_descriptors(void)
{
	fflush(NULL);
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), 0, 0, 0, 0);
}

static uint64_t make_node(struct shmfs *fs, uint64_t dir, const char *name, mode_t mode)
{
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_mknod(fs, ALICE, dir, name, mode, &attr)));
	return attr.id;
}

/* A page for every 1024 numbers, and one that says where these are. */
uint64_t descriptor_table_size(const struct shmfs *fs)
{
	const struct descriptors *all = &fs->super->descriptors;
	uint64_t numbers = (uint64_t)(all->fresh - all->first);
	uint64_t pages = (numbers + 1023) / 1024 + (numbers + 511) / 512;

	return pages > 0 ? (1 + pages) * ARENA_PAGE_SIZE : 0;
}

uint64_t new_object(struct shmfs *fs, uint64_t dir, const char *name)
{
	return make_node(fs, dir, name, S_IFREG | 0644);
}

uint64_t new_directory(struct shmfs *fs, uint64_t dir, const char *name)
{
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, dir, name, 0755, &attr)));
	return attr.id;
}

uint64_t new_symlink(struct shmfs *fs, uint64_t dir, const char *name, const char *target)
{
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_symlink(fs, ALICE, dir, name, target, &attr)));
	return attr.id;
}

uint64_t new_object_of(struct shmfs *fs, uint64_t dir, const char *name, uint64_t size)
{
	uint64_t id = new_object(fs, dir, name);

	resize(fs, id, size);
	return id;
}

int64_t try_tenant(struct shmfs *fs, const char *path, uint64_t pages, uint64_t nodes)
{
	const struct shmfs_subject all = {.exempt = true};
	const struct shmfs_tenant_config config = {
	    .limits = {pages * PAGE, nodes}, .mode = 01777, .uid = ALICE->uid, .gid = ALICE->gid};
	struct shmfs_made made;

	return TX(fs, shmfs_tenant_create(fs, &all, path, &config, &made));
}

uint64_t new_tenant(struct shmfs *fs, const char *name, uint64_t pages, uint64_t nodes)
{
	struct shmfs_attr attr;

	GIVES(0, try_tenant(fs, name, pages, nodes));
	GIVES(0, TX(fs, shmfs_lookup(fs, NULL, SHMFS_ROOT, name, &attr)));
	return attr.id;
}

uint64_t open_object(struct shmfs *fs, uint64_t id, int flags)
{
	struct shmfs_opened opened;

	GIVES(0, TX(fs, shmfs_open(fs, ALICE, id, flags, &opened)));
	return opened.handle;
}

struct shmfs_attr change_attributes(struct shmfs *fs, uint64_t id, struct shmfs_change what)
{
	struct shmfs_attr attr, again;

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &what, &attr)));
	again = attributes(fs, id);
	/* What is padding at the end is anything. */
	ck_assert_mem_eq(&attr, &again, offsetof(struct shmfs_attr, expires) + sizeof attr.expires);
	return attr;
}

void resize(struct shmfs *fs, uint64_t id, uint64_t size)
{
	const struct shmfs_change change = {.what = SHMFS_CHANGE_SIZE, .size = size};
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &change, &attr)));
	ck_assert_uint_eq(attr.size, size);
}

void forget(struct shmfs *fs, uint64_t id, uint64_t count)
{
	TX_VOID(fs, shmfs_forget(fs, id, count));
}

void release(struct shmfs *fs, uint64_t handle)
{
	TX_VOID(fs, shmfs_release(fs, handle));
}

void write_bytes(struct shmfs *fs, uint64_t handle, char byte, size_t size, uint64_t offset)
{
	char *buffer = malloc(size + 1);

	memset(buffer, byte, size);
	GIVES(size, TX(fs, shmfs_write(fs, SUPERUSER, handle, buffer, size, offset)));
	free(buffer);
}

void expect_bytes(struct shmfs *fs, uint64_t handle, char byte, size_t size, uint64_t offset)
{
	char *buffer = malloc(size + 1);

	GIVES(size, TX(fs, shmfs_read(fs, ALICE, handle, buffer, size, offset)));
	for (size_t i = 0; i < size; i++)
		REQUIRE(buffer[i] == byte, "byte %" PRIu64 ": expected 0x%02x, got 0x%02x",
		    offset + i, (unsigned)byte, (unsigned)buffer[i]);
	free(buffer);
}

struct shmfs_attr attributes(struct shmfs *fs, uint64_t id)
{
	struct shmfs_attr attr;

	GIVES(0, shmfs_getattr(fs, NULL, id, &attr));
	return attr;
}

struct shmfs_usage usage(const struct shmfs *fs)
{
	struct shmfs_usage now;

	shmfs_usage(fs, &now);
	return now;
}

bool exists(struct shmfs *fs, uint64_t id)
{
	struct shmfs_attr attr;
	int rc = shmfs_getattr(fs, NULL, id, &attr);

	REQUIRE(
	    rc == 0 || rc == -ESTALE, "getattr: expected 0 or -ESTALE, got %s", result_text(rc));
	return rc == 0;
}

struct search {
	const char *name;
	uint64_t id, count;
};

static int search_entry(void *arg, const struct shmfs_entry *entry)
{
	struct search *search = arg;

	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return 0;
	search->count++;
	if (search->name != NULL && strcmp(entry->name, search->name) == 0)
		search->id = entry->id;
	return 0;
}

uint64_t id_of(struct shmfs *fs, uint64_t dir, const char *name)
{
	struct search search = {.name = name};

	GIVES(0, shmfs_readdir(fs, NULL, dir, 0, search_entry, &search));
	return search.id;
}

uint64_t count_entries(struct shmfs *fs, uint64_t dir)
{
	struct search search = {.name = NULL};

	GIVES(0, shmfs_readdir(fs, NULL, dir, 0, search_entry, &search));
	return search.count;
}

int compare_times(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return (a.tv_nsec > b.tv_nsec) - (a.tv_nsec < b.tv_nsec);
}

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

unsigned slowness(void)
{
#ifdef SANITIZED
	return 10;
#else
	return 1;
#endif
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The arena outlives the process: taken up by the next one, or refused if it is none. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

enum { MANY = 2000 };

static void name_of(unsigned number, char name[32])
{
	snprintf(name, 32, "object-%u", number);
}

static struct shmfs *fill(void)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;
	uint64_t dir;
	char name[32];

	config.backing = true;
	config.spare_memories = 3;
	/* Where nothing else is mapped between munmap() and the next view, as in the daemon. */
	config.arena_fixed = true;
	fs = open_with(config);
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	check_every_transaction(false);
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t id;

		name_of(i, name);
		id = new_object(fs, dir, name);
		if (i % 20 == 0) {
			uint64_t handle;

			resize(fs, id, 100 + i);
			handle = open_object(fs, id, O_RDWR);
			write_bytes(fs, handle, (char)('a' + i / 20 % 26), 100, 0);
			if (i % 40 == 0)
				release(fs, handle);
		}
	}
	check_every_transaction(true);
	return fs;
}

/* Everything that fill() made, seen through another view of the arena, and then changed. */
static void use(struct shmfs *fs)
{
	uint64_t dir = id_of(fs, SHMFS_ROOT, "dir");
	char name[32];

	check_namespace(fs);
	ck_assert_uint_eq(count_entries(fs, dir), MANY);
	ck_assert_uint_eq(usage(fs).handles, MANY / 40);
	check_every_transaction(false);
	for (unsigned i = 0; i < MANY; i++) {
		struct shmfs_attr attr;

		name_of(i, name);
		GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, dir, name, &attr)));
		if (i % 20 == 0) {
			uint64_t handle = open_object(fs, attr.id, O_RDWR);

			REQUIRE_SAME(100 + i, attr.size);
			expect_bytes(fs, handle, (char)('a' + i / 20 % 26), 100, 0);
			release(fs, handle);
		}
		if (i % 3 == 0)
			GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, name)));
		if (i % 3 == 1)
			(void)new_object_of(fs, SHMFS_ROOT, name, i % 30 == 1 ? 5000 : 0);
	}
	check_every_transaction(true);
	check_namespace(fs);
}

static void expect_child_succeeds(pid_t child)
{
	int status;

	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "the child ended with status 0x%x, expected exit 0", (unsigned)status);
}

/* The next process finds the arena mapped and every descriptor open, under the same numbers, and
 * what it opens is known to this one afterwards. */
static void in_a_forked_process(struct shmfs *fs, bool unmapped)
{
	pid_t child = fork_sharing_descriptors();

	if (child == 0) {
		struct shmfs *next;
		uintptr_t base = (uintptr_t)fs->arena;
		int fd = shmfs_arena_fd(fs);

		if (unmapped)
			ck_assert_int_eq(munmap(fs->arena, fs->arena->size), 0);
		GIVES(0, shmfs_open_again(fd, outside_os(), &next));
		GIVES(0, shmfs_recover(next));
		ck_assert_uint_eq((uintptr_t)next->arena, base);
		ck_assert_int_eq(shmfs_arena_fd(next), fd);
		use(next);
		_exit(0);
	}
	expect_child_succeeds(child);
}

START_TEST(a_forked_process_takes_up_what_it_finds_mapped)
{
	struct shmfs *fs = fill();

	in_a_forked_process(fs, false);
	check_namespace(fs);
	ck_assert_uint_eq(count_entries(fs, id_of(fs, SHMFS_ROOT, "dir")), MANY - (MANY + 2) / 3);
	close_checked(fs);
}
END_TEST

START_TEST(a_forked_process_maps_what_it_does_not_find)
{
	struct shmfs *fs = fill();

	in_a_forked_process(fs, true);
	check_namespace(fs);
	ck_assert_uint_eq(count_entries(fs, id_of(fs, SHMFS_ROOT, "dir")), MANY - (MANY + 2) / 3);
	close_checked(fs);
}
END_TEST

START_TEST(the_next_view_goes_on_where_the_last_one_stopped)
{
	struct shmfs *fs = take_up(fill());

	use(fs);
	close_checked(fs);
}
END_TEST

static struct shmfs *untouched;

static int open_again(int fd)
{
	struct shmfs *fs = untouched;
	int rc = shmfs_open_again(fd, outside_os(), &fs);

	if (rc < 0) {
		ck_assert_ptr_eq(fs, untouched);
		return rc;
	}
	rc = shmfs_recover(fs);
	if (rc == 0) {
		shmfs_close(fs);
	} else {
		arena_unmap(fs->arena);
		free(fs);
	}
	return rc;
}

static int memory_of(const void *bytes, size_t size, off_t length)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, length), 0);
	ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
	return fd;
}

START_TEST(what_is_no_arena_is_refused)
{
	char garbage[8192];
	int fd;

	memset(garbage, 0x5a, sizeof garbage);
	fd = memory_of(garbage, sizeof garbage, sizeof garbage);
	GIVES(-EPROTO, open_again(fd));
	/* Still ours. */
	ck_assert_int_eq(close(fd), 0);
	fd = memory_of(garbage, 10, 10);
	GIVES(-EPROTO, open_again(fd));
	close(fd);
	fd = memory_of("", 0, 1 << 20);
	GIVES(-EPROTO, open_again(fd));
	close(fd);
	fd = memory_of("", 0, 0);
	GIVES(-EPROTO, open_again(fd));
	close(fd);
	GIVES(-EPROTO, open_again(-1));
	GIVES(-EPROTO, open_again(fd));
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	GIVES(-EPROTO, open_again(fd));
	close(fd);
	fd = open("/", O_RDONLY | O_CLOEXEC);
	GIVES(-EPROTO, open_again(fd));
	close(fd);
}
END_TEST

START_TEST(an_arena_of_another_layout_is_refused)
{
	struct shmfs *fs = open_small();
	struct arena *arena = fs->arena;
	int fd = dup(shmfs_arena_fd(fs));

	arena->layout++;
	GIVES(-EPROTO, open_again(fd));
	arena->layout--;
	arena->magic ^= 1;
	GIVES(-EPROTO, open_again(fd));
	arena->magic ^= 1;
	arena->size += 4096;
	GIVES(-EPROTO, open_again(fd));
	arena->size -= 4096;
	arena->base += 8;
	GIVES(-EPROTO, open_again(fd));
	arena->base = 0;
	GIVES(-EPROTO, open_again(fd));
	arena->base = (uintptr_t)arena;
	close(fd);
	close_checked(fs);
}
END_TEST

START_TEST(an_arena_that_was_never_finished_is_refused)
{
	struct shmfs *fs = open_small();
	int fd = dup(shmfs_arena_fd(fs));

	/* As if the process had died in its very first transaction. */
	shmfs_begin(fs);
	txn_save(&fs->arena->txn, &fs->arena->root, sizeof fs->arena->root);
	memset(fs->arena->txn.log, 0, sizeof fs->arena->root);
	GIVES(-EPROTO, open_again(fd));
	close(fd);
	close(shmfs_arena_fd(fs));
	free(fs);
}
END_TEST

/* In the very call that makes the secret, before the first commit. */
START_TEST(a_process_that_dies_while_it_makes_one_leaves_no_arena)
{
	struct shmfs_config config = small_config();
	int fd = dup(STDIN_FILENO), status;
	pid_t child;

	close(fd);
	outside_kill(1, false);
	child = fork_sharing_descriptors();
	if (child == 0) {
		(void)shmfs_open_new(&config, &untouched);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(outside->killed, OUTSIDE_RANDOM);
	GIVES(-EPROTO, open_again(fd));
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(an_address_that_is_taken_by_something_else_is_refused)
{
	struct shmfs *fs = open_small();
	void *base = fs->arena;
	size_t size = fs->arena->size;
	int fd = shmfs_arena_fd(fs);
	void *other;

	ck_assert_int_eq(munmap(base, size), 0);
	other = mmap(base, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	ck_assert_ptr_eq(other, base);
	GIVES(-EEXIST, open_again(fd));
	ck_assert_int_eq(munmap(base, size), 0);
	/* A private mapping of the same file is not the shared one either. */
	other = mmap(base, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
	ck_assert_ptr_eq(other, base);
	GIVES(-EEXIST, open_again(fd));
	ck_assert_int_eq(munmap(base, size), 0);
	free(fs);
	GIVES(0, open_again(fd));
}
END_TEST

/* The words of a transaction that was left: those of its last record, which stand at the log's end,
 * and its own. Each with a value that no process of ours leaves there. */
struct corruption {
	const char *what;
	uint64_t *at;
	uint64_t value;
};

static void expect_refusal(struct shmfs *fs, const struct corruption *corruption)
{
	struct arena before = *fs->arena;
	uint64_t was = *corruption->at;

	*corruption->at = corruption->value;
	before.txn = fs->arena->txn;
	if (shmfs_recover(fs) != -EPROTO)
		ck_abort_msg("%s is recovered", corruption->what);
	ck_assert_mem_eq(&before, fs->arena, sizeof before);
	*corruption->at = was;
}

/* In one word of 64 bits, as they stand side by side. */
static uint64_t pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static void corrupt_each_word(struct shmfs *fs)
{
	static _Alignas(8) uint8_t elsewhere[1024];
	struct txn *txn = &fs->arena->txn;
	uintptr_t base = (uintptr_t)fs->arena, log = (uintptr_t)txn->log;
	uint64_t *record = (uint64_t *)(void *)(txn->log + txn->log_used) - 2;
	/* One record that is as long as the log, and ends a word behind it. */
	uint64_t *behind = (uint64_t *)(void *)(txn->log + TXN_LOG_SIZE - 8);
	uint64_t *state = (uint64_t *)(void *)txn, *effect = (uint64_t *)(void *)txn->effects;
	const struct corruption corruptions[] = {
	    {"memory below the arena", &record[0], base - 8},
	    {"no memory", &record[0], 0},
	    {"what stands before a transaction", &record[0], base},
	    {"the transaction itself", &record[0], (uintptr_t)txn},
	    {"the log", &record[0], log + 64},
	    {"memory that ends in the log", &record[0], log - 1},
	    {"memory that begins in the log's last bytes", &record[0], log + TXN_LOG_SIZE - 1},
	    {"memory that ends behind the arena", &record[0], base + fs->arena->size - 1},
	    {"memory behind the arena", &record[0], base + fs->arena->size},
	    {"the end of all memory", &record[0], UINT64_MAX},
	    {"more bytes than were saved", &record[1], TXN_LOG_SIZE},
	    {"bytes without an end", &record[1], UINT64_MAX},
	    {"bytes that wrap around", &record[1], UINT64_MAX - 6},
	    {"records of other lengths", &record[1], record[1] + 8},
	    {"a log longer than it is", &txn->log_used, TXN_LOG_SIZE + 8},
	    {"a log that ends within a word", &txn->log_used, txn->log_used - 1},
	    {"half a record", &txn->log_used, 8},
	    {"a log without an end", &txn->log_used, UINT64_MAX - 7},
	    {"a log elsewhere", (uint64_t *)(void *)&txn->log, (uintptr_t)elsewhere},
	    {"too many effects", state, pair(TXN_ACTIVE, TXN_EFFECTS + 1)},
	    {"a state that is none", state, pair(TXN_COMMITTED + 1, 1)},
	    {"an effect that is none", effect, pair(TXN_UNNAME_ON_ROLLBACK + 1, 100)},
	    {"a descriptor of the process", effect, pair(TXN_CLOSE_ON_ROLLBACK, 63)},
	    {"a descriptor of the process to empty", effect, pair(TXN_EMPTY_ON_COMMIT, 63)},
	    {"a name among unknown pages", effect,
		pair(TXN_UNNAME_ON_COMMIT, SHMFS_PAGES_SMALL + 1)},
	    {"no descriptor", effect, pair(TXN_SIZE_ON_ROLLBACK, UINT32_MAX)},
	    {"a size below none", &effect[1], UINT64_MAX},
	};

	memcpy(elsewhere, txn->log, sizeof elsewhere);
	behind[0] = base + fs->arena->size / 2;
	behind[1] = TXN_LOG_SIZE - 8;
	for (size_t i = 0; i < sizeof corruptions / sizeof corruptions[0]; i++)
		expect_refusal(fs, &corruptions[i]);
}

START_TEST(what_no_process_leaves_is_refused_before_anything_is_changed)
{
	struct shmfs *fs = open_small();

	shmfs_begin(fs);
	txn_save(&fs->arena->txn, &fs->super->next_id, sizeof fs->super->next_id);
	txn_save(&fs->arena->txn, &fs->super->next_pin, 3);
	txn_effect(&fs->arena->txn, TXN_SIZE_ON_ROLLBACK, 100, 4096);
	corrupt_each_word(fs);
	/* A commit has its effects, and its log is over. */
	fs->arena->txn.effects[0] = (struct txn_effect){.kind = TXN_CLOSE_ON_COMMIT, .id = 63};
	fs->arena->txn.state = TXN_COMMITTED;
	GIVES(-EPROTO, shmfs_recover(fs));
	fs->arena->txn.effect_count = 0;
	fs->arena->txn.log_used = UINT64_MAX;
	GIVES(0, shmfs_recover(fs));
	close_checked(fs);
}
END_TEST

Suite *persistence_suite(void)
{
	Suite *suite = suite_create("persistence");
	TCase *tests = harness_case(suite, "persistence");

	tcase_add_test(tests, the_next_view_goes_on_where_the_last_one_stopped);
	tcase_add_test(tests, what_is_no_arena_is_refused);
	tcase_add_test(tests, an_arena_of_another_layout_is_refused);
	tcase_add_test(tests, an_arena_that_was_never_finished_is_refused);
	tcase_add_test(tests, a_process_that_dies_while_it_makes_one_leaves_no_arena);
	tcase_add_test(tests, an_address_that_is_taken_by_something_else_is_refused);
	tcase_add_test(tests, what_no_process_leaves_is_refused_before_anything_is_changed);
	tcase_add_test(tests, a_forked_process_takes_up_what_it_finds_mapped);
	tcase_add_test(tests, a_forked_process_maps_what_it_does_not_find);
	return suite;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules=freebsd: what FreeBSD's tests of shm_open(2), shm_rename(2) and memfd_create(2) ask, as far
 * as system calls of Linux can say it. shm_open is open in the root of the mount, SHM_ANON is
 * O_TMPFILE, a seal is a word of user.shmfs.seals.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "flat_mount.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

static int anonymous(int flags)
{
	return open(".", O_TMPFILE | flags, 0600);
}

/* No address of any process. */
static const char *bad_pointer(void)
{
	return (const char *)(size_t)16;
}

static void make_text(const char *name, const char *text)
{
	int fd = new_object(name, PAGE);

	GIVES((long)strlen(text), pwrite(fd, text, strlen(text), 0));
	OK(close(fd));
}

static void expect_object_text(const char *name, const char *want)
{
	char text[64] = {0};
	int fd = OK(open(name, O_RDONLY));

	OK(pread(fd, text, strlen(want) + 1, 0));
	ck_assert_str_eq(text, want);
	OK(close(fd));
}

START_TEST(two_mappings_of_one_object_are_the_same_memory)
{
	int fd = OK(anonymous(O_RDWR));
	unsigned char *first;
	unsigned char *second;

	OK(ftruncate(fd, PAGE));
	first = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	second = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	ck_assert_ptr_ne(first, second);
	first[0] = 42;
	ck_assert_int_eq(second[0], 42);
	unmap(first, PAGE);
	first = map_object(fd, PAGE, PROT_READ);
	OK(close(fd));
	ck_assert_int_eq(first[0], 42);
	second[1] = 43;
	ck_assert_int_eq(first[1], 43);
}
END_TEST

START_TEST(an_object_opened_again_holds_what_was_stored)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);

	strcpy((char *)map, "stored");
	unmap(map, PAGE);
	OK(close(fd));
	fd = OK(open("a", O_RDONLY));
	map = map_object(fd, PAGE, PROT_READ);
	ck_assert_str_eq((char *)map, "stored");
}
END_TEST

START_TEST(what_is_opened_for_reading_cannot_be_mapped_for_writing)
{
	int fd = OK(open("a", O_RDONLY | O_CREAT, 0777));
	void *map;

	FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0));
	map_object(fd, PAGE, PROT_READ);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ck_assert(map != MAP_FAILED);
	ck_assert_int_eq(size_of(fd), 0);
}
END_TEST

START_TEST(an_unlinked_name_is_gone)
{
	make_object("a", 0);
	OK(unlink("a"));
	FAILS(ENOENT, open("a", O_RDONLY));
	FAILS(ENOENT, open("a", O_RDWR));
	FAILS(ENOENT, unlink("a"));
	FAILS(ENOENT, open("never", O_RDONLY));
}
END_TEST

START_TEST(o_excl_wants_a_new_name)
{
	make_object("a", 0);
	FAILS(EEXIST, open("a", O_RDONLY | O_CREAT | O_EXCL, 0644));
	FAILS(EEXIST, open("a", O_RDWR | O_CREAT | O_EXCL, 0644));
	OK(open("a", O_RDWR | O_CREAT, 0644));
}
END_TEST

START_TEST(an_anonymous_object_is_for_reading_and_writing)
{
	OK(anonymous(O_RDWR));
	FAILS(EINVAL, anonymous(O_RDONLY));
	FAILS(EINVAL, anonymous(O_WRONLY));
}
END_TEST

START_TEST(a_bad_pointer_is_efault)
{
	make_object("a", 0);
	FAILS(EFAULT, open(bad_pointer(), O_RDONLY));
	FAILS(EFAULT, open(bad_pointer(), O_RDWR | O_CREAT, 0600));
	FAILS(EFAULT, unlink(bad_pointer()));
	FAILS(EFAULT, rename(bad_pointer(), "b"));
	FAILS(EFAULT, rename("a", bad_pointer()));
	ck_assert(exists("a"));
}
END_TEST

static const int too_long[] = {1023, 1024, 1500};

START_TEST(a_name_of_more_than_1022_bytes_is_enametoolong)
{
	char name[2000] = {0};

	memset(name, 'a', (size_t)too_long[_i]);
	make_object("a", 0);
	FAILS(ENAMETOOLONG, open(name, O_RDONLY));
	FAILS(ENAMETOOLONG, open(name, O_RDWR | O_CREAT, 0600));
	FAILS(ENAMETOOLONG, unlink(name));
	FAILS(ENAMETOOLONG, rename("a", name));
	FAILS(ENAMETOOLONG, rename(name, "b"));
	ck_assert(exists("a"));
}
END_TEST

START_TEST(o_trunc_empties_an_object)
{
	int fd = new_object("a", PAGE);

	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	fd = OK(open("a", O_RDWR | O_TRUNC));
	ck_assert_int_eq(size_of(fd), 0);
	OK(ftruncate(fd, PAGE));
	expect_zeros(fd, 0, PAGE);
}
END_TEST

START_TEST(an_object_is_resized_with_its_mappings)
{
	int fd = new_object("a", PAGE);
	unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

	pattern(map, 0, PAGE);
	OK(ftruncate(fd, 2 * PAGE));
	ck_assert_int_eq(map[PAGE - 1], pattern_at(PAGE - 1));
	BYTES_ARE(0, map + PAGE, PAGE);
	pattern(map + PAGE, PAGE, PAGE);
	OK(ftruncate(fd, PAGE));
	ck_assert(load_raises_sigbus(map + PAGE));
	ck_assert_int_eq(map[PAGE - 1], pattern_at(PAGE - 1));
	OK(ftruncate(fd, 2 * PAGE));
	BYTES_ARE(0, map + PAGE, PAGE);
}
END_TEST

struct shared {
	int fd;
	unsigned char *map;
	struct turn turn;
};

static void see_what_the_parent_does(void *context)
{
	struct shared *shared = context;
	unsigned char data[2];

	turn_wait(&shared->turn);
	expect_pattern(shared->fd, 0, PAGE - 2);
	for (off_t i = 0; i < PAGE - 2; i++)
		ck_assert_int_eq(shared->map[i], pattern_at(i));
	OK(lseek(shared->fd, -2, SEEK_END));
	GIVES(2, read(shared->fd, data, 2));
	ck_assert_int_eq(data[0], pattern_at(0));
	ck_assert_int_eq(data[1], pattern_at(1));
	ck_assert_int_eq(shared->map[PAGE - 1], pattern_at(1));
}

START_TEST(an_unlinked_object_is_shared_by_a_fork)
{
	struct shared shared = {.fd = new_object("a", PAGE)};
	pid_t child;

	shared.map = map_object(shared.fd, PAGE, PROT_READ | PROT_WRITE);
	OK(unlink("a"));
	turn_init(&shared.turn);
	child = start_child(see_what_the_parent_does, &shared);
	pattern(shared.map, 0, PAGE);
	/* From the mapping of the object itself. */
	GIVES(2, pwrite(shared.fd, shared.map, 2, PAGE - 2));
	turn_give(&shared.turn);
	end_child(child);
}
END_TEST

START_TEST(close_on_exec_is_set_where_it_is_asked_for)
{
	GIVES(FD_CLOEXEC, fcntl(OK(open("a", O_RDWR | O_CREAT | O_CLOEXEC, 0600)), F_GETFD));
	GIVES(FD_CLOEXEC, fcntl(OK(anonymous(O_RDWR | O_CLOEXEC)), F_GETFD));
	GIVES(0, fcntl(OK(open("a", O_RDWR)), F_GETFD));
	GIVES(0, fcntl(OK(anonymous(O_RDWR)), F_GETFD));
}
END_TEST

START_TEST(the_mode_is_the_one_asked_for)
{
	static const mode_t modes[] = {0600, 0660, 0666, 0, 0777};
	char name[8];

	umask(0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		snprintf(name, sizeof(name), "a%zu", i);
		OK(open(name, O_RDWR | O_CREAT | O_EXCL, modes[i]));
		ck_assert_int_eq(status_of(name).st_mode, S_IFREG | modes[i]);
	}
}
END_TEST

START_TEST(fallocate_grows_and_never_shrinks)
{
	int fd = new_object("a", 32);

	GIVES(0, posix_fallocate(fd, 0, 64));
	ck_assert_int_eq(size_of(fd), 64);
	GIVES(0, posix_fallocate(fd, 0, 32));
	ck_assert_int_eq(size_of(fd), 64);
	GIVES(0, posix_fallocate(fd, 64, 64));
	ck_assert_int_eq(size_of(fd), 128);
}
END_TEST

static void punch(int fd, off_t offset, off_t length)
{
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
}

static const struct {
	off_t offset, length;
} holes[] = {{PAGE, PAGE}, {100, 1000}, {100, 2 * PAGE}, {PAGE - 1, 2}, {0, 4 * PAGE},
    {3 * PAGE + 5, LLONG_MAX - 3 * PAGE - 5}, {4 * PAGE, PAGE}, {10 * PAGE, PAGE}};

START_TEST(a_hole_is_zero_and_the_rest_stays)
{
	off_t size = 4 * PAGE;
	int fd = new_object("a", size);
	off_t start = holes[_i].offset < size ? holes[_i].offset : size;
	off_t end = holes[_i].length < size - start ? start + holes[_i].length : size;

	write_pattern(fd, 0, (size_t)size);
	punch(fd, holes[_i].offset, holes[_i].length);
	ck_assert_int_eq(size_of(fd), size);
	expect_pattern(fd, 0, (size_t)start);
	expect_zeros(fd, start, (size_t)(end - start));
	expect_pattern(fd, end, (size_t)(size - end));
}
END_TEST

static bool blocks_are(void *context)
{
	return status_of("a").st_blocks == *(const blkcnt_t *)context;
}

static void expect_allocated(blkcnt_t bytes)
{
	blkcnt_t blocks = bytes / 512;

	ck_assert_msg(within_a_second(blocks_are, &blocks),
	    "bytes in use within a second: expected %ld, got %ld", (long)bytes,
	    (long)status_of("a").st_blocks * 512);
}

START_TEST(blocks_count_what_is_allocated)
{
	int fd = new_object("a", 8 * PAGE);

	ck_assert_int_eq(status_of("a").st_blksize, PAGE);
	expect_allocated(0);
	write_pattern(fd, 0, 8 * PAGE);
	expect_allocated(8 * PAGE);
	punch(fd, PAGE, 2 * PAGE);
	expect_allocated(6 * PAGE);
	punch(fd, 4 * PAGE + 100, 100);
	expect_allocated(6 * PAGE);
	write_pattern(fd, PAGE, PAGE);
	expect_allocated(7 * PAGE);
	OK(ftruncate(fd, 0));
	expect_allocated(0);
}
END_TEST

START_TEST(a_whole_object_goes_through_a_pipe_and_a_socket)
{
	static unsigned char data[16 * PAGE];
	int fd = new_object("a", sizeof(data));
	unsigned char *map = map_object(fd, sizeof(data), PROT_READ | PROT_WRITE);
	int reader = OK(open("a", O_RDONLY));
	int ends[2];

	pattern(map, 0, sizeof(data));
	OK(pipe(ends));
	GIVES(sizeof(data), write(ends[1], map, sizeof(data)));
	GIVES(sizeof(data), read(ends[0], data, sizeof(data)));
	BYTES_EQUAL(map, data, sizeof(data));
	memset(data, 0, sizeof(data));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	GIVES(sizeof(data), sendfile(ends[1], reader, NULL, sizeof(data)));
	GIVES(sizeof(data), recv(ends[0], data, sizeof(data), MSG_WAITALL));
	BYTES_EQUAL(map, data, sizeof(data));
}
END_TEST

START_TEST(rename_of_a_missing_name_is_enoent)
{
	make_object("b", 0);
	FAILS(ENOENT, rename("a", "b"));
	FAILS(ENOENT, rename("a", "c"));
	FAILS(ENOENT, renameat2(AT_FDCWD, "b", AT_FDCWD, "a", RENAME_EXCHANGE));
	ck_assert(exists("b"));
}
END_TEST

START_TEST(rename_replaces)
{
	make_text("a", "of a");
	make_text("b", "of b");
	OK(rename("a", "b"));
	ck_assert(!exists("a"));
	expect_object_text("b", "of a");
	OK(rename("b", "new"));
	expect_object_text("new", "of a");
}
END_TEST

START_TEST(rename_noreplace_does_not)
{
	make_text("a", "of a");
	make_text("b", "of b");
	FAILS(EEXIST, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	expect_object_text("a", "of a");
	expect_object_text("b", "of b");
	OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	expect_object_text("c", "of a");
}
END_TEST

START_TEST(rename_exchange_swaps)
{
	make_text("a", "of a");
	make_text("b", "of b");
	OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	expect_object_text("a", "of b");
	expect_object_text("b", "of a");
}
END_TEST

START_TEST(rename_to_itself_does_nothing)
{
	make_text("a", "of a");
	OK(rename("a", "a"));
	expect_object_text("a", "of a");
}
END_TEST

START_TEST(unknown_flags_of_rename_are_einval)
{
	static const unsigned flags[] = {
	    (unsigned)INT_MIN, 8, RENAME_WHITEOUT, RENAME_NOREPLACE | RENAME_EXCHANGE};

	make_text("a", "of a");
	make_text("b", "of b");
	for (int i = 0; i < 4; i++)
		FAILS(EINVAL, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", flags[i]));
	expect_object_text("a", "of a");
	expect_object_text("b", "of b");
}
END_TEST

static void add_opening(TCase *tcase)
{
	tcase_add_test(tcase, two_mappings_of_one_object_are_the_same_memory);
	tcase_add_test(tcase, an_object_opened_again_holds_what_was_stored);
	tcase_add_test(tcase, what_is_opened_for_reading_cannot_be_mapped_for_writing);
	tcase_add_test(tcase, an_unlinked_name_is_gone);
	tcase_add_test(tcase, o_excl_wants_a_new_name);
	tcase_add_test(tcase, an_anonymous_object_is_for_reading_and_writing);
	tcase_add_test(tcase, a_bad_pointer_is_efault);
	tcase_add_loop_test(tcase, a_name_of_more_than_1022_bytes_is_enametoolong, 0,
	    sizeof(too_long) / sizeof(too_long[0]));
	tcase_add_test(tcase, an_unlinked_object_is_shared_by_a_fork);
	tcase_add_test(tcase, close_on_exec_is_set_where_it_is_asked_for);
	tcase_add_test(tcase, the_mode_is_the_one_asked_for);
}

static void add_sizes(TCase *tcase)
{
	tcase_add_test(tcase, o_trunc_empties_an_object);
	tcase_add_test(tcase, an_object_is_resized_with_its_mappings);
	tcase_add_test(tcase, fallocate_grows_and_never_shrinks);
	tcase_add_loop_test(
	    tcase, a_hole_is_zero_and_the_rest_stays, 0, sizeof(holes) / sizeof(holes[0]));
	tcase_add_test(tcase, blocks_count_what_is_allocated);
	tcase_add_test(tcase, a_whole_object_goes_through_a_pipe_and_a_socket);
}

void add_freebsd_cases(Suite *suite)
{
	TCase *tcase = case_on_flat_mount(suite, "posixshm", NULL);

	add_opening(tcase);
	add_sizes(tcase);
	tcase_add_test(tcase, rename_of_a_missing_name_is_enoent);
	tcase_add_test(tcase, rename_replaces);
	tcase_add_test(tcase, rename_noreplace_does_not);
	tcase_add_test(tcase, rename_exchange_swaps);
	tcase_add_test(tcase, rename_to_itself_does_nothing);
	tcase_add_test(tcase, unknown_flags_of_rename_are_einval);
}

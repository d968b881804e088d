/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights of an opening that are given up by ioctl, and strictness revoke: what is open already. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/ops/shmfs_ioctl.h"
#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "policy_file.h"
#include "run_shmfs.h"
#include "suites.h"

#define ALL_RIGHTS (SHMFS_MAY_READ | SHMFS_MAY_WRITE | SHMFS_MAY_TRUNCATE | SHMFS_MAY_ALLOCATE)

/* The type of a request differs between C libraries; the kernel's numbers are of 32 bits. */
static int ask_rights(int fd, unsigned long request, uint32_t *rights)
{
	return (int)syscall(SYS_ioctl, fd, request, rights);
}

static uint32_t rights_of(int fd)
{
	uint32_t rights = 0;

	OK(ask_rights(fd, SHMFS_IOC_GET_RIGHTS, &rights));
	return rights;
}

static int drop(int fd, uint32_t rights)
{
	return ask_rights(fd, SHMFS_IOC_DROP_RIGHTS, &rights);
}

START_TEST(rights_are_those_of_the_access_mode)
{
	make_object("a", PAGE);
	GIVES(ALL_RIGHTS, rights_of(OK(open("a", O_RDWR))));
	GIVES(SHMFS_MAY_READ, rights_of(OK(open("a", O_RDONLY))));
	GIVES(ALL_RIGHTS & ~SHMFS_MAY_READ, rights_of(OK(open("a", O_WRONLY))));
}
END_TEST

START_TEST(writing_sizing_and_allocating_are_given_up)
{
	int fd = new_object("a", PAGE), other = OK(open("a", O_RDWR)), copy = OK(dup(fd));
	uint32_t rights = SHMFS_MAY_WRITE;
	char byte = 0;

	OK(ask_rights(fd, SHMFS_IOC_DROP_RIGHTS, &rights));
	ck_assert_uint_eq(rights, ALL_RIGHTS & ~SHMFS_MAY_WRITE);
	FAILS(EPERM, pwrite(fd, "x", 1, 0));
	FAILS(EPERM, pwrite(copy, "x", 1, 0));
	FAILS(EPERM, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	FAILS(EPERM, copy_file_range(other, &(off_t){0}, fd, &(off_t){8}, 1, 0));
	OK(fallocate(fd, 0, 0, 2 * PAGE));
	OK(ftruncate(fd, PAGE));
	OK(drop(fd, SHMFS_MAY_ALLOCATE | SHMFS_MAY_TRUNCATE));
	FAILS(EPERM, fallocate(fd, 0, 0, 2 * PAGE));
	FAILS(EPERM, ftruncate(fd, 0));
	GIVES(SHMFS_MAY_READ, rights_of(copy));
	/* Nothing brings a right back, and nobody else has lost one. */
	OK(drop(fd, 0));
	GIVES(SHMFS_MAY_READ, rights_of(fd));
	GIVES(ALL_RIGHTS, rights_of(other));
	GIVES(1, pwrite(other, "y", 1, 0));
	OK(ftruncate(other, 2 * PAGE));
	OK(truncate("a", PAGE));
	GIVES(1, pread(fd, &byte, 1, 0));
	ck_assert_int_eq(byte, 'y');
}
END_TEST

START_TEST(reading_is_given_up_where_the_daemon_reads)
{
	int fd = new_object("a", PAGE), reader = OK(open("a", O_RDONLY));
	char byte;

	if (fixture_is_cached()) {
		FAILS(EOPNOTSUPP, drop(fd, SHMFS_MAY_READ));
		GIVES(ALL_RIGHTS, rights_of(fd));
		FAILS(EOPNOTSUPP, drop(reader, SHMFS_MAY_READ));
		return;
	}
	OK(drop(fd, SHMFS_MAY_READ));
	FAILS(EPERM, pread(fd, &byte, 1, 0));
	GIVES(1, pwrite(fd, "x", 1, 0));
	FAILS(EOPNOTSUPP, drop(reader, SHMFS_MAY_READ));
	GIVES(1, pread(reader, &byte, 1, 0));
}
END_TEST

/* It was decided at open, and is not seen since. */
START_TEST(mapping_cannot_be_given_up)
{
	int fd = new_object("a", PAGE);
	unsigned char *map;

	FAILS(EOPNOTSUPP, drop(fd, SHMFS_MAY_MMAP));
	FAILS(EOPNOTSUPP, drop(fd, SHMFS_MAY_MMAP | SHMFS_MAY_WRITE));
	GIVES(ALL_RIGHTS, rights_of(fd));
	OK(drop(fd, SHMFS_MAY_WRITE | SHMFS_MAY_TRUNCATE));
	map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	map[0] = 'm';
	OK(msync(map, PAGE, MS_SYNC));
	unmap(map, PAGE);
	GIVES(1, pread(OK(open("a", O_RDONLY)), &(char){0}, 1, 0));
}
END_TEST

START_TEST(what_is_no_right_is_refused)
{
	int fd = new_object("a", PAGE), dir = OK(open(".", O_RDONLY | O_DIRECTORY));
	uint32_t value;

	FAILS(EINVAL, drop(fd, 32));
	FAILS(EINVAL, drop(fd, UINT32_MAX));
	FAILS(ENOTTY, drop(dir, SHMFS_MAY_READ));
	FAILS(ENOTTY, ask_rights(fd, _IOR('s', 0xf2, int), &value));
	GIVES(ALL_RIGHTS, rights_of(fd));
}
END_TEST

/* --- revocation ------------------------------------------------------------------------------- */

static void start_revoking(void)
{
	write_usual_policy("strictness revoke");
	shared_mount = mount_with_policies("biba,mls");
}

static void start_lenient(void)
{
	write_usual_policy("strictness as-documented");
	shared_mount = mount_with_policies("biba,mls");
}

/* Opened by one user, and used by another one. */
struct handed {
	int reader, both;
	unsigned char *map;
};

static void make_one(void *context)
{
	(void)context;
	umask(0);
	make_object("o", PAGE);
	OK(chmod("o", 0666));
}

static void hand_over(struct handed *handed)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_one, NULL);
	/* Root is equal to all, and may do everything. */
	handed->reader = OK(open("o", O_RDONLY));
	handed->both = OK(open("o", O_RDWR));
	handed->map = map_object(handed->both, PAGE, PROT_READ | PROT_WRITE);
}

static void take_back(struct handed *handed)
{
	unmap(handed->map, PAGE);
	OK(close(handed->reader));
	OK(close(handed->both));
	OK(unlink("o"));
}

static void use_in_vain(void *context)
{
	const struct handed *handed = context;
	char byte;

	/* A mapping that was allowed is the one thing that cannot be taken back. */
	handed->map[0]++;
	FAILS(EACCES, pread(handed->reader, &byte, 1, 0));
	FAILS(EACCES, pread(handed->both, &byte, 1, 0));
	FAILS(EACCES, pwrite(handed->both, "x", 1, 0));
	FAILS(EACCES, lseek(handed->both, 0, SEEK_DATA));
	FAILS(EACCES, ftruncate(handed->both, 0));
	FAILS(
	    EACCES, copy_file_range(handed->reader, &(off_t){0}, handed->both, &(off_t){8}, 1, 0));
}

static void expect_in_vain(struct handed *handed)
{
	handed->map[0] = 1;
	in_child_as(uid_of(TWO), use_in_vain, handed);
	ck_assert_uint_eq(handed->map[0], 2);
}

static void use(void *context)
{
	const struct handed *handed = context;
	char byte;

	GIVES(1, pread(handed->reader, &byte, 1, 0));
	GIVES(1, pread(handed->both, &byte, 1, 0));
	GIVES(1, pwrite(handed->both, "x", 1, 0));
}

static void use_after_opening(void *context)
{
	const struct handed *handed = context;

	use(context);
	/* Its size is the object's matter, not the opening's. */
	FAILS(EACCES, ftruncate(handed->both, 0));
}

START_TEST(under_revoke_each_read_and_write_is_decided)
{
	struct handed handed;

	hand_over(&handed);
	in_child_as(uid_of(ONE), use, &handed);
	expect_in_vain(&handed);
	use(&handed);
	take_back(&handed);
}
END_TEST

START_TEST(under_revoke_another_table_counts_for_what_is_open)
{
	struct handed handed;

	hand_over(&handed);
	write_policy("strictness revoke\ndefault biba/equal,mls/equal\n");
	reread_policy(shared_mount, "again: 1 subjects");
	in_child_as(uid_of(TWO), use, &handed);
	write_usual_policy("strictness revoke");
	reread_policy(shared_mount, "again: 5 subjects");
	expect_in_vain(&handed);
	take_back(&handed);
}
END_TEST

START_TEST(under_revoke_even_reading_is_given_up)
{
	char byte;
	int fd;

	make_object("a", PAGE);
	fd = OK(open("a", O_RDONLY));
	GIVES(1, pread(fd, &byte, 1, 0));
	OK(drop(fd, SHMFS_MAY_READ));
	FAILS(EPERM, pread(fd, &byte, 1, 0));
}
END_TEST

START_TEST(as_documented_what_is_open_was_decided)
{
	struct handed handed;

	hand_over(&handed);
	in_child_as(uid_of(TWO), use_after_opening, &handed);
	take_back(&handed);
}
END_TEST

/* --- other servers ---------------------------------------------------------------------------- */

/* The child of the daemon; 0: there is none. */
static pid_t server(void)
{
	return server_of(shared_mount->pid);
}

static bool is_another_server(void *context)
{
	pid_t now = server();

	return now != 0 && now != *(pid_t *)context;
}

static void look_in_vain(void *context)
{
	struct stat st;

	(void)context;
	FAILS(EACCES, stat("o", &st));
}

static void expect_unchanged(int fd)
{
	char text[64];

	GIVES(SHMFS_MAY_READ | SHMFS_MAY_ALLOCATE, rights_of(fd));
	FAILS(EPERM, pwrite(fd, "x", 1, 0));
	FAILS(EPERM, ftruncate(fd, 0));
	GIVES(16, getxattr("o", "user.shmfs.label", text, sizeof(text)));
	ck_assert_mem_eq(text, "biba/5:1,mls/5:1", 16);
	in_child_as(uid_of(TWO), look_in_vain, NULL);
}

START_TEST(labels_and_rights_survive_a_kill_and_an_upgrade)
{
	pid_t before = server();
	int fd;

	ck_assert_int_ne(before, 0);
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(uid_of(ONE), make_one, NULL);
	fd = OK(open("o", O_RDWR));
	OK(drop(fd, SHMFS_MAY_WRITE | SHMFS_MAY_TRUNCATE));
	expect_unchanged(fd);
	OK(kill(before, SIGKILL));
	ck_assert(within_a_second(is_another_server, &before));
	expect_unchanged(fd);
	/* The installed program goes on, which is the same. */
	reread_policy(shared_mount, "goes on");
	expect_unchanged(fd);
	OK(close(fd));
	OK(unlink("o"));
}
END_TEST

static void expect_refused(const char *io, const char *policies, const char *words)
{
	char mount_point[PATH_MAX], options[PATH_MAX];
	struct run run;

	fixture_directory(mount_point, "refused");
	snprintf(
	    options, sizeof(options), "io=%s,mac=%s,mac_policy=%s", io, policies, policy_path());
	run_shmfs(&run, &(const struct launch){.arguments = {mount_point, "-f", "-o", options}});
	expect_mention(&run, words);
	ck_assert(!exited_with(&run, 0));
	OK(remove(mount_point));
}

START_TEST(what_cannot_be_revoked_is_not_mounted)
{
	write_usual_policy("strictness revoke");
	expect_refused("cached", "mls",
	    "strictness revoke cannot be had with io=cached; it needs io=passthrough");
}
END_TEST

START_TEST(a_bad_policy_file_is_not_mounted)
{
	write_policy("default mls/low\nuser 1 mls/65536\n");
	expect_refused(fixture_io(), "mls", "file:2: mls: 65536 is more than 65535");
	write_policy("default mls/low\n");
	expect_refused(fixture_io(), "biba,mls", "says nothing for 'biba'");
	OK(unlink(policy_path()));
	expect_refused(fixture_io(), "mls", "file: No such file or directory");
}
END_TEST

void add_right_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "rights", NULL);

	tcase_add_test(tcase, rights_are_those_of_the_access_mode);
	tcase_add_test(tcase, writing_sizing_and_allocating_are_given_up);
	tcase_add_test(tcase, reading_is_given_up_where_the_daemon_reads);
	tcase_add_test(tcase, mapping_cannot_be_given_up);
	tcase_add_test(tcase, what_is_no_right_is_refused);

	tcase = case_on_mount(suite, "what is open, as documented", start_lenient);
	tcase_add_test(tcase, as_documented_what_is_open_was_decided);
	tcase_add_test(tcase, labels_and_rights_survive_a_kill_and_an_upgrade);

	if (!fixture_is_cached()) {
		tcase = case_on_mount(suite, "what is open, under revoke", start_revoking);
		tcase_add_test(tcase, under_revoke_each_read_and_write_is_decided);
		tcase_add_test(tcase, under_revoke_another_table_counts_for_what_is_open);
		tcase_add_test(tcase, under_revoke_even_reading_is_given_up);
	}

	tcase = tcase_create("policies that are not mounted");
	tcase_add_test(tcase, what_cannot_be_revoked_is_not_mounted);
	tcase_add_test(tcase, a_bad_policy_file_is_not_mounted);
	suite_add_tcase(suite, tcase);
}

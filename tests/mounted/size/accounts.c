/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of each user: what is refused, to whom it is charged, and when it is given back. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "flat_mount.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum {
	USER = 65534,
	OTHER = 65533,
	USER_PAGES = 16,
	USER_NODES = 12,
	ALL_PAGES = 64,
};

static const off_t user_size = (off_t)USER_PAGES * PAGE;

static void start_with_user_limits(void)
{
	shared_mount = mount_start("size=256k,user_size=64k,user_inodes=12");
}

static void start_with_user_size(void)
{
	shared_mount = mount_start("size=256k,user_size=64k");
}

/* The working directory of a test is root's; users make their objects beside it. */
static void go_to_root(void)
{
	OK(chdir(mount_path(shared_mount, "")));
}

/* Runs a body as a user, in the root directory, and removes what he left there. */
static void as_user(child_body *body, void *context)
{
	go_to_root();
	in_child_as(USER, body, context);
}

static void remove_all(const char *const *names)
{
	for (; *names != NULL; names++)
		OK(unlink(*names));
}

static struct statfs room(void)
{
	struct statfs status;

	OK(statfs(".", &status));
	return status;
}

static void grow_to_the_limit(void *context)
{
	const char *const names[] = {"a", "tmp-a", NULL};
	int fd = new_object("a", user_size);
	int growing = new_object("tmp-a", 0);
	char data[PAGE] = {1};

	(void)context;
	FAILS(EDQUOT, ftruncate(fd, user_size + 1));
	ck_assert_int_eq(size_of(fd), user_size);
	FAILS(EDQUOT, fallocate(fd, 0, user_size, 1));
	FAILS(EDQUOT, write(growing, data, 1));
	FAILS(EDQUOT, fsetxattr(growing, "user.a", "b", 1, 0));
	FAILS(EDQUOT, symlink("a-target-of-128-bytes-or-more/////////////////////////////////"
			      "//////////////////////////////////////////////////////////////////",
			  "link"));
	OK(ftruncate(fd, user_size - PAGE));
	GIVES(PAGE, write(growing, data, PAGE));
	FAILS(EDQUOT, write(growing, data, 1));
	OK(close(fd));
	OK(close(growing));
	remove_all(names);
	make_object("a", user_size);
	OK(unlink("a"));
}

START_TEST(a_user_grows_to_his_limit_and_no_further)
{
	as_user(grow_to_the_limit, NULL);
}
END_TEST

static void make_nodes(void *context)
{
	char name[16];

	(void)context;
	for (int i = 0; i < USER_NODES; i++) {
		snprintf(name, sizeof name, "n%d", i);
		make_object(name, 0);
	}
	FAILS(EDQUOT, open("more", O_RDWR | O_CREAT, 0600));
	FAILS(EDQUOT, open(".", O_RDWR | O_TMPFILE, 0600));
	FAILS(EDQUOT, mkdir("more", 0700));
	FAILS(EDQUOT, mknod("more", S_IFIFO | 0600, 0));
	FAILS(EDQUOT, symlink("x", "more"));
	FAILS(EDQUOT, link("n0", "more"));
	ck_assert_uint_eq(room().f_ffree, 0);
	OK(rename("n0", "renamed"));
	OK(unlink("renamed"));
	OK(mkdir("more", 0700));
	FAILS(EDQUOT, mkdir("again", 0700));
	OK(rmdir("more"));
	for (int i = 1; i < USER_NODES; i++) {
		snprintf(name, sizeof name, "n%d", i);
		OK(unlink(name));
	}
}

START_TEST(a_user_makes_nodes_up_to_his_limit_and_no_further)
{
	as_user(make_nodes, NULL);
}
END_TEST

static void make_one_page(void *context)
{
	make_object(context, PAGE);
}

static void make_full(void *context)
{
	make_object(context, user_size);
}

START_TEST(a_full_user_does_not_stop_another_or_root)
{
	go_to_root();
	in_child_as(USER, make_full, (void *)(uintptr_t) "full");
	in_child_as(OTHER, make_one_page, (void *)(uintptr_t) "other");
	make_object("root", 2 * user_size);
	OK(unlink("full"));
	OK(unlink("other"));
	OK(unlink("root"));
}
END_TEST

static void find_no_room(void *context)
{
	int fd = new_object("b", 0);

	(void)context;
	FAILS(ENOSPC, ftruncate(fd, PAGE));
	ck_assert_uint_eq(room().f_bfree, 0);
	OK(unlink("b"));
}

START_TEST(a_full_mount_is_enospc_for_a_user_with_room)
{
	go_to_root();
	make_object("root", (off_t)ALL_PAGES * PAGE);
	in_child_as(USER, find_no_room, NULL);
	OK(unlink("root"));
}
END_TEST

static void grow_what_was_given_away(void *context)
{
	int fd = OK(open("mine", O_RDWR));

	(void)context;
	/* It is root's by now, and still charged to its maker. */
	FAILS(EDQUOT, ftruncate(fd, user_size + 1));
}

START_TEST(the_charge_stays_with_the_maker_whoever_owns_or_grows)
{
	go_to_root();
	in_child_as(USER, make_full, (void *)(uintptr_t) "mine");
	OK(chown("mine", 0, 0));
	OK(chmod("mine", 0666));
	in_child_as(USER, grow_what_was_given_away, NULL);
	FAILS(EDQUOT, truncate("mine", user_size + 1));
	OK(unlink("mine"));
	in_child_as(USER, make_full, (void *)(uintptr_t) "mine");
	OK(unlink("mine"));
}
END_TEST

static void look_at_room(void *context)
{
	struct statfs status = room();

	(void)context;
	ck_assert_uint_eq(status.f_blocks, USER_PAGES);
	ck_assert_uint_eq(status.f_bfree, USER_PAGES);
	ck_assert_uint_eq(status.f_files, USER_NODES);
	make_object("a", 3 * PAGE);
	status = room();
	ck_assert_uint_eq(status.f_bavail, USER_PAGES - 3);
	ck_assert_uint_eq(status.f_ffree, USER_NODES - 1);
	OK(unlink("a"));
}

START_TEST(statfs_answers_for_the_caller)
{
	struct statfs status;

	as_user(look_at_room, NULL);
	status = room();
	ck_assert_uint_eq(status.f_blocks, ALL_PAGES);
}
END_TEST

/* Maps, closes and unlinks, again and again: returns how many pages it came to hold. */
static int hold_by_mappings(void)
{
	int held = 0;

	for (;;) {
		int fd = new_object("m", 0);

		if (ftruncate(fd, PAGE) != 0) {
			FAILS(EDQUOT, -1);
			OK(unlink("m"));
			OK(close(fd));
			return held;
		}
		map_object(fd, PAGE, PROT_READ | PROT_WRITE)[0] = 1;
		OK(unlink("m"));
		OK(close(fd));
		ck_assert_int_le(++held, USER_PAGES);
	}
}

static void hold_and_end(void *context)
{
	(void)context;
	ck_assert_int_le(hold_by_mappings(), USER_PAGES);
}

static void hold_and_be_killed(void *context)
{
	(void)context;
	become_user(USER);
	ck_assert_int_gt(hold_by_mappings(), 0);
	raise(SIGKILL);
}

static bool all_is_back(void *context)
{
	(void)context;
	return room().f_bfree == ALL_PAGES;
}

START_TEST(mappings_of_unlinked_objects_count_until_they_end)
{
	go_to_root();
	ck_assert_uint_eq(room().f_bfree, ALL_PAGES);
	in_child_as(USER, hold_and_end, NULL);
	ck_assert_msg(within_a_second(all_is_back, NULL), "still charged after the end");
}
END_TEST

START_TEST(a_killed_process_gives_back_what_it_had_mapped)
{
	int status;

	go_to_root();
	status = status_of_child(hold_and_be_killed, NULL);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_msg(within_a_second(all_is_back, NULL), "still charged after the kill");
}
END_TEST

static void hold_one_mapping(void *context)
{
	struct turn *turns = context;

	turn_give(&turns[0]);
	turn_wait(&turns[1]);
}

START_TEST(a_mapping_that_only_a_forked_child_has_counts)
{
	struct turn turns[2];
	unsigned char *map;
	pid_t child;
	int fd;

	go_to_root();
	turn_init(&turns[0]);
	turn_init(&turns[1]);
	fd = new_object("f", 4 * PAGE);
	map = map_object(fd, 4 * PAGE, PROT_READ | PROT_WRITE);
	OK(close(fd));
	child = start_child(hold_one_mapping, turns);
	turn_wait(&turns[0]);
	unmap(map, 4 * PAGE);
	OK(unlink("f"));
	pause_ms(200);
	ck_assert_uint_eq(room().f_bfree, ALL_PAGES - 4);
	turn_give(&turns[1]);
	end_child(child);
	ck_assert_msg(within_a_second(all_is_back, NULL), "still charged after the child's end");
}
END_TEST

/* Sends a descriptor to this process's other end of a socket, where it stays in flight. */
static void send_descriptor(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr message = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof control,
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	GIVES(1, sendmsg(socket, &message, 0));
}

START_TEST(a_descriptor_on_its_way_through_a_socket_counts)
{
	int ends[2], fd;

	go_to_root();
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	fd = new_object("s", 4 * PAGE);
	send_descriptor(ends[0], fd);
	OK(close(fd));
	OK(unlink("s"));
	pause_ms(200);
	ck_assert_uint_eq(room().f_bfree, ALL_PAGES - 4);
	OK(close(ends[0]));
	OK(close(ends[1]));
	ck_assert_msg(within_a_second(all_is_back, NULL), "still charged after the socket's end");
}
END_TEST

/* Whether the daemon's log has a line with all of these in this order. */
static bool log_has(const char *const *parts)
{
	FILE *file = fopen(shared_mount->log, "re");
	char line[1024];
	bool found = false;

	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof line, file) != NULL) {
		const char *at = line;

		for (int i = 0; parts[i] != NULL && at != NULL; i++)
			at = strstr(at, parts[i]);
		found = at != NULL;
	}
	OK(fclose(file));
	return found;
}

static void be_refused(void *context)
{
	int fd = new_object("too-much", PAGE);

	(void)context;
	for (int i = 0; i < 100; i++)
		FAILS(EDQUOT, ftruncate(fd, user_size + 1));
	OK(unlink("too-much"));
}

START_TEST(a_refusal_is_a_line_that_says_who_what_and_by_which_limit)
{
	const char *const wanted[] = {"refused: uid 65534, pid ", "(mounted), object 'too-much'",
	    "of uid 65534", "asked for 65536 more, 4096 used", "limit user_size=65536", NULL};
	const char *const too_many[] = {"refusals before that were not logged", NULL};

	as_user(be_refused, NULL);
	ck_assert_msg(log_has(wanted), "no such line in %s", shared_mount->log);
	/* The rest of a hundred is counted, and told with the next line after a while. */
	ck_assert(!log_has(too_many));
}
END_TEST

static void start_flat(void)
{
	shared_mount = mount_start("rules=freebsd,size=256k,user_size=64k,user_inodes=3");
}

static void meet_limits_of_freebsd(void *context)
{
	int fd = new_object("a", user_size);

	(void)context;
	FAILS(ENOMEM, ftruncate(fd, user_size + 1));
	FAILS(ENOSPC, fallocate(fd, 0, user_size, 1));
	OK(fsetxattr(fd, "user.shmfs.grow", "1", 1, 0));
	FAILS(ENOMEM, pwrite(fd, "x", 1, user_size));
	make_object("b", 0);
	make_object("c", 0);
	FAILS(ENOSPC, open("d", O_RDWR | O_CREAT, 0600));
	OK(unlink("a"));
	OK(close(fd));
	make_object("a", user_size);
}

START_TEST(limits_of_users_have_the_errno_of_freebsd)
{
	in_child_as(USER, meet_limits_of_freebsd, NULL);
	FAILS(ENOMEM, truncate("a", user_size + 1));
}
END_TEST

void add_account_cases(Suite *suite)
{
	TCase *users = case_on_mount(suite, "users", start_with_user_limits);
	/* A mount of its own, as the number of lines is limited. */
	TCase *log = case_on_mount(suite, "log of refusals", start_with_user_limits);
	TCase *flat = case_on_flat_mount(suite, "flat users", start_flat);
	TCase *holding = case_on_mount(suite, "holding", start_with_user_size);

	tcase_add_test(users, a_user_grows_to_his_limit_and_no_further);
	tcase_add_test(users, a_user_makes_nodes_up_to_his_limit_and_no_further);
	tcase_add_test(users, a_full_user_does_not_stop_another_or_root);
	tcase_add_test(users, a_full_mount_is_enospc_for_a_user_with_room);
	tcase_add_test(users, the_charge_stays_with_the_maker_whoever_owns_or_grows);
	tcase_add_test(users, statfs_answers_for_the_caller);
	tcase_add_test(log, a_refusal_is_a_line_that_says_who_what_and_by_which_limit);
	tcase_add_test(flat, limits_of_users_have_the_errno_of_freebsd);
	tcase_add_test(holding, mappings_of_unlinked_objects_count_until_they_end);
	tcase_add_test(holding, a_killed_process_gives_back_what_it_had_mapped);
	tcase_add_test(holding, a_mapping_that_only_a_forked_child_has_counts);
	tcase_add_test(holding, a_descriptor_on_its_way_through_a_socket_counts);
}

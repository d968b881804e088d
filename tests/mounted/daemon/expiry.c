/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that go when nobody holds them: -o lifetime= and user.shmfs.lifetime. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { MANY = 300, ENDED_MS = 5000, STAYS_MS = 2500 };

#define LIFETIME "user.shmfs.lifetime"

static void start_with_lifetime(void)
{
	shared_mount = mount_start("lifetime=x-*,lifetime_age=0");
}

static void start_with_age(void)
{
	shared_mount = mount_start("lifetime=x-*,lifetime_age=1000");
}

/* Without asking for the name, whose answer the kernel may remember. */
static bool is_listed(const char *name)
{
	return faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool goes(const char *name)
{
	for (int ms = 0; ms < fixture_patience(ENDED_MS); ms += 20) {
		if (!is_listed(name))
			return true;
		pause_ms(20);
	}
	return false;
}

/* A kernel that cannot be told may still list a name that it knew before the object was one that
 * expires, and finds out when it is to open it. */
static bool opens_no_more(const char *name)
{
	for (int ms = 0; ms < fixture_patience(ENDED_MS); ms += 100) {
		int fd = open(name, O_RDONLY);

		if (fd < 0)
			return errno == ENOENT;
		OK(close(fd));
		pause_ms(100);
	}
	return false;
}

static bool stays(const char *name)
{
	pause_ms(STAYS_MS);
	return is_listed(name);
}

static void hold_until_killed(void *context)
{
	struct turn *turn = context;
	int fd = new_object("x-held", PAGE);
	unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);

	OK(close(fd));
	map[0] = 1;
	turn_give(turn);
	for (;;)
		pause();
}

START_TEST(an_object_goes_when_its_only_user_is_killed)
{
	struct turn turn;
	pid_t pid;

	turn_init(&turn);
	pid = start_child(hold_until_killed, &turn);
	turn_wait(&turn);
	ck_assert(stays("x-held"));
	kill_child(pid);
	ck_assert(goes("x-held"));
}
END_TEST

START_TEST(an_object_stays_while_anybody_holds_it)
{
	int fd = new_object("x-open", PAGE);
	int again = OK(open("x-open", O_RDONLY));
	unsigned char *map = map_object(again, PAGE, PROT_READ);

	ck_assert(stays("x-open"));
	OK(close(fd));
	OK(close(again));
	ck_assert(stays("x-open"));
	unmap(map, PAGE);
	ck_assert(goes("x-open"));
}
END_TEST

START_TEST(others_stay)
{
	make_object("other", PAGE);
	OK(close(OK(open("other", O_RDONLY))));
	ck_assert(stays("other"));
	OK(unlink("other"));
}
END_TEST

/* In these, the object is held until all is done: it may go at any moment that nobody holds it. */
START_TEST(a_name_that_went_is_free)
{
	int fd = new_object("x-again", PAGE);

	OK(close(OK(open("x-again", O_RDONLY))));
	OK(close(fd));
	ck_assert(goes("x-again"));
	OK(close(OK(open("x-again", O_RDWR | O_CREAT | O_EXCL, 0600))));
	ck_assert(goes("x-again"));
	FAILS(ENOENT, open("x-again", O_RDWR));
}
END_TEST

START_TEST(memory_comes_back_with_it)
{
	unsigned long before = pages_left();
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "x-%d", i);
		make_object(name, PAGE);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "x-%d", i);
		ck_assert_msg(goes(name), "%s stays", name);
	}
	ck_assert_uint_eq(pages_left(), before);
}
END_TEST

static bool has_left(unsigned long want)
{
	for (int ms = 0; pages_left() != want; ms += 20) {
		if (ms >= ENDED_MS)
			return false;
		pause_ms(20);
	}
	return true;
}

/* A kernel that cannot be asked to forget an object lets it be opened no more. */
START_TEST(what_a_path_descriptor_leads_to_goes_with_it)
{
	unsigned long before = pages_left();
	char path[40];
	int fd;

	fd = new_object("x-led-to", 4 * PAGE);
	write_pattern(fd, 0, 4 * PAGE);
	OK(close(fd));
	fd = OK(open("x-led-to", O_PATH));
	ck_assert(goes("x-led-to"));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (int i = 0; i < 3; i++) {
		int opened = open(path, O_RDWR);

		if (opened < 0) {
			FAILS(ESTALE, opened);
		} else {
			expect_pattern(opened, 0, 4 * PAGE);
			ck_assert_uint_eq(pages_left(), before - 4);
			OK(close(opened));
		}
		pause_ms(1100);
	}
	OK(close(fd));
	ck_assert(has_left(before));
}
END_TEST

START_TEST(a_new_object_is_safe_until_it_is_opened_again)
{
	make_object("x-new", PAGE);
	ck_assert(stays("x-new"));
	OK(close(OK(open("x-new", O_RDONLY))));
	ck_assert(goes("x-new"));
}
END_TEST

static void set_lifetime(void *context)
{
	FAILS(EPERM, setxattr(context, LIFETIME, "holders", 7, 0));
}

START_TEST(the_owner_chooses_by_an_attribute)
{
	char value[16] = "";
	int fd = new_object("chosen", PAGE);

	GIVES(5, getxattr("chosen", LIFETIME, value, sizeof value));
	ck_assert_str_eq(value, "names");
	OK(fchmod(fd, 0666));
	in_child_as(65534, set_lifetime, (char[]){"chosen"});
	OK(fsetxattr(fd, LIFETIME, "holders", 7, 0));
	GIVES(7, getxattr("chosen", LIFETIME, value, sizeof value));
	FAILS(EINVAL, fsetxattr(fd, LIFETIME, "never", 5, 0));
	OK(close(OK(open("chosen", O_RDONLY))));
	ck_assert(stays("chosen"));
	OK(close(fd));
	ck_assert(opens_no_more("chosen"));
}
END_TEST

START_TEST(all_of_its_names_go)
{
	int fd = new_object("x-one", PAGE);

	OK(link("x-one", "two"));
	OK(close(OK(open("two", O_RDONLY))));
	OK(close(fd));
	ck_assert(goes("x-one"));
	ck_assert(goes("two"));
}
END_TEST

void add_expiry_cases(Suite *suite)
{
	TCase *tests = case_on_mount(suite, "expiry", start_with_lifetime);

	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, an_object_goes_when_its_only_user_is_killed);
	tcase_add_test(tests, an_object_stays_while_anybody_holds_it);
	tcase_add_test(tests, others_stay);
	tcase_add_test(tests, a_name_that_went_is_free);
	tcase_add_test(tests, memory_comes_back_with_it);
	tcase_add_test(tests, what_a_path_descriptor_leads_to_goes_with_it);
	tcase_add_test(tests, all_of_its_names_go);
	tests = case_on_mount(suite, "expiry-age", start_with_age);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, a_new_object_is_safe_until_it_is_opened_again);
	tcase_add_test(tests, the_owner_chooses_by_an_attribute);
}

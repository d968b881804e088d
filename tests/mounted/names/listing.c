/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading directories, also while they change. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { MANY = 3000 };

static DIR *open_list(const char *name)
{
	DIR *dir = opendir(name);

	ck_assert_msg(
	    dir != NULL, "opendir %s: expected success, got %s", name, strerrorname_np(errno));
	return dir;
}

static struct dirent *next_entry(DIR *dir)
{
	struct dirent *entry;

	errno = 0;
	entry = readdir(dir);
	ck_assert_msg(entry != NULL || errno == 0, "readdir: expected success, got %s",
	    strerrorname_np(errno));
	return entry;
}

static void make_numbered(const char *dir, int count)
{
	char name[64];

	OK(mkdir(dir, 0755));
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/o%d", dir, i);
		OK(mknod(name, S_IFREG | 0600, 0));
	}
}

static int number_of(const char *name, int count)
{
	int number = -1;

	ck_assert_msg(sscanf(name, "o%d", &number) == 1 && number >= 0 && number < count,
	    "a name that nobody made: %s", name);
	return number;
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Reads to the end; every one of the numbered names and both dots must come exactly once. */
static void expect_each_once(DIR *dir, int count)
{
	char *seen = calloc((size_t)count + 1, 1);
	struct dirent *entry;
	int dots = 0;

	ck_assert(seen != NULL);
	while ((entry = next_entry(dir)) != NULL) {
		if (is_dot(entry->d_name)) {
			dots++;
			continue;
		}
		ck_assert_msg(
		    !seen[number_of(entry->d_name, count)]++, "%s comes twice", entry->d_name);
	}
	ck_assert_int_eq(dots, 2);
	for (int i = 0; i < count; i++)
		ck_assert_msg(seen[i], "o%d of %d is missing", i, count);
	free(seen);
}

static const int counts[] = {0, 1, 100, MANY};

START_TEST(every_entry_is_listed_once)
{
	DIR *dir;

	make_numbered("d", counts[_i]);
	dir = open_list("d");
	expect_each_once(dir, counts[_i]);
	ck_assert_ptr_null(next_entry(dir));
	rewinddir(dir);
	expect_each_once(dir, counts[_i]);
	closedir(dir);
	dir = open_list("d");
	expect_each_once(dir, counts[_i]);
	closedir(dir);
}
END_TEST

START_TEST(rewinding_shows_what_was_made_meanwhile)
{
	DIR *dir;

	make_numbered("d", 10);
	dir = open_list("d");
	expect_each_once(dir, 10);
	make_object("d/o10", 0);
	OK(rename("d/o3", "d/o11"));
	make_object("d/o3", 0);
	rewinddir(dir);
	expect_each_once(dir, 12);
	OK(unlink("d/o11"));
	rewinddir(dir);
	expect_each_once(dir, 11);
	closedir(dir);
}
END_TEST

START_TEST(a_fresh_listing_shows_every_change)
{
	make_numbered("d", 0);
	for (int i = 0; i < 20; i++) {
		char name[16];
		DIR *dir;

		snprintf(name, sizeof(name), "d/o%d", i);
		make_object(name, 0);
		dir = open_list("d");
		expect_each_once(dir, i + 1);
		closedir(dir);
	}
}
END_TEST

static void bind_socket(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = OK(socket(AF_UNIX, SOCK_DGRAM, 0));

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	OK(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	OK(close(fd));
}

START_TEST(a_listing_tells_types_and_inode_numbers)
{
	struct dirent *entry;
	int entries = 0;
	DIR *dir;

	make_object("object", 0);
	OK(mkdir("directory", 0755));
	OK(symlink("x", "symlink"));
	OK(mkfifo("fifo", 0600));
	bind_socket("socket");
	dir = open_list(".");
	while ((entry = next_entry(dir)) != NULL) {
		struct stat status = status_of(entry->d_name);

		ck_assert_msg(entry->d_type == IFTODT(status.st_mode),
		    "d_type of %s: expected %d, got %d", entry->d_name, IFTODT(status.st_mode),
		    entry->d_type);
		if (strcmp(entry->d_name, "..") != 0)
			ck_assert_msg(entry->d_ino == status.st_ino,
			    "d_ino of %s: expected %llu, got %llu", entry->d_name,
			    (unsigned long long)status.st_ino, (unsigned long long)entry->d_ino);
		entries++;
	}
	ck_assert_int_eq(entries, 7);
	closedir(dir);
}
END_TEST

START_TEST(seekdir_goes_back_to_every_position)
{
	enum { COUNT = 200 };
	long positions[COUNT + 2];
	char names[COUNT + 2][NAME_MAX + 1];
	struct dirent *entry;
	DIR *dir;

	make_numbered("d", COUNT);
	dir = open_list("d");
	for (int i = 0; i < COUNT + 2; i++) {
		positions[i] = telldir(dir);
		entry = next_entry(dir);
		ck_assert_ptr_nonnull(entry);
		snprintf(names[i], sizeof(names[i]), "%s", entry->d_name);
	}
	for (int i = COUNT + 1; i >= 0; i -= 7) {
		seekdir(dir, positions[i]);
		for (int next = i; next < COUNT + 2 && next < i + 3; next++) {
			entry = next_entry(dir);
			ck_assert_ptr_nonnull(entry);
			ck_assert_str_eq(entry->d_name, names[next]);
		}
	}
	closedir(dir);
}
END_TEST

START_TEST(a_position_stays_valid_when_its_entry_is_removed)
{
	enum { COUNT = 100, HALF = 50 };
	char seen[COUNT] = {0};
	struct dirent *entry;
	char path[NAME_MAX + 3];
	long position;
	DIR *dir;

	make_numbered("d", COUNT);
	dir = open_list("d");
	for (int i = 0; i < HALF; i++) {
		entry = next_entry(dir);
		ck_assert_ptr_nonnull(entry);
		if (!is_dot(entry->d_name))
			seen[number_of(entry->d_name, COUNT)] = 1;
	}
	position = telldir(dir);
	for (int i = 0; i < COUNT; i++) {
		snprintf(path, sizeof(path), "d/o%d", i);
		if (seen[i])
			OK(unlink(path));
	}
	seekdir(dir, position);
	while ((entry = next_entry(dir)) != NULL)
		if (!is_dot(entry->d_name))
			ck_assert_msg(!seen[number_of(entry->d_name, COUNT)]++, "%s comes twice",
			    entry->d_name);
	for (int i = 0; i < COUNT; i++)
		ck_assert_msg(seen[i], "o%d is missing", i);
	closedir(dir);
}
END_TEST

START_TEST(a_directory_can_be_emptied_while_it_is_read)
{
	struct dirent *entry;
	int removed = 0;
	DIR *dir;

	make_numbered("d", MANY);
	dir = open_list("d");
	while ((entry = next_entry(dir)) != NULL)
		if (!is_dot(entry->d_name)) {
			OK(unlinkat(dirfd(dir), entry->d_name, 0));
			removed++;
		}
	closedir(dir);
	ck_assert_int_eq(removed, MANY);
	OK(rmdir("d"));
}
END_TEST

START_TEST(a_removed_directory_lists_nothing)
{
	struct dirent *entry;
	DIR *dir;

	OK(mkdir("d", 0755));
	dir = open_list("d");
	OK(rmdir("d"));
	while ((entry = next_entry(dir)) != NULL)
		ck_assert_msg(is_dot(entry->d_name), "%s is listed", entry->d_name);
	closedir(dir);
}
END_TEST

/* Objects o0 to o(STAYING-1) stay all the time; the others come and go. */
enum { STAYING = 150, CHANGING = 150, COMING_AND_GOING = STAYING + CHANGING };

struct churn {
	bool there[COMING_AND_GOING];
	unsigned first_seed;
	unsigned seed;
};

static void change_a_few(struct churn *churn, int dir)
{
	for (int changes = rand_r(&churn->seed) % 12; changes > 0; changes--) {
		int number = STAYING + rand_r(&churn->seed) % CHANGING;
		int other = STAYING + rand_r(&churn->seed) % CHANGING;
		char name[16];
		char target[16];

		snprintf(name, sizeof(name), "o%d", number);
		snprintf(target, sizeof(target), "o%d", other);
		if (!churn->there[number])
			OK(mknodat(dir, name, S_IFREG | 0600, 0));
		else if (churn->there[other] || rand_r(&churn->seed) % 2)
			OK(unlinkat(dir, name, 0));
		else {
			OK(renameat(dir, name, dir, target));
			churn->there[other] = true;
			churn->there[number] = false;
			continue;
		}
		churn->there[number] = !churn->there[number];
	}
}

/* Few entries at a time, so that changes fall between them. */
static void read_while_changing(struct churn *churn, int dir)
{
	int seen[STAYING] = {0};
	_Alignas(struct dirent64) char data[400];
	ssize_t length;

	OK(lseek(dir, 0, SEEK_SET));
	while ((length = OK(getdents64(dir, (void *)data, sizeof(data)))) > 0) {
		for (ssize_t at = 0; at < length;) {
			struct dirent64 *entry = (struct dirent64 *)(void *)(data + at);
			int number = is_dot(entry->d_name)
					 ? COMING_AND_GOING
					 : number_of(entry->d_name, COMING_AND_GOING);

			if (number < STAYING)
				seen[number]++;
			at += entry->d_reclen;
		}
		change_a_few(churn, dir);
	}
	for (int i = 0; i < STAYING; i++)
		ck_assert_msg(seen[i] == 1, "seed %u: o%d stayed but was listed %d times",
		    churn->first_seed, i, seen[i]);
}

START_TEST(what_stays_is_listed_once_while_others_come_and_go)
{
	const char *given = getenv("SHMFS_TEST_SEED");
	struct churn churn = {
	    .first_seed = given != NULL ? (unsigned)atoi(given) : (unsigned)time(NULL)};
	int dir;

	churn.seed = churn.first_seed;
	printf("seed: %u\n", churn.first_seed);
	fflush(stdout);
	make_numbered("d", STAYING);
	dir = OK(open("d", O_RDONLY | O_DIRECTORY));
	for (int round = 0; round < 30; round++)
		read_while_changing(&churn, dir);
	OK(close(dir));
}
END_TEST

void add_listing_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "listing", NULL);

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, every_entry_is_listed_once, 0, 4);
	tcase_add_test(tcase, rewinding_shows_what_was_made_meanwhile);
	tcase_add_test(tcase, a_fresh_listing_shows_every_change);
	tcase_add_test(tcase, a_listing_tells_types_and_inode_numbers);
	tcase_add_test(tcase, seekdir_goes_back_to_every_position);
	tcase_add_test(tcase, a_position_stays_valid_when_its_entry_is_removed);
	tcase_add_test(tcase, a_directory_can_be_emptied_while_it_is_read);
	tcase_add_test(tcase, a_removed_directory_lists_nothing);
	tcase_add_test(tcase, what_stays_is_listed_once_while_others_come_and_go);
}

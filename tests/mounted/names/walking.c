/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks through directories that change between any two entries. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "random.h"
#include "suites.h"

enum { MOST = 400, READERS = 4 };

/* Entries s0, s1, ... stay, maybe under a longer name; "p" is there at every step; others pass. */
struct scene {
	int dir, other;
	unsigned staying;
	bool longer[MOST];
	unsigned turn;
};

static void make_at(int dir, const char *name)
{
	OK(close(OK(openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600))));
}

static void name_of(const struct scene *scene, unsigned number, char name[32])
{
	snprintf(name, 32, scene->longer[number] ? "s%u-and-a-longer-name" : "s%u", number);
}

static struct scene begin_scene(unsigned staying)
{
	struct scene scene = {.staying = staying};
	char name[32];

	OK(mkdir("d", 0755));
	OK(mkdir("other", 0755));
	scene.dir = OK(open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	scene.other = OK(open("other", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	for (unsigned i = 0; i < staying; i++) {
		if (i == staying / 2)
			make_at(scene.dir, "p");
		name_of(&scene, i, name);
		make_at(scene.dir, name);
	}
	make_at(scene.other, "elsewhere");
	return scene;
}

static void end_scene(const struct scene *scene)
{
	OK(close(scene->dir));
	OK(close(scene->other));
}

/* --- changes ---------------------------------------------------------------------------------- */

static void make_more(struct scene *scene)
{
	char name[32];

	snprintf(name, sizeof name, "more%u", scene->turn);
	make_at(scene->dir, name);
}

static void remove_and_make(struct scene *scene)
{
	OK(unlinkat(scene->dir, "p", 0));
	make_at(scene->dir, "p");
}

static void rename_there_and_back(struct scene *scene)
{
	OK(renameat(scene->dir, "p", scene->dir, "a-longer-name"));
	OK(renameat(scene->dir, "a-longer-name", scene->dir, "p"));
}

static void rename_one_that_stays(struct scene *scene)
{
	unsigned number = scene->turn % scene->staying;
	char from[32], to[32];

	name_of(scene, number, from);
	scene->longer[number] = !scene->longer[number];
	name_of(scene, number, to);
	OK(renameat(scene->dir, from, scene->dir, to));
}

static void move_out_and_in(struct scene *scene)
{
	OK(renameat(scene->dir, "p", scene->other, "p"));
	OK(renameat(scene->other, "p", scene->dir, "p"));
}

static void replace(struct scene *scene)
{
	make_at(scene->dir, "q");
	OK(renameat(scene->dir, "q", scene->dir, "p"));
}

static void replace_from_elsewhere(struct scene *scene)
{
	make_at(scene->other, "q");
	OK(renameat(scene->other, "q", scene->dir, "p"));
}

static void exchange_two_that_stay(struct scene *scene)
{
	char one[32], two[32];

	name_of(scene, scene->turn % scene->staying, one);
	name_of(scene, (scene->turn * 7 + 1) % scene->staying, two);
	OK(renameat2(scene->dir, one, scene->dir, two, RENAME_EXCHANGE));
}

static void exchange_with_elsewhere(struct scene *scene)
{
	OK(renameat2(scene->dir, "p", scene->other, "elsewhere", RENAME_EXCHANGE));
}

static void link_and_unlink(struct scene *scene)
{
	OK(linkat(scene->dir, "p", scene->dir, "q", 0));
	OK(unlinkat(scene->dir, "p", 0));
	OK(linkat(scene->dir, "q", scene->dir, "p", 0));
	OK(unlinkat(scene->dir, "q", 0));
}

static void make_directory_and_move_it(struct scene *scene)
{
	OK(mkdirat(scene->dir, "q", 0755));
	OK(renameat(scene->dir, "q", scene->dir, "r"));
	OK(renameat(scene->dir, "r", scene->other, "r"));
	OK(renameat(scene->other, "r", scene->dir, "q"));
	OK(unlinkat(scene->dir, "q", AT_REMOVEDIR));
}

static void link_nameless(struct scene *scene)
{
	int fd = OK(openat(scene->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, scene->dir, "q", AT_SYMLINK_FOLLOW));
	OK(renameat(scene->dir, "q", scene->dir, "p"));
	OK(close(fd));
}

static void replace_a_directory(struct scene *scene)
{
	OK(mkdirat(scene->dir, "q", 0755));
	OK(mkdirat(scene->other, "r", 0755));
	OK(renameat(scene->other, "r", scene->dir, "q"));
	OK(unlinkat(scene->dir, "q", AT_REMOVEDIR));
}

static void make_links_and_fifos(struct scene *scene)
{
	char name[32];

	snprintf(name, sizeof name, "link%u", scene->turn);
	OK(symlinkat("p", scene->dir, name));
	snprintf(name, sizeof name, "fifo%u", scene->turn);
	OK(mkfifoat(scene->dir, name, 0600));
}

/* Those of names that stay come last: there a tmpfs may give an entry a new place. */
static void (*const changes[])(struct scene *scene) = {
    make_more,
    make_links_and_fifos,
    remove_and_make,
    rename_there_and_back,
    move_out_and_in,
    replace,
    replace_from_elsewhere,
    exchange_with_elsewhere,
    link_and_unlink,
    link_nameless,
    replace_a_directory,
    make_directory_and_move_it,
    rename_one_that_stays,
    exchange_two_that_stay,
};

enum { CHANGES = sizeof changes / sizeof changes[0], GROWING = 2, OF_STAYING = 2 };

static unsigned change_count(void)
{
	return fixture_is_tmpfs() ? CHANGES - OF_STAYING : CHANGES;
}

static void change(struct scene *scene, unsigned which)
{
	scene->turn++;
	changes[which](scene);
}

/* --- walks ------------------------------------------------------------------------------------ */

struct walk {
	int fd;
	unsigned entries;
	unsigned char seen[MOST];
};

static void begin_walk(struct walk *walk)
{
	*walk = (struct walk){.fd = OK(open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC))};
}

/* One system call with room for an entry or a few. False at the end. */
static bool walk_on(struct walk *walk, size_t room)
{
	_Alignas(struct dirent64) char data[4096];
	ssize_t length = OK(getdents64(walk->fd, data, room));
	unsigned number;

	for (ssize_t at = 0; at < length;) {
		struct dirent64 *entry = (struct dirent64 *)(void *)(data + at);

		if (sscanf(entry->d_name, "s%u", &number) == 1) {
			ck_assert_uint_lt(number, MOST);
			walk->seen[number]++;
		}
		walk->entries++;
		at += entry->d_reclen;
	}
	return length > 0;
}

static void end_walk(struct walk *walk, const struct scene *scene)
{
	for (unsigned i = 0; i < scene->staying; i++)
		ck_assert_msg(walk->seen[i] == 1, "s%u stayed and came %u times, after %u changes",
		    i, walk->seen[i], scene->turn);
	OK(close(walk->fd));
}

static const unsigned sizes[] = {1, 7, 150};

enum { SIZES = sizeof sizes / sizeof sizes[0], ROOM = 64 };

/* A fresh walk to the end, which leaves the listing in the kernel's cache. */
static void fill_cache(void)
{
	struct walk walk;

	begin_walk(&walk);
	while (walk_on(&walk, 4096))
		continue;
	OK(close(walk.fd));
}

/* What was there at the beginning, both dots, and "p" when it comes again. */
static void expect_it_ends(const struct walk *walk, const struct scene *scene)
{
	ck_assert_msg(walk->entries <= scene->staying + 4,
	    "%u entries of a directory that had %u, after %u changes", walk->entries,
	    scene->staying + 3, scene->turn);
}

static void walk_while_changing(unsigned which, unsigned staying, bool cached)
{
	struct scene scene = begin_scene(staying);
	struct walk walk;

	begin_walk(&walk);
	/* Both dots; only with the next entry a walk has begun. */
	while (walk.entries <= 2)
		ck_assert(walk_on(&walk, ROOM));
	do {
		change(&scene, which);
		if (cached)
			fill_cache();
		expect_it_ends(&walk, &scene);
	} while (walk_on(&walk, ROOM));
	end_walk(&walk, &scene);
	end_scene(&scene);
}

START_TEST(a_walk_ends_and_sees_what_stays_once)
{
	if ((unsigned)_i / SIZES < change_count())
		walk_while_changing((unsigned)_i / SIZES, sizes[_i % SIZES], false);
}
END_TEST

START_TEST(a_walk_ends_where_others_fill_the_cache)
{
	if ((unsigned)_i / SIZES < change_count())
		walk_while_changing((unsigned)_i / SIZES, sizes[_i % SIZES], true);
}
END_TEST

START_TEST(walks_among_changes_of_every_kind_see_what_stays_once)
{
	struct random random =
	    random_begin("walks_among_changes_of_every_kind_see_what_stays_once");
	struct scene scene = begin_scene(150);
	struct walk walks[READERS];
	unsigned ended = 0;

	for (unsigned i = 0; i < READERS; i++)
		begin_walk(&walks[i]);
	for (unsigned step = 0; step < random_steps(6000); step++) {
		struct walk *walk = &walks[random_below(&random, READERS)];

		if (random_percent(&random, 50)) {
			/* What only adds would make the directory as large as the test is long. */
			change(&scene, GROWING + random_below(&random, change_count() - GROWING));
		} else if (!walk_on(walk, ROOM + random_below(&random, 1000))) {
			end_walk(walk, &scene);
			begin_walk(walk);
			ended++;
		}
		ck_assert_uint_le(walk->entries, scene.staying + 8);
	}
	ck_assert_uint_gt(ended, 0);
	for (unsigned i = 0; i < READERS; i++)
		OK(close(walks[i].fd));
	end_scene(&scene);
}
END_TEST

void add_walking_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "walking", NULL);

	tcase_set_timeout(tcase, 60);
	tcase_set_tags(tcase, "busy");
	tcase_add_loop_test(tcase, a_walk_ends_and_sees_what_stays_once, 0, CHANGES * SIZES);
	tcase_add_loop_test(tcase, a_walk_ends_where_others_fill_the_cache, 0, CHANGES * SIZES);
	tcase_add_test(tcase, walks_among_changes_of_every_kind_see_what_stays_once);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes and one page: whatever each does to its own bytes of it, by mappings and by calls,
 * stays, and so do the bytes that nobody touches.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "random.h"
#include "suites.h"

/* For each pair of ways: all take six seconds, and a minute in the long form. */
enum { USUAL_MS = 134 };

/* Nobody's bytes, then those of either; the second may cut its own off. */
enum { FIRST_AT = 1024, SECOND_AT = 2560, MOST = 256, PAUSE_US = 150 };

/* What both sides of a test keep in mind, in memory that they share. */
struct page {
	unsigned char bytes[PAGE];
};

struct actor {
	const struct way *way, *other;
	unsigned number;
	size_t from, end; /* its bytes */
	struct random random;
	struct page *want;
	int fd, source, sink;
	unsigned char *map;
};

static void fill_source(struct actor *actor, unsigned char *bytes, size_t at, size_t length)
{
	GIVES((long)length, pread(actor->source, bytes, length, (off_t)at));
}

static void store(struct actor *actor, size_t at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		actor->map[at + i] = actor->want->bytes[at + i] =
		    (unsigned char)random_next(&actor->random);
}

static void write_some(struct actor *actor, size_t at, size_t length)
{
	random_bytes(&actor->random, actor->want->bytes + at, length);
	GIVES((long)length, pwrite(actor->fd, actor->want->bytes + at, length, (off_t)at));
}

static void copy_in(struct actor *actor, size_t at, size_t length)
{
	loff_t from = random_below(&actor->random, MOST), to = (loff_t)at;

	fill_source(actor, actor->want->bytes + at, (size_t)from, length);
	GIVES((long)length, copy_file_range(actor->source, &from, actor->fd, &to, length, 0));
}

static void copy_out(struct actor *actor, size_t at, size_t length)
{
	loff_t from = (loff_t)at, to = (loff_t)at;
	unsigned char copied[MOST];

	GIVES((long)length, copy_file_range(actor->fd, &from, actor->sink, &to, length, 0));
	GIVES((long)length, pread(actor->sink, copied, length, (off_t)at));
	BYTES_EQUAL(actor->want->bytes + at, copied, length);
}

static void clear(struct actor *actor, int mode, size_t at, size_t length)
{
	memset(actor->want->bytes + at, 0, length);
	OK(fallocate(actor->fd, mode, (off_t)at, (off_t)length));
}

static void punch(struct actor *actor, size_t at, size_t length)
{
	clear(actor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length);
}

/* Which tmpfs lacks. */
static void zero(struct actor *actor, size_t at, size_t length)
{
	if (!fixture_is_tmpfs())
		clear(actor, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, at, length);
}

static void allocate(struct actor *actor, size_t at, size_t length)
{
	OK(fallocate(actor->fd, 0, (off_t)at, (off_t)length));
}

static void cut_and_grow(struct actor *actor, size_t at, size_t length)
{
	(void)length;
	memset(actor->want->bytes + at, 0, PAGE - at);
	OK(ftruncate(actor->fd, (off_t)at));
	OK(ftruncate(actor->fd, PAGE));
}

static void only_read(struct actor *actor, size_t at, size_t length)
{
	(void)actor;
	(void)at;
	(void)length;
}

static const struct way {
	const char *name;
	void (*change)(struct actor *actor, size_t at, size_t length);
} ways[] = {
    {"store", store},
    {"pwrite", write_some},
    {"copy_file_range to it", copy_in},
    {"copy_file_range from it", copy_out},
    {"punch", punch},
    {"zero", zero},
    {"fallocate", allocate},
    {"ftruncate down and up", cut_and_grow},
    {"read", only_read},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void compare(const struct actor *actor, const unsigned char *there, const char *seen,
    size_t from, size_t end)
{
	for (size_t at = from; at < end; at++)
		if (there[at] != actor->want->bytes[at])
			ck_abort_msg("%s beside %s: byte %zu is 0x%02x by %s, not 0x%02x",
			    actor->way->name, actor->other->name, at, there[at], seen,
			    actor->want->bytes[at]);
}

/* Its own bytes, and those that nobody touches. */
static void check(const struct actor *actor)
{
	unsigned char there[PAGE] = {0};

	ck_assert_int_ge(OK(pread(actor->fd, there, PAGE, 0)), (int)actor->end);
	compare(actor, there, "pread", 0, FIRST_AT);
	compare(actor, there, "pread", actor->from, actor->end);
	compare(actor, actor->map, "mapping", 0, FIRST_AT);
	compare(actor, actor->map, "mapping", actor->from, actor->end);
}

static bool has_time(const struct timespec *end)
{
	struct timespec now;

	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec < end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec < end->tv_nsec);
}

static struct timespec end_of_pair(void)
{
	long ms = random_steps(USUAL_MS);
	struct timespec end;

	OK(clock_gettime(CLOCK_MONOTONIC, &end));
	end.tv_sec += (end.tv_nsec / 1000000 + ms) / 1000;
	end.tv_nsec = (end.tv_nsec + ms % 1000 * 1000000) % 1000000000;
	return end;
}

static void pause_some(struct actor *actor)
{
	struct timespec pause = {0, random_below(&actor->random, PAUSE_US) * 1000L};

	(void)nanosleep(&pause, NULL);
}

static int nameless(const char *name)
{
	int fd = new_object(name, PAGE);

	write_pattern(fd, 0, PAGE);
	OK(unlink(name));
	return fd;
}

static void prepare(struct actor *actor)
{
	actor->source = nameless(actor->number == 0 ? "source-0" : "source-1");
	actor->sink = nameless(actor->number == 0 ? "sink-0" : "sink-1");
	actor->fd = OK(open("page", O_RDWR));
	actor->map = map_object(actor->fd, PAGE, PROT_READ | PROT_WRITE);
}

static void act(void *context)
{
	struct timespec end = end_of_pair();
	struct actor *actor = context;

	prepare(actor);
	while (has_time(&end)) {
		size_t room = actor->end - actor->from;

		if (room > 0) {
			size_t at = actor->from + random_below(&actor->random, (unsigned)room);
			size_t length = 1 + random_below(&actor->random, MOST);

			actor->way->change(
			    actor, at, length < actor->end - at ? length : actor->end - at);
		}
		check(actor);
		pause_some(actor);
		check(actor);
	}
}

/* By an opening that has seen nothing, with what the kernel keeps and with what the object has. */
static void check_end(struct actor *actor, int fd)
{
	actor->fd = fd;
	actor->map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	check(actor);
	OK(msync(actor->map, PAGE, MS_SYNC));
	unmap(actor->map, PAGE);
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	actor->map = map_object(fd, PAGE, PROT_READ);
	check(actor);
	unmap(actor->map, PAGE);
}

/* Two that cut have none of their own: there is one end. */
static void share_out(struct actor actors[2])
{
	bool both_cut =
	    actors[0].way->change == cut_and_grow && actors[1].way->change == cut_and_grow;
	unsigned last = actors[0].way->change == cut_and_grow ? 0 : 1;

	actors[1 - last].from = FIRST_AT;
	actors[1 - last].end = both_cut ? FIRST_AT : SECOND_AT;
	actors[last].from = both_cut ? FIRST_AT : SECOND_AT;
	actors[last].end = both_cut ? FIRST_AT : PAGE;
}

static void run_pair(
    struct random *random, struct page *want, const struct way *first, const struct way *second)
{
	struct actor actors[2] = {{.way = first, .other = second, .number = 0},
	    {.way = second, .other = first, .number = 1}};
	int fd = new_object("page", PAGE);
	pid_t pids[2];

	pattern(want->bytes, 0, PAGE);
	write_pattern(fd, 0, PAGE);
	share_out(actors);
	for (int i = 0; i < 2; i++) {
		actors[i].random.state = random_next(random);
		actors[i].want = want;
		pids[i] = start_child(act, &actors[i]);
	}
	for (int i = 0; i < 2; i++)
		end_child(pids[i]);
	for (int i = 0; i < 2; i++)
		check_end(&actors[i], fd);
	OK(close(fd));
	OK(unlink("page"));
}

START_TEST(two_processes_never_lose_each_others_bytes_of_one_page)
{
	struct random random =
	    random_begin("two_processes_never_lose_each_others_bytes_of_one_page");
	struct page *want =
	    mmap(NULL, sizeof *want, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(want, MAP_FAILED);
	for (unsigned first = 0; first < WAYS; first++)
		for (unsigned second = first; second < WAYS; second++)
			run_pair(&random, want, &ways[first], &ways[second]);
	munmap(want, sizeof *want);
}
END_TEST

void add_one_page_cases(Suite *suite)
{
	TCase *tests = case_on_mount(suite, "one page", NULL);

	tcase_set_tags(tests, "busy");
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, two_processes_never_lose_each_others_bytes_of_one_page);
}

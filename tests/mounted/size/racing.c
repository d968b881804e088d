/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that race at the limit: each gets an error or memory that is there, and never SIGBUS.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "racing.h"
#include "suites.h"

enum { RACERS = 4, SECONDS = 20, MOST_PAGES = 120 };

struct racer {
	unsigned seed;
	int number, seconds, ftruncate_error;
};

static void start_small(void)
{
	shared_mount = mount_start("size=1m,nr_inodes=1k");
}

/* Grows an object by any of the ways there are. True: it now has this size. */
static bool grow(const struct racer *racer, int fd, off_t size, unsigned way)
{
	bool writes = racer->ftruncate_error == ENOSPC;
	int rc, error = ENOSPC;

	switch (way % (writes ? 3 : 2)) {
	case 0:
		rc = ftruncate(fd, size);
		error = racer->ftruncate_error;
		break;
	case 1:
		rc = fallocate(fd, 0, 0, size);
		break;
	default:
		rc = pwrite(fd, "x", 1, size - 1) == 1 ? 0 : -1;
		break;
	}
	if (rc != 0)
		FAILS(error, rc);
	return rc == 0;
}

/* Touches every page of what was granted. */
static void use(int fd, off_t size)
{
	unsigned char *map = map_object(fd, (size_t)size, PROT_READ | PROT_WRITE);

	for (off_t at = 0; at < size; at += PAGE)
		map[at]++;
	unmap(map, (size_t)size);
}

static void race(void *context)
{
	struct racer *racer = context;
	time_t end = time(NULL) + racer->seconds;
	char name[32];

	snprintf(name, sizeof name, "tmp-%d", racer->number);
	while (time(NULL) < end) {
		off_t size = (1 + rand_r(&racer->seed) % MOST_PAGES) * (off_t)PAGE;
		int fd = new_object(name, 0);

		if (grow(racer, fd, size, (unsigned)rand_r(&racer->seed)))
			use(fd, size);
		if (grow(racer, fd, size + PAGE, (unsigned)rand_r(&racer->seed)))
			use(fd, size + PAGE);
		OK(unlink(name));
		OK(close(fd));
	}
}

static bool all_is_free(void *context)
{
	struct statfs status;

	(void)context;
	OK(statfs(".", &status));
	return status.f_bfree == RACING_PAGES;
}

void race_at_the_limit(int seconds, int ftruncate_error)
{
	struct racer racers[RACERS];
	pid_t children[RACERS];
	unsigned seed = (unsigned)time(NULL);

	printf("seed: %u\n", seed);
	fflush(stdout);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){seed + (unsigned)i, i, seconds, ftruncate_error};
		children[i] = start_child(race, &racers[i]);
	}
	for (int i = 0; i < RACERS; i++)
		end_child(children[i]);
}

START_TEST(four_processes_at_the_limit_never_get_sigbus)
{
	race_at_the_limit(SECONDS, ENOSPC);
	ck_assert_msg(within_a_second(all_is_free, NULL), "something is still charged");
}
END_TEST

void add_racing_cases(Suite *suite)
{
	TCase *racing = case_on_mount(suite, "racing", start_small);

	tcase_set_tags(racing, "slow busy");
	tcase_set_timeout(racing, 60);
	tcase_add_test(racing, four_processes_at_the_limit_never_get_sigbus);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The outside world of outside.h. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/storage/arith.h"
#include "harness.h"
#include "large_pages.h"
#include "outside_calls.h"
#include "test_memory.h"

struct outside *outside;

/* As outside_calls.h says. */
bool outside_arrive(const void *arg, enum outside_call call)
{
	REQUIRE(arg == outside, "called with another arg");
	outside->calls[call]++;
	outside->count++;
	if (outside->count == outside->kill_at) {
		outside->killed = call;
		if (!outside->kill_late)
			kill(getpid(), SIGKILL);
	}
	if (outside->count != outside->fail_at)
		return false;
	outside->failed = call;
	return true;
}

void outside_leave(void)
{
	if (outside->count == outside->kill_at)
		kill(getpid(), SIGKILL);
}

int outside_failure(void)
{
	return -outside->fail_errno;
}

/* What programs ask for, unless an object does. */
static int pages_of(void *arg, enum shmfs_pages pages)
{
	const struct outside *all = arg;

	return all->one_kind ? -EOPNOTSUPP : (int)pages;
}

static int memory_create(void *arg, int fd, enum shmfs_pages pages)
{
	int rc;

	REQUIRE(fd >= SHMFS_DESCRIPTOR_FIRST && fd < OUTSIDE_IDS, "descriptor %d", fd);
	REQUIRE(!outside->books.memory[fd], "descriptor %d is in use", fd);
	outside->promised = fd;
	if (outside_arrive(arg, OUTSIDE_MEMORY_CREATE))
		return outside_failure();
	rc = test_memory_create(fd);
	if (rc == 0) {
		outside->books.memory[fd] = true;
		outside->books.pages[fd] = pages;
		outside->books.memories++;
	}
	outside_leave();
	return rc;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* What is registered is of no use once its memory can be had by nobody else. */
static void expect_no_backing(int fd)
{
	ino_t inode = outside_inode(fd);

	for (int i = 0; i < OUTSIDE_NAMES; i++)
		if (outside->books.name[i].name != 0 &&
		    outside_inode(outside->books.name[i].fd) == inode)
			return;
	for (int id = 0; id < OUTSIDE_IDS; id++)
		REQUIRE(outside->books.backing[id] != inode,
		    "backing id %d outlives its descriptor %d", id, fd);
}

/* A close that fails has let go of the number all the same, as on Linux. */
static int close_memory(void *arg, int fd)
{
	bool fail = outside_arrive(arg, OUTSIDE_CLOSE);

	REQUIRE(fd >= 0 && fd < OUTSIDE_IDS, "close of %d", fd);
	if (fd == outside->borrowed) {
		outside->borrowed = 0;
		close(fd);
		outside_leave();
		return 0;
	}
	if (!outside->books.memory[fd]) {
		REQUIRE(outside->repeats_allowed || outside->promised == fd,
		    "descriptor %d is closed twice", fd);
		outside_leave();
		return -EBADF;
	}
	expect_no_backing(fd);
	outside->books.memory[fd] = false;
	outside->books.memories--;
	REQUIRE_SAME(0, shmfs_os_linux()->close(arg, fd));
	outside_leave();
	return fail ? outside_failure() : 0;
}

static void expect_open(int fd)
{
	REQUIRE(fd >= 0 && fd < OUTSIDE_IDS &&
		    (outside->books.memory[fd] || (fd > 0 && fd == outside->borrowed)),
	    "use of descriptor %d, which is no open memory", fd);
}

/* Whether the system's own pages are too small for the test. */
static bool pretends(void)
{
	return PAGE > shmfs_os_linux()->page_size(NULL);
}

/* What stays of the page where it ends, before and after, is the page. */
static int truncate_pages(void *arg, int fd, uint64_t size)
{
	struct stat st;
	struct edges edges = {0};
	int rc;

	if (pretends() && fstat(fd, &st) == 0)
		edges = large_pages_before(fd, PAGE, smaller(size, (uint64_t)st.st_size), 0);
	rc = shmfs_os_linux()->truncate(arg, fd, size);
	large_pages_after(fd, PAGE, &edges);
	return rc;
}

static int truncate_memory(void *arg, int fd, uint64_t size)
{
	bool fail = outside_arrive(arg, OUTSIDE_TRUNCATE);
	int rc = 0;

	if (outside->repeats_allowed && !outside->books.memory[fd])
		return -EBADF;
	expect_open(fd);
	if (!fail || outside->fail_late)
		rc = truncate_pages(arg, fd, size);
	outside_leave();
	return fail ? outside_failure() : rc;
}

static int punch(void *arg, int fd, uint64_t offset, uint64_t length)
{
	struct edges edges = {0};
	int rc;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_PUNCH))
		return outside_failure();
	if (pretends())
		edges = large_pages_before(fd, PAGE, offset, length);
	rc = shmfs_os_linux()->punch(arg, fd, offset, length);
	large_pages_after(fd, PAGE, &edges);
	outside_leave();
	return rc;
}

static ssize_t read_memory(void *arg, int fd, void *buffer, size_t size, uint64_t offset)
{
	ssize_t count;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_READ))
		return outside_failure();
	count = shmfs_os_linux()->read(arg, fd, buffer, size, offset);
	outside_leave();
	return count;
}

static ssize_t splice_memory(void *arg, int fd, int pipe, size_t size, uint64_t offset)
{
	ssize_t count;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_SPLICE))
		return outside_failure();
	count = shmfs_os_linux()->splice(arg, fd, pipe, size, offset);
	outside_leave();
	return count;
}

static ssize_t write_memory(void *arg, int fd, const void *buffer, size_t size, uint64_t offset)
{
	ssize_t count;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_WRITE))
		return outside_failure();
	if (outside->write_at_most > 0 && size > outside->write_at_most)
		size = outside->write_at_most;
	count = shmfs_os_linux()->write(arg, fd, buffer, size, offset);
	if (pretends() && count > 0)
		large_pages_written(fd, PAGE, offset, (uint64_t)count);
	outside_leave();
	return count;
}

static int seek(void *arg, int fd, uint64_t offset, int whence, uint64_t *out)
{
	int rc;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_SEEK))
		return outside_failure();
	rc = shmfs_os_linux()->seek(arg, fd, offset, whence, out);
	outside_leave();
	return rc;
}

static int look(void *arg, int fd, struct shmfs_memory_state *out)
{
	int rc;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_LOOK))
		return outside_failure();
	rc = shmfs_os_linux()->look(arg, fd, out);
	out->written = outside->written;
	if (outside->piece > 0)
		out->piece = outside->piece;
	outside_leave();
	return rc;
}

static int set_written(void *arg, int fd, const struct timespec *when)
{
	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_SET_WRITTEN))
		return outside_failure();
	outside->written = *when;
	outside_leave();
	return 0;
}

static void quiesce(void *arg)
{
	struct outside *all = arg;

	all->quiesced++;
}

static int seal_write(void *arg, int fd)
{
	int rc;

	expect_open(fd);
	outside->asked = fd;
	rc = outside_arrive(arg, OUTSIDE_SEAL_WRITE) ? outside_failure()
						     : shmfs_os_linux()->seal_write(arg, fd);
	outside_leave();
	outside->asked = 0;
	return rc;
}

/* What it opens belongs to the test, which closes it. */
static int reopen(void *arg, int fd, bool writes)
{
	expect_open(fd);
	return outside_arrive(arg, OUTSIDE_REOPEN) ? outside_failure()
						   : shmfs_os_linux()->reopen(arg, fd, writes);
}

/* Failing is not being able to tell. */
static bool unused(void *arg, int fd)
{
	bool answer;

	expect_open(fd);
	outside->asked = fd;
	answer = !outside_arrive(arg, OUTSIDE_UNUSED) && !outside->in_use &&
		 shmfs_os_linux()->unused(arg, fd);
	outside_leave();
	outside->asked = 0;
	return answer;
}

static void settle(void *arg, int fd)
{
	REQUIRE(arg == outside, "called with another arg");
	REQUIRE(fd == outside->asked || outside->asked == 0,
	    "descriptor %d is settled, and %d was asked about", fd, outside->asked);
	outside->asked = 0;
	shmfs_os_linux()->settle(arg, fd);
}

static bool in_group(void *arg, pid_t pid, gid_t gid)
{
	REQUIRE(arg == outside, "called with another arg");
	REQUIRE(pid != 0, "no process is asked for its groups");
	return pid == outside->member && gid == outside->group;
}

static size_t page_size(void *arg)
{
	REQUIRE(arg == outside, "called with another arg");
	return outside->page_size;
}

static void now(void *arg, struct timespec *out)
{
	REQUIRE(arg == outside, "called with another arg");
	*out = outside->now;
}

static uint64_t uptime(void *arg)
{
	REQUIRE(arg == outside, "called with another arg");
	return outside->uptime;
}

static void stamp(void *arg, int fd, struct timespec *out)
{
	(void)fd;
	now(arg, out);
}

static int random_bytes(void *arg, void *buffer, size_t size)
{
	if (outside_arrive(arg, OUTSIDE_RANDOM))
		return outside_failure();
	return shmfs_os_linux()->random(arg, buffer, size);
}

/* Ids come back late, so that use of one that was closed is seen. */
static int next_backing(void)
{
	int id = outside->last_backing;

	REQUIRE(outside->books.backings < OUTSIDE_IDS - 1, "too many backing ids");
	do
		id = id % (OUTSIDE_IDS - 1) + 1;
	while (outside->books.backing[id] != 0);
	return id;
}

static int backing_open(void *arg, int fd)
{
	int id;

	expect_open(fd);
	if (outside_arrive(arg, OUTSIDE_BACKING_OPEN))
		return outside_failure();
	id = next_backing();
	outside->last_backing = id;
	outside->books.backing[id] = outside_inode(fd);
	outside->books.backings++;
	outside_leave();
	return id;
}

static void backing_close(void *arg, int id)
{
	(void)outside_arrive(arg, OUTSIDE_BACKING_CLOSE);
	REQUIRE(id > 0 && id < OUTSIDE_IDS, "close of backing id %d", id);
	if (outside->books.backing[id] == 0) {
		REQUIRE(outside->repeats_allowed, "backing id %d is closed twice", id);
	} else {
		outside->books.backing[id] = 0;
		outside->books.backings--;
	}
	outside_leave();
}

void outside_begin(void)
{
	const char *text = getenv("SHMFS_TEST_PAGE_SIZE");
	size_t linux_page = shmfs_os_linux()->page_size(NULL);

	outside =
	    mmap(NULL, sizeof *outside, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(outside, MAP_FAILED);
	outside->failed = outside->killed = OUTSIDE_NONE;
	outside->now = (struct timespec){1000000000, 5};
	outside->uptime = 1000000000000;
	outside->page_size = text != NULL ? strtoul(text, NULL, 10) : linux_page;
	ck_assert_uint_ge(outside->page_size, linux_page);
}

void outside_end(void)
{
	munmap(outside, sizeof *outside);
	outside = NULL;
}

const struct shmfs_os *outside_os(void)
{
	static struct shmfs_os os = {
	    .pages = pages_of,
	    .memory_create = memory_create,
	    .memory_name = outside_memory_name,
	    .memory_unname = outside_memory_unname,
	    .memory_open = outside_memory_open,
	    .close = close_memory,
	    .truncate = truncate_memory,
	    .cut = truncate_memory,
	    .punch = punch,
	    .read = read_memory,
	    .write = write_memory,
	    .splice = splice_memory,
	    .seek = seek,
	    .quiesce = quiesce,
	    .look = look,
	    .look_by_name = outside_look_by_name,
	    .set_written = set_written,
	    .seal_write = seal_write,
	    .reopen = reopen,
	    .unused = unused,
	    .settle = settle,
	    .in_group = in_group,
	    .page_size = page_size,
	    .stamp = stamp,
	    .stamp_written = stamp,
	    .now = now,
	    .uptime = uptime,
	    .random = random_bytes,
	    .backing_open = backing_open,
	    .backing_close = backing_close,
	};

	os.arg = outside;
	return &os;
}

void outside_fail(unsigned n, int error, bool late)
{
	outside->count = 0;
	outside->fail_at = n;
	outside->fail_errno = error;
	outside->fail_late = late;
	outside->failed = OUTSIDE_NONE;
}

void outside_kill(unsigned n, bool late)
{
	outside->count = 0;
	outside->kill_at = n;
	outside->kill_late = late;
	outside->killed = OUTSIDE_NONE;
}

void outside_advance(time_t seconds, long nanoseconds)
{
	REQUIRE(seconds >= 0 && nanoseconds >= 0, "time goes back");
	outside->uptime += (uint64_t)seconds * 1000000000 + (uint64_t)nanoseconds;
	outside->now.tv_sec += seconds;
	outside->now.tv_nsec += nanoseconds;
	if (outside->now.tv_nsec >= 1000000000) {
		outside->now.tv_nsec -= 1000000000;
		outside->now.tv_sec++;
	}
}

const char *outside_call_name(enum outside_call call)
{
	static const char *const names[] = {
	    [OUTSIDE_MEMORY_CREATE] = "memory_create",
	    [OUTSIDE_MEMORY_NAME] = "memory_name",
	    [OUTSIDE_MEMORY_UNNAME] = "memory_unname",
	    [OUTSIDE_MEMORY_OPEN] = "memory_open",
	    [OUTSIDE_MEMORY_BORROW] = "memory_open of any number",
	    [OUTSIDE_CLOSE] = "close",
	    [OUTSIDE_TRUNCATE] = "truncate",
	    [OUTSIDE_PUNCH] = "punch",
	    [OUTSIDE_READ] = "read",
	    [OUTSIDE_SPLICE] = "splice",
	    [OUTSIDE_WRITE] = "write",
	    [OUTSIDE_SEEK] = "seek",
	    [OUTSIDE_LOOK] = "look",
	    [OUTSIDE_LOOK_BY_NAME] = "look_by_name",
	    [OUTSIDE_SET_WRITTEN] = "set_written",
	    [OUTSIDE_SEAL_WRITE] = "seal_write",
	    [OUTSIDE_REOPEN] = "reopen",
	    [OUTSIDE_UNUSED] = "unused",
	    [OUTSIDE_RANDOM] = "random",
	    [OUTSIDE_BACKING_OPEN] = "backing_open",
	    [OUTSIDE_BACKING_CLOSE] = "backing_close",
	    [OUTSIDE_NONE] = "no call",
	};

	return names[call];
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects in the working directory, their contents and mappings. */
#include "objects.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"

int new_object(const char *name, off_t size)
{
	int fd = OK(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

	if (size > 0)
		OK(ftruncate(fd, size));
	return fd;
}

void make_object(const char *name, off_t size)
{
	OK(close(new_object(name, size)));
}

void open_for_ever(void *path)
{
	for (;;)
		OK(close(OK(open(path, O_RDWR))));
}

off_t size_of(int fd)
{
	struct stat status;

	OK(fstat(fd, &status));
	return status.st_size;
}

struct stat status_of(const char *name)
{
	struct stat status;

	ck_assert_msg(lstat(name, &status) == 0, "lstat of %s fails", name);
	return status;
}

bool exists(const char *name)
{
	struct stat status;

	if (lstat(name, &status) == 0)
		return true;
	ck_assert_msg(
	    errno == ENOENT, "lstat of %s: expected ENOENT, got %s", name, strerrorname_np(errno));
	return false;
}

unsigned char pattern_at(off_t offset)
{
	return (unsigned char)((offset + offset / PAGE * 7) % 251 + 1);
}

void pattern(unsigned char *data, off_t offset, size_t length)
{
	for (size_t i = 0; i < length; i++)
		data[i] = pattern_at(offset + (off_t)i);
}

static unsigned char *buffer(size_t length)
{
	unsigned char *data = malloc(length + 1);

	ck_assert(data != NULL);
	return data;
}

void write_pattern(int fd, off_t offset, size_t length)
{
	unsigned char *data = buffer(length);

	pattern(data, offset, length);
	GIVES((long)length, pwrite(fd, data, length, offset));
	free(data);
}

void expect_pattern(int fd, off_t offset, size_t length)
{
	unsigned char *data = buffer(length);
	unsigned char *want = buffer(length);

	pattern(want, offset, length);
	GIVES((long)length, pread(fd, data, length, offset));
	BYTES_EQUAL(want, data, length);
	free(data);
	free(want);
}

void expect_zeros(int fd, off_t offset, size_t length)
{
	unsigned char *data = buffer(length);

	GIVES((long)length, pread(fd, data, length, offset));
	BYTES_ARE(0, data, length);
	free(data);
}

unsigned char *map_object(int fd, size_t length, int protection)
{
	void *map = mmap(NULL, length, protection, MAP_SHARED, fd, 0);

	ck_assert_msg(map != MAP_FAILED, "mmap of %zu bytes: expected success, got %s", length,
	    strerrorname_np(errno));
	return map;
}

void unmap(unsigned char *map, size_t length)
{
	OK(munmap(map, length));
}

void settle_mapped_stores(unsigned char *map, size_t length)
{
	if (!fixture_maps_natively())
		OK(msync(map, length, MS_SYNC));
}

static void load(void *context)
{
	const volatile unsigned char *byte = context;
	struct rlimit no_core = {0, 0};

	OK(setrlimit(RLIMIT_CORE, &no_core));
	(void)*byte;
}

bool load_raises_sigbus(const unsigned char *byte)
{
	int status = status_of_child(load, (void *)(size_t)byte);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

unsigned long pages_left(void)
{
	struct statfs status;

	OK(statfs(".", &status));
	return status.f_bfree;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: objects without a name, extended attributes, allocations and copies. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "client.h"

enum { SIZE = 16 * 4096 };

static unsigned char data[2 * SIZE];

/* What sendfile() sends of an object that is open for reading only. */
static void expect_sent(const char *name, size_t size)
{
	int in = (int)OK(open(name, O_RDONLY)), out = (int)OK(memfd_create("sent", MFD_CLOEXEC));
	size_t sent = 0;

	while (sent < size) {
		long count = OK(sendfile(out, in, NULL, size - sent));

		CHECK(count > 0);
		sent += (size_t)count;
	}
	CHECK(OK(sendfile(out, in, NULL, 1)) == 0);
	expect_data(out, data, size, 0);
	OK(close(in));
	OK(close(out));
}

void unnamed_object(void)
{
	int fd = (int)OK(open(".", O_TMPFILE | O_RDWR, 0600));
	size_t size = 1 + below(SIZE);
	char path[32];
	struct stat st;

	OK(fstat(fd, &st));
	CHECK(st.st_nlink == 0);
	OK(ftruncate(fd, (off_t)size));
	fill(data, size, below(UINT64_MAX));
	write_all(fd, data, size, 0);
	if (below(2) == 0) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
		FAILS(EEXIST, linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
		expect_sent("named", size);
		OK(unlink("named"));
	}
	expect_data(fd, data, size, 0);
	OK(close(fd));
}

static void set_value(const char *name, size_t size, int flags)
{
	static unsigned char got[8192];

	fill(data, size, below(UINT64_MAX));
	OK(setxattr("attributed", name, data, size, flags));
	CHECK(OK(getxattr("attributed", name, got, sizeof got)) == (long)size);
	CHECK(memcmp(got, data, size) == 0);
}

void extended_attributes(void)
{
	static const char names[] = "user.one\0user.two";
	char list[64];

	OK(mknod("attributed", S_IFREG | 0600, 0));
	set_value("user.one", below(200), XATTR_CREATE);
	FAILS(EEXIST, setxattr("attributed", "user.one", "", 0, XATTR_CREATE));
	set_value("user.two", 1 + below(8000), XATTR_CREATE);
	set_value("user.one", below(5000), XATTR_REPLACE);
	CHECK(OK(listxattr("attributed", list, sizeof list)) == (long)sizeof names);
	OK(removexattr("attributed", "user.one"));
	FAILS(ENODATA, removexattr("attributed", "user.one"));
	FAILS(ENODATA, setxattr("attributed", "user.one", "", 0, XATTR_REPLACE));
	OK(unlink("attributed"));
	FAILS(ENOENT, getxattr("attributed", "user.two", list, sizeof list));
}

void allocations_and_copies(void)
{
	int from = (int)OK(open("from", O_RDWR | O_CREAT | O_EXCL, 0600));
	int to = (int)OK(open("to", O_RDWR | O_CREAT | O_EXCL, 0600));
	off_t in = 0, out = 4096;

	OK(fallocate(from, 0, 0, SIZE));
	OK(fallocate(to, 0, 0, 2 * SIZE));
	fill(data, SIZE, below(UINT64_MAX));
	write_all(from, data, SIZE, 0);
	CHECK(OK(copy_file_range(from, &in, to, &out, SIZE, 0)) == SIZE);
	expect_data(to, data, SIZE, 4096);
	OK(fallocate(from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 9000));
	memset(data + 1000, 0, 9000);
	expect_data(from, data, SIZE, 0);
	OK(close(from));
	OK(close(to));
	OK(rename("from", "to"));
	FAILS(ENOENT, unlink("from"));
	from = (int)OK(open("to", O_RDONLY));
	expect_data(from, data, SIZE, 0);
	OK(close(from));
	OK(unlink("to"));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: objects of one's own, from their creation to their end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

enum { OBJECT_MAX = 64 * 4096, KEPT = 4, LARGE = 2 << 20 };

static unsigned char data[LARGE];

static void expect_status(int fd, mode_t mode, size_t size, nlink_t nlink)
{
	struct stat st;

	OK(fstat(fd, &st));
	CHECK((st.st_mode & 07777) == mode);
	CHECK(st.st_size == (off_t)size);
	CHECK(st.st_nlink == nlink);
}

static void use_mapping(int fd, size_t size)
{
	unsigned char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	CHECK(memcmp(map, data, size) == 0);
	for (unsigned i = 0; i < 16; i++) {
		size_t at = below(size);

		map[at] = data[at] = (unsigned char)below(256);
	}
	expect_data(fd, data, size, 0);
	OK(munmap(map, size));
	expect_data(fd, data, size, 0);
}

static void use_names(int fd, size_t size)
{
	struct stat st;
	unsigned all;

	OK(fchmod(fd, 0640));
	expect_status(fd, 0640, size, 1);
	OK(link("object", "second"));
	FAILS(EEXIST, link("object", "second"));
	expect_status(fd, 0640, size, 2);
	CHECK(listed(".", "second", &all) == 1);
	OK(rename("second", "third"));
	FAILS(ENOENT, stat("second", &st));
	FAILS(ENOENT, rename("second", "third"));
	CHECK(listed(".", "second", &all) == 0);
	CHECK(listed(".", "third", &all) == 1);
	OK(unlink("object"));
	FAILS(ENOENT, unlink("object"));
	expect_status(fd, 0640, size, 1);
}

static void shrink_and_grow(int fd, size_t size)
{
	size_t half = size / 2;
	unsigned char byte;

	OK(ftruncate(fd, (off_t)half));
	CHECK(OK(pread(fd, &byte, 1, (off_t)half)) == 0);
	OK(ftruncate(fd, (off_t)size));
	memset(data + half, 0, size - half);
	expect_data(fd, data, size, 0);
}

void live_of_object(void)
{
	int fd = (int)OK(open("object", O_RDWR | O_CREAT | O_EXCL, 0600));
	size_t size = 1 + below(OBJECT_MAX);

	FAILS(EEXIST, open("object", O_RDWR | O_CREAT | O_EXCL, 0600));
	expect_status(fd, 0600, 0, 1);
	OK(ftruncate(fd, (off_t)size));
	fill(data, size, below(UINT64_MAX));
	write_all(fd, data, size, 0);
	FAILS(EFBIG, pwrite(fd, data, 1, (off_t)size));
	expect_data(fd, data, size, 0);
	use_mapping(fd, size);
	use_names(fd, size);
	shrink_and_grow(fd, size);
	OK(unlink("third"));
	expect_status(fd, 0640, size, 0);
	expect_data(fd, data, size, 0);
	OK(close(fd));
	FAILS(ENOENT, open("third", O_RDONLY));
}

/* --- objects that stay ------------------------------------------------------------------------ */

static struct kept {
	bool made;
	size_t size;
	unsigned char data[OBJECT_MAX];
} kept[KEPT];

static void resize_kept(int fd, struct kept *it)
{
	size_t size = below(OBJECT_MAX + 1);

	OK(ftruncate(fd, (off_t)size));
	if (size > it->size)
		memset(it->data + it->size, 0, size - it->size);
	it->size = size;
}

static void write_kept(int fd, struct kept *it)
{
	size_t at = below(it->size), size = 1 + below(it->size - at);

	fill(it->data + at, size, below(UINT64_MAX));
	write_all(fd, it->data + at, size, (off_t)at);
}

/* Across the end what fits is stored, once. */
static void append_to_kept(int fd, struct kept *it)
{
	size_t at = it->size - 1 - below(it->size < 100 ? it->size : 100), room = it->size - at;

	fill(data, room + 50, below(UINT64_MAX));
	CHECK(OK(pwrite(fd, data, room + 50, (off_t)at)) == (long)room);
	memcpy(it->data + at, data, room);
}

static void map_kept(int fd, struct kept *it)
{
	unsigned char *map = mmap(NULL, it->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	for (unsigned i = 0; i < 32; i++) {
		size_t at = below(it->size);

		map[at] = it->data[at] = (unsigned char)below(256);
	}
	CHECK(memcmp(map, it->data, it->size) == 0);
	OK(msync(map, it->size, MS_SYNC));
	OK(munmap(map, it->size));
}

void changes_of_kept(void)
{
	unsigned which = (unsigned)below(KEPT);
	struct kept *it = &kept[which];
	char name[16];
	int fd;

	snprintf(name, sizeof name, "kept%u", which);
	fd = (int)OK(open(name, O_RDWR | (it->made ? 0 : O_CREAT | O_EXCL), 0600));
	it->made = true;
	for (unsigned i = 0; i < 10; i++) {
		if (it->size == 0 || below(4) == 0)
			resize_kept(fd, it);
		else if (below(3) == 0)
			append_to_kept(fd, it);
		else if (below(2) == 0)
			write_kept(fd, it);
		else
			map_kept(fd, it);
		expect_data(fd, it->data, it->size, 0);
	}
	OK(close(fd));
}

void large_transfers(void)
{
	int fd = (int)OK(open("large", O_RDWR | O_CREAT | O_EXCL, 0600));

	OK(ftruncate(fd, LARGE));
	fill(data, LARGE, below(UINT64_MAX));
	write_all(fd, data, LARGE / 2, 0);
	write_all(fd, data + LARGE / 2, LARGE / 2, LARGE / 2);
	expect_data(fd, data, LARGE, 0);
	write_all(fd, data, LARGE, 0);
	expect_data(fd, data, LARGE, 0);
	OK(close(fd));
	OK(unlink("large"));
}

/* The first and the last part of an object are kept, or only the first, and the rest is zeros. */
void memory_that_is_freed(void)
{
	static const unsigned char zeros[LARGE];
	enum { PARTS = 4 };
	size_t part = LARGE, size = PARTS * part, edge = below(4096);
	int fd = (int)OK(open("freed", O_RDWR | O_CREAT | O_EXCL, 0600));
	bool hole = below(2) == 0;
	struct stat st;

	OK(ftruncate(fd, (off_t)size));
	fill(data, part, below(UINT64_MAX));
	for (size_t i = 0; i < PARTS; i++)
		write_all(fd, data, part, (off_t)(i * part));
	if (hole) {
		OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)edge,
		    (off_t)(size - part - edge)));
		expect_data(fd, data, part, (off_t)(size - part));
	} else {
		OK(ftruncate(fd, (off_t)edge));
		OK(fstat(fd, &st));
		CHECK(st.st_size == (off_t)edge);
		OK(ftruncate(fd, (off_t)size));
		expect_data(fd, zeros, part, (off_t)(size - part));
	}
	expect_data(fd, data, edge, 0);
	expect_data(fd, zeros, part - edge, (off_t)edge);
	for (size_t i = 1; i < PARTS - 1; i++)
		expect_data(fd, zeros, part, (off_t)(i * part));
	OK(close(fd));
	OK(unlink("freed"));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Larger pages than there are; see large_pages.h. */
#include "large_pages.h"

#include <check.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static bool is_there(int fd, uint64_t page_size, uint64_t page)
{
	off_t at = lseek(fd, (off_t)page, SEEK_DATA);

	return at >= 0 && (uint64_t)at < page + page_size;
}

/* As far as the size reaches, what is written is there; what lies behind it can only be allocated.
 * Memory that is sealed stays as it is. */
static void make_whole(int fd, uint64_t page_size, uint64_t page)
{
	uint64_t size = size_of(fd);
	size_t inside = page < size ? (size_t)smaller(page_size, size - page) : 0;
	off_t hole = inside > 0 ? lseek(fd, (off_t)page, SEEK_HOLE) : -1;
	char *bytes;

	if (inside == 0)
		return;
	if (hole >= 0 && (uint64_t)hole < page + inside) {
		bytes = malloc(inside);
		ck_assert_int_eq(pread(fd, bytes, inside, (off_t)page), (ssize_t)inside);
		(void)!pwrite(fd, bytes, inside, (off_t)page);
		free(bytes);
	}
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)page, (off_t)page_size);
}

struct edges large_pages_before(int fd, uint64_t page_size, uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length;
	struct edges edges = {
	    .page = {offset / page_size * page_size, (end - (length > 0)) / page_size * page_size}};

	for (int i = 0; i < 2; i++) {
		bool whole = offset <= edges.page[i] && edges.page[i] + page_size <= end;

		edges.stays[i] = !whole && is_there(fd, page_size, edges.page[i]);
	}
	return edges;
}

void large_pages_after(int fd, uint64_t page_size, const struct edges *edges)
{
	for (int i = 0; i < 2; i++) {
		if (edges->stays[i])
			make_whole(fd, page_size, edges->page[i]);
	}
}

void large_pages_written(int fd, uint64_t page_size, uint64_t offset, uint64_t length)
{
	if (length == 0)
		return;
	make_whole(fd, page_size, offset / page_size * page_size);
	make_whole(fd, page_size, (offset + length - 1) / page_size * page_size);
}

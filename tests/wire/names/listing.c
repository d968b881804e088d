/* SPDX-License-Identifier: BSD-2-Clause */
/* READDIR. */
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "suites.h"

#define MOST 600

/* What a reader has seen: how often each name, and where he goes on. */
struct reader {
	uint64_t dir, cookie;
	unsigned entries;
	unsigned seen[MOST]; /* of names "0", "1", ... */
	unsigned self, parent;
};

/* An entry of a reply, checked; returns the size of it. */
static size_t take_entry(struct reader *reader, const char *at, size_t left)
{
	struct fuse_dirent dirent;
	char name[256];
	size_t size;
	long number;

	ck_assert_uint_ge(left, sizeof dirent);
	memcpy(&dirent, at, sizeof dirent);
	size = FUSE_DIRENT_ALIGN(sizeof dirent + dirent.namelen);
	ck_assert_msg(size <= left, "an entry is cut off");
	ck_assert_uint_le(dirent.namelen, 255);
	memcpy(name, at + sizeof dirent, dirent.namelen);
	name[dirent.namelen] = '\0';
	ck_assert_uint_eq(strlen(name), dirent.namelen);
	for (size_t i = sizeof dirent + dirent.namelen; i < size; i++)
		ck_assert_int_eq(at[i], 0);
	ck_assert_uint_ne(dirent.ino, 0);
	/* After "." and "..", what was made earlier. */
	if (reader->cookie > 2)
		ck_assert_uint_lt(dirent.off, reader->cookie);
	else if (dirent.off <= 2)
		ck_assert_uint_eq(dirent.off, reader->cookie + 1);
	ck_assert_uint_ne(dirent.off, 0);
	reader->cookie = dirent.off;
	reader->entries++;
	if (strcmp(name, ".") == 0) {
		ck_assert_uint_eq(dirent.ino, reader->dir);
		reader->self++;
	} else if (strcmp(name, "..") == 0) {
		reader->parent++;
	} else {
		number = strtol(name, NULL, 10);
		ck_assert(number >= 0 && number < MOST);
		reader->seen[number]++;
	}
	return size;
}

/* One request; the number of entries that came. */
static unsigned read_on(struct wire *w, struct reader *reader, uint32_t size)
{
	unsigned before = reader->entries;
	size_t length, at = 0;
	const char *body;

	GIVES(0, ask_readdir(w, reader->dir, size, reader->cookie));
	length = reply_body_size(w);
	ck_assert_uint_le(length, size);
	body = reply_body(w, length);
	while (at < length)
		at += take_entry(reader, body + at, length - at);
	return reader->entries - before;
}

static void read_all(struct wire *w, struct reader *reader, uint32_t size)
{
	while (read_on(w, reader, size) > 0)
		continue;
}

static void make(struct wire *w, uint64_t dir, unsigned number)
{
	char name[16];

	snprintf(name, sizeof name, "%u", number);
	new_object(w, dir, name);
}

static void unmake(struct wire *w, uint64_t dir, unsigned number)
{
	char name[16];

	snprintf(name, sizeof name, "%u", number);
	GIVES(0, ask_unlink(w, dir, name));
}

START_TEST(an_empty_directory_lists_itself_and_its_parent)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d");
	struct fuse_dirent self, parent;
	const char *body;

	GIVES(0, ask_readdir(w, dir, 4096, 0));
	body = reply_body(w, 64);
	memcpy(&self, body, sizeof self);
	memcpy(&parent, body + 32, sizeof parent);
	ck_assert_uint_eq(self.ino, dir);
	ck_assert_uint_eq(self.type, S_IFDIR >> 12);
	ck_assert_uint_eq(parent.ino, ROOT);
	ck_assert_uint_eq(parent.type, S_IFDIR >> 12);
	ck_assert_mem_eq(body + sizeof self, ".\0\0\0\0\0\0\0", 8);
	ck_assert_mem_eq(body + 32 + sizeof parent, "..\0\0\0\0\0\0", 8);
	wire_close(w);
}
END_TEST

START_TEST(entries_tell_type_and_node)
{
	static const mode_t types[] = {S_IFREG, S_IFIFO, S_IFSOCK};
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d");
	char name[] = "0";

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct fuse_dirent dirent;
		uint64_t id;

		GIVES(0, ask_mknod(w, dir, name, types[i] | 0600));
		id = entry_of(w)->nodeid;
		GIVES(0, ask_readdir(w, dir, 4096, 0));
		memcpy(&dirent, (const char *)reply_body(w, 96) + 64, sizeof dirent);
		ck_assert_uint_eq(dirent.ino, id);
		ck_assert_uint_eq(dirent.type, types[i] >> 12);
		GIVES(0, ask_unlink(w, dir, name));
	}
	wire_close(w);
}
END_TEST

START_TEST(every_entry_comes_once_whatever_the_size_of_requests)
{
	static const uint32_t sizes[] = {
	    32, 39, 64, 100, 4096, 65536, UINT32_C(1) << 31, UINT32_MAX};
	struct wire *w = wire_open();

	for (unsigned i = 0; i < 200; i++)
		make(w, ROOT, i);
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		struct reader reader = {.dir = ROOT};

		read_all(w, &reader, sizes[s]);
		ck_assert_uint_eq(reader.entries, 202);
		ck_assert_uint_eq(reader.self, 1);
		ck_assert_uint_eq(reader.parent, 1);
		for (unsigned i = 0; i < 200; i++)
			ck_assert_uint_eq(reader.seen[i], 1);
	}
	wire_close(w);
}
END_TEST

START_TEST(a_request_too_small_for_the_next_entry_is_empty)
{
	static const uint32_t sizes[] = {0, 1, 24, 31};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		GIVES(0, ask_readdir(w, ROOT, sizes[i], 0));
		ck_assert_uint_eq(reply_body_size(w), 0);
	}
	wire_close(w);
}
END_TEST

START_TEST(the_longest_name_is_listed_whole)
{
	struct wire *w = wire_open();
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	new_object(w, ROOT, name);
	GIVES(0, ask_readdir(w, ROOT, 4096, 0));
	ck_assert_mem_eq((const char *)reply_body(w, 64 + 280) + 64 + 24, name, 255);
	GIVES(0, ask_readdir(w, ROOT, 64 + 279, 0));
	ck_assert_uint_eq(reply_body_size(w), 64);
	wire_close(w);
}
END_TEST

/* Entries that stay come once; those that come or go meanwhile at most once. */
START_TEST(a_reader_goes_on_while_entries_come_and_go)
{
	struct wire *w = wire_open();
	struct reader reader = {.dir = new_directory(w, ROOT, "d")};
	unsigned made = 0, removed = 0;

	w->verifies = false;
	while (made < 300)
		make(w, reader.dir, made++);
	/* The even ones go, more come; and the odd ones of before stay. */
	while (read_on(w, &reader, 200) > 0) {
		for (int i = 0; i < 5 && removed < 300; i++, removed += 2)
			unmake(w, reader.dir, removed);
		for (int i = 0; i < 3 && made < MOST; i++)
			make(w, reader.dir, made++);
	}
	for (unsigned i = 0; i < MOST; i++) {
		ck_assert_uint_le(reader.seen[i], 1);
		if (i < 300 && i % 2 == 1)
			ck_assert_msg(reader.seen[i] == 1, "entry %u was missed", i);
	}
	wire_close(w);
}
END_TEST

START_TEST(a_removed_entry_is_no_obstacle_to_its_cookie)
{
	struct wire *w = wire_open();
	struct reader reader = {.dir = ROOT};

	for (unsigned i = 0; i < 3; i++)
		make(w, ROOT, i);
	read_on(w, &reader, 96);
	ck_assert_uint_eq(reader.entries, 3);
	unmake(w, ROOT, 2);
	unmake(w, ROOT, 1);
	read_all(w, &reader, 4096);
	ck_assert_uint_eq(reader.entries, 4);
	ck_assert_uint_eq(reader.seen[0], 1);
	wire_close(w);
}
END_TEST

START_TEST(any_offset_is_a_place_to_read_from)
{
	static const uint64_t offsets[] = {1000, INT32_MAX, UINT64_C(1) << 31, UINT32_MAX,
	    UINT64_C(1) << 32, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
	struct wire *w = wire_open();

	for (unsigned i = 0; i < 20; i++)
		make(w, ROOT, i);
	for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
		GIVES(0, ask_readdir(w, ROOT, 4096, offsets[i]));
		ck_assert_uint_eq(reply_body_size(w), 0);
	}
	wire_close(w);
}
END_TEST

START_TEST(a_removed_directory_lists_nothing)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d");

	GIVES(0, ask_rmdir(w, ROOT, "d"));
	GIVES(0, ask_readdir(w, dir, 4096, 0));
	ck_assert_uint_eq(reply_body_size(w), 0);
	tell_forget(w, dir, 1);
	GIVES(-ESTALE, ask_readdir(w, dir, 4096, 0));
	wire_close(w);
}
END_TEST

START_TEST(only_directories_are_listed)
{
	struct wire *w = wire_open();

	GIVES(-ENOTDIR, ask_readdir(w, new_object(w, ROOT, "a"), 4096, 0));
	GIVES(-ENOTDIR, ask_readdir(w, new_symlink(w, ROOT, "l", "a"), 4096, 0));
	GIVES(-ESTALE, ask_readdir(w, 0, 4096, 0));
	GIVES(-ESTALE, ask_readdir(w, UINT64_MAX, 4096, 0));
	wire_close(w);
}
END_TEST

/* ENOSYS tells the kernel to ask no more and to cache listings. */
START_TEST(opendir_is_enosys_for_everything)
{
	struct wire *w = wire_open();
	struct fuse_open_in open = {.flags = O_RDONLY};
	struct fuse_release_in release = {.fh = 0};

	GIVES(-ENOSYS, ask_plain(w, FUSE_OPENDIR, ROOT, &open, sizeof open));
	GIVES(-ENOSYS, ask_plain(w, FUSE_OPENDIR, 999, &open, sizeof open));
	GIVES(0, ask_plain(w, FUSE_RELEASEDIR, ROOT, &release, sizeof release));
	wire_close(w);
}
END_TEST

START_TEST(listing_takes_no_reference)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(0, ask_readdir(w, ROOT, 4096, 0));
	GIVES(0, ask_unlink(w, ROOT, "a"));
	tell_forget(w, id, 1);
	ck_assert(!exists(w, id));
	wire_close(w);
}
END_TEST

Suite *listing_suite(void)
{
	const TTest *const tests[] = {
	    an_empty_directory_lists_itself_and_its_parent,
	    entries_tell_type_and_node,
	    every_entry_comes_once_whatever_the_size_of_requests,
	    a_request_too_small_for_the_next_entry_is_empty,
	    the_longest_name_is_listed_whole,
	    a_reader_goes_on_while_entries_come_and_go,
	    a_removed_entry_is_no_obstacle_to_its_cookie,
	    any_offset_is_a_place_to_read_from,
	    a_removed_directory_lists_nothing,
	    only_directories_are_listed,
	    opendir_is_enosys_for_everything,
	    listing_takes_no_reference,
	};

	return suite_of("listing", tests, sizeof tests / sizeof tests[0]);
}

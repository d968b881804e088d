/* SPDX-License-Identifier: BSD-2-Clause */
/* rules=freebsd, as far as it shows in replies. */
#include <string.h>

#include "requests.h"
#include "suites.h"

static struct wire *open_freebsd(enum tier tier)
{
	struct shmfs_config config = wire_config();

	config.rules = SHMFS_RULES_FREEBSD;
	config.grow_patterns = "";
	config.size_limit = 4 * PAGE;
	return wire_open_with(tier, config);
}

START_TEST(names_have_at_most_1022_bytes)
{
	struct wire *w = open_freebsd(TIER_CACHED);
	struct fuse_dirent dirent;
	char name[1024];

	memset(name, 'n', sizeof name);
	name[1023] = '\0';
	GIVES(-ENAMETOOLONG, ask_create(w, ROOT, name, 0600, O_RDWR));
	GIVES(-ENAMETOOLONG, ask_lookup(w, ROOT, name));
	name[1022] = '\0';
	GIVES(0, ask_create(w, ROOT, name, 0600, O_RDWR));
	GIVES(created_of(w)->entry.nodeid, id_of(w, ROOT, name));
	GIVES(0, ask_statfs(w));
	ck_assert_uint_eq(statfs_of(w)->namelen, 1022);
	GIVES(0, ask_readdir(w, ROOT, 4096, 0));
	memcpy(&dirent, (const char *)reply_body(w, 64 + 1048) + 64, sizeof dirent);
	ck_assert_uint_eq(dirent.namelen, 1022);
	GIVES(0, ask_unlink(w, ROOT, name));
	wire_close(w);
}
END_TEST

START_TEST(the_namespace_is_flat)
{
	struct wire *w = open_freebsd(TIER_CACHED);
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(-EPERM, ask_mkdir(w, ROOT, "b", 0700));
	GIVES(-EPERM, ask_symlink(w, ROOT, "b", "a"));
	GIVES(-EPERM, ask_link(w, id, ROOT, "b"));
	GIVES(-EPERM, ask_mknod(w, ROOT, "b", S_IFIFO | 0600));
	GIVES(-EPERM, ask_mknod(w, ROOT, "b", S_IFSOCK | 0600));
	GIVES(0, ask_mknod(w, ROOT, "b", S_IFREG | 0600));
	/* Only what has no name can be given one. */
	GIVES(0, ask_tmpfile(w, ROOT, 0600, O_RDWR));
	GIVES(0, ask_link(w, created_of(w)->entry.nodeid, ROOT, "c"));
	GIVES(-EPERM, ask_link(w, entry_of(w)->nodeid, ROOT, "d"));
	wire_close(w);
}
END_TEST

START_TEST(openings_read)
{
	struct wire *w = open_freebsd(TIER_CACHED);
	uint64_t id = new_object(w, ROOT, "a");

	GIVES(-EINVAL, ask_open(w, id, O_WRONLY));
	GIVES(-EINVAL, ask_open(w, id, O_RDWR | O_APPEND));
	GIVES(-EINVAL, ask_create(w, ROOT, "b", 0600, O_WRONLY));
	GIVES(0, id_of(w, ROOT, "b"));
	GIVES(0, ask_open(w, id, O_RDONLY));
	GIVES(0, ask_open(w, id, O_RDWR));
	wire_close(w);
}
END_TEST

/* The page cache of the kernel takes a count of 0 for a broken server and says EIO. */
START_TEST(a_write_with_no_room_is_0_or_efbig_through_the_page_cache)
{
	static const enum tier tiers[] = {TIER_PASSTHROUGH, TIER_CACHED};

	for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
		struct wire *w = open_freebsd(tiers[i]);
		struct file file = open_file(w, new_object_of(w, ROOT, "a", 10), O_RDWR);

		GIVES(0, ask_write(w, file, "xyz", 3, 8));
		ck_assert_uint_eq(written_of(w), 2);
		GIVES(tiers[i] == TIER_CACHED ? -EFBIG : 0, ask_write(w, file, "x", 1, 10));
		if (tiers[i] != TIER_CACHED)
			ck_assert_uint_eq(written_of(w), 0);
		GIVES(0, ask_write(w, file, "", 0, 10));
		ck_assert_uint_eq(written_of(w), 0);
		wire_close(w);
	}
}
END_TEST

START_TEST(truncation_past_the_limit_is_enomem_and_allocation_enospc)
{
	struct wire *w = open_freebsd(TIER_CACHED);
	struct file file = open_file(w, new_object(w, ROOT, "a"), O_RDWR);

	GIVES(-ENOMEM, ask_resize(w, file.id, 4 * PAGE + 1));
	GIVES(-ENOSPC, ask_fallocate(w, file, 0, 0, 4 * PAGE + 1));
	GIVES(0, ask_resize(w, file.id, 4 * PAGE));
	wire_close(w);
}
END_TEST

START_TEST(removing_a_name_needs_permission_on_the_object)
{
	struct wire *w = open_freebsd(TIER_CACHED);

	new_object(w, ROOT, "a");
	w->uid = 1000;
	new_object(w, ROOT, "b");
	GIVES(-EACCES, ask_unlink(w, ROOT, "a"));
	GIVES(-EACCES, ask_rename(w, ROOT, "a", ROOT, "c"));
	GIVES(-EACCES, ask_rename(w, ROOT, "b", ROOT, "a"));
	GIVES(0, ask_unlink(w, ROOT, "b"));
	w->uid = 0;
	GIVES(0, ask_unlink(w, ROOT, "a"));
	wire_close(w);
}
END_TEST

START_TEST(modes_have_no_more_than_permission_bits)
{
	struct wire *w = open_freebsd(TIER_CACHED);
	struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = 07711};

	GIVES(0, ask_create(w, ROOT, "a", 06755, O_RDWR));
	ck_assert_uint_eq(created_of(w)->entry.attr.mode, S_IFREG | 0755);
	GIVES(0, ask_setattr(w, created_of(w)->entry.nodeid, &in));
	ck_assert_uint_eq(attr_of(w)->attr.mode, S_IFREG | 0711);
	wire_close(w);
}
END_TEST

START_TEST(only_a_change_of_size_sets_the_times)
{
	struct wire *w = open_freebsd(TIER_CACHED);
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 10), O_RDWR);
	struct fuse_attr before = attributes(w, file.id), after;

	w->outside->now.tv_sec += 100;
	GIVES(0, ask_write(w, file, "x", 1, 0));
	GIVES(0, ask_read(w, file, 1, 0));
	GIVES(0, ask_rename(w, ROOT, "a", ROOT, "b"));
	after = attributes(w, file.id);
	ck_assert_uint_eq(after.atime, before.atime);
	ck_assert_uint_eq(after.mtime, before.mtime);
	ck_assert_uint_eq(after.ctime, before.ctime);
	GIVES(0, ask_resize(w, file.id, 11));
	ck_assert_uint_eq(attr_of(w)->attr.mtime, before.mtime + 100);
	ck_assert_uint_eq(attr_of(w)->attr.ctime, before.ctime + 100);
	wire_close(w);
}
END_TEST

Suite *rules_suite(void)
{
	const TTest *const tests[] = {
	    names_have_at_most_1022_bytes,
	    the_namespace_is_flat,
	    openings_read,
	    a_write_with_no_room_is_0_or_efbig_through_the_page_cache,
	    truncation_past_the_limit_is_enomem_and_allocation_enospc,
	    removing_a_name_needs_permission_on_the_object,
	    modes_have_no_more_than_permission_bits,
	    only_a_change_of_size_sets_the_times,
	};

	return suite_of("rules", tests, sizeof tests / sizeof tests[0]);
}

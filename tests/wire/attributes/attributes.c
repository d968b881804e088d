/* SPDX-License-Identifier: BSD-2-Clause */
/* GETATTR, SETATTR and STATFS. */
#include <string.h>

#include "requests.h"
#include "suites.h"
#include "test_memory.h"

#define DAY 86400

static const struct timespec later = {1000000100, 456};

START_TEST(getattr_of_the_root_has_every_field)
{
	struct shmfs_config config = wire_config();
	struct fuse_attr_out want = {
	    .attr_valid = DAY,
	    .attr =
		{
		    .ino = ROOT,
		    .atime = 1000000000,
		    .mtime = 1000000000,
		    .ctime = 1000000000,
		    .atimensec = 123,
		    .mtimensec = 123,
		    .ctimensec = 123,
		    .mode = S_IFDIR | 01770,
		    .nlink = 2,
		    .uid = 11,
		    .gid = 22,
		    .blksize = PAGE,
		},
	};
	struct wire *w;

	config.root_mode = 01770;
	config.root_uid = 11;
	config.root_gid = 22;
	w = wire_open_with(TIER_CACHED, config);
	GIVES(0, ask_getattr(w, ROOT));
	want.attr.size = attr_of(w)->attr.size;
	ck_assert_mem_eq(attr_of(w), &want, sizeof want);
	wire_close(w);
}
END_TEST

/* Stores through a mapping change st_blocks without a request, so it is asked for again. */
START_TEST(attributes_are_valid_for_a_second_once_an_object_has_pages_else_for_a_day)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a"), link = new_symlink(w, ROOT, "l", "target");

	GIVES(0, ask_getattr(w, id));
	ck_assert_uint_eq(attr_of(w)->attr_valid, DAY);
	GIVES(0, ask_resize(w, id, 1));
	ck_assert_uint_eq(attr_of(w)->attr_valid, 1);
	ck_assert_uint_eq(attr_of(w)->attr_valid_nsec, 0);
	GIVES(0, ask_getattr(w, id));
	ck_assert_uint_eq(attr_of(w)->attr_valid, 1);
	GIVES(0, ask_lookup(w, ROOT, "a"));
	ck_assert_uint_eq(entry_of(w)->attr_valid, 1);
	ck_assert_uint_eq(entry_of(w)->entry_valid, DAY);
	GIVES(0, ask_create(w, ROOT, "a", 0644, O_RDWR));
	ck_assert_uint_eq(created_of(w)->entry.attr_valid, 1);
	ck_assert_uint_eq(created_of(w)->entry.entry_valid, DAY);
	GIVES(0, ask_resize(w, id, 0));
	ck_assert_uint_eq(attr_of(w)->attr_valid, DAY);
	GIVES(0, ask_getattr(w, link));
	ck_assert_uint_eq(attr_of(w)->attr_valid, DAY);
	GIVES(0, ask_getattr(w, ROOT));
	ck_assert_uint_eq(attr_of(w)->attr_valid, DAY);
	wire_close(w);
}
END_TEST

/* A write takes them away, and the kernel must not run a program by a mode that it had. */
START_TEST(attributes_with_set_id_bits_are_not_valid_at_all)
{
	static const mode_t bits[] = {S_ISUID, S_ISGID, S_ISUID | S_ISGID};
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = bits[i] | 0755};

		GIVES(0, ask_setattr(w, id, &in));
		ck_assert_uint_eq(attr_of(w)->attr_valid, 0);
		GIVES(0, ask_getattr(w, id));
		ck_assert_uint_eq(attr_of(w)->attr_valid, 0);
		GIVES(0, ask_lookup(w, ROOT, "a"));
		ck_assert_uint_eq(entry_of(w)->attr_valid, 0);
		ck_assert_uint_eq(entry_of(w)->entry_valid, DAY);
	}
	GIVES(0, ask_mkdir(w, ROOT, "d", 06755));
	ck_assert_uint_eq(entry_of(w)->attr_valid, DAY);
	wire_close(w);
}
END_TEST

START_TEST(blocks_are_those_in_use)
{
	test_memory_is_small();

	struct wire *w = wire_open();
	static const char bytes[65536];
	uint64_t page = PAGE / 512;
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 1 << 20), O_RDWR);

	ck_assert_uint_eq(attributes(w, file.id).blocks, 0);
	GIVES(0, ask_write(w, file, bytes, PAGE, PAGE));
	ck_assert_uint_eq(attributes(w, file.id).blocks, page);
	GIVES(0, ask_write(w, file, bytes, PAGE, 0));
	GIVES(0, ask_resize(w, file.id, PAGE));
	ck_assert_uint_eq(attr_of(w)->attr.blocks, page);
	ck_assert_uint_eq(attributes(w, file.id).blocks, page);
	GIVES(0, ask_resize(w, file.id, 0));
	ck_assert_uint_eq(attr_of(w)->attr.blocks, 0);
	ck_assert_uint_eq(attributes(w, file.id).blocks, 0);
	wire_close(w);
}
END_TEST

START_TEST(requests_on_unknown_nodes_are_estale)
{
	static const uint64_t ids[] = {0, 2, 1000, UINT64_C(1) << 32, UINT64_MAX};
	struct wire *w = wire_open();

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		GIVES(-ESTALE, ask_getattr(w, ids[i]));
		GIVES(-ESTALE, ask_resize(w, ids[i], 1));
	}
	wire_close(w);
}
END_TEST

/* GETATTR by handle: the node counts, since an open one always lives. */
START_TEST(getattr_with_a_handle_is_answered_by_node)
{
	struct wire *w = wire_open();
	uint64_t id = new_object_of(w, ROOT, "a", 3);
	struct fuse_getattr_in in = {.getattr_flags = FUSE_GETATTR_FH, .fh = 999};

	GIVES(0, ask_plain(w, FUSE_GETATTR, id, &in, sizeof in));
	ck_assert_uint_eq(attr_of(w)->attr.size, 3);
	wire_close(w);
}
END_TEST

/* --- SETATTR ---------------------------------------------------------------------------------- */

/* What every bit would set, to see that those that are not set do nothing. */
static struct fuse_setattr_in everything(uint32_t valid)
{
	return (struct fuse_setattr_in){
	    .valid = valid,
	    .fh = 999,
	    .size = 5000,
	    .lock_owner = 888,
	    .atime = 100,
	    .atimensec = 1,
	    .mtime = 200,
	    .mtimensec = 2,
	    .ctime = 300,
	    .ctimensec = 3,
	    .mode = S_IFDIR | 04321,
	    .uid = 77,
	    .gid = 88,
	};
}

/* Sets by these bits on a new object at a later time and compares all of the reply. */
static void expect_set(uint32_t valid, void (*change)(struct fuse_attr *attr))
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");
	struct fuse_attr want = attributes(w, id);
	struct fuse_setattr_in in = everything(valid);

	w->outside->now = later;
	change(&want);
	GIVES(0, ask_setattr(w, id, &in));
	ck_assert_msg(memcmp(&attr_of(w)->attr, &want, sizeof want) == 0,
	    "SETATTR with valid %#x answers something else", valid);
	want = attr_of(w)->attr;
	GIVES(0, ask_getattr(w, id));
	ck_assert_mem_eq(&attr_of(w)->attr, &want, sizeof want);
	wire_close(w);
}

static void ctime_now(struct fuse_attr *attr)
{
	attr->ctime = (uint64_t)later.tv_sec;
	attr->ctimensec = (uint32_t)later.tv_nsec;
}

static void mtime_now(struct fuse_attr *attr)
{
	attr->mtime = (uint64_t)later.tv_sec;
	attr->mtimensec = (uint32_t)later.tv_nsec;
	ctime_now(attr);
}

static void size_alone(struct fuse_attr *attr)
{
	attr->size = 5000;
	mtime_now(attr);
}

/* The type of a node never changes. */
static void mode_alone(struct fuse_attr *attr)
{
	attr->mode = S_IFREG | 04321;
	ctime_now(attr);
}

static void uid_alone(struct fuse_attr *attr)
{
	attr->uid = 77;
	ctime_now(attr);
}

static void gid_alone(struct fuse_attr *attr)
{
	attr->gid = 88;
	ctime_now(attr);
}

static void owner_and_mode(struct fuse_attr *attr)
{
	uid_alone(attr);
	gid_alone(attr);
	/* Set-id bits go with the owner, also those that the same request would set. */
	attr->mode = S_IFREG | 0321;
}

static void both_times_now(struct fuse_attr *attr)
{
	attr->atime = (uint64_t)later.tv_sec;
	attr->atimensec = (uint32_t)later.tv_nsec;
	mtime_now(attr);
}

static void given_times(struct fuse_attr *attr)
{
	ctime_now(attr);
	attr->atime = 100;
	attr->atimensec = 1;
	attr->mtime = 200;
	attr->mtimensec = 2;
}

static void given_atime(struct fuse_attr *attr)
{
	ctime_now(attr);
	attr->atime = 100;
	attr->atimensec = 1;
}

static void given_ctime(struct fuse_attr *attr)
{
	attr->ctime = 300;
	attr->ctimensec = 3;
}

static void size_and_mode(struct fuse_attr *attr)
{
	size_alone(attr);
	mode_alone(attr);
}

/* The values are those that Linux sends for these calls. */
START_TEST(setattr_changes_what_its_bits_name_and_nothing_else)
{
	expect_set(0, ctime_now);	    /* chown(-1, -1) */
	expect_set(0x248, size_alone);	    /* ftruncate: size, handle, lock owner */
	expect_set(0x208, size_alone);	    /* truncate: size, lock owner */
	expect_set(0x8, size_alone);	    /* open with O_TRUNC */
	expect_set(0x1, mode_alone);	    /* chmod */
	expect_set(0x2, uid_alone);	    /* chown, owner */
	expect_set(0x4, gid_alone);	    /* chown, group */
	expect_set(0x7, owner_and_mode);    /* chown that clears set-id bits */
	expect_set(0x1b0, both_times_now);  /* touch */
	expect_set(0x30, given_times);	    /* utimensat */
	expect_set(0x10, given_atime);	    /* utimensat with UTIME_OMIT */
	expect_set(0x400, given_ctime);	    /* write-back of times */
	expect_set(0x9, size_and_mode);	    /* truncation that clears set-id bits */
	expect_set(0x800, ctime_now);	    /* FATTR_KILL_SUIDGID, never agreed on */
	expect_set(0xfffff000u, ctime_now); /* bits that nobody has defined */
	expect_set(0x240, ctime_now);
}
END_TEST

START_TEST(setattr_of_the_size_of_anything_but_objects_is_refused)
{
	struct wire *w = wire_open();

	GIVES(-EISDIR, ask_resize(w, new_directory(w, ROOT, "d"), 1));
	GIVES(-EISDIR, ask_resize(w, ROOT, 0));
	GIVES(-EINVAL, ask_resize(w, new_symlink(w, ROOT, "l", "t"), 1));
	GIVES(0, ask_mknod(w, ROOT, "f", S_IFIFO | 0600));
	GIVES(-EINVAL, ask_resize(w, entry_of(w)->nodeid, 1));
	wire_close(w);
}
END_TEST

START_TEST(setattr_is_all_or_nothing)
{
	struct wire *w = wire_open();
	uint64_t dir = new_directory(w, ROOT, "d");
	struct fuse_setattr_in in = everything(0x3f);
	struct fuse_attr before = attributes(w, dir), after;

	w->outside->now = later;
	GIVES(-EISDIR, ask_setattr(w, dir, &in));
	after = attributes(w, dir);
	ck_assert_mem_eq(&before, &after, sizeof before);
	wire_close(w);
}
END_TEST

START_TEST(setattr_of_the_size_keeps_to_the_limit)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t id;

	config.size_limit = 9 * PAGE + 1;
	w = wire_open_with(TIER_CACHED, config);
	id = new_object(w, ROOT, "a");
	GIVES(0, ask_resize(w, id, 10 * PAGE));
	GIVES(-ENOSPC, ask_resize(w, id, 10 * PAGE + 1));
	GIVES(-ENOSPC, ask_resize(w, id, INT64_MAX));
	GIVES(-EFBIG, ask_resize(w, id, UINT64_C(1) << 63));
	GIVES(-EFBIG, ask_resize(w, id, UINT64_MAX));
	ck_assert_uint_eq(attributes(w, id).size, 10 * PAGE);
	ck_assert_uint_eq(usage(w).used_pages, 10);
	wire_close(w);
}
END_TEST

START_TEST(the_limits_of_a_user_are_edquot)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t id;

	config.user_size_limit = PAGE;
	config.user_node_limit = 1;
	w = wire_open_with(TIER_CACHED, config);
	w->uid = 1000;
	id = new_object(w, ROOT, "a");
	GIVES(0, ask_resize(w, id, PAGE));
	GIVES(-EDQUOT, ask_resize(w, id, PAGE + 1));
	GIVES(-EDQUOT, ask_mknod(w, ROOT, "b", S_IFREG | 0600));
	GIVES(-EDQUOT, ask_mkdir(w, ROOT, "b", 0700));
	/* It is the creator who is charged, whoever asks. */
	w->uid = 0;
	GIVES(-EDQUOT, ask_resize(w, id, PAGE + 1));
	new_object_of(w, ROOT, "b", PAGE + 1);
	w->uid = 1001;
	new_object_of(w, ROOT, "c", PAGE);
	wire_close(w);
}
END_TEST

START_TEST(without_a_limit_an_object_can_be_as_large_as_any_file)
{
	static const uint64_t sizes[] = {
	    INT32_MAX, UINT64_C(1) << 31, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX};
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a");

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		GIVES(0, ask_resize(w, id, sizes[i]));
		ck_assert_uint_eq(attr_of(w)->attr.size, sizes[i]);
	}
	GIVES(-EFBIG, ask_resize(w, id, UINT64_C(1) << 63));
	GIVES(0, ask_resize(w, id, 0));
	wire_close(w);
}
END_TEST

START_TEST(no_descriptor_left_is_enfile)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t id;

	config.descriptor_limit = 1;
	w = wire_open_with(TIER_CACHED, config);
	id = new_object(w, ROOT, "a");
	GIVES(-ENFILE, ask_resize(w, id, 1));
	ck_assert_uint_eq(attributes(w, id).size, 0);
	ck_assert_uint_eq(usage(w).used_pages, 0);
	wire_close(w);
}
END_TEST

/* --- STATFS ----------------------------------------------------------------------------------- */

static void expect_statfs(struct wire *w, uint64_t free_pages, uint64_t free_nodes)
{
	struct shmfs_usage u = usage(w);
	struct fuse_kstatfs want = {
	    .blocks = u.limit_pages,
	    .bfree = free_pages,
	    .bavail = free_pages,
	    .files = u.limit_nodes,
	    .ffree = free_nodes,
	    .bsize = PAGE,
	    .frsize = PAGE,
	    .namelen = 255,
	};

	GIVES(0, ask_statfs(w));
	ck_assert_mem_eq(statfs_of(w), &want, sizeof want);
}

START_TEST(statfs_tells_limits_and_what_is_left_of_them)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t id;

	config.size_limit = 100 * PAGE;
	config.node_limit = 10;
	w = wire_open_with(TIER_CACHED, config);
	expect_statfs(w, 100, 9);
	id = new_object_of(w, ROOT, "a", PAGE + 1);
	expect_statfs(w, 98, 8);
	GIVES(0, ask_resize(w, id, 100 * PAGE));
	expect_statfs(w, 0, 8);
	w->outside->memory_is_used = true;
	GIVES(0, ask_unlink(w, ROOT, "a"));
	expect_statfs(w, 0, 8);
	tell_forget(w, id, 1);
	expect_statfs(w, 100, 9);
	wire_close(w);
}
END_TEST

START_TEST(statfs_answers_for_the_caller)
{
	struct shmfs_config config = wire_config();
	struct wire *w;

	config.size_limit = 100 * PAGE;
	config.user_size_limit = 10 * PAGE;
	w = wire_open_with(TIER_CACHED, config);
	w->uid = 1000;
	new_object_of(w, ROOT, "a", PAGE);
	GIVES(0, ask_statfs(w));
	ck_assert_uint_eq(statfs_of(w)->blocks, 10);
	ck_assert_uint_eq(statfs_of(w)->bfree, 9);
	w->uid = 0;
	GIVES(0, ask_statfs(w));
	ck_assert_uint_eq(statfs_of(w)->blocks, 100);
	ck_assert_uint_eq(statfs_of(w)->bfree, 99);
	wire_close(w);
}
END_TEST

START_TEST(statfs_without_limits_says_zero)
{
	struct wire *w = wire_open();

	new_object_of(w, ROOT, "a", 1 << 20);
	expect_statfs(w, 0, 0);
	wire_close(w);
}
END_TEST

Suite *attributes_suite(void)
{
	const TTest *const tests[] = {
	    getattr_of_the_root_has_every_field,
	    attributes_are_valid_for_a_second_once_an_object_has_pages_else_for_a_day,
	    attributes_with_set_id_bits_are_not_valid_at_all,
	    blocks_are_those_in_use,
	    requests_on_unknown_nodes_are_estale,
	    getattr_with_a_handle_is_answered_by_node,
	    setattr_changes_what_its_bits_name_and_nothing_else,
	    setattr_of_the_size_of_anything_but_objects_is_refused,
	    setattr_is_all_or_nothing,
	    setattr_of_the_size_keeps_to_the_limit,
	    the_limits_of_a_user_are_edquot,
	    without_a_limit_an_object_can_be_as_large_as_any_file,
	    no_descriptor_left_is_enfile,
	    statfs_tells_limits_and_what_is_left_of_them,
	    statfs_answers_for_the_caller,
	    statfs_without_limits_says_zero,
	};

	return suite_of("attributes", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on names, but for renaming: layouts of success and every errno. */
#include <string.h>

#include "requests.h"
#include "suites.h"
#include "tree.h"

#define DAY 86400

/* An attribute as it is right after creation, when all times are those of the wire's clock. */
static struct fuse_attr fresh(const struct wire *w, uint64_t id, mode_t mode, uint32_t nlink)
{
	uint64_t seconds = (uint64_t)w->outside->now.tv_sec;
	uint32_t nanoseconds = (uint32_t)w->outside->now.tv_nsec;

	return (struct fuse_attr){
	    .ino = id,
	    .atime = seconds,
	    .mtime = seconds,
	    .ctime = seconds,
	    .atimensec = nanoseconds,
	    .mtimensec = nanoseconds,
	    .ctimensec = nanoseconds,
	    .mode = mode,
	    .nlink = nlink,
	    .uid = w->uid,
	    .gid = w->gid,
	    .blksize = PAGE,
	};
}

/* Of a set-id bit, which a write takes away, the kernel is to know at once. */
static uint64_t attr_valid(const struct fuse_attr *attr)
{
	if (!S_ISREG(attr->mode))
		return DAY;
	if (attr->mode & (S_ISUID | S_ISGID))
		return 0;
	return attr->size > 0 ? 1 : DAY;
}

static void expect_entry(const struct wire *w, const struct fuse_attr *attr)
{
	struct fuse_entry_out want = {
	    .nodeid = attr->ino,
	    .entry_valid = DAY,
	    .attr_valid = attr_valid(attr),
	    .attr = *attr,
	};

	ck_assert_mem_eq(entry_of(w), &want, sizeof want);
}

START_TEST(lookup_of_a_missing_name_is_a_reply_with_node_0_to_be_remembered)
{
	struct wire *w = wire_open();

	GIVES(0, ask_lookup(w, ROOT, "missing"));
	ck_assert_uint_eq(entry_of(w)->nodeid, 0);
	ck_assert_uint_eq(entry_of(w)->generation, 0);
	ck_assert_uint_eq(entry_of(w)->entry_valid, DAY);
	ck_assert_uint_eq(entry_of(w)->entry_valid_nsec, 0);
	wire_close(w);
}
END_TEST

START_TEST(lookup_tells_all_of_the_attributes)
{
	struct wire *w = wire_open();
	struct fuse_attr attr;

	w->uid = 1001;
	w->gid = 2002;
	attr = fresh(w, new_object_of(w, ROOT, "a", 5000), S_IFREG | 0644, 1);
	attr.size = 5000;
	GIVES(0, ask_lookup(w, ROOT, "a"));
	expect_entry(w, &attr);
	wire_close(w);
}
END_TEST

START_TEST(mknod_makes_objects_fifos_and_sockets)
{
	static const mode_t modes[] = {
	    S_IFREG | 0644, S_IFIFO | 04711, S_IFSOCK | 0, S_IFREG | 07777};
	struct wire *w = wire_open();
	char name[] = "0";

	w->uid = 7;
	w->gid = 8;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		struct fuse_attr attr = fresh(w, 2 + i, modes[i], 1);

		name[0]++;
		GIVES(0, ask_mknod(w, ROOT, name, modes[i]));
		expect_entry(w, &attr);
	}
	wire_close(w);
}
END_TEST

START_TEST(mknod_of_devices_is_eperm_and_of_other_types_einval)
{
	struct wire *w = wire_open();

	GIVES(-EPERM, ask_mknod(w, ROOT, "a", S_IFCHR | 0600));
	GIVES(-EPERM, ask_mknod(w, ROOT, "a", S_IFBLK | 0600));
	GIVES(-EINVAL, ask_mknod(w, ROOT, "a", S_IFDIR | 0600));
	GIVES(-EINVAL, ask_mknod(w, ROOT, "a", S_IFLNK | 0600));
	GIVES(-EINVAL, ask_mknod(w, ROOT, "a", 0600));
	GIVES(-EINVAL, ask_mknod(w, ROOT, "a", UINT32_MAX));
	ck_assert_uint_eq(usage(w).used_nodes, 1);
	wire_close(w);
}
END_TEST

START_TEST(mkdir_answers_with_a_directory_of_two_links)
{
	struct wire *w = wire_open();
	struct fuse_attr attr;

	GIVES(0, ask_mkdir(w, ROOT, "d", 01750));
	attr = fresh(w, entry_of(w)->nodeid, S_IFDIR | 01750, 2);
	attr.size = entry_of(w)->attr.size;
	expect_entry(w, &attr);
	ck_assert_uint_eq(attributes(w, ROOT).nlink, 3);
	wire_close(w);
}
END_TEST

/* As on every Linux filesystem. */
START_TEST(a_set_group_id_directory_hands_down_its_group)
{
	struct wire *w = wire_open();
	uint64_t dir;

	w->gid = 50;
	GIVES(0, ask_mkdir(w, ROOT, "d", 02777));
	dir = entry_of(w)->nodeid;
	w->gid = 60;
	GIVES(0, ask_mkdir(w, dir, "sub", 0755));
	ck_assert_uint_eq(entry_of(w)->attr.gid, 50);
	ck_assert_uint_eq(entry_of(w)->attr.mode, S_IFDIR | 02755);
	GIVES(0, ask_create(w, dir, "a", 0644, O_RDWR));
	ck_assert_uint_eq(created_of(w)->entry.attr.gid, 50);
	ck_assert_uint_eq(created_of(w)->entry.attr.mode, S_IFREG | 0644);
	wire_close(w);
}
END_TEST

START_TEST(symlink_keeps_its_target_and_readlink_tells_it_without_a_nul)
{
	struct wire *w = wire_open();
	char target[4097];
	struct fuse_attr attr;
	uint64_t id;

	memset(target, 't', sizeof target);
	target[4096] = '\0';
	GIVES(-ENAMETOOLONG, ask_symlink(w, ROOT, "l", target));
	GIVES(-ENOENT, ask_symlink(w, ROOT, "l", ""));
	target[4095] = '\0';
	id = new_symlink(w, ROOT, "l", target);
	attr = fresh(w, id, S_IFLNK | 0777, 1);
	attr.size = 4095;
	expect_entry(w, &attr);
	GIVES(0, ask_readlink(w, id));
	ck_assert_mem_eq(reply_body(w, 4095), target, 4095);
	GIVES(0, ask_readlink(w, new_symlink(w, ROOT, "m", "/")));
	ck_assert_mem_eq(reply_body(w, 1), "/", 1);
	wire_close(w);
}
END_TEST

START_TEST(readlink_of_anything_else_is_einval)
{
	struct wire *w = wire_open();
	struct tree tree = grow_tree(w);

	GIVES(-EINVAL, ask_readlink(w, tree.object));
	GIVES(-EINVAL, ask_readlink(w, tree.directory));
	GIVES(-EINVAL, ask_readlink(w, tree.fifo));
	GIVES(-ESTALE, ask_readlink(w, tree.gone));
	wire_close(w);
}
END_TEST

START_TEST(link_answers_with_the_node_and_its_new_count)
{
	struct wire *w = wire_open();
	uint64_t id = new_object(w, ROOT, "a"), dir = new_directory(w, ROOT, "d");
	struct fuse_attr attr = fresh(w, id, S_IFREG | 0644, 2);

	GIVES(0, ask_link(w, id, dir, "b"));
	expect_entry(w, &attr);
	GIVES(id, id_of(w, dir, "b"));
	attr = fresh(w, new_symlink(w, ROOT, "l", "t"), S_IFLNK | 0777, 2);
	attr.size = 1;
	GIVES(0, ask_link(w, attr.ino, ROOT, "m"));
	expect_entry(w, &attr);
	wire_close(w);
}
END_TEST

START_TEST(link_refuses_directories_and_what_has_no_name)
{
	struct wire *w = wire_open();
	struct tree tree = grow_tree(w);

	GIVES(-EPERM, ask_link(w, tree.directory, ROOT, "b"));
	GIVES(-EPERM, ask_link(w, ROOT, ROOT, "b"));
	GIVES(-ESTALE, ask_link(w, tree.gone, ROOT, "b"));
	GIVES(-ESTALE, ask_link(w, 0, ROOT, "b"));
	GIVES(-EEXIST, ask_link(w, tree.object, ROOT, "fifo"));
	GIVES(0, ask_unlink(w, ROOT, "object"));
	GIVES(-ENOENT, ask_link(w, tree.object, ROOT, "b"));
	wire_close(w);
}
END_TEST

START_TEST(a_name_that_exists_is_eexist)
{
	static const char *const names[] = {"object", "directory", "symlink", "fifo"};
	struct wire *w = wire_open();

	grow_tree(w);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		GIVES(-EEXIST, on_mknod(w, ROOT, names[i]));
		GIVES(-EEXIST, on_mkdir(w, ROOT, names[i]));
		GIVES(-EEXIST, on_symlink(w, ROOT, names[i]));
		GIVES(-EEXIST, on_link(w, ROOT, names[i]));
		GIVES(-EEXIST, ask_create(w, ROOT, names[i], 0600, O_RDWR | O_EXCL));
	}
	wire_close(w);
}
END_TEST

START_TEST(unlink_removes_names_of_anything_but_directories)
{
	struct wire *w = wire_open();

	grow_tree(w);
	GIVES(-EISDIR, ask_unlink(w, ROOT, "directory"));
	GIVES(0, ask_unlink(w, ROOT, "object"));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(0, ask_unlink(w, ROOT, "symlink"));
	GIVES(0, ask_unlink(w, ROOT, "fifo"));
	GIVES(-ENOENT, ask_unlink(w, ROOT, "object"));
	GIVES(0, id_of(w, ROOT, "object"));
	wire_close(w);
}
END_TEST

START_TEST(rmdir_removes_empty_directories)
{
	struct wire *w = wire_open();
	struct tree tree = grow_tree(w);

	GIVES(-ENOTDIR, ask_rmdir(w, ROOT, "object"));
	GIVES(-ENOTDIR, ask_rmdir(w, ROOT, "symlink"));
	GIVES(-ENOTEMPTY, ask_rmdir(w, ROOT, "directory"));
	GIVES(0, ask_unlink(w, tree.directory, "child"));
	GIVES(0, ask_rmdir(w, ROOT, "directory"));
	ck_assert_uint_eq(reply_body_size(w), 0);
	GIVES(-ENOENT, ask_rmdir(w, ROOT, "directory"));
	ck_assert_uint_eq(attributes(w, tree.directory).nlink, 0);
	ck_assert_uint_eq(attributes(w, ROOT).nlink, 2);
	wire_close(w);
}
END_TEST

START_TEST(too_many_nodes_are_enospc)
{
	struct shmfs_config config = wire_config();
	struct wire *w;
	uint64_t id;

	config.node_limit = 2;
	w = wire_open_with(TIER_CACHED, config);
	id = new_object(w, ROOT, "object");
	GIVES(-ENOSPC, on_mknod(w, ROOT, "b"));
	GIVES(-ENOSPC, on_mkdir(w, ROOT, "b"));
	GIVES(-ENOSPC, on_symlink(w, ROOT, "b"));
	GIVES(-ENOSPC, on_create(w, ROOT, "b"));
	GIVES(-ENOSPC, on_link(w, ROOT, "b"));
	GIVES(0, ask_unlink(w, ROOT, "object"));
	GIVES(-ENOSPC, on_mknod(w, ROOT, "b"));
	tell_forget(w, id, 1);
	GIVES(0, on_mknod(w, ROOT, "b"));
	wire_close(w);
}
END_TEST

Suite *names_suite(void)
{
	const TTest *const tests[] = {
	    lookup_of_a_missing_name_is_a_reply_with_node_0_to_be_remembered,
	    lookup_tells_all_of_the_attributes,
	    mknod_makes_objects_fifos_and_sockets,
	    mknod_of_devices_is_eperm_and_of_other_types_einval,
	    mkdir_answers_with_a_directory_of_two_links,
	    a_set_group_id_directory_hands_down_its_group,
	    symlink_keeps_its_target_and_readlink_tells_it_without_a_nul,
	    readlink_of_anything_else_is_einval,
	    link_answers_with_the_node_and_its_new_count,
	    link_refuses_directories_and_what_has_no_name,
	    a_name_that_exists_is_eexist,
	    unlink_removes_names_of_anything_but_directories,
	    rmdir_removes_empty_directories,
	    too_many_nodes_are_enospc,
	};

	return suite_of("names", tests, sizeof tests / sizeof tests[0]);
}

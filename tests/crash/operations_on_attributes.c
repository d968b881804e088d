/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on attributes, extended ones included. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scene.h"

/* "u::rw u:1001:r g::r m::r o::-", as the kernel carries it. */
static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 233, 3,
    0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255,
    255, 255};

static void change_mode(void)
{
	NOTE(chmod("a", 04750));
	NOTE(chmod("dir", 01777));
	scene_note_status("a");
}

static void change_owner(void)
{
	NOTE(chmod("a", 06777));
	NOTE(chown("a", USER, USER));
	NOTE(lchown("symlink", USER, (gid_t)-1));
	scene_note_status("a");
}

static void change_times(void)
{
	static const struct timespec times[] = {{1000, 5}, {2000, 6}};
	struct stat st;

	NOTE(utimensat(AT_FDCWD, "b", times, 0));
	NOTE(stat("b", &st));
	NOTE(st.st_atim.tv_sec);
	NOTE(st.st_mtim.tv_nsec);
}

static void write_drops_set_id(void)
{
	int fd = OPEN(open("home/own", O_RDWR));

	NOTE(chmod("home/own", 04755));
	as_user();
	NOTE(pwrite(fd, "x", 1, 0));
	as_root();
	scene_note_status("home/own");
}

static void status(void)
{
	struct statx stx;

	scene_note_status("a");
	scene_note_status("dir");
	NOTE(statx(AT_FDCWD, "a", AT_STATX_FORCE_SYNC, STATX_BTIME, &stx));
	NOTE(stx.stx_mask & STATX_BTIME);
}

static void room(void)
{
	struct statvfs st;

	NOTE(statvfs(".", &st));
	NOTE(st.f_bfree);
	NOTE(st.f_ffree);
	as_user();
	NOTE(statvfs(".", &st));
	NOTE(st.f_bfree);
	NOTE(st.f_ffree);
	as_root();
}

static void set_attribute(void)
{
	NOTE(setxattr("b", "user.new", "value", 5, XATTR_CREATE));
	NOTE(setxattr("b", "user.new", "value", 5, XATTR_CREATE));
	NOTE(setxattr("hollow", "user.new", scene_data(9000, 2), 9000, 0));
}

static void replace_attribute(void)
{
	char value[8192];

	NOTE(setxattr("a", "user.old", scene_data(8000, 1), 8000, XATTR_REPLACE));
	NOTE(getxattr("a", "user.old", value, sizeof value));
	scene_note_bytes(value, 8000);
}

static void remove_attribute(void)
{
	NOTE(removexattr("a", "user.old"));
	NOTE(removexattr("a", "user.old"));
}

static void list_attributes(void)
{
	char list[128];
	long size = NOTE(listxattr("a", list, sizeof list));

	if (size > 0)
		scene_note_bytes(list, (size_t)size);
	NOTE(getxattr("a", "user.none", list, sizeof list));
}

static void set_access_list(void)
{
	NOTE(setxattr("b", "system.posix_acl_access", acl, sizeof acl, 0));
	NOTE(setxattr("dir", "system.posix_acl_default", acl, sizeof acl, 0));
	scene_note_status("b");
	NOTE(mknod("dir/new", S_IFREG | 0666, 0));
	NOTE(mkdir("dir/newdir", 0777));
	scene_note_status("dir/new");
}

static void seal(void)
{
	NOTE(setxattr("b", "user.shmfs.seals", "shrink,grow,write", 17, 0));
	NOTE(truncate("b", 1));
	OPEN(open("b", O_WRONLY));
	NOTE(setxattr("a", "user.shmfs.seals", "write", 5, 0));
}

static void let_grow(void)
{
	int fd = OPEN(open("b", O_RDWR));

	NOTE(setxattr("b", "user.shmfs.grow", "1", 1, 0));
	NOTE(pwrite(fd, scene_data(5000, 1), 5000, 4000));
	scene_note_data(fd, 9000, 0);
}

static void choose_pages(void)
{
	char value[8] = "";
	int fd;

	NOTE(setxattr("b", "user.shmfs.huge", "1", 1, 0));
	NOTE(truncate("b", 0));
	NOTE(setxattr("b", "user.shmfs.huge", "1", 1, 0));
	NOTE(setxattr("b", "user.shmfs.huge", "0", 1, 0));
	NOTE(mknod("pages", S_IFREG | 0600, 0));
	NOTE(setxattr("pages", "user.shmfs.huge", "1", 1, 0));
	NOTE(getxattr("pages", "user.shmfs.huge", value, sizeof value));
	scene_note_bytes(value, 1);
	fd = OPEN(open("pages", O_RDWR));
	NOTE(ftruncate(fd, 3 << 20));
	NOTE(pwrite(fd, scene_data(5000, 1), 5000, 4000));
	scene_note_data(fd, 9000, 0);
	NOTE(fsetxattr(fd, "user.shmfs.huge", "0", 1, 0));
	NOTE(unlink("pages"));
}

const struct operation operations_on_attributes[] = {
    {"change_mode", change_mode, NULL},
    {"change_owner", change_owner, NULL},
    {"change_times", change_times, NULL},
    {"write_drops_set_id", write_drops_set_id, NULL},
    {"status", status, NULL},
    {"room", room, NULL},
    {"set_attribute", set_attribute, NULL},
    {"replace_attribute", replace_attribute, NULL},
    {"remove_attribute", remove_attribute, NULL},
    {"list_attributes", list_attributes, NULL},
    {"set_access_list", set_access_list, NULL},
    {"seal", seal, NULL},
    {"let_grow", let_grow, NULL},
    {"choose_pages", choose_pages, NULL},
    {NULL, NULL, NULL},
};

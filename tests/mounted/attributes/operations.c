/* SPDX-License-Identifier: BSD-2-Clause */
/* See operations.h. */
#include "operations.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl_list.h"
#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"

enum { LARGE = 512 << 10 };

static void run_create(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/new");
	OK(close(OK(open("d/new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600))));
}

static void run_write(struct scene *scene)
{
	GIVES(1, pwrite(scene->fd, "x", 1, 0));
}

static void run_truncate(struct scene *scene)
{
	OK(ftruncate(scene->fd, PAGE * (1 + scene->turn % 3)));
}

static void run_truncate_to_the_same(struct scene *scene)
{
	OK(ftruncate(scene->fd, size_of(scene->fd)));
}

static void run_allocate(struct scene *scene)
{
	OK(fallocate(scene->fd, 0, 0, PAGE));
}

static void run_punch(struct scene *scene)
{
	OK(fallocate(scene->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
}

static void run_copy(struct scene *scene)
{
	off_t from = 0, to = 0;

	GIVES(100, copy_file_range(scene->source, &from, scene->fd, &to, 100, 0));
}

static void run_chmod(struct scene *scene)
{
	OK(fchmod(scene->fd, scene->turn % 2 ? 0600 : 0640));
}

static void run_chown(struct scene *scene)
{
	OK(fchown(scene->fd, 0, scene->turn % 2));
}

static void run_link(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/link");
	OK(link("d/a", "d/link"));
}

static void run_unlink(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/link");
	OK(link("d/a", "d/link"));
	OK(unlink("d/link"));
}

static void run_rename(struct scene *scene)
{
	OK(rename("d/a", "d/b"));
	OK(rename("d/b", "d/a"));
	(void)scene;
}

static void run_setxattr(struct scene *scene)
{
	OK(fsetxattr(scene->fd, "user.a", &scene->turn, sizeof scene->turn, 0));
}

static void run_removexattr(struct scene *scene)
{
	OK(fsetxattr(scene->fd, "user.b", "x", 1, 0));
	OK(fremovexattr(scene->fd, "user.b"));
}

static void run_mkdir(struct scene *scene)
{
	(void)scene;
	(void)rmdir("d/new");
	OK(mkdir("d/new", 0755));
}

static void run_rmdir(struct scene *scene)
{
	(void)scene;
	(void)mkdir("d/new", 0755);
	OK(rmdir("d/new"));
}

static void run_symlink(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/new");
	OK(symlink("target", "d/new"));
}

static void run_mknod(struct scene *scene)
{
	(void)scene;
	(void)unlink("d/new");
	OK(mkfifo("d/new", 0600));
}

static void run_touch(struct scene *scene)
{
	OK(futimens(scene->fd, NULL));
}

static void run_set_times(struct scene *scene)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = scene->turn}};

	OK(futimens(scene->fd, times));
}

/* Of what was never read before, and is in no cache. */
static void run_read(struct scene *scene)
{
	char byte;
	int fd;

	(void)scene;
	(void)unlink("d/new");
	fd = new_object("d/new", PAGE);
	GIVES(1, pread(fd, &byte, 1, 0));
	OK(close(fd));
}

/* So much that it is moved beside the loop. */
static void run_write_much(struct scene *scene)
{
	static char data[LARGE];
	int fd = OK(open("d/large", O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	(void)scene;
	OK(ftruncate(fd, LARGE));
	GIVES(LARGE, pwrite(fd, data, LARGE, 0));
	OK(close(fd));
}

static void run_append(struct scene *scene)
{
	int fd = OK(open("d/tmp-a", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));

	(void)scene;
	GIVES(10, write(fd, "0123456789", 10));
	OK(close(fd));
}

static void run_sendfile(struct scene *scene)
{
	int from = OK(open("d/source", O_RDONLY | O_CLOEXEC));
	off_t zero = 0;

	OK(lseek(scene->fd, 0, SEEK_SET));
	GIVES(100, sendfile(scene->fd, from, &zero, 100));
	OK(close(from));
}

static void run_open_truncating(struct scene *scene)
{
	(void)scene;
	OK(close(OK(open("d/a", O_RDWR | O_TRUNC | O_CLOEXEC))));
	OK(truncate("d/a", PAGE));
}

static void run_truncate_by_path(struct scene *scene)
{
	OK(truncate("d/a", PAGE * (1 + scene->turn % 3)));
}

static void run_grow(struct scene *scene)
{
	OK(ftruncate(scene->fd, PAGE));
	OK(fallocate(scene->fd, 0, PAGE, PAGE * (1 + scene->turn % 3)));
}

/* Which tmpfs lacks. */
static void run_zero(struct scene *scene)
{
	if (fixture_is_tmpfs())
		run_punch(scene);
	else
		OK(fallocate(scene->fd, FALLOC_FL_ZERO_RANGE, 0, 100));
}

static void run_link_nameless(struct scene *scene)
{
	char path[64];
	int fd = OK(open("d", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));

	(void)scene;
	(void)unlink("d/new");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "d/new", AT_SYMLINK_FOLLOW));
	OK(close(fd));
}

static void run_replace(struct scene *scene)
{
	(void)scene;
	OK(close(OK(open("d/replaced", O_RDWR | O_CREAT | O_CLOEXEC, 0600))));
	OK(close(OK(open("d/new", O_RDWR | O_CREAT | O_CLOEXEC, 0600))));
	OK(rename("d/new", "d/replaced"));
}

static void run_exchange(struct scene *scene)
{
	(void)scene;
	OK(renameat2(AT_FDCWD, "d/a", AT_FDCWD, "e/b", RENAME_EXCHANGE));
	OK(renameat2(AT_FDCWD, "d/a", AT_FDCWD, "e/b", RENAME_EXCHANGE));
}

static void run_move(struct scene *scene)
{
	(void)scene;
	OK(rename("d/a", "e/a"));
	OK(rename("e/a", "d/a"));
}

static void run_move_directory(struct scene *scene)
{
	(void)scene;
	(void)mkdir("d/dir", 0755);
	OK(rename("d/dir", "e/dir"));
	OK(rename("e/dir", "d/dir"));
}

static void run_chmod_directory(struct scene *scene)
{
	OK(chmod("d", scene->turn % 2 ? 0755 : 0750));
}

static void run_set_times_of_link(struct scene *scene)
{
	const struct timespec times[2] = {{.tv_sec = scene->turn}, {.tv_sec = 1000}};

	if (!exists("d/symlink"))
		OK(symlink("target", "d/symlink"));
	OK(utimensat(AT_FDCWD, "d/symlink", times, AT_SYMLINK_NOFOLLOW));
}

static void run_set_acl(struct scene *scene)
{
	OK(set_acl("d/a", ACL_ACCESS,
	    scene->turn % 2 ? "u::rw u:65001:r g::- m::r o::-" : "u::rw u:65002:r g::- m::r o::-"));
}

const struct operation operations[] = {
    {"open of a new name", run_create, "d/new", A_TIME | M_TIME | C_TIME},
    {"open of a new name", run_create, "d", M_TIME | C_TIME},
    {"pwrite", run_write, "d/a", M_TIME | C_TIME},
    {"ftruncate", run_truncate, "d/a", M_TIME | C_TIME},
    {"ftruncate to the same size", run_truncate_to_the_same, "d/a", M_TIME | C_TIME},
    {"fallocate", run_allocate, "d/a", M_TIME | C_TIME},
    {"fallocate of a hole", run_punch, "d/a", M_TIME | C_TIME},
    {"copy_file_range", run_copy, "d/a", M_TIME | C_TIME},
    {"fchmod", run_chmod, "d/a", C_TIME},
    {"fchown", run_chown, "d/a", C_TIME},
    {"link", run_link, "d/a", C_TIME},
    {"link", run_link, "d", M_TIME | C_TIME},
    {"unlink", run_unlink, "d/a", C_TIME},
    {"unlink", run_unlink, "d", M_TIME | C_TIME},
    {"rename", run_rename, "d/a", C_TIME},
    {"rename", run_rename, "d", M_TIME | C_TIME},
    {"fsetxattr", run_setxattr, "d/a", C_TIME},
    {"fremovexattr", run_removexattr, "d/a", C_TIME},
    {"mkdir", run_mkdir, "d/new", A_TIME | M_TIME | C_TIME},
    {"mkdir", run_mkdir, "d", M_TIME | C_TIME},
    {"rmdir", run_rmdir, "d", M_TIME | C_TIME},
    {"symlink", run_symlink, "d/new", A_TIME | M_TIME | C_TIME},
    {"mkfifo", run_mknod, "d/new", A_TIME | M_TIME | C_TIME},
    {"futimens of now", run_touch, "d/a", A_TIME | M_TIME | C_TIME},
    {"futimens of a time", run_set_times, "d/a", C_TIME},
    {"pread", run_read, "d/new", A_TIME},
    {"pwrite of much", run_write_much, "d/large", M_TIME | C_TIME},
    {"write that appends", run_append, "d/tmp-a", M_TIME | C_TIME},
    {"sendfile", run_sendfile, "d/a", M_TIME | C_TIME},
    {"open with O_TRUNC", run_open_truncating, "d/a", M_TIME | C_TIME},
    {"truncate", run_truncate_by_path, "d/a", M_TIME | C_TIME},
    {"fallocate behind the end", run_grow, "d/a", M_TIME | C_TIME},
    {"fallocate of zeros", run_zero, "d/a", M_TIME | C_TIME},
    {"linkat of O_TMPFILE", run_link_nameless, "d/new", A_TIME | M_TIME | C_TIME},
    {"linkat of O_TMPFILE", run_link_nameless, "d", M_TIME | C_TIME},
    {"rename that replaces", run_replace, "d/replaced", C_TIME},
    {"rename that replaces", run_replace, "d", M_TIME | C_TIME},
    {"renameat2 that exchanges", run_exchange, "d/a", C_TIME},
    {"renameat2 that exchanges", run_exchange, "e/b", C_TIME},
    {"renameat2 that exchanges", run_exchange, "d", M_TIME | C_TIME},
    {"renameat2 that exchanges", run_exchange, "e", M_TIME | C_TIME},
    {"rename to a directory", run_move, "e", M_TIME | C_TIME},
    {"rename of a directory", run_move_directory, "d/dir", C_TIME},
    {"rename of a directory", run_move_directory, "e", M_TIME | C_TIME},
    {"chmod of a directory", run_chmod_directory, "d", C_TIME},
    {"utimensat of a link", run_set_times_of_link, "d/symlink", C_TIME},
    {"setxattr of an access control list", run_set_acl, "d/a", C_TIME},
};

const int operation_count = sizeof operations / sizeof operations[0];

struct scene begin_scene(void)
{
	struct scene scene;

	OK(mkdir("d", 0755));
	OK(mkdir("e", 0755));
	make_object("e/b", PAGE);
	scene =
	    (struct scene){.fd = new_object("d/a", PAGE), .source = new_object("d/source", PAGE)};
	write_pattern(scene.source, 0, PAGE);
	return scene;
}

void run(struct scene *scene, const struct operation *operation)
{
	scene->turn++;
	operation->run(scene);
}

void end_scene(const struct scene *scene)
{
	OK(close(scene->fd));
	OK(close(scene->source));
}

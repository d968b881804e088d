/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations that make, find, move and remove names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"
#include "scene.h"

static void lookup_of_nothing(void)
{
	scene_note_status("missing");
}

static void lookup(void)
{
	forget_name(inode_of("."), "b");
	scene_note_status("b");
}

static void lookup_of_directory(void)
{
	forget_name(inode_of("."), "dir");
	scene_note_status("dir/inside");
}

static void forget(void)
{
	forget_name(inode_of("."), "b");
}

/* All in one request, as the server comes to it late. */
static void forget_many(void)
{
	static const char *const names[] = {"b", "c", "c2", "empty", "fifo", "symlink", "hollow"};
	/* Nothing is answered while the server is stopped. */
	ino_t dir = inode_of(".");

	while (!daemon_freeze())
		usleep(1000);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		forget_name(dir, names[i]);
	daemon_thaw();
}

static void create(void)
{
	OPEN(open("new", O_RDWR | O_CREAT | O_EXCL, 0600));
	scene_note_status("new");
}

static void create_as_user(void)
{
	as_user();
	OPEN(open("home/new", O_RDWR | O_CREAT | O_EXCL, 0600));
	as_root();
	scene_note_status("home/new");
}

static void create_what_exists(void)
{
	OPEN(open("b", O_RDWR | O_CREAT | O_EXCL, 0600));
	OPEN(open("b", O_RDWR | O_CREAT, 0600));
}

/* The kernel does not know that it exists. */
static void create_what_came_up(void)
{
	forget_name(inode_of("."), "b");
	OPEN(open("b", O_RDWR | O_CREAT, 0600));
}

static void use_up_the_limit_of_the_user(void)
{
	char name[32];

	as_user();
	for (int i = 0; i < USER_NODES; i++) {
		snprintf(name, sizeof name, "home/n%d", i);
		(void)mknod(name, S_IFREG | 0600, 0);
	}
	as_root();
}

static void create_beyond_the_limit_of_the_user(void)
{
	as_user();
	NOTE(mknod("home/new", S_IFREG | 0600, 0));
	NOTE(unlink("home/n0"));
	NOTE(mknod("home/new", S_IFREG | 0600, 0));
	as_root();
}

static void create_anonymous(void)
{
	OPEN(open(".", O_TMPFILE | O_RDWR, 0600));
}

static void name_anonymous(void)
{
	int fd = OPEN(open(".", O_TMPFILE | O_RDWR, 0600));

	NOTE(linkat(fd, "", AT_FDCWD, "new", AT_EMPTY_PATH));
	scene_note_status("new");
}

static void mknod_object(void)
{
	NOTE(mknod("new", S_IFREG | 0600, 0));
	scene_note_status("new");
}

static void mknod_fifo(void)
{
	NOTE(mkfifo("dir/new", 0600));
	NOTE(mknod("b", S_IFSOCK | 0600, 0));
	scene_note_status("dir/new");
}

static void make_directory(void)
{
	NOTE(mkdir("new", 0755));
	NOTE(mkdir("dir", 0755));
	scene_note_status(".");
}

static void make_symlink(void)
{
	char target[300];

	memset(target, 'x', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	NOTE(symlink("a", "new"));
	NOTE(symlink(target, "long"));
	NOTE(readlink("long", target, sizeof target));
	scene_note_bytes(target, sizeof target);
}

static void make_link(void)
{
	NOTE(link("a", "dir/new"));
	NOTE(link("a", "b"));
	scene_note_status("a");
}

static void share_an_object(void)
{
	NOTE(mknod("shared", S_IFREG | 0666, 0));
	NOTE(chmod("shared", 0666));
	as_user();
	NOTE(link("shared", "home/first"));
	as_root();
}

static void link_of_another(void)
{
	as_user();
	NOTE(link("shared", "home/second"));
	as_root();
	scene_note_status("shared");
}

static void unlink_what_others_linked(void)
{
	NOTE(unlink("home/first"));
	scene_note_status("shared");
}

static void unlink_what_the_node_was_charged_for(void)
{
	NOTE(unlink("shared"));
	scene_note_status("home/first");
}

static void rename_what_others_linked(void)
{
	NOTE(rename("home/first", "moved"));
	NOTE(rename("moved", "c"));
	NOTE(renameat2(AT_FDCWD, "c", AT_FDCWD, "home/own", RENAME_EXCHANGE));
	NOTE(rename("b", "home/own"));
	scene_note_status("shared");
}

static void unlink_open(void)
{
	NOTE(unlink("a"));
	scene_note_status("a");
	scene_note_data(scene.reader, 10000, 0);
}

static void unlink_last(void)
{
	NOTE(unlink("b"));
	NOTE(unlink("b"));
}

static void unlink_one_of_two(void)
{
	NOTE(unlink("c"));
	scene_note_status("c2");
}

static void unlink_others(void)
{
	NOTE(unlink("fifo"));
	NOTE(unlink("symlink"));
	NOTE(unlink("empty"));
	NOTE(unlink("dir"));
}

static void unlink_own(void)
{
	as_user();
	NOTE(unlink("home/own"));
	as_root();
}

static void remove_directory(void)
{
	NOTE(rmdir("hollow"));
	NOTE(rmdir("dir"));
	NOTE(rmdir("hollow"));
}

static void rename_to_new(void)
{
	NOTE(rename("b", "dir/new"));
	NOTE(rename("b", "dir/new"));
}

static void rename_over_last(void)
{
	NOTE(rename("c", "b"));
	scene_note_status("b");
}

static void rename_over_open(void)
{
	NOTE(rename("b", "a"));
	scene_note_data(scene.reader, 10000, 0);
}

static void rename_one_node(void)
{
	NOTE(rename("c", "c2"));
	scene_note_status("c");
}

static void rename_directory(void)
{
	NOTE(rename("dir/sub", "hollow"));
	NOTE(rename("dir", "hollow/dir"));
	NOTE(rename("hollow", "hollow/dir/new"));
	scene_note_status("hollow/dir/inside");
}

static void rename_without_replacing(void)
{
	NOTE(renameat2(AT_FDCWD, "b", AT_FDCWD, "new", RENAME_NOREPLACE));
	NOTE(renameat2(AT_FDCWD, "c", AT_FDCWD, "new", RENAME_NOREPLACE));
}

static void exchange(void)
{
	NOTE(renameat2(AT_FDCWD, "a", AT_FDCWD, "dir/inside", RENAME_EXCHANGE));
	NOTE(renameat2(AT_FDCWD, "dir/sub", AT_FDCWD, "b", RENAME_EXCHANGE));
	scene_note_status("dir/inside");
}

/* By a descriptor that is no opening, before and after the name is gone. */
static void open_what_has_no_name(void)
{
	char path[40];
	int fd = open("b", O_PATH | O_CLOEXEC), opened;

	NOTE(unlink("b"));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	opened = open(path, O_RDWR | O_CLOEXEC);
	scene_note("opened", opened >= 0);
	scene_note_data(opened, 3000, 0);
	close(opened);
	close(fd);
}

static void list(void)
{
	DIR *dir = opendir(".");
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		scene_note(entry->d_name, entry->d_type);
	closedir(dir);
}

static void remove_everything(void)
{
	NOTE(unlink("dir/inside"));
	NOTE(rmdir("dir/sub"));
	NOTE(rmdir("dir"));
	NOTE(unlink("c"));
	NOTE(unlink("c2"));
}

/* --- tenants ---------------------------------------------------------------------------------- */

/* A caller of the control socket has no answer from a server that is killed, and asks again: then
 * what it made may be there. */
static long ask(const char *method, const char *parameters)
{
	bool again = false;

	for (;;) {
		int rc = control_call(daemon_dir(), method, parameters);

		if (rc != ECONNRESET)
			return again && rc == EEXIST ? 0 : rc;
		again = true;
	}
}

static void make_tenant(void)
{
	int fd;

	if (ask("CreateTenant", "{\"path\":\"scene/tenant\",\"size\":40960,\"inodes\":4}") != 0)
		broken("CreateTenant");
	fd = open("tenant/object", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, 10000) < 0 || close(fd) < 0)
		broken("tenant/object");
}

static void create_tenant(void)
{
	NOTE(ask(
	    "CreateTenant", "{\"path\":\"scene/new\",\"size\":40960,\"inodes\":4,\"uid\":1001}"));
	scene_note_status("new");
}

static void limit_tenant(void)
{
	NOTE(ask("SetTenant", "{\"path\":\"scene/tenant\",\"size\":4096,\"inodes\":1}"));
	NOTE(mknod("tenant/new", S_IFREG | 0600, 0));
}

static void create_in_tenant(void)
{
	OPEN(open("tenant/new", O_RDWR | O_CREAT | O_EXCL, 0600));
	NOTE(mkdir("tenant/dir", 0755));
	NOTE(mkdir("tenant/too many", 0755));
}

static void grow_in_tenant(void)
{
	NOTE(truncate("tenant/object", 40000));
	NOTE(truncate("tenant/object", 50000));
}

static void cross_the_border(void)
{
	NOTE(link("tenant/object", "new"));
	NOTE(rename("b", "tenant/b"));
	NOTE(rename("tenant/object", "tenant/renamed"));
}

static void rename_tenant(void)
{
	NOTE(rename("tenant", "dir/tenant"));
	scene_note_status("dir/tenant/object");
}

static void remove_tenant_in_use(void)
{
	OPEN(open("tenant/object", O_RDWR));
	NOTE(unlink("tenant/object"));
	NOTE(rmdir("tenant"));
}

const struct operation operations_on_names[] = {
    {"lookup_of_nothing", lookup_of_nothing, NULL},
    {"lookup", lookup, NULL},
    {"lookup_of_directory", lookup_of_directory, NULL},
    {"forget", forget, NULL},
    {"forget_many", forget_many, NULL},
    {"create", create, NULL},
    {"create_as_user", create_as_user, NULL},
    {"create_what_exists", create_what_exists, NULL},
    {"create_what_came_up", create_what_came_up, NULL},
    {"create_beyond_the_limit_of_the_user", create_beyond_the_limit_of_the_user,
	use_up_the_limit_of_the_user},
    {"create_anonymous", create_anonymous, NULL},
    {"name_anonymous", name_anonymous, NULL},
    {"mknod_object", mknod_object, NULL},
    {"mknod_fifo", mknod_fifo, NULL},
    {"make_directory", make_directory, NULL},
    {"make_symlink", make_symlink, NULL},
    {"make_link", make_link, NULL},
    {"link_of_another", link_of_another, share_an_object},
    {"unlink_what_others_linked", unlink_what_others_linked, share_an_object},
    {"unlink_what_the_node_was_charged_for", unlink_what_the_node_was_charged_for, share_an_object},
    {"rename_what_others_linked", rename_what_others_linked, share_an_object},
    {"unlink_open", unlink_open, NULL},
    {"unlink_last", unlink_last, NULL},
    {"unlink_one_of_two", unlink_one_of_two, NULL},
    {"unlink_others", unlink_others, NULL},
    {"unlink_own", unlink_own, NULL},
    {"remove_directory", remove_directory, NULL},
    {"rename_to_new", rename_to_new, NULL},
    {"rename_over_last", rename_over_last, NULL},
    {"rename_over_open", rename_over_open, NULL},
    {"rename_one_node", rename_one_node, NULL},
    {"rename_directory", rename_directory, NULL},
    {"rename_without_replacing", rename_without_replacing, NULL},
    {"exchange", exchange, NULL},
    {"open_what_has_no_name", open_what_has_no_name, NULL},
    {"list", list, NULL},
    {"remove_everything", remove_everything, NULL},
    {"create_tenant", create_tenant, NULL},
    {"limit_tenant", limit_tenant, make_tenant},
    {"create_in_tenant", create_in_tenant, make_tenant},
    {"grow_in_tenant", grow_in_tenant, make_tenant},
    {"cross_the_border", cross_the_border, make_tenant},
    {"rename_tenant", rename_tenant, make_tenant},
    {"remove_tenant_in_use", remove_tenant_in_use, make_tenant},
    {NULL, NULL, NULL},
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* See scene.h. */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon.h"

enum { NOTES_SIZE = 1 << 16, DATA_SIZE = 4 << 20 };

struct scene scene;

static char notes[NOTES_SIZE];
static size_t noted;

/* --- notes ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void append(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	noted += (size_t)vsnprintf(notes + noted, sizeof notes - noted, format, list);
	va_end(list);
	if (noted >= sizeof notes) {
		errno = ENOBUFS;
		broken("notes");
	}
}

const char *scene_notes(void)
{
	return notes;
}

long scene_note(const char *call, long result)
{
	append("%s = %ld %s\n", call, result, result < 0 ? strerrorname_np(errno) : "");
	return result;
}

/* Numbers of descriptors say nothing. */
int scene_note_open(const char *call, int fd)
{
	append("%s %s\n", call, fd < 0 ? strerrorname_np(errno) : "opens");
	if (fd >= 0)
		scene.opened[scene.opened_count++] = fd;
	return fd;
}

void scene_note_status(const char *name)
{
	struct stat st;

	if (lstat(name, &st) != 0) {
		append("%s: %s\n", name, strerrorname_np(errno));
		return;
	}
	append("%s: mode=%o nlink=%lu uid=%u gid=%u size=%ld\n", name, st.st_mode,
	    (unsigned long)st.st_nlink, st.st_uid, st.st_gid, (long)st.st_size);
}

void scene_note_bytes(const void *data, size_t size)
{
	const unsigned char *byte = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	append("    %zu bytes %016" PRIx64 "\n", size, hash);
}

void scene_note_data(int fd, size_t size, off_t offset)
{
	static unsigned char data[DATA_SIZE];
	long count = scene_note("pread", pread(fd, data, size, offset));

	if (count > 0)
		scene_note_bytes(data, (size_t)count);
}

const void *scene_data(size_t size, unsigned seed)
{
	static unsigned char data[DATA_SIZE];

	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)(seed + i * 7 + i / 256);
	return data;
}

/* --- who asks --------------------------------------------------------------------------------- */

void as_user(void)
{
	setfsgid(USER);
	setfsuid(USER);
}

void as_root(void)
{
	setfsuid(0);
	setfsgid(0);
}

/* --- the tree --------------------------------------------------------------------------------- */

static void must(const char *what, long result)
{
	if (result < 0)
		broken(what);
}

static void make_object(const char *name, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	must(name, fd);
	must(name, ftruncate(fd, (off_t)size));
	must(name, pwrite(fd, scene_data(size, (unsigned)size), size, 0));
	must(name, close(fd));
}

static int open_as(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC, 0644);

	must(name, fd);
	return fd;
}

static void make_names(void)
{
	make_object("a", 10000);
	make_object("b", 5000);
	make_object("c", 100);
	must("link", link("c", "c2"));
	/* Closing it would give its memory back only if the kernel has let go of it by then. */
	must("mknod", mknod("empty", S_IFREG | 0644, 0));
	make_object("sem.grows", 100);
	must("mkdir", mkdir("dir", 0755));
	must("mkdir", mkdir("dir/sub", 0755));
	make_object("dir/inside", 3000);
	must("mkdir", mkdir("hollow", 0755));
	must("symlink", symlink("a", "symlink"));
	must("mkfifo", mkfifo("fifo", 0644));
	must("setxattr", setxattr("a", "user.old", "value", 5, 0));
	must("mkdir", mkdir("home", 0755));
	must("chown", chown("home", USER, USER));
	as_user();
	make_object("home/own", 4096);
	as_root();
}

void scene_make(void)
{
	noted = 0;
	notes[0] = '\0';
	must("chdir", chdir(daemon_dir()));
	must("mkdir", mkdir("scene", 0755));
	must("chdir", chdir("scene"));
	make_names();
	scene = (struct scene){
	    .reader = open_as("a", O_RDONLY),
	    .writer = open_as("a", O_WRONLY),
	    .both = open_as("a", O_RDWR),
	    .growing = open_as("sem.grows", O_RDWR),
	    .orphan = open_as("gone", O_RDWR | O_CREAT | O_EXCL),
	};
	must("ftruncate", ftruncate(scene.orphan, 6000));
	must("unlink", unlink("gone"));
	scene.map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, scene.both, 0);
	if (scene.map == MAP_FAILED)
		broken("mmap");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	return where->level > 0 ? remove(path) : 0;
}

void scene_end(void)
{
	const int fds[] = {scene.reader, scene.writer, scene.both, scene.growing, scene.orphan};

	munmap(scene.map, 12288);
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (unsigned i = 0; i < scene.opened_count; i++)
		if (scene.opened[i] >= 0)
			close(scene.opened[i]);
	must("chdir", chdir("/"));
	must("removal of the scene",
	    nftw(daemon_dir(), remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1);
}

ino_t inode_of(const char *name)
{
	struct stat st;

	must("stat", stat(name, &st));
	return st.st_ino;
}

/* The kernel takes notifications from whoever holds the connection. */
void forget_name(ino_t dir, const char *name)
{
	int fd = daemon_open_descriptor("/dev/fuse", 0, true);
	struct fuse_notify_inval_entry_out entry = {
	    .parent = dir, .namelen = (uint32_t)strlen(name)};
	struct fuse_out_header header = {.error = FUSE_NOTIFY_INVAL_ENTRY};
	struct iovec iov[] = {{&header, sizeof header}, {&entry, sizeof entry},
	    {(void *)(uintptr_t)name, strlen(name) + 1}};

	header.len = (uint32_t)(sizeof header + sizeof entry + strlen(name) + 1);
	/* ENOENT: it has forgotten it by itself. */
	if (writev(fd, iov, 3) < 0 && errno != ENOENT)
		broken("FUSE_NOTIFY_INVAL_ENTRY");
	close(fd);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on open objects and their sizes. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scene.h"

enum { MIB = 1 << 20 };

static void open_to_read(void)
{
	scene_note_data(OPEN(open("b", O_RDONLY)), 5000, 0);
}

static void open_to_write(void)
{
	int fd = OPEN(open("b", O_WRONLY));

	NOTE(pwrite(fd, scene_data(100, 1), 100, 10));
}

static void open_both(void)
{
	OPEN(open("b", O_RDWR));
	OPEN(open("empty", O_RDWR));
	OPEN(open("dir/inside", O_RDWR | O_NOATIME));
}

static void open_truncating(void)
{
	OPEN(open("b", O_RDWR | O_TRUNC));
	OPEN(open("a", O_WRONLY | O_TRUNC));
	scene_note_status("a");
}

static void close_reader(void)
{
	NOTE(close(scene.reader));
	scene.reader = -1;
}

static void close_orphan(void)
{
	NOTE(close(scene.orphan));
	scene.orphan = -1;
}

static void close_new(void)
{
	int fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0600);

	NOTE(close(fd));
	scene_note_status("new");
}

static void read_some(void)
{
	scene_note_data(scene.both, 2000, 9000);
	scene_note_data(scene.both, 2000, 10000);
}

static void write_inside(void)
{
	NOTE(pwrite(scene.both, scene_data(3000, 5), 3000, 1000));
	scene_note_data(scene.both, 10000, 0);
}

static void write_at_the_descriptor(void)
{
	NOTE(lseek(scene.writer, 500, SEEK_SET));
	NOTE(write(scene.writer, scene_data(700, 6), 700));
	NOTE(write(scene.writer, scene_data(700, 7), 700));
	NOTE(lseek(scene.writer, 0, SEEK_CUR));
	scene_note_data(scene.both, 10000, 0);
}

/* To an object that nobody maps (shmfs.5, tiers). */
static void write_across_the_end(void)
{
	int fd = OPEN(open("b", O_RDWR));

	NOTE(pwrite(fd, scene_data(3000, 5), 3000, 4000));
	NOTE(pwrite(fd, scene_data(10, 5), 10, 5000));
	scene_note_data(fd, 5000, 0);
}

static void write_growing(void)
{
	NOTE(pwrite(scene.growing, scene_data(9000, 3), 9000, 50));
	NOTE(pwrite(scene.growing, scene_data(10, 4), 10, 20000));
	scene_note_data(scene.growing, 20010, 0);
}

static void append(void)
{
	int fd = OPEN(open("sem.grows", O_WRONLY | O_APPEND));

	NOTE(write(fd, scene_data(50, 3), 50));
	NOTE(write(fd, scene_data(50, 4), 50));
	scene_note_data(scene.growing, 300, 0);
}

static void write_and_read_much(void)
{
	int fd = OPEN(open("much", O_RDWR | O_CREAT | O_EXCL, 0600));

	NOTE(ftruncate(fd, 2 * MIB));
	NOTE(pwrite(fd, scene_data(2 * MIB, 9), 2 * MIB, 0));
	scene_note_data(fd, 2 * MIB, 0);
}

static const char *const objects[] = {"b", "c", "sem.grows", "dir/inside", "home/own", "a"};

enum { OBJECTS = sizeof objects / sizeof objects[0] };

/* With few descriptors, each use closes memory and opens some. */
static void use_each_in_turn(void)
{
	int fds[OBJECTS];

	for (int i = 0; i < OBJECTS; i++)
		fds[i] = OPEN(open(objects[i], O_RDWR));
	for (int i = 0; i < 2 * OBJECTS; i++) {
		NOTE(pwrite(fds[i % OBJECTS], scene_data(20, (unsigned)i), 20, 10));
		scene_note_data(fds[i % OBJECTS], 100, 0);
	}
	NOTE(ftruncate(fds[0], 50));
	NOTE(ftruncate(fds[3], 5000));
	scene_note_data(fds[0], 100, 0);
	scene_note_data(fds[3], 5000, 0);
}

static void make_several(void)
{
	char name[] = "new-0";

	for (; name[4] < '4'; name[4]++) {
		int fd = OPEN(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));

		NOTE(ftruncate(fd, 5000));
		NOTE(pwrite(fd, scene_data(100, 1), 100, 4000));
	}
}

static void remove_each(void)
{
	for (int i = 0; i < OBJECTS; i++)
		NOTE(unlink(objects[i]));
	scene_note_data(scene.both, 100, 0);
	NOTE(unlink("c2"));
}

static void allocate(void)
{
	NOTE(fallocate(scene.both, 0, 5000, 30000));
	scene_note_data(scene.both, 40000, 0);
}

static void allocate_keeping_the_size(void)
{
	NOTE(fallocate(scene.both, FALLOC_FL_KEEP_SIZE, 5000, 30000));
	scene_note_status("a");
}

static void punch(void)
{
	NOTE(fallocate(scene.both, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000));
	scene_note_data(scene.both, 10000, 0);
}

static void zero_range(void)
{
	NOTE(fallocate(scene.both, FALLOC_FL_ZERO_RANGE, 9000, 5000));
	scene_note_data(scene.both, 20000, 0);
}

static void copy(void)
{
	int fd = OPEN(open("b", O_RDWR));
	off_t from = 100, to = 200;

	NOTE(copy_file_range(scene.both, &from, fd, &to, 3000, 0));
	scene_note_data(fd, 5000, 0);
}

static void send(void)
{
	int out = OPEN(memfd_create("sent", MFD_CLOEXEC));
	off_t from = 100;

	NOTE(sendfile(out, scene.reader, &from, 20000));
	scene_note_data(out, 10000, 0);
}

static void seek(void)
{
	NOTE(lseek(scene.both, 0, SEEK_DATA));
	NOTE(lseek(scene.both, 0, SEEK_HOLE));
	NOTE(lseek(scene.both, 10000, SEEK_DATA));
}

static void grow(void)
{
	NOTE(ftruncate(scene.both, 50000));
	scene_note_data(scene.both, 50000, 0);
}

static void share_an_object(void)
{
	NOTE(mknod("shared", S_IFREG | 0666, 0));
	NOTE(chmod("shared", 0666));
}

static void grow_what_is_anothers(void)
{
	int fd;

	as_user();
	fd = OPEN(open("shared", O_RDWR));
	NOTE(ftruncate(fd, USER_SIZE / 2));
	NOTE(ftruncate(fd, USER_SIZE));
	NOTE(fallocate(fd, 0, 0, USER_SIZE + 1));
	NOTE(ftruncate(fd, 100));
	as_root();
	scene_note_status("shared");
}

static void grow_empty(void)
{
	NOTE(truncate("empty", 7000));
	scene_note_status("empty");
}

static void shrink(void)
{
	NOTE(truncate("a", 4097));
	NOTE(truncate("a", 8000));
	scene_note_data(scene.both, 8000, 0);
}

static void shrink_to_nothing(void)
{
	NOTE(ftruncate(scene.orphan, 0));
	NOTE(truncate("b", 0));
	NOTE(truncate("home/own", 0));
}

static void grow_beyond_the_limit_of_the_user(void)
{
	NOTE(truncate("home/own", USER_SIZE));
	NOTE(truncate("home/own", USER_SIZE + 1));
	scene_note_status("home/own");
}

static void grow_beyond_the_limit_of_all(void)
{
	NOTE(ftruncate(scene.both, 1L << 40));
	NOTE(truncate("b", -1));
	scene_note_status("a");
}

static void map_and_touch(void)
{
	scene.map[5] = 77;
	scene.map[9000] = 78;
	NOTE(msync(scene.map, 12288, MS_SYNC));
	scene_note_data(scene.both, 10000, 0);
}

static void map_anew(void)
{
	int fd = OPEN(open("b", O_RDWR));
	unsigned char *map = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	NOTE(map == MAP_FAILED ? -1 : 0);
	if (map == MAP_FAILED)
		return;
	scene_note_bytes(map, 5000);
	map[4999] = 1;
	NOTE(msync(map, 5000, MS_SYNC));
	NOTE(munmap(map, 5000));
	NOTE(fsync(fd));
}

/* --- with somebody who answers -----------------------------------------------------------------
 */

enum { ANSWER = 200 };

/* A process that waits, where it has "a" mapped, for a byte to become this, and stores another. */
static pid_t begin_answering(size_t at, unsigned char seen)
{
	volatile unsigned char *byte = &scene.map[at];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	alarm(60);
	while (*byte != seen)
		;
	*byte = ANSWER;
	_exit(0);
}

/* What it stored came after what it saw, so nothing comes after that. */
static void end_answering(pid_t pid, size_t at)
{
	int status;

	NOTE(waitpid(pid, &status, 0) == pid ? status : -1);
	NOTE(scene.map[at]);
	scene_note_data(scene.both, 10000, 0);
}

static void write_that_is_answered(void)
{
	const unsigned char *data = scene_data(3000, 5);
	pid_t pid = begin_answering(1000, data[0]);

	NOTE(pwrite(scene.both, data, 3000, 1000));
	end_answering(pid, 1000);
}

static void punch_that_is_answered(void)
{
	pid_t pid;

	NOTE(pwrite(scene.both, scene_data(1, 9), 1, 5000));
	pid = begin_answering(5000, 0);
	NOTE(fallocate(scene.both, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000));
	end_answering(pid, 5000);
}

static void copy_that_is_answered(void)
{
	int fd = OPEN(open("b", O_RDWR));
	off_t from = 100, to = 1000;
	pid_t pid;

	NOTE(pwrite(fd, scene_data(1, 99), 1, 100));
	pid = begin_answering(1000, 99);
	NOTE(copy_file_range(fd, &from, scene.both, &to, 3000, 0));
	end_answering(pid, 1000);
}

const struct operation operations_on_files[] = {
    {"grow_what_is_anothers", grow_what_is_anothers, share_an_object},
    {"open_to_read", open_to_read, NULL},
    {"open_to_write", open_to_write, NULL},
    {"open_both", open_both, NULL},
    {"open_truncating", open_truncating, NULL},
    {"close_reader", close_reader, NULL},
    {"close_orphan", close_orphan, NULL},
    {"close_new", close_new, NULL},
    {"read_some", read_some, NULL},
    {"write_inside", write_inside, NULL},
    {"write_at_the_descriptor", write_at_the_descriptor, NULL},
    {"write_across_the_end", write_across_the_end, NULL},
    {"write_growing", write_growing, NULL},
    {"append", append, NULL},
    {"write_and_read_much", write_and_read_much, NULL},
    {"use_each_in_turn", use_each_in_turn, NULL},
    {"make_several", make_several, NULL},
    {"remove_each", remove_each, NULL},
    {"allocate", allocate, NULL},
    {"allocate_keeping_the_size", allocate_keeping_the_size, NULL},
    {"punch", punch, NULL},
    {"zero_range", zero_range, NULL},
    {"copy", copy, NULL},
    {"send", send, NULL},
    {"seek", seek, NULL},
    {"grow", grow, NULL},
    {"grow_empty", grow_empty, NULL},
    {"shrink", shrink, NULL},
    {"shrink_to_nothing", shrink_to_nothing, NULL},
    {"grow_beyond_the_limit_of_the_user", grow_beyond_the_limit_of_the_user, NULL},
    {"grow_beyond_the_limit_of_all", grow_beyond_the_limit_of_all, NULL},
    {"map_and_touch", map_and_touch, NULL},
    {"map_anew", map_anew, NULL},
    {"write_that_is_answered", write_that_is_answered, NULL},
    {"punch_that_is_answered", punch_that_is_answered, NULL},
    {"copy_that_is_answered", copy_that_is_answered, NULL},
    {NULL, NULL, NULL},
};

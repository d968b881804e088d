/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: a bare loop on /dev/fuse that serves a file, whose bytes it moves by a method of
 * choice. There is no libfuse, no namespace, no check and no other thread, so that nothing but the
 * kernel and the method are measured. The file is DIRECTORY/memory, and there is another one for a
 * second client, DIRECTORY/second, as the kernel has those who write to one file wait for each
 * other. Of what else there is in a filesystem, it has what is needed to open them.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	READ_MAX = MIB,
	ROOM = READ_MAX + 64 * KIB,
	PAGE = 4096,
	SHORT = 256, /* a reply whose parts are copied together */
	BEFORE_DATA = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in),
	FILES = 2,
	FIRST_ID = 2,
};

static const char *const names[FILES] = {"memory", "second"};

/* What there is of each file, and of the one that a request is about. */
static struct file {
	int memory;
	char *kept;
} files[FILES];
static int channel, memory;
static size_t memory_size = 32 * MIB, read_max = READ_MAX, write_max = 256 * KIB;
static char *kept;
static int pipe_ends[2];
static char *buffer;
static char *request; /* the data of a WRITE begin on a page */

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void answer(uint64_t unique, int error, const void *payload, size_t size)
{
	struct fuse_out_header header = {
	    .len = (uint32_t)(sizeof header + size), .error = error, .unique = unique};
	struct iovec iov[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};
	char whole[SHORT];
	ssize_t sent;

	/* The kernel looks up a page for each part. */
	if (sizeof header + size <= sizeof whole) {
		memcpy(whole, &header, sizeof header);
		if (size > 0)
			memcpy(whole + sizeof header, payload, size);
		sent = write(channel, whole, header.len);
	} else {
		sent = writev(channel, iov, 2);
	}
	/* Whoever gave it up needs no answer. */
	if (sent < 0 && errno != ENOENT)
		die("reply");
}

/* --- methods to read -------------------------------------------------------------------------- */

/* memory → buffer → /dev/fuse */
static void read_by_pread(uint64_t unique, size_t size, uint64_t offset)
{
	ssize_t count = pread(memory, buffer, size, (off_t)offset);

	if (count < 0)
		die("pread");
	answer(unique, 0, buffer, (size_t)count);
}

/* A mapping for each request → /dev/fuse */
static void read_by_map(uint64_t unique, size_t size, uint64_t offset)
{
	uint64_t begin = offset / PAGE * PAGE;
	size_t length = size + (size_t)(offset - begin);
	char *map = mmap(NULL, length, PROT_READ, MAP_SHARED | MAP_POPULATE, memory, (off_t)begin);

	if (map == MAP_FAILED)
		die("mmap");
	answer(unique, 0, map + (offset - begin), size);
	munmap(map, length);
}

/* All of it mapped → /dev/fuse */
static void read_by_kept(uint64_t unique, size_t size, uint64_t offset)
{
	answer(unique, 0, kept + offset, size);
}

/* All of it mapped → buffer → /dev/fuse */
static void read_by_memcpy(uint64_t unique, size_t size, uint64_t offset)
{
	memcpy(buffer, kept + offset, size);
	answer(unique, 0, buffer, size);
}

/* memory → pipe → /dev/fuse: the pages themselves */
static void read_by_splice(uint64_t unique, size_t size, uint64_t offset)
{
	struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .unique = unique};
	loff_t at = (loff_t)offset;
	size_t done = 0;

	if (write(pipe_ends[1], &header, sizeof header) != sizeof header)
		die("write to the pipe");
	while (done < size) {
		ssize_t count = splice(memory, &at, pipe_ends[1], NULL, size - done, 0);

		if (count <= 0)
			die("splice from the memory");
		done += (size_t)count;
	}
	if (splice(pipe_ends[0], NULL, channel, NULL, sizeof header + size, 0) < 0)
		die("splice to /dev/fuse");
}

/* --- methods to write ------------------------------------------------------------------------- */

static void write_by_pwrite(const char *data, size_t size, uint64_t offset)
{
	if (pwrite(memory, data, size, (off_t)offset) != (ssize_t)size)
		die("pwrite");
}

static void write_by_memcpy(const char *data, size_t size, uint64_t offset)
{
	memcpy(kept + offset, data, size);
}

static const struct method {
	const char *name;
	void (*read)(uint64_t unique, size_t size, uint64_t offset);
	void (*write)(const char *data, size_t size, uint64_t offset);
} methods[] = {
    {"pread", read_by_pread, write_by_pwrite},
    {"map", read_by_map, write_by_pwrite},
    {"splice", read_by_splice, write_by_pwrite},
    /* What takes a file that is mapped for as long as it is there: */
    {"kept", read_by_kept, write_by_memcpy},
    {"memcpy", read_by_memcpy, write_by_memcpy},
};

static const struct method *method;

/* --- requests --------------------------------------------------------------------------------- */

static struct fuse_attr attributes_of(uint64_t id)
{
	bool is_root = id == FUSE_ROOT_ID;

	return (struct fuse_attr){
	    .ino = id,
	    .size = is_root ? 0 : memory_size,
	    .mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0600,
	    .nlink = is_root ? 2 : 1,
	    .blksize = PAGE,
	};
}

static void answer_init(uint64_t unique, const struct fuse_init_in *in)
{
	const struct fuse_init_out out = {
	    .major = FUSE_KERNEL_VERSION,
	    .minor = FUSE_KERNEL_MINOR_VERSION,
	    .max_readahead = in->max_readahead,
	    .flags = in->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_READ),
	    .max_background = 12,
	    .max_write = (uint32_t)write_max,
	    .time_gran = 1,
	    .max_pages = (uint16_t)((read_max > write_max ? read_max : write_max) / PAGE),
	};

	answer(unique, 0, &out, sizeof out);
}

static void answer_lookup(uint64_t unique, const char *name)
{
	for (unsigned i = 0; i < FILES; i++) {
		const struct fuse_entry_out out = {
		    .nodeid = FIRST_ID + i,
		    .entry_valid = 1000,
		    .attr_valid = 1000,
		    .attr = attributes_of(FIRST_ID + i),
		};

		if (strcmp(name, names[i]) == 0) {
			answer(unique, 0, &out, sizeof out);
			return;
		}
	}
	answer(unique, -ENOENT, NULL, 0);
}

static void answer_attributes(uint64_t unique, uint64_t id)
{
	const struct fuse_attr_out out = {.attr_valid = 1000, .attr = attributes_of(id)};

	answer(unique, 0, &out, sizeof out);
}

/* Cut to nothing and made as long as before, it has new memory. Nothing else changes. */
static void answer_change(uint64_t unique, uint64_t id, const struct fuse_setattr_in *in)
{
	if ((in->valid & FATTR_SIZE) && in->size <= memory_size &&
	    (ftruncate(memory, (off_t)in->size) < 0 || ftruncate(memory, (off_t)memory_size) < 0))
		die("ftruncate");
	answer_attributes(unique, id);
}

static void answer_open(uint64_t unique)
{
	const struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};

	answer(unique, 0, &out, sizeof out);
}

static void answer_read(uint64_t unique, const struct fuse_read_in *in)
{
	size_t size = in->size < READ_MAX ? in->size : READ_MAX;

	if (in->offset >= memory_size) {
		answer(unique, 0, NULL, 0);
		return;
	}
	method->read(
	    unique, size < memory_size - in->offset ? size : memory_size - in->offset, in->offset);
}

static void answer_write(uint64_t unique, const struct fuse_write_in *in)
{
	const struct fuse_write_out out = {.size = in->size};

	if (in->offset >= memory_size || in->size > memory_size - in->offset) {
		answer(unique, -EFBIG, NULL, 0);
		return;
	}
	method->write((const char *)(in + 1), in->size, in->offset);
	answer(unique, 0, &out, sizeof out);
}

static void answer_statfs(uint64_t unique)
{
	const struct fuse_statfs_out out = {.st = {.bsize = PAGE, .namelen = 255}};

	answer(unique, 0, &out, sizeof out);
}

static void choose(uint64_t id)
{
	if (id < FIRST_ID || id >= FIRST_ID + FILES)
		return;
	memory = files[id - FIRST_ID].memory;
	kept = files[id - FIRST_ID].kept;
}

static void serve(const struct fuse_in_header *header)
{
	const void *body = header + 1;

	choose(header->nodeid);
	switch (header->opcode) {
	case FUSE_INIT:
		answer_init(header->unique, body);
		break;
	case FUSE_LOOKUP:
		answer_lookup(header->unique, body);
		break;
	case FUSE_GETATTR:
		answer_attributes(header->unique, header->nodeid);
		break;
	case FUSE_SETATTR:
		answer_change(header->unique, header->nodeid, body);
		break;
	case FUSE_STATFS:
		answer_statfs(header->unique);
		break;
	case FUSE_OPEN:
		answer_open(header->unique);
		break;
	case FUSE_READ:
		answer_read(header->unique, body);
		break;
	case FUSE_WRITE:
		answer_write(header->unique, body);
		break;
	case FUSE_RELEASE:
		answer(header->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(header->unique, -ENOSYS, NULL, 0);
	}
}

/* --- beginning -------------------------------------------------------------------------------- */

static void make_file(struct file *file)
{
	file->memory = memfd_create("floor", MFD_CLOEXEC);
	if (file->memory < 0 || ftruncate(file->memory, (off_t)memory_size) < 0)
		die("memory");
	file->kept = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, file->memory, 0);
	if (file->kept == MAP_FAILED)
		die("mmap");
	memset(file->kept, 1, memory_size);
}

static void prepare(void)
{
	char *slot = aligned_alloc(PAGE, PAGE + ROOM);

	buffer = aligned_alloc(PAGE, READ_MAX);
	if (slot == NULL || buffer == NULL)
		die("memory");
	for (unsigned i = 0; i < FILES; i++)
		make_file(&files[i]);
	memset(slot, 1, PAGE + ROOM);
	memset(buffer, 1, READ_MAX);
	request = slot + PAGE - BEFORE_DATA;
}

/* A slot for each page, and one for the header. More than a user may have takes a capability. */
static void prepare_pipe(void)
{
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		die("pipe");
	while (fcntl(pipe_ends[1], F_SETPIPE_SZ, 2 * read_max) < 0) {
		if (errno != EPERM || read_max == PAGE)
			die("F_SETPIPE_SZ");
		read_max /= 2;
	}
}

static void mount_at(const char *directory)
{
	char data[128];

	channel = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (channel < 0)
		die("/dev/fuse");
	snprintf(data, sizeof data,
	    "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", channel);
	if (mount("floor", directory, "fuse.floor", MS_NOSUID | MS_NODEV, data) < 0)
		die("mount");
}

static const struct method *method_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

static void parse(int argc, char **argv)
{
	int option;

	method = method_by_name("pread");
	while ((option = getopt(argc, argv, "m:s:w:")) != -1) {
		if (option == 'm')
			method = method_by_name(optarg);
		else if (option == 's')
			memory_size = strtoul(optarg, NULL, 10) * MIB;
		else if (option == 'w')
			write_max = strtoul(optarg, NULL, 10) * KIB;
		else
			method = NULL;
	}
	if (method != NULL && argc - optind == 1 && memory_size > 0 && write_max >= PAGE &&
	    write_max <= READ_MAX)
		return;
	fprintf(stderr, "usage: floor [-m pread|map|splice|kept|memcpy] [-s MIB] [-w KIB] "
			"DIRECTORY\n"
			"-s: size of the file (32); -w: largest WRITE (256)\n");
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	prepare();
	if (method->read == read_by_splice)
		prepare_pipe();
	mount_at(argv[optind]);
	for (;;) {
		ssize_t length = read(channel, request, ROOM);

		if (length < 0 && errno == ENODEV)
			return EXIT_SUCCESS;
		if (length < 0 && errno != EINTR && errno != ENOENT)
			die("read from /dev/fuse");
		if (length > 0)
			serve((const void *)request);
	}
}

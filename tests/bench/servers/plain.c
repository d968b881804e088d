/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference server: what libfuse's low-level interface gives to whoever writes the obvious
 * program, objects in memfds served by one thread that blocks in read(2), with the timeouts of
 * libfuse's examples. It has one directory below its root at most, and no limits: nobody is to use
 * it for anything but a comparison.
 *
 * Reads go through the kernel's page cache, as such a server's do. Opened with O_DIRECT they come
 * to the server: that is how the benchmark measures a round trip.
 */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT 1.0

enum {
	MOST_NODES = 4096,
	MOST_NAME = 64,
};

struct node {
	char name[MOST_NAME]; /* "" once it was unlinked */
	int fd;
	mode_t mode;
	fuse_ino_t parent;
	uint64_t lookups;
};

/* By inode number, of which 0 is none. */
static struct node nodes[MOST_NODES];

static struct node *find(fuse_ino_t parent, const char *name)
{
	for (size_t i = FUSE_ROOT_ID + 1; i < MOST_NODES; i++)
		if (nodes[i].mode != 0 && nodes[i].parent == parent &&
		    strcmp(nodes[i].name, name) == 0)
			return &nodes[i];
	return NULL;
}

static fuse_ino_t number_of(const struct node *node)
{
	return (fuse_ino_t)(node - nodes);
}

static int attributes(const struct node *node, struct stat *out)
{
	*out = (struct stat){0};
	if (node->fd >= 0 && fstat(node->fd, out) != 0)
		return errno;
	out->st_ino = number_of(node);
	out->st_mode = node->mode;
	out->st_nlink = S_ISDIR(node->mode) ? 2 : node->name[0] != '\0';
	return 0;
}

static int entry_of(struct node *node, struct fuse_entry_param *out)
{
	*out = (struct fuse_entry_param){
	    .ino = number_of(node), .attr_timeout = TIMEOUT, .entry_timeout = TIMEOUT};
	int error = attributes(node, &out->attr);

	if (error == 0)
		node->lookups++;
	return error;
}

static void end_if_unused(struct node *node)
{
	if (node->name[0] != '\0' || node->lookups > 0)
		return;
	if (node->fd >= 0)
		close(node->fd);
	*node = (struct node){.fd = -1};
}

static int make(fuse_ino_t parent, const char *name, mode_t mode, struct node **out)
{
	size_t i = FUSE_ROOT_ID + 1;

	if (strlen(name) >= MOST_NAME)
		return ENAMETOOLONG;
	if (find(parent, name) != NULL)
		return EEXIST;
	while (i < MOST_NODES && nodes[i].mode != 0)
		i++;
	if (i == MOST_NODES)
		return ENOSPC;
	int fd = S_ISREG(mode) ? memfd_create("plain", MFD_CLOEXEC) : -1;

	if (S_ISREG(mode) && fd < 0)
		return errno;
	nodes[i] = (struct node){.fd = fd, .mode = mode, .parent = parent};
	snprintf(nodes[i].name, sizeof nodes[i].name, "%s", name);
	*out = &nodes[i];
	return 0;
}

static void set_up_opening(const struct node *node, struct fuse_file_info *fi)
{
	fi->fh = (uint64_t)node->fd;
	fi->direct_io = (fi->flags & O_DIRECT) != 0;
}

static void plain_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *node = find(parent, name);
	struct fuse_entry_param entry;
	int error = node == NULL ? ENOENT : entry_of(node, &entry);

	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_entry(req, &entry);
}

static void plain_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	nodes[ino].lookups -= count;
	if (ino != FUSE_ROOT_ID)
		end_if_unused(&nodes[ino]);
	fuse_reply_none(req);
}

static void plain_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int error = attributes(&nodes[ino], &st);

	(void)fi;
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_attr(req, &st, TIMEOUT);
}

static void plain_setattr(
    fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set, struct fuse_file_info *fi)
{
	if ((to_set & FUSE_SET_ATTR_SIZE) && ftruncate(nodes[ino].fd, st->st_size) != 0) {
		fuse_reply_err(req, errno);
		return;
	}
	plain_getattr(req, ino, fi);
}

static void plain_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse_entry_param entry;
	struct node *node;
	int error = make(parent, name, S_IFDIR | mode, &node);

	if (error == 0)
		error = entry_of(node, &entry);
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_entry(req, &entry);
}

static void plain_create(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	struct node *node;
	int error = make(parent, name, S_IFREG | (mode & 07777), &node);

	if (error == 0)
		error = entry_of(node, &entry);
	if (error != 0) {
		fuse_reply_err(req, error);
		return;
	}
	set_up_opening(node, fi);
	fuse_reply_create(req, &entry, fi);
}

static void plain_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *node = find(parent, name);

	if (node != NULL) {
		node->name[0] = '\0';
		end_if_unused(node);
	}
	fuse_reply_err(req, node == NULL ? ENOENT : 0);
}

static void plain_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	set_up_opening(&nodes[ino], fi);
	fuse_reply_open(req, fi);
}

static void plain_read(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	char *buffer = malloc(size);
	ssize_t count = buffer == NULL ? -1 : pread((int)fi->fh, buffer, size, offset);

	(void)ino;
	if (count < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_buf(req, buffer, (size_t)count);
	free(buffer);
}

static void plain_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	ssize_t count = pwrite((int)fi->fh, data, size, offset);

	(void)ino;
	if (count < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_write(req, (size_t)count);
}

static void plain_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

/* The offset of an entry is the number of the node behind it. */
static void plain_readdir(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	char *buffer = malloc(size);
	size_t used = 0;

	(void)fi;
	if (buffer == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (off_t i = offset; i < MOST_NODES; i++) {
		const struct node *node = &nodes[i];
		struct stat st = {.st_ino = (ino_t)i, .st_mode = node->mode};

		if (node->mode == 0 || node->parent != ino || node->name[0] == '\0')
			continue;
		size_t length =
		    fuse_add_direntry(req, buffer + used, size - used, node->name, &st, i + 1);

		if (length > size - used)
			break;
		used += length;
	}
	fuse_reply_buf(req, buffer, used);
	free(buffer);
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = plain_lookup,
    .forget = plain_forget,
    .getattr = plain_getattr,
    .setattr = plain_setattr,
    .mkdir = plain_mkdir,
    .create = plain_create,
    .unlink = plain_unlink,
    .rmdir = plain_unlink,
    .open = plain_open,
    .read = plain_read,
    .write = plain_write,
    .release = plain_release,
    .readdir = plain_readdir,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session = NULL;
	int status = EXIT_FAILURE;

	if (argc != 2) {
		fprintf(stderr, "usage: plain DIRECTORY\n");
		return EXIT_FAILURE;
	}
	nodes[FUSE_ROOT_ID] = (struct node){.name = "/", .fd = -1, .mode = S_IFDIR | 0755};
	if (fuse_opt_add_arg(&args, argv[0]) == 0 && fuse_opt_add_arg(&args, "-o") == 0 &&
	    fuse_opt_add_arg(&args, "subtype=plain,default_permissions") == 0)
		session = fuse_session_new(&args, &operations, sizeof operations, NULL);
	fuse_opt_free_args(&args);
	if (session == NULL)
		return EXIT_FAILURE;
	if (fuse_set_signal_handlers(session) == 0) {
		if (fuse_session_mount(session, argv[1]) == 0) {
			status = fuse_session_loop(session) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
			fuse_session_unmount(session);
		}
		fuse_remove_signal_handlers(session);
	}
	fuse_session_destroy(session);
	return status;
}

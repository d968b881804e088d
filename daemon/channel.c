/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in, replies out; see channel.h. */
#define FUSE_USE_VERSION 314
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../fs/failpoint.h"
#include "first_line.h"
#include "kernel_abi.h"
#include "log.h"
#include "ops.h"
#include "request.h"

/*
 * The reply to INIT says more than libfuse 3.14 knows to say. What else stands in it is libfuse's.
 * False: the kernel reads a shorter one, and is older than Linux 3.15.
 */
static bool amend_init(struct server *server, struct iovec *reply)
{
	struct abi_init_out *out = reply->iov_base;
	uint64_t flags = out->flags;

	if (reply->iov_len < sizeof *out)
		return false;
	flags |= ABI_INIT_PARALLEL_DIROPS & server->init_offered;
	if (server->init_offered & ABI_INIT_EXT)
		flags |=
		    ABI_INIT_EXT | tier_init_flags(server->choice, server->init_offered) |
		    (failpoints_hide_resend() ? 0 : ABI_INIT_HAS_RESEND & server->init_offered);
	out->minor = ABI_MINOR;
	/* libfuse makes it what a WRITE needs. */
	if (flags & FUSE_MAX_PAGES)
		out->max_pages = SERVER_MAX_TRANSFER / SHMFS_PAGE_SIZE;
	out->flags = (uint32_t)flags;
	out->flags2 |= (uint32_t)(flags >> 32);
	/* The memory below is no stack of filesystems, so this one may be stacked upon once. */
	if (flags & ABI_INIT_PASSTHROUGH)
		out->max_stack_depth = 1;
	server->init_agreed = flags | (uint64_t)out->flags2 << 32;
	return true;
}

static size_t total_size(const struct iovec *iov, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

/*
 * Stores the reply of a request that changed something, and marks the change as this request's. A
 * reply with no room in the journal is that of a READ, which may be made twice.
 */
static void store_reply(struct server *server, const struct iovec *iov, int count)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	struct journal *journal = server->journal;
	size_t size = 0;

	if (total_size(iov, count) > sizeof journal->reply)
		return;
	for (int i = 0; i < count; i++) {
		memcpy(journal->reply + size, iov[i].iov_base, iov[i].iov_len);
		size += iov[i].iov_len;
	}
	journal->reply_number = header->unique;
	journal->reply_size = size;
	failpoint("reply stored");
	shmfs_set_mark(server->fs, (struct shmfs_mark){.request = header->unique});
}

/*
 * Every reply passes here. A change is final before anybody can know of it, and nobody can know of
 * one that is not.
 */
static ssize_t send_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	struct server *server = userdata;
	const struct fuse_out_header *header = iov[0].iov_base;
	ssize_t sent;

	if (server->init_unique != 0 && header->unique == server->init_unique &&
	    (header->error != 0 || count < 2 || !amend_init(server, &iov[1])))
		fuse_session_exit(server->session);
	if (server->muted)
		return (ssize_t)total_size(iov, count);
	if (server->fs != NULL && shmfs_active(server->fs)) {
		if (shmfs_changed(server->fs))
			store_reply(server, iov, count);
		shmfs_commit(server->fs);
	}
	sent = writev(fd, iov, count);
	failpoint("replied");
	server->journal->reply_size = 0;
	return sent;
}

int channel_reply(struct server *server, uint64_t unique, int error, void *payload, size_t size)
{
	struct fuse_out_header header = {.unique = unique, .error = error};
	struct iovec iov[] = {{&header, sizeof header}, {payload, size}};
	int count = error == 0 && size > 0 ? 2 : 1;

	header.len = (uint32_t)(sizeof header + (count == 2 ? size : 0));
	return send_reply(server->fuse_fd, iov, count, server) < 0 ? -errno : 0;
}

int channel_answer_read(int fuse_fd, uint64_t unique, void *data, ssize_t count)
{
	struct fuse_out_header header = {.unique = unique, .error = count < 0 ? (int)count : 0};
	size_t size = count > 0 ? (size_t)count : 0;
	struct iovec iov[] = {{&header, sizeof header}, {data, size}};

	header.len = (uint32_t)(sizeof header + size);
	return writev(fuse_fd, iov, size > 0 ? 2 : 1) < 0 ? -errno : 0;
}

_Static_assert(sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in) == JOURNAL_BEFORE_DATA,
    "the data of a WRITE begin on a page");

/* libfuse asks for one; requests are read by channel_serve(). */
static ssize_t read_nothing(int fd, void *buffer, size_t size, void *userdata)
{
	(void)fd;
	(void)buffer;
	(void)size;
	(void)userdata;
	errno = EINVAL;
	return -1;
}

static const struct fuse_custom_io custom_io = {.writev = send_reply, .read = read_nothing};

static int make_session(struct server *server, struct fuse_args *args)
{
	/* From its first page to one of the caller's; see also journal.h. */
	server->data = aligned_alloc(JOURNAL_PAGE, SERVER_MAX_TRANSFER);
	if (server->data != NULL)
		server->session = fuse_session_new(args, &server_ops, sizeof server_ops, server);
	if (server->session != NULL)
		return 0;
	free(server->data);
	server->data = NULL;
	return -ENOMEM;
}

static int take_descriptor(struct server *server, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (fuse_session_custom_io(server->session, &custom_io, fd) != 0)
		return -EINVAL;
	server->fuse_fd = fd;
	server->journal->fuse_fd = fd;
	return 0;
}

int channel_attach(struct server *server, int fd)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int rc = fuse_opt_add_arg(&args, "shmfs") == 0 ? make_session(server, &args) : -ENOMEM;

	fuse_opt_free_args(&args);
	if (rc < 0)
		return rc;
	rc = take_descriptor(server, fd);
	if (rc < 0)
		channel_close(server);
	return rc;
}

/*
 * libfuse, and fusermount3 which it runs for users, say on stderr why a mount fails and tell the
 * caller only that it did. So stderr is caught while they work.
 */
static int mount_quietly(
    struct fuse_session *session, const char *mountpoint, char *why, size_t why_size)
{
	int caught = memfd_create("shmfs-mount", MFD_CLOEXEC);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int rc;

	if (caught >= 0 && saved >= 0)
		(void)dup2(caught, STDERR_FILENO);
	rc = fuse_session_mount(session, mountpoint);
	if (saved >= 0)
		(void)dup2(saved, STDERR_FILENO);
	snprintf(why, why_size, "unknown reason");
	if (rc != 0 && caught >= 0)
		first_line(caught, "fuse: ", why, why_size);
	if (saved >= 0)
		close(saved);
	if (caught >= 0)
		close(caught);
	return rc == 0 ? 0 : -EPERM;
}

int channel_mount(struct server *server, struct fuse_args *args, const char *mountpoint, char *why,
    size_t why_size)
{
	int rc = make_session(server, args);

	if (rc < 0) {
		snprintf(why, why_size, "out of memory");
		return rc;
	}
	rc = mount_quietly(server->session, mountpoint, why, why_size);
	if (rc < 0)
		goto fail_mount;
	rc = take_descriptor(server, fuse_session_fd(server->session));
	if (rc < 0) {
		snprintf(why, why_size, "%s", strerror(-rc));
		fuse_session_unmount(server->session);
		goto fail_mount;
	}
	return 0;

fail_mount:
	channel_close(server);
	return rc;
}

void channel_close(struct server *server)
{
	fuse_session_destroy(server->session);
	free(server->data);
	server->session = NULL;
	server->data = NULL;
	server->fuse_fd = server->journal->fuse_fd = -1;
}

static const struct fuse_in_header *request_header(const struct server *server)
{
	return (const void *)journal_request(server->journal);
}

bool channel_can_resend(const struct server *server)
{
	return (server->init_agreed & ABI_INIT_HAS_RESEND) != 0;
}

uint64_t channel_unique(const struct server *server)
{
	return request_header(server)->unique;
}

/*
 * Remembers what the kernel offers, for the reply. One with a later major version only learns ours
 * by it and greets again.
 */
static void note_init(struct server *server)
{
	const struct fuse_in_header *header = request_header(server);
	const struct fuse_init_in *init = (const void *)(header + 1);
	struct journal *journal = server->journal;

	if (header->opcode != FUSE_INIT || server->init_agreed != 0 ||
	    init->major > FUSE_KERNEL_VERSION)
		return;
	server->init_unique = header->unique;
	server->init_offered = init->flags;
	if ((init->flags & ABI_INIT_EXT) && header->len >= sizeof *header + sizeof *init)
		server->init_offered |= (uint64_t)init->flags2 << 32;
	journal->init_size = header->len <= sizeof journal->init ? header->len : 0;
	memcpy(journal->init, header, journal->init_size);
}

void channel_serve_request(struct server *server)
{
	const struct fuse_in_header *header = request_header(server);
	struct fuse_buf buffer = {.mem = journal_request(server->journal), .size = header->len};

	/* libfuse would keep it, and answer it within a later request, as if that were answered. */
	if (request_is_moot(header->opcode))
		return;
	server->client = header->pid;
	note_init(server);
	if (server->fs != NULL)
		shmfs_begin(server->fs);
	if (server->fs == NULL || !ops_newer(server, journal_request(server->journal)))
		fuse_session_process_buf(server->session, &buffer);
	/* What has no reply (FORGET) ends here. */
	if (server->fs != NULL && shmfs_active(server->fs))
		shmfs_commit(server->fs);
	server->init_unique = 0;
}

/* A request that is not well-formed never gets to libfuse, which would believe it. */
static void refuse_request(struct server *server, size_t length)
{
	struct fuse_in_header header;

	if (length < sizeof header)
		return;
	memcpy(&header, request_header(server), sizeof header);
	log_debug("malformed request: opcode %u, %zu bytes", header.opcode, length);
	if (!request_has_reply(header.opcode))
		return;
	/* Nobody waits for it but who sent nonsense. */
	(void)channel_reply(server, header.unique, -EINVAL, NULL, 0);
}

int channel_serve(struct server *server)
{
	char *request = journal_request(server->journal);
	ssize_t length;

	/* One byte stays free for the NUL that ends the last string of any request. */
	do {
		length = read(server->fuse_fd, request, JOURNAL_REQUEST_SIZE - 1);
	} while (length < 0 && errno == EINTR);
	if (length < 0) {
		/* ENOENT: the request was taken back while it was being read. */
		if (errno == EAGAIN || errno == ENOENT)
			return errno == ENOENT;
		return -errno;
	}
	if (length == 0)
		return -ENODEV;
	failpoint("request received");
	request[length] = '\0';
	server->client = 0;
	if (request_check(request, (size_t)length) == 0)
		channel_serve_request(server);
	else
		refuse_request(server, (size_t)length);
	journal_clear(server->journal);
	server->journal->served++;
	return 1;
}

int channel_repeat_init(struct server *server)
{
	const struct journal *journal = server->journal;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char init[JOURNAL_INIT_SIZE];
	struct fuse_buf buffer = {.mem = init, .size = journal->init_size};
	int rc;

	if (journal->init_size == 0)
		return -EPROTO;
	rc = fuse_opt_add_arg(&args, "shmfs") == 0 ? make_session(server, &args) : -ENOMEM;
	fuse_opt_free_args(&args);
	if (rc < 0)
		return rc;
	rc = take_descriptor(server, journal->fuse_fd);
	if (rc < 0)
		return rc;
	memcpy(init, journal->init, sizeof init);
	server->muted = true;
	fuse_session_process_buf(server->session, &buffer);
	server->muted = false;
	if (fuse_session_exited(server->session))
		return -EPROTO;
	server->init_agreed = journal->init_agreed;
	return 0;
}

int channel_negotiate(struct server *server, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = server->fuse_fd, .events = POLLIN};
	int rc;

	while (server->init_agreed == 0) {
		rc = poll(&poll_fd, 1, timeout_ms);
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc == 0)
			return -ETIMEDOUT;
		if (rc > 0) {
			rc = channel_serve(server);
			if (rc < 0)
				return rc;
		}
		if (fuse_session_exited(server->session))
			return -EPROTO;
	}
	server->journal->init_agreed = server->init_agreed;
	return 0;
}

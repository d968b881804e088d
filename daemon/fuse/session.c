/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of libfuse; see session.h. */
#define FUSE_USE_VERSION 314
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/first_line.h"
#include "request.h"
#include "serve.h"

static ssize_t send_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)fd;
	return request_send_of_libfuse(userdata, iov, count);
}

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

static int make_session(struct channel *channel, struct fuse_args *args)
{
	/* From its first page to one of the caller's; see also exchange.h. */
	channel->data = aligned_alloc(EXCHANGE_PAGE, EXCHANGE_READ_MAX);
	if (channel->data != NULL)
		channel->session = fuse_session_new(args, channel->operations->libfuse,
		    sizeof *channel->operations->libfuse, channel);
	if (channel->session != NULL)
		return 0;
	free(channel->data);
	channel->data = NULL;
	return -ENOMEM;
}

static int take_descriptor(struct channel *channel, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (fuse_session_custom_io(channel->session, &custom_io, fd) != 0)
		return -EINVAL;
	channel->fd = fd;
	channel->exchange->fd = fd;
	return 0;
}

int channel_attach(struct channel *channel, int fd)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int rc = fuse_opt_add_arg(&args, "shmfs") == 0 ? make_session(channel, &args) : -ENOMEM;

	fuse_opt_free_args(&args);
	if (rc < 0)
		return rc;
	rc = take_descriptor(channel, fd);
	if (rc < 0)
		channel_close(channel);
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

int channel_mount(struct channel *channel, struct fuse_args *args, const char *mountpoint,
    char *why, size_t why_size)
{
	int rc = make_session(channel, args);

	if (rc < 0) {
		snprintf(why, why_size, "out of memory");
		return rc;
	}
	rc = mount_quietly(channel->session, mountpoint, why, why_size);
	if (rc < 0)
		goto fail_mount;
	rc = take_descriptor(channel, fuse_session_fd(channel->session));
	if (rc < 0) {
		snprintf(why, why_size, "%s", strerror(-rc));
		fuse_session_unmount(channel->session);
		goto fail_mount;
	}
	return 0;

fail_mount:
	channel_close(channel);
	return rc;
}

void channel_close(struct channel *channel)
{
	fuse_session_destroy(channel->session);
	free(channel->data);
	reply_pipe_close(&channel->pipe);
	channel->session = NULL;
	channel->data = NULL;
	channel->fd = channel->exchange->fd = -1;
}

int channel_repeat_init(struct channel *channel)
{
	const struct exchange *exchange = channel->exchange;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char init[EXCHANGE_INIT_SIZE];
	struct fuse_buf buffer = {.mem = init, .size = exchange->init_size};
	int rc;

	if (exchange->init_size == 0)
		return -EPROTO;
	rc = fuse_opt_add_arg(&args, "shmfs") == 0 ? make_session(channel, &args) : -ENOMEM;
	fuse_opt_free_args(&args);
	if (rc < 0)
		return rc;
	rc = take_descriptor(channel, exchange->fd);
	if (rc < 0)
		return rc;
	memcpy(init, exchange->init, sizeof init);
	channel->muted = true;
	fuse_session_process_buf(channel->session, &buffer);
	channel->muted = false;
	if (fuse_session_exited(channel->session))
		return -EPROTO;
	channel->init_agreed = exchange->init_agreed;
	return 0;
}

int channel_negotiate(struct channel *channel, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = channel->fd, .events = POLLIN};
	int rc;

	while (channel->init_agreed == 0) {
		rc = poll(&poll_fd, 1, timeout_ms);
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc == 0)
			return -ETIMEDOUT;
		if (rc > 0) {
			rc = channel_serve(channel);
			if (rc < 0)
				return rc;
		}
		if (fuse_session_exited(channel->session))
			return -EPROTO;
	}
	channel->exchange->init_agreed = channel->init_agreed;
	return 0;
}

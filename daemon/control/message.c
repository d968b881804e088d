/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing of messages; see message.h. */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/pass_fd.h"

/* --- reading ---------------------------------------------------------------------------------- */

bool inbox_receive(struct inbox *inbox, int socket)
{
	ssize_t count;

	do {
		count = recv(socket, inbox->bytes + inbox->used, sizeof inbox->bytes - inbox->used,
		    MSG_DONTWAIT);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN;
	inbox->used += (size_t)count;
	return count > 0;
}

const char *inbox_first(const struct inbox *inbox, size_t *length)
{
	const char *end = memchr(inbox->bytes, '\0', inbox->used);

	if (end == NULL)
		return NULL;
	*length = (size_t)(end - inbox->bytes);
	return inbox->bytes;
}

void inbox_drop_first(struct inbox *inbox)
{
	size_t length;

	if (inbox_first(inbox, &length) == NULL)
		return;
	inbox->used -= length + 1;
	memmove(inbox->bytes, inbox->bytes + length + 1, inbox->used);
}

bool inbox_is_too_long(const struct inbox *inbox)
{
	size_t length;

	return inbox->used == sizeof inbox->bytes && inbox_first(inbox, &length) == NULL;
}

bool socket_is_hung_up(int socket)
{
	struct pollfd fd = {.fd = socket};

	return poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void drop_descriptor(struct outbox *outbox)
{
	if (outbox->fd >= 0)
		close(outbox->fd);
	outbox->fd = -1;
}

void outbox_put(struct outbox *outbox, char *data, size_t size, int fd)
{
	*outbox = (struct outbox){.data = data, .size = size, .fd = fd};
	if (data == NULL)
		outbox_drop(outbox);
}

void outbox_put_text(struct outbox *outbox, const char *text)
{
	outbox_put(outbox, strdup(text), strlen(text) + 1, -1);
}

static ssize_t send_some(struct outbox *outbox, int socket)
{
	struct iovec iov = {outbox->data + outbox->sent, outbox->size - outbox->sent};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	union pass_fd room;
	ssize_t count;

	if (outbox->fd >= 0)
		pass_fd_add(&message, &room, outbox->fd);
	count = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (count > 0)
		drop_descriptor(outbox);
	return count < 0 ? -errno : count;
}

int outbox_send(struct outbox *outbox, int socket)
{
	while (outbox->sent < outbox->size) {
		ssize_t count = send_some(outbox, socket);

		if (count == -EINTR)
			continue;
		if (count == -EAGAIN)
			return 0;
		if (count < 0)
			return (int)count;
		outbox->sent += (size_t)count;
	}
	outbox_drop(outbox);
	return 1;
}

void outbox_drop(struct outbox *outbox)
{
	drop_descriptor(outbox);
	free(outbox->data);
	*outbox = (struct outbox){.fd = -1};
}

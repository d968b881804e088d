/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing what comes through /dev/fuse: requests of any shape, one after the other, to a server
 * with a namespace of its own. Each has at most one reply of the shape that the kernel wants, and
 * afterwards the whole namespace agrees with itself.
 *
 * A request of the input is its operation, node, user and length, and then its body.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Those of Check want a test that runs. */
void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expression, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: %s: ", file, line, expression);
	va_start(args, format);
	if (format != NULL)
		vfprintf(stderr, format, args);
	va_end(args);
	abort();
}

struct part {
	uint8_t operation, node, user;
	uint8_t length_high, length_low;
};

enum { BODY_MAX = 4096, REQUESTS_MAX = 64 };

/* A socket carries as many pages as it likes of what is spliced to it, where the device has all. */
static void take_rest(struct wire *w, size_t left)
{
	ssize_t got = 1;

	for (; left > 0 && got > 0; left -= (size_t)got)
		got = recv(w->fd, w->reply, WIRE_BUFFER_SIZE, MSG_DONTWAIT);
	ck_assert(left == 0);
}

static void take_replies(struct wire *w)
{
	struct fuse_out_header header;
	ssize_t got;

	while ((got = recv(w->fd, w->reply, WIRE_BUFFER_SIZE, MSG_DONTWAIT)) >= 0) {
		ck_assert_int_ge(got, (ssize_t)sizeof header);
		memcpy(&header, w->reply, sizeof header);
		if (header.len > 32 << 10) {
			take_rest(w, header.len - (size_t)got);
			continue;
		}
		ck_assert_uint_eq(header.len, (size_t)got);
		ck_assert(header.error > -1000 && (header.error <= 0 || header.unique == 0));
	}
}

static bool ask_one(struct wire *w, const uint8_t **data, size_t *size)
{
	struct part part;
	size_t length;

	if (*size < sizeof part)
		return false;
	memcpy(&part, *data, sizeof part);
	*data += sizeof part;
	*size -= sizeof part;
	length = ((size_t)part.length_high << 8 | part.length_low) % BODY_MAX;
	if (length > *size)
		length = *size;
	w->uid = w->gid = part.user % 3 * 1000;
	message_begin(w, part.operation, part.node);
	message_add(w, *data, length);
	*data += length;
	*size -= length;
	if (message_serve(w) < 0)
		return false;
	take_replies(w);
	return true;
}

static void end(struct wire *w)
{
	wire_forget_dead(w);
	shmfs_close(w->server.channel.fs);
	channel_close(&w->server.channel);
	handover_unmap(w->server.handover);
	close(w->handover_fd);
	close(w->fd);
	free(w->request);
	free(w->reply);
	free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire *w = wire_open();

	/* It is the whole namespace, so once is enough. */
	w->verifies = false;
	for (int i = 0; i < REQUESTS_MAX && ask_one(w, &data, &size); i++)
		;
	wire_verify(w);
	end(w);
	return 0;
}

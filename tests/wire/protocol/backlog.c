/* SPDX-License-Identifier: BSD-2-Clause */
/* Many requests; see backlog.h. */
#include "backlog.h"

#include <errno.h>
#include <string.h>

/* --- requests --------------------------------------------------------------------------------- */

/* A thread has one request at a time. */
void by_another_thread(struct wire *w, uint32_t uid)
{
	static uint32_t last = 5000;

	message_header(w)->uid = uid;
	message_header(w)->pid = ++last;
}

uint64_t send_getattr(struct wire *w, uint32_t uid)
{
	message_begin(w, FUSE_GETATTR, ROOT);
	by_another_thread(w, uid);
	message_add(w, &(struct fuse_getattr_in){0}, sizeof(struct fuse_getattr_in));
	message_send(w);
	return message_header(w)->unique;
}

void lay_out_write(struct wire *w, uint32_t uid, struct file file, uint32_t size, char byte)
{
	static char data[WRITE_SIZE];
	struct fuse_write_in in = {.fh = file.handle, .size = size};

	memset(data, byte, size);
	message_begin(w, FUSE_WRITE, file.id);
	by_another_thread(w, uid);
	message_add(w, &in, sizeof in);
	message_add(w, data, size);
}

uint64_t send_write(struct wire *w, uint32_t uid, struct file file)
{
	lay_out_write(w, uid, file, WRITE_SIZE, 'x');
	message_send(w);
	return message_header(w)->unique;
}

/* --- answers ---------------------------------------------------------------------------------- */

void serve_one(struct wire *w)
{
	GIVES(1, channel_serve(&w->server.channel));
}

uint64_t next_answer(struct wire *w)
{
	unsigned served = 0;

	while (!reply_take(w)) {
		ck_assert_uint_le(served++, 1000);
		serve_one(w);
	}
	ck_assert(reply_header(w)->error == 0 || reply_header(w)->error == -ENOENT);
	return reply_header(w)->unique;
}

void serve_all(struct wire *w)
{
	while (channel_serve(&w->server.channel) == 1)
		while (reply_take(w))
			ck_assert(reply_header(w)->error == 0 || reply_header(w)->error == -ENOENT);
}

void be_used_to(struct wire *w, uint32_t uid)
{
	struct queue *queue = &w->server.channel.queue;

	serve_all(w);
	queue->mixed = 0;
	queue->last_uid = uid;
}

struct wire *backlog_begin(void)
{
	struct wire *w = wire_open();

	be_used_to(w, HOG);
	w->uid = 0;
	return w;
}

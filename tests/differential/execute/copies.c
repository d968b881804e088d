/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies from descriptor to descriptor within the kernel. */
#include <sys/sendfile.h>

#include "execute.h"
#include "model.h"

/*
 * A pipe holds 16 pieces, and how a filesystem cuts its data into pieces is its own business. 15
 * pages fit however they are cut. FIFOs in the mount may be filled already, and are left out.
 */
enum { PIPE_LENGTH = 15 * 4096, OWN_POSITION = 1 };

static bool is_fifo(const struct slot *slot)
{
	return slot->fd >= 0 && S_ISFIFO(slot->mode);
}

static size_t pipe_length(const struct call *call)
{
	return (size_t)(call->length > PIPE_LENGTH ? PIPE_LENGTH : call->length);
}

void do_copy_file_range(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *in = slot_of(worker, call->slot), *out = slot_of(worker, call->slot2);
	bool in_own = call->bits & 1, out_own = call->bits & 2;
	off64_t in_offset = call->offset, out_offset = call->offset2;
	int64_t length = call->length;

	result->words[0] = (uint64_t)in_offset;
	result->words[1] = (uint64_t)out_offset;
	if (!model_copy(
		worker, in, in_own ? -1 : in_offset, out, out_own ? -1 : out_offset, &length)) {
		give(result, -1);
		note_touch(result, out->ino, TOUCH_COPY_REFUSED);
		return;
	}
	note_pieces(out, result, length);
	give(result, copy_file_range(in->fd, in_own ? NULL : &in_offset, out->fd,
			 out_own ? NULL : &out_offset, (size_t)length, 0));
	result->words[0] = (uint64_t)in_offset;
	result->words[1] = (uint64_t)out_offset;
	if (result->ret > 0)
		note_unasked(in, result);
}

/* A file that is read and written by one call gives what the pieces happen to be. */
void do_sendfile(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *in = slot_of(worker, call->slot), *out = slot_of(worker, call->slot2);
	off_t offset = call->offset;
	int64_t length = call->length;

	if (is_fifo(in) || is_fifo(out) || (in->fd >= 0 && out->fd >= 0 && in->ino == out->ino)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	result->words[0] = (uint64_t)offset;
	note_unasked(in, result);
	if (sendfile(out->fd, in->fd, call->bits ? NULL : &offset, 0) < 0 ||
	    !model_splice(worker, result, in, call->bits ? -1 : offset, length) ||
	    !model_copy(worker, in, call->bits ? -1 : offset, out, -1, &length)) {
		give(result, -1);
		note_room(out, result, 0, 0);
		return;
	}
	note_room(out, result, call->length, length);
	give(result, sendfile(out->fd, in->fd, call->bits ? NULL : &offset, (size_t)length));
	result->words[0] = (uint64_t)offset;
}

/* What has come through the pipe. */
static void drain(struct worker *worker, struct result *result)
{
	ssize_t count, length = 0;

	while ((count = read(
		    worker->pipe[0], worker->buffer + length, (size_t)(BUFFER_SIZE - length))) > 0)
		length += count;
	give_data(result, worker->buffer, (size_t)length);
}

void do_sendfile_pipe(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *in = slot_of(worker, call->slot);
	off_t offset = call->offset;

	if (is_fifo(in)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	if (!model_splice(worker, result, in, call->bits ? -1 : offset, call->length))
		give(result, -1);
	else
		give(result, sendfile(worker->pipe[1], in->fd, call->bits ? NULL : &offset,
				 pipe_length(call)));
	result->words[0] = (uint64_t)offset;
	drain(worker, result);
	if (result->ret >= 0)
		note_unasked(in, result);
}

void do_splice_out(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *in = slot_of(worker, call->slot);
	off64_t offset = call->offset;

	if (is_fifo(in)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	if (!model_splice(worker, result, in, call->bits ? -1 : offset, call->length))
		give(result, -1);
	else
		give(result, splice(in->fd, call->bits ? NULL : &offset, worker->pipe[1], NULL,
				 pipe_length(call), SPLICE_F_NONBLOCK));
	result->words[0] = (uint64_t)offset;
	drain(worker, result);
	if (result->ret >= 0)
		note_unasked(in, result);
}

void do_splice_in(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *out = slot_of(worker, call->slot);
	size_t filled = pipe_length(call);
	off64_t offset = call->offset;
	int64_t length = (int64_t)filled;

	if (is_fifo(out)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	fill(worker->buffer, filled, call->data);
	if (filled > 0 && write(worker->pipe[1], worker->buffer, filled) != (ssize_t)filled)
		broken("pipe");
	/* splice() refuses descriptors that append, and an empty pipe has nothing to refuse. */
	if (filled > 0 && !(fcntl(out->fd, F_GETFL) & O_APPEND) &&
	    !model_write(worker, out, call->bits ? -1 : offset, false, &length)) {
		give(result, -1);
		note_room(out, result, 0, 0);
	} else {
		note_room(out, result, (int64_t)filled, length);
		give(result, splice(worker->pipe[0], NULL, out->fd, call->bits ? NULL : &offset,
				 (size_t)length, SPLICE_F_NONBLOCK));
	}
	result->words[0] = (uint64_t)offset;
	drain(worker, result);
}

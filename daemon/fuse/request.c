/* SPDX-License-Identifier: BSD-2-Clause */
/* Begin and end of requests; see request.h. */
#define FUSE_USE_VERSION 314
#include "request.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi.h"
#include "common/probe.h"
#include "fs/failpoint.h"
#include "init.h"
#include "shape.h"
#include "system/process_user.h"

/* Of a reply that the kernel does not take. */
#define TRIES 10

/* --- begin ------------------------------------------------------------------------------------ */

/* For those who make nodes. The fixed part of a request is there. */
static mode_t umask_of(uint32_t opcode, const char *body)
{
	struct fuse_mknod_in mknod;
	struct fuse_mkdir_in mkdir;
	struct fuse_create_in create;

	switch (opcode) {
	case FUSE_MKNOD:
		memcpy(&mknod, body, sizeof mknod);
		return mknod.umask;
	case FUSE_MKDIR:
		memcpy(&mkdir, body, sizeof mkdir);
		return mkdir.umask;
	case FUSE_CREATE:
	case ABI_TMPFILE:
		memcpy(&create, body, sizeof create);
		return create.umask;
	default:
		return 0;
	}
}

void request_identify(struct request *request)
{
	struct shmfs_cred *cred = &request->cred;
	uid_t uid;
	gid_t gid;

	if (cred->uid != UINT32_MAX || cred->pid <= 0 || !process_user(cred->pid, &uid, &gid))
		return;
	cred->uid = uid;
	cred->gid = gid;
}

struct request *request_begin(struct channel *channel)
{
	uint32_t slot = channel->exchange->current;
	const char *bytes = exchange_request(channel->exchange, slot);
	const struct fuse_in_header *header = (const void *)bytes;
	struct request *request = &channel->requests[slot];

	*request = (struct request){
	    .channel = channel,
	    .state = REQUEST_SERVED,
	    .slot = slot,
	    .opcode = header->opcode,
	    .unique = header->unique,
	    .node = header->nodeid,
	    .cred = {.uid = header->uid,
		.gid = header->gid,
		.umask = umask_of(header->opcode, bytes + sizeof *header),
		.pid = (pid_t)header->pid},
	};
	if (shape_asks_who(header->opcode))
		request_identify(request);
	PROBE5(receive, header->unique, header->opcode, header->uid, header->pid, header->nodeid);
	if (channel->fs != NULL) {
		shmfs_begin(channel->fs);
		shmfs_set_done(channel->fs, request_done(request), request->unique);
	}
	return request;
}

struct shmfs_done *request_done(const struct request *request)
{
	return &request->channel->exchange->slots[request->slot].done;
}

void request_resume(struct request *request)
{
	struct shmfs *fs = request->channel->fs;

	request->state = REQUEST_SERVED;
	shmfs_begin(fs);
	shmfs_set_mark(fs, (struct shmfs_mark){.request = request->unique});
}

/* --- the end of its transaction --------------------------------------------------------------- */

static size_t total_size(const struct iovec *iov, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

/*
 * In one piece, of which the kernel has to look up one page when it takes it, and not one for each
 * part. Empty: it is too long for that. Until it is stored, it is nobody's but this server's.
 */
static struct iovec lay_out(struct exchange *exchange, const struct iovec *iov, int count)
{
	struct iovec out = {.iov_base = exchange->reply};

	if (total_size(iov, count) > sizeof exchange->reply)
		return out;
	for (int i = 0; i < count; i++) {
		memcpy(exchange->reply + out.iov_len, iov[i].iov_base, iov[i].iov_len);
		out.iov_len += iov[i].iov_len;
	}
	return out;
}

/* Stores the reply that is laid out. */
static void store_reply(struct exchange *exchange, size_t size)
{
	const struct fuse_out_header *header = (const void *)exchange->reply;

	exchange->reply_number = header->unique;
	exchange->reply_refuses = header->error != 0;
	atomic_signal_fence(memory_order_seq_cst);
	exchange->reply_size = size;
	failpoint("reply stored");
}

/*
 * A reply that must not be made twice is stored: that of a change, or a refusal, which another
 * server might not repeat. One with no room in the exchange is that of a READ, which may be. A
 * change is marked as that of the request, which is not served again then: so its reply has to be
 * there.
 */
static void secure_reply(struct channel *channel, const struct fuse_out_header *header, size_t size)
{
	bool changes =
	    channel->fs != NULL && shmfs_active(channel->fs) && shmfs_changed(channel->fs);

	if (size == 0 || (!changes && header->error == 0))
		return;
	store_reply(channel->exchange, size);
	if (changes)
		shmfs_set_mark(channel->fs, (struct shmfs_mark){.request = header->unique});
}

/* Where a transaction is active; a reply before there is a namespace has none. */
static void commit(struct channel *channel, uint64_t unique)
{
	bool changed;

	if (channel->fs == NULL || !shmfs_active(channel->fs))
		return;
	changed = shmfs_changed(channel->fs);
	shmfs_commit(channel->fs);
	PROBE2(commit, unique, changed);
}

void request_release(struct request *request)
{
	if (request->libfuse != NULL)
		fuse_reply_none(request->libfuse);
	request->libfuse = NULL;
	if (request->state == REQUEST_NONE)
		return;
	request->state = REQUEST_NONE;
	exchange_clear(request->channel->exchange, request->slot);
}

static void note_answered(struct exchange *exchange, uint64_t unique)
{
	exchange->answered = unique;
	atomic_signal_fence(memory_order_seq_cst);
	exchange->reply_size = 0;
}

/*
 * Who has given a request up needs no answer (ENOENT), and nobody does once the mount is gone
 * (ENODEV); anybody else waits for it, so what fails for another reason, as for want of memory, is
 * tried again.
 */
static ssize_t send_at_last(const struct channel *channel, const struct iovec *iov, int count)
{
	ssize_t sent = -1;

	for (int tries = 0; tries < TRIES; tries++) {
		sent = count == 1 ? write(channel->fd, iov->iov_base, iov->iov_len)
				  : writev(channel->fd, iov, count);
		if (sent >= 0 || errno == ENOENT || errno == ENODEV || errno == EPERM)
			break;
	}
	return sent;
}

/*
 * Every reply but that of pages passes here. A change is final before anybody can know of it, and
 * nobody can know of one that is not.
 */
static ssize_t send_reply(struct channel *channel, struct iovec *iov, int count)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	struct iovec laid_out;
	ssize_t sent;

	if (channel->init_unique != 0 && header->unique == channel->init_unique)
		init_amend(channel, header->error, iov, count);
	if (channel->muted)
		return (ssize_t)total_size(iov, count);
	laid_out = lay_out(channel->exchange, iov, count);
	secure_reply(channel, header, laid_out.iov_len);
	commit(channel, header->unique);
	if (laid_out.iov_len > 0)
		sent = send_at_last(channel, &laid_out, 1);
	else
		sent = send_at_last(channel, iov, count);
	failpoint("replied");
	PROBE3(reply, header->unique, header->error, sent);
	note_answered(channel->exchange, header->unique);
	return sent;
}

static int send_payload(
    struct channel *channel, uint64_t unique, int error, const void *payload, size_t size)
{
	struct fuse_out_header header = {
	    .len = (uint32_t)(sizeof header + size), .unique = unique, .error = error};
	/* Nobody writes to it: writev(2) takes what it only reads without const. */
	struct iovec iov[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};

	return send_reply(channel, iov, size > 0 ? 2 : 1) < 0 ? -errno : 0;
}

/* Answered, whoever has laid the reply out. */
static int finish(struct request *request, int error, const void *payload, size_t size)
{
	int rc = send_payload(request->channel, request->unique, error, payload, size);

	request_release(request);
	return rc;
}

int request_answer(struct request *request, const void *payload, size_t size)
{
	return finish(request, 0, payload, size);
}

bool request_answer_pages(struct request *request, struct reply_pipe *pipe, size_t size)
{
	struct channel *channel = request->channel;

	_Static_assert(REPLY_PIPE_MIN > EXCHANGE_REPLY_SIZE, "it is too long to be stored");
	commit(channel, request->unique);
	if (!request_answer_read_pages(request, pipe, size)) {
		request_resume(request);
		return false;
	}
	failpoint("replied");
	note_answered(channel->exchange, request->unique);
	request_release(request);
	return true;
}

void request_fail(struct request *request, int rc)
{
	if (request->channel->fs != NULL)
		shmfs_rollback(request->channel->fs);
	/* Who has given it up does not learn that it failed. */
	(void)finish(request, rc, NULL, 0);
}

void request_end(struct request *request)
{
	commit(request->channel, request->unique);
	request_release(request);
}

ssize_t request_send_of_libfuse(struct channel *channel, struct iovec *iov, int count)
{
	struct request *request = channel_request(channel);
	ssize_t sent = send_reply(channel, iov, count);

	/* libfuse has no use for its own part of it any more. */
	request->libfuse = NULL;
	if (request->state == REQUEST_SERVED)
		request_release(request);
	return sent;
}

int request_refuse(struct channel *channel, uint64_t unique, int rc)
{
	return send_payload(channel, unique, rc, NULL, 0);
}

/* --- in parts and later ----------------------------------------------------------------------- */

uint64_t request_progress(const struct request *request)
{
	struct shmfs_mark mark = shmfs_mark(request->channel->fs);

	return mark.request == request->unique ? mark.progress : 0;
}

void request_checkpoint(struct request *request, uint64_t progress)
{
	struct shmfs *fs = request->channel->fs;

	shmfs_set_mark(fs, (struct shmfs_mark){.request = request->unique, .progress = progress});
	shmfs_commit(fs);
	failpoint("checkpoint");
	shmfs_begin(fs);
}

void request_suspend(struct request *request)
{
	commit(request->channel, request->unique);
	request->state = REQUEST_DEFERRED;
}

void request_prepare_slot(struct channel *channel, uint32_t slot)
{
	if (!channel->slot_is_populated[slot])
		exchange_populate(channel->exchange, slot);
	channel->slot_is_populated[slot] = true;
}

/* EXCHANGE_SLOTS: there is none. */
static uint32_t free_slot(const struct channel *channel)
{
	uint32_t slot = 0;

	while (slot < EXCHANGE_SLOTS && channel->requests[slot].state != REQUEST_NONE)
		slot++;
	return slot;
}

bool request_move_on(struct channel *channel)
{
	uint32_t slot = free_slot(channel);

	if (slot == EXCHANGE_SLOTS)
		return false;
	request_prepare_slot(channel, slot);
	exchange_move(channel->exchange, slot);
	return true;
}

/* Whether one more may wait, beside the next one that comes. */
static bool may_wait(const struct channel *channel)
{
	unsigned waiting = 0;

	for (uint32_t slot = 0; slot < EXCHANGE_SLOTS; slot++)
		waiting += channel->requests[slot].state == REQUEST_DEFERRED;
	return waiting < EXCHANGE_WAITING - 1 && free_slot(channel) < EXCHANGE_SLOTS;
}

bool request_defer(struct request *request)
{
	struct channel *channel = request->channel;

	if (!may_wait(channel))
		return false;
	request_suspend(request);
	(void)request_move_on(channel);
	PROBE2(defer, request->unique, request->slot);
	return true;
}

bool request_postpone(struct request *request)
{
	struct channel *channel = request->channel;

	if (!may_wait(channel))
		return false;
	shmfs_rollback(channel->fs);
	if (request->libfuse != NULL)
		fuse_reply_none(request->libfuse);
	request->libfuse = NULL;
	request->state = REQUEST_DEFERRED;
	(void)request_move_on(channel);
	PROBE2(defer, request->unique, request->slot);
	return true;
}

bool request_is_given_up(const struct request *request)
{
	return request->cred.pid > 0 && process_is_killed(request->cred.pid);
}

/* It has changed nothing, so that the next server could have said the same. */
void request_interrupt(struct request *request)
{
	(void)request_refuse(request->channel, request->unique, -EINTR);
	request_release(request);
}

void request_answer_read(const struct request *request, void *data, ssize_t count)
{
	struct fuse_out_header header = {
	    .unique = request->unique, .error = count < 0 ? (int)count : 0};
	size_t size = count > 0 ? (size_t)count : 0;
	struct iovec iov[] = {{&header, sizeof header}, {data, size}};

	header.len = (uint32_t)(sizeof header + size);
	(void)!send_at_last(request->channel, iov, size > 0 ? 2 : 1);
	PROBE3(reply, header.unique, header.error, header.len);
}

bool request_answer_read_pages(const struct request *request, struct reply_pipe *pipe, size_t size)
{
	bool taken = reply_pipe_send(pipe, request->channel->fd, size);

	if (taken)
		PROBE3(reply, request->unique, 0, size);
	return taken;
}

void request_take_back(struct channel *channel, uint64_t id, uint64_t handle)
{
	shmfs_begin(channel->fs);
	if (handle != 0)
		shmfs_release(channel->fs, handle);
	if (id != 0)
		shmfs_forget(channel->fs, id, 1);
	shmfs_commit(channel->fs);
}

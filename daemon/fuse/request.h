/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request's way: begin, then answer, fail or end; or defer, and later resume, and then answer or
 * fail; or postpone, and begin again. The namespace's transaction for it begins and ends here and
 * nowhere else, and the sign of an errno turns here. Who asks is known from the header, whether or
 * not libfuse decodes the rest.
 *
 * With the answer, the failure or the end the request is gone, and its slot is free.
 */
#ifndef SHMFS_FUSE_REQUEST_H
#define SHMFS_FUSE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "channel.h"

struct iovec;

/* Takes up the well-formed request in the current slot, and begins its transaction. */
struct request *request_begin(struct channel *channel);

/* Where it is noted what the request has done to memory. */
struct shmfs_done *request_done(const struct request *request);

/*
 * The change is final, and the kernel is told of its success, with size bytes that the opcode's
 * reply has. 0; -ENOENT: the kernel gave the request up, and knows nothing of what it was given;
 * other errors of writev(2).
 */
int request_answer(struct request *request, const void *payload, size_t size);

/*
 * The same for a READ, with what a pipe holds: size bytes of data. Such a reply is never stored:
 * it is longer than what is, and may be made again. False: it has to be answered in another way.
 */
bool request_answer_pages(struct request *request, struct reply_pipe *pipe, size_t size);

/* The change is undone, and the kernel is told why: a negative errno. */
void request_fail(struct request *request, int rc);

/* The change is final, and nobody waits for a reply (FORGET). */
void request_end(struct request *request);

/*
 * What was done so far is final, and marked as so much of this request; the rest is a transaction
 * of its own. For what has no reply and is never sent again.
 */
void request_checkpoint(struct request *request, uint64_t progress);

/* How much of a request without a reply is done already, by a server that died. */
uint64_t request_progress(const struct request *request);

/*
 * Has the answer come later: what was done so far is final, and the next request comes into another
 * slot. False: there is no slot left, and it has to be answered now.
 */
bool request_defer(struct request *request);

/*
 * Undoes what was done, for the request to be served once more (channel_serve_again()): the next
 * one comes into another slot. False: there is none left, and nothing is undone.
 */
bool request_postpone(struct request *request);

/* Whether whoever waits for the answer is being killed. */
bool request_is_given_up(const struct request *request);

/* Answers one that waits, and has changed nothing, with EINTR. */
void request_interrupt(struct request *request);

/* The next request comes into a slot that is free; the current one is not. False: there is none. */
bool request_move_on(struct channel *channel);

/* Before the kernel writes a request to a slot for the first time in this process. */
void request_prepare_slot(struct channel *channel, uint32_t slot);

/* The same without another request meanwhile: for one that is not to wait, and whose work has
 * transactions of its own. */
void request_suspend(struct request *request);

/*
 * Finds out who asks, where the kernel has not said it: where mounts may be id-mapped, it says of
 * those who make a node alone who they are, as that is whose the node is. Others are looked up by
 * their process, which waits for the answer: that is the user who it is to the daemon, whatever the
 * mount maps it to. One that has no process, or was killed, stays unknown.
 */
void request_identify(struct request *request);

/* Begins a transaction for the answer of a request that was deferred or suspended. That it is
 * answered is a change: the next server must not serve it once more. */
void request_resume(struct request *request);

/*
 * Answers a deferred READ: count bytes of data, or a negative errno. Touches nothing that changes,
 * so any thread may call it; the loop releases the request then.
 */
void request_answer_read(const struct request *request, void *data, ssize_t count);
void request_release(struct request *request);

/* The same with what a pipe holds: size bytes of data. False: it has to be the former. */
bool request_answer_read_pages(const struct request *request, struct reply_pipe *pipe, size_t size);

/* The kernel did not take an answer that gave it a reference on a node (0: none) and an opening (0:
 * none): they are given back. The change itself is final by then and stays. */
void request_take_back(struct channel *channel, uint64_t id, uint64_t handle);

/* A reply that libfuse makes: to INIT, and to what it refuses by itself. As writev(2). */
ssize_t request_send_of_libfuse(struct channel *channel, struct iovec *iov, int count);

/* Refuses what is not to become one of those above, by its number. As request_answer(). */
int request_refuse(struct channel *channel, uint64_t unique, int rc);

#endif

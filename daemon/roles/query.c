/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions and workers, on the loop; see query.h. */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "common/pass_fd.h"
#include "fs/failpoint.h"

/* Before the next try where there is no descriptor, or no room in the socket to the zygote. */
#define PAUSE_MS 100

/*
 * How many answer at a time: a message takes less than a millisecond, and a look through /proc a
 * processor. And how long one may take: longer than a supervisor takes to replace a zygote that was
 * stopped, and than a look that ends by itself.
 */
static const struct {
	unsigned workers;
	uint64_t ms;
	unsigned tries; /* workers that one question may take */
} bounds[ROLES] = {
    [ROLE_PARSER] = {8, 3000, 3},
    /* A question is none that breaks anybody: who dies was killed, in all the time that it takes.
     */
    [ROLE_HOLDERS] = {1, 12000, 6},
};

/* The server's end of a worker's socket. */
struct worker_end {
	uv_poll_t poll;
	int fd;
};

struct query {
	struct query *next, **link;
	struct queries *queries;
	uid_t uid;
	const struct query_owner *owner;
	void *arg;
	uv_timer_t timer;	   /* the end of a worker's time, or of a pause */
	struct worker_end *worker; /* NULL: there is none */
	const void *question;	   /* NULL: nothing is asked */
	size_t size;
	unsigned tries;
	bool waits; /* for a turn */
};

static void give_turns(struct queries *queries);

/* --- workers ---------------------------------------------------------------------------------- */

static void free_worker(uv_handle_t *handle)
{
	free(handle->data);
}

static void let_go_of_worker(struct query *query)
{
	struct worker_end *worker = query->worker;

	if (worker == NULL)
		return;
	query->worker = NULL;
	query->queries->workers--;
	worker->poll.data = worker;
	/* Stopped before its number is another's. */
	uv_close((uv_handle_t *)&worker->poll, free_worker);
	close(worker->fd);
}

static void try_again(struct query *query)
{
	let_go_of_worker(query);
	if (++query->tries < bounds[query->queries->role].tries) {
		query->waits = true;
		give_turns(query->queries);
		return;
	}
	query->question = NULL;
	give_turns(query->queries);
	query->owner->done(query->arg, false);
}

static void on_time(uv_timer_t *timer)
{
	try_again(timer->data);
}

static void end_question(struct query *query)
{
	failpoint("answer heard");
	query->question = NULL;
	(void)uv_timer_stop(&query->timer);
	give_turns(query->queries);
	query->owner->done(query->arg, true);
}

/* A worker that ends when nothing is asked has lived long enough. */
static void on_worker(uv_poll_t *poll, int status, int events)
{
	struct query *query = poll->data;
	char part[ROLE_ANSWER_MAX];
	ssize_t size = 0;

	(void)events;
	/* What is wrong with the socket, reading tells. */
	(void)status;
	size = recv(query->worker->fd, part, sizeof part, MSG_DONTWAIT);
	if (size < 0 && status == 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (query->question == NULL) {
		let_go_of_worker(query);
		return;
	}
	switch (size > 0 ? query->owner->heard(query->arg, part, (size_t)size) : QUERY_NONSENSE) {
	case QUERY_MORE:
		break;
	case QUERY_LAST:
		end_question(query);
		break;
	case QUERY_NONSENSE:
		(void)uv_timer_stop(&query->timer);
		try_again(query);
		break;
	}
}

static int say(const struct query *query)
{
	ssize_t size;

	do {
		size = send(
		    query->worker->fd, query->question, query->size, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (size < 0 && errno == EINTR);
	return size < 0 ? -errno : 0;
}

/* The zygote forks one for whatever socket it gets. */
static int send_socket(int asking, int socket)
{
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	union pass_fd room;

	pass_fd_add(&message, &room, socket);
	return sendmsg(asking, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int watch(struct query *query, int fd)
{
	struct worker_end *worker = malloc(sizeof *worker);
	int rc;

	if (worker == NULL)
		return -ENOMEM;
	worker->fd = fd;
	rc = uv_poll_init(query->queries->loop, &worker->poll, fd);
	if (rc < 0) {
		free(worker);
		return rc;
	}
	query->worker = worker;
	query->queries->workers++;
	worker->poll.data = query;
	return uv_poll_start(&worker->poll, UV_READABLE, on_worker);
}

static int start_worker(struct query *query)
{
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	rc = ends[0] < query->queries->fd_max && ends[1] < query->queries->fd_max
		 ? send_socket(query->queries->asking, ends[1])
		 : -EMFILE;
	close(ends[1]);
	if (rc == 0)
		rc = watch(query, ends[0]);
	if (query->worker == NULL)
		close(ends[0]);
	return rc;
}

/* --- turns ------------------------------------------------------------------------------------ */

/* Users in turn, in the order of their uids, beginning behind the one who had the last. */
static struct query *next_who_waits(const struct queries *queries)
{
	struct query *next = NULL;

	for (struct query *one = queries->first; one != NULL; one = one->next) {
		if (one->waits &&
		    (next == NULL || one->uid - queries->last - 1 <= next->uid - queries->last - 1))
			next = one;
	}
	return next;
}

static bool has_place(struct queries *queries)
{
	for (struct query *one = queries->first;
	     one != NULL && queries->workers >= bounds[queries->role].workers; one = one->next) {
		if (one->question == NULL)
			let_go_of_worker(one);
	}
	return queries->workers < bounds[queries->role].workers;
}

static void hear(struct query *query)
{
	failpoint("question asked");
	query->queries->last = query->uid;
	(void)uv_timer_start(&query->timer, on_time, bounds[query->queries->role].ms, 0);
}

static void take_turn(struct query *query)
{
	query->waits = false;
	if (start_worker(query) == 0 && say(query) == 0)
		hear(query);
	else
		(void)uv_timer_start(&query->timer, on_time, PAUSE_MS, 0);
}

static void give_turns(struct queries *queries)
{
	struct query *query;

	while ((query = next_who_waits(queries)) != NULL && has_place(queries))
		take_turn(query);
}

/* --- who asks --------------------------------------------------------------------------------- */

struct query *query_new(
    struct queries *queries, uid_t uid, const struct query_owner *owner, void *arg)
{
	struct query *query = calloc(1, sizeof *query);

	if (query == NULL)
		return NULL;
	query->queries = queries;
	query->uid = uid;
	query->owner = owner;
	query->arg = arg;
	/* Never fails. */
	(void)uv_timer_init(queries->loop, &query->timer);
	query->timer.data = query;
	query->next = queries->first;
	query->link = &queries->first;
	if (query->next != NULL)
		query->next->link = &query->next;
	queries->first = query;
	return query;
}

void query_ask(struct query *query, const void *question, size_t size)
{
	query->question = question;
	query->size = size;
	query->tries = 0;
	/* One that has lived long enough is missed by nobody. */
	if (query->worker != NULL && say(query) == 0) {
		hear(query);
		return;
	}
	let_go_of_worker(query);
	query->waits = true;
	give_turns(query->queries);
}

static void free_query(uv_handle_t *handle)
{
	free(handle->data);
}

void query_free(struct query *query)
{
	struct queries *queries;

	if (query == NULL)
		return;
	queries = query->queries;
	let_go_of_worker(query);
	*query->link = query->next;
	if (query->next != NULL)
		query->next->link = query->link;
	uv_close((uv_handle_t *)&query->timer, free_query);
	give_turns(queries);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of the control socket, on the loop; see control.h.
 *
 * Life of a client: accepted → (reads → calls → [scans] → writes)* → closing → freed. It reads only
 * while it has no answer to take and no scan under way, so it has one call at a time and the
 * buffers of one. It is freed when the loop has let go of its handles and no scan needs it.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "call.h"
#include "common/log.h"
#include "common/worker.h"
#include "holders.h"

/*
 * All descriptors that are no objects' lie below SHMFS_DESCRIPTOR_FIRST; so many of them may be
 * clients, and the rest stays for the server itself. One user has no more than his share, so that
 * others get in, and some places are for root and the mount's owner alone.
 */
#define CLIENTS_MAX 20
#define CLIENTS_RESERVED 4
#define CLIENTS_PER_USER 8

/* To send the rest of a message, or to take an answer; and to say anything at all, without pins. */
#define MESSAGE_MS 10000
#define IDLE_MS 300000

/* Before connections are accepted again that the system had no room for. */
#define REST_MS 200

/* Supplementary groups that are looked at. */
#define GROUPS_MAX 1024

struct client {
	struct client *next, *prev;
	struct control *control;
	uv_poll_t poll;
	uv_timer_t timer;
	struct worker *worker; /* that looks for holders; NULL: none does */
	int fd;
	unsigned handles;   /* of the loop that are not closed yet */
	bool closing, last; /* last: closed after the answer */
	struct peer peer;
	struct call call;
	gid_t groups[GROUPS_MAX];

	char *answer;
	size_t answer_size, answer_sent;
	int answer_fd; /* goes with the answer's first byte; -1: none */

	size_t used;
	char message[CONTROL_MESSAGE_MAX + 1];
};

struct control {
	uv_poll_t poll;
	uv_timer_t rest;
	unsigned handles; /* of the loop that are not closed yet */
	struct server *server;
	uv_loop_t *loop;
	int fd;
	struct client *clients;
};

static void proceed(struct client *client);

/* --- the end of a client ---------------------------------------------------------------------- */

static void drop_pins(struct client *client)
{
	struct shmfs *fs = client->control->server->channel.fs;

	for (unsigned i = 0; i < client->peer.pin_count; i++) {
		shmfs_begin(fs);
		shmfs_unpin(fs, client->peer.pins[i].id);
		shmfs_commit(fs);
	}
	client->peer.pin_count = 0;
}

static void free_if_done(struct client *client)
{
	if (client->handles > 0 || client->worker != NULL)
		return;
	free(client->answer);
	free(client);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	client->handles--;
	free_if_done(client);
}

static void close_client(struct client *client)
{
	struct control *control = client->control;

	if (client->closing)
		return;
	client->closing = true;
	drop_pins(client);
	if (client->answer_fd >= 0)
		close(client->answer_fd);
	client->answer_fd = -1;
	if (client->worker != NULL)
		atomic_store(&client->call.scan->stop, true);
	if (client->next != NULL)
		client->next->prev = client->prev;
	if (client->prev != NULL)
		client->prev->next = client->next;
	else
		control->clients = client->next;
	control->server->client_count--;
	uv_close((uv_handle_t *)&client->poll, on_handle_closed);
	uv_close((uv_handle_t *)&client->timer, on_handle_closed);
	close(client->fd);
}

/* --- answers ---------------------------------------------------------------------------------- */

static ssize_t send_some(struct client *client)
{
	struct iovec iov = {
	    client->answer + client->answer_sent, client->answer_size - client->answer_sent};
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t count;

	if (client->answer_fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = space;
		message.msg_controllen = sizeof space;
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &client->answer_fd, sizeof(int));
	}
	count = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (count > 0 && client->answer_fd >= 0) {
		close(client->answer_fd);
		client->answer_fd = -1;
	}
	return count < 0 ? -errno : count;
}

/* 1: all of the answer is sent; 0: the client has to take some first; a negative errno. */
static int send_answer(struct client *client)
{
	while (client->answer_sent < client->answer_size) {
		ssize_t count = send_some(client);

		if (count == -EINTR)
			continue;
		if (count == -EAGAIN)
			return 0;
		if (count < 0)
			return (int)count;
		client->answer_sent += (size_t)count;
	}
	free(client->answer);
	client->answer = NULL;
	client->answer_size = client->answer_sent = 0;
	return 1;
}

static void finish_call(struct client *client)
{
	struct call *call = &client->call;

	client->answer = call_reply(call, &client->answer_size);
	client->answer_fd = call->fd;
	/* Nobody is there to take it. */
	if (client->answer == NULL && client->answer_fd >= 0) {
		close(client->answer_fd);
		client->answer_fd = -1;
	}
	if (client->answer == NULL && !call->oneway)
		client->last = true;
	call_end(call);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* On another thread. */
static void run_scan(void *arg)
{
	struct client *client = arg;

	holders_scan(client->call.scan);
}

static void end_scan(void *arg)
{
	struct client *client = arg;

	worker_free(client->worker);
	client->worker = NULL;
	if (client->closing) {
		call_end(&client->call);
		free_if_done(client);
		return;
	}
	call_finish_scan(&client->call);
	finish_call(client);
	proceed(client);
}

/* What the server itself knows: who has pins. */
static void add_pins(const struct control *control, struct scan *scan)
{
	for (const struct client *client = control->clients; client != NULL;
	     client = client->next) {
		for (unsigned i = 0; i < client->peer.pin_count; i++) {
			const struct holder holder = {
			    .pid = client->peer.pid,
			    .uid = client->peer.uid,
			    .id = client->peer.pins[i].object,
			    .access = HOLDER_PINS,
			};

			if (scan->id == 0 || scan->id == holder.id)
				holders_add(scan, &holder);
		}
	}
}

static void start_scan(struct client *client)
{
	struct control *control = client->control;

	add_pins(control, client->call.scan);
	client->worker = worker_new(&control->server->workers, run_scan, end_scan, client);
	if (client->worker == NULL)
		call_fail(&client->call, -ENOMEM);
	else
		worker_start(client->worker);
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* The kernel's word for who is at the other end. */
static bool identify(struct client *client)
{
	struct ucred cred;
	socklen_t size = sizeof cred, groups_size = sizeof client->groups;

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return false;
	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERGROUPS, client->groups, &groups_size) < 0)
		groups_size = 0;
	client->peer.pid = cred.pid;
	client->peer.uid = cred.uid;
	client->call = (struct call){
	    .server = client->control->server,
	    .peer = &client->peer,
	    .by = {cred.uid, cred.gid, client->groups, groups_size / sizeof(gid_t)},
	    .trusted = is_trusted(cred.uid),
	};
	return true;
}

static void run_call(struct client *client, size_t size)
{
	if (!identify(client)) {
		client->last = true;
		return;
	}
	if (!call_begin(&client->call, client->message, size))
		client->last = true;
	if (client->call.scan != NULL)
		start_scan(client);
	if (client->worker == NULL)
		finish_call(client);
}

/* Takes the first message out of the buffer and runs it. False: there is none that is whole. */
static bool take_message(struct client *client)
{
	const char *end = memchr(client->message, '\0', client->used);
	size_t size;

	if (end == NULL)
		return false;
	size = (size_t)(end - client->message);
	run_call(client, size);
	client->used -= size + 1;
	memmove(client->message, client->message + size + 1, client->used);
	return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* False: nothing more will come, or what comes is no message. */
static bool read_some(struct client *client)
{
	ssize_t count;

	do {
		count = recv(client->fd, client->message + client->used,
		    sizeof client->message - client->used, MSG_DONTWAIT);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN;
	client->used += (size_t)count;
	return count > 0;
}

/* A message that does not end where it must: told so, and closed. */
static void refuse_long_message(struct client *client)
{
	static const char text[] = "{\"error\":\"org.shmfs.BadMessage\",\"parameters\":{"
				   "\"message\":\"longer than 65536 bytes\"}}";

	client->last = true;
	client->used = 0;
	client->answer = malloc(sizeof text);
	if (client->answer == NULL)
		return;
	memcpy(client->answer, text, sizeof text);
	client->answer_size = sizeof text;
}

static void on_client(uv_poll_t *poll, int status, int events);

static void on_time(uv_timer_t *timer)
{
	struct client *client = timer->data;

	log_debug(
	    "control: uid %u, pid %ld: took too long", client->peer.uid, (long)client->peer.pid);
	close_client(client);
}

/* Waits for what the client has to do next, and not for ever. */
static void wait_for(struct client *client)
{
	bool waits = client->answer != NULL;
	bool has_call = memchr(client->message, '\0', client->used) != NULL;
	uint64_t ms = waits || client->used > 0 ? MESSAGE_MS : IDLE_MS;
	int rc;

	(void)uv_timer_stop(&client->timer);
	if (client->worker != NULL) {
		(void)uv_poll_stop(&client->poll);
		return;
	}
	/* With a call at hand, room for its answer is what there is to wait for. */
	rc = uv_poll_start(&client->poll, waits || has_call ? UV_WRITABLE : UV_READABLE, on_client);
	/* Whoever holds a pin may be silent. */
	if (rc == 0 && (ms == MESSAGE_MS || client->peer.pin_count == 0))
		rc = uv_timer_start(&client->timer, on_time, ms, 0);
	if (rc < 0)
		close_client(client);
}

/* Sends what there is; false: the client is closed. */
static bool send_or_close(struct client *client)
{
	int rc = client->answer != NULL ? send_answer(client) : 1;

	if (rc < 0 || (rc == 1 && client->last)) {
		close_client(client);
		return false;
	}
	return true;
}

/* Goes on with a client by one call at the most: others have their turn before the next. */
static void proceed(struct client *client)
{
	if (!send_or_close(client))
		return;
	if (client->answer == NULL && client->worker == NULL) {
		if (!take_message(client) && client->used == sizeof client->message)
			refuse_long_message(client);
		if (!send_or_close(client))
			return;
	}
	wait_for(client);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct client *client = poll->data;

	if (status < 0 || ((events & UV_READABLE) && !read_some(client))) {
		close_client(client);
		return;
	}
	proceed(client);
}

/* --- new clients ------------------------------------------------------------------------------ */

static bool may_come_in(const struct control *control, uid_t uid)
{
	unsigned count = 0, most = CLIENTS_MAX - (is_trusted(uid) ? 0 : CLIENTS_RESERVED);

	if (control->server->client_count >= most)
		return false;
	for (const struct client *client = control->clients; client != NULL; client = client->next)
		count += client->peer.uid == uid;
	return count < CLIENTS_PER_USER;
}

/* Told, if the socket takes it: it is empty yet. */
static void turn_away(int fd)
{
	static const char text[] = "{\"error\":\"org.shmfs.SystemError\",\"parameters\":{"
				   "\"errno\":11,\"message\":\"Too many connections\"}}";

	(void)!send(fd, text, sizeof text, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static int start_client(struct control *control, struct client *client)
{
	int rc = uv_poll_init(control->loop, &client->poll, client->fd);

	if (rc < 0)
		return rc;
	rc = uv_timer_init(control->loop, &client->timer);
	client->poll.data = client->timer.data = client;
	client->handles = 2;
	client->next = control->clients;
	if (client->next != NULL)
		client->next->prev = client;
	control->clients = client;
	control->server->client_count++;
	return rc;
}

static void welcome(struct control *control, int fd, const struct ucred *cred)
{
	struct client *client = calloc(1, sizeof *client);

	if (client == NULL) {
		turn_away(fd);
		return;
	}
	client->control = control;
	client->fd = fd;
	client->answer_fd = -1;
	client->peer.uid = cred->uid;
	client->peer.pid = cred->pid;
	if (start_client(control, client) < 0) {
		turn_away(fd);
		free(client);
		return;
	}
	wait_for(client);
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
	struct control *control = timer->data;

	(void)uv_poll_start(&control->poll, UV_READABLE, on_connection);
}

/* Where the system has no descriptor or memory left, the connection goes on waiting, and asking for
 * it again at once would keep the loop busy. */
static void rest_if_short(struct control *control, int error)
{
	if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS)
		return;
	(void)uv_poll_stop(&control->poll);
	(void)uv_timer_start(&control->rest, on_rested, REST_MS, 0);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct control *control = poll->data;
	struct ucred cred;
	socklen_t size = sizeof cred;
	int fd;

	(void)events;
	if (status < 0)
		return;
	fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		rest_if_short(control, errno);
		return;
	}
	/* Numbers from there on are objects' memory. */
	if (fd >= SHMFS_DESCRIPTOR_FIRST ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0 ||
	    !may_come_in(control, cred.uid))
		turn_away(fd);
	else
		welcome(control, fd, &cred);
}

static void end_left_pins(struct shmfs *fs)
{
	uint64_t pin;

	while ((pin = shmfs_first_pin(fs)) != 0) {
		shmfs_begin(fs);
		shmfs_unpin(fs, pin);
		shmfs_commit(fs);
	}
}

int control_start(
    struct uv_loop_s *loop, struct server *server, int listen_fd, struct control **out)
{
	struct control *control;
	int rc;

	end_left_pins(server->channel.fs);
	if (listen_fd < 0)
		return 0;
	control = calloc(1, sizeof *control);
	if (control == NULL)
		return -ENOMEM;
	*control = (struct control){.server = server, .loop = loop, .fd = listen_fd};
	rc = uv_poll_init(loop, &control->poll, listen_fd);
	if (rc < 0) {
		free(control);
		return rc;
	}
	rc = uv_timer_init(loop, &control->rest);
	control->poll.data = control->rest.data = control;
	control->handles = 2;
	*out = control;
	if (rc < 0)
		return rc;
	return uv_poll_start(&control->poll, UV_READABLE, on_connection);
}

static void on_control_closed(uv_handle_t *handle)
{
	struct control *control = handle->data;

	if (--control->handles == 0)
		free(control);
}

void control_stop(struct control *control)
{
	if (control == NULL)
		return;
	while (control->clients != NULL)
		close_client(control->clients);
	uv_close((uv_handle_t *)&control->poll, on_control_closed);
	uv_close((uv_handle_t *)&control->rest, on_control_closed);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* One client at a time; see client.h. */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "call.h"
#include "common/log.h"
#include "dispatch.h"
#include "holders.h"
#include "message.h"
#include "pins.h"
#include "roles/query.h"
#include "roles/request.h"

/*
 * All descriptors that are no objects' lie below SHMFS_DESCRIPTOR_FIRST; so many of them may be
 * clients, and the rest stays for the server itself. One user has no more than a share of them, and
 * some places are for root and the mount's owner alone. Where all others are taken, whoever has
 * fewer connections than another takes the place of that one's, which has been silent the longest:
 * so there is one for each user, as long as there are fewer users than places. One with a pin,
 * whose end nobody expects, keeps its place; so not all of them may have one.
 */
#define CLIENTS_MAX 20
#define CLIENTS_RESERVED 4
#define CLIENTS_PER_USER 8

/* To send the rest of a message, or to take an answer; and to say anything at all, without pins. */
#define MESSAGE_MS 10000
#define IDLE_MS 300000

struct client {
	struct client *next, *prev;
	struct clients *clients;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles;   /* of the loop that are not closed yet */
	bool closing, last; /* last: closed after the answer */
	struct query *queries[ROLES];
	bool asks; /* one of them */
	struct request request;
	uint64_t heard; /* when the loop had something of it last */
	struct peer peer;
	struct call call;
	gid_t groups[CALL_GROUPS_MAX];
	struct outbox outbox;
	struct inbox inbox;
};

static void proceed(struct client *client);

void clients_begin(struct clients *clients, const struct control_config *config)
{
	*clients = (struct clients){.config = config};
	for (enum role role = 0; role < ROLES; role++)
		clients->queries[role] = (struct queries){.loop = config->loop,
		    .role = role,
		    .asking = config->asking[role],
		    .fd_max = SHMFS_DESCRIPTOR_FIRST};
}

bool client_is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* --- the end of a client ---------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (--client->handles > 0)
		return;
	outbox_drop(&client->outbox);
	free(client);
}

static void leave_list(struct client *client)
{
	if (client->next != NULL)
		client->next->prev = client->prev;
	if (client->prev != NULL)
		client->prev->next = client->next;
	else
		client->clients->first = client->next;
	client->clients->count--;
}

static struct kept *kept_of(const struct client *client)
{
	return client->clients->config->kept;
}

static void drop_queries(struct client *client)
{
	for (enum role role = 0; role < ROLES; role++)
		query_free(client->queries[role]);
}

static void let_go(struct client *client)
{
	client->closing = true;
	outbox_drop(&client->outbox);
	drop_queries(client);
	call_end(&client->call);
	leave_list(client);
	uv_close((uv_handle_t *)&client->poll, on_handle_closed);
	uv_close((uv_handle_t *)&client->timer, on_handle_closed);
}

static void close_client(struct client *client)
{
	if (client->closing)
		return;
	pins_end(client->clients->config, &client->peer);
	let_go(client);
	/* Another one may have the number at once. */
	kept_set(&kept_of(client)->busy, client->peer.fd, false);
	close(client->peer.fd);
}

void client_close_all(struct clients *clients)
{
	while (clients->first != NULL) {
		if (kept_has(kept_of(clients->first), clients->first->peer.fd))
			let_go(clients->first);
		else
			close_client(clients->first);
	}
}

/* --- calls ------------------------------------------------------------------------------------ */

static void finish_call(struct client *client)
{
	struct call *call = &client->call;
	size_t size = 0;
	char *reply = call_reply(call, &size);

	if (reply == NULL && !call->oneway)
		client->last = true;
	outbox_put(&client->outbox, reply, size, call->fd);
	call_end(call);
}

/* --- what others are asked for ---------------------------------------------------------------- */

static void ask(struct client *client, enum role role, const void *question, size_t size)
{
	client->asks = true;
	query_ask(client->queries[role], question, size);
}

static enum query_part hear_holders(void *arg, const void *part, size_t size)
{
	struct client *client = arg;

	return holders_hear(client->call.scan, part, size);
}

static void have_holders(void *arg, bool answered)
{
	struct client *client = arg;

	client->asks = false;
	if (!answered)
		client->call.scan->rc = -ETIMEDOUT;
	dispatch_end_scan(&client->call);
	finish_call(client);
	proceed(client);
}

static void start_scan(struct client *client)
{
	struct scan *scan = client->call.scan;

	for (const struct client *one = client->clients->first; one != NULL; one = one->next)
		pins_add_holders(&one->peer, scan);
	ask(client, ROLE_HOLDERS, &scan->question, sizeof scan->question);
}

static enum query_part hear_request(void *arg, const void *part, size_t size)
{
	struct client *client = arg;

	return request_check(part, size, &client->request) ? QUERY_LAST : QUERY_NONSENSE;
}

static void run_call(struct client *client)
{
	if (!call_begin(&client->call, client->clients->config, &client->peer, client->groups)) {
		client->last = true;
		return;
	}
	client->call.clients = client->clients->count;
	client->call.by.exempt = client_is_trusted(client->peer.uid);
	if (!dispatch(&client->call, &client->request))
		client->last = true;
	if (client->call.scan != NULL)
		start_scan(client);
	else
		finish_call(client);
}

/* A message at which the parser dies again and again is none. */
static void have_request(void *arg, bool answered)
{
	struct client *client = arg;

	client->asks = false;
	inbox_drop_first(&client->inbox);
	if (!answered) {
		log_error("control: uid %u, pid %ld: a message that nobody could read",
		    client->peer.uid, (long)client->peer.pid);
		client->request =
		    (struct request){.method = METHOD_NONE, .word = "nobody could read it in time"};
	}
	run_call(client);
	proceed(client);
}

static int start_queries(struct client *client)
{
	static const struct query_owner owners[ROLES] = {
	    [ROLE_PARSER] = {.heard = hear_request, .done = have_request},
	    [ROLE_HOLDERS] = {.heard = hear_holders, .done = have_holders},
	};

	for (enum role role = 0; role < ROLES; role++) {
		client->queries[role] = query_new(
		    &client->clients->queries[role], client->peer.uid, &owners[role], client);
		if (client->queries[role] == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* A message that does not end where it must: told so, and closed. */
static void refuse_long_message(struct client *client)
{
	client->last = true;
	outbox_put_text(&client->outbox, "{\"error\":\"org.shmfs.BadMessage\",\"parameters\":{"
					 "\"message\":\"longer than 65536 bytes\"}}");
}

static void take_message(struct client *client)
{
	size_t size;
	const char *message = inbox_first(&client->inbox, &size);

	if (message != NULL)
		/* With its NUL. */
		ask(client, ROLE_PARSER, message, size + 1);
	else if (inbox_is_too_long(&client->inbox))
		refuse_long_message(client);
}

/* --- on the loop ------------------------------------------------------------------------------ */

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
	size_t size;
	bool waits = client->outbox.data != NULL;
	bool has_call = inbox_first(&client->inbox, &size) != NULL;
	uint64_t ms = waits || client->inbox.used > 0 ? MESSAGE_MS : IDLE_MS;
	int rc;

	kept_set(&kept_of(client)->busy, client->peer.fd,
	    waits || client->inbox.used > 0 || client->asks);
	(void)uv_timer_stop(&client->timer);
	if (client->asks) {
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
	int rc = outbox_send(&client->outbox, client->peer.fd);

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
	if (client->outbox.data == NULL && !client->asks) {
		take_message(client);
		if (!send_or_close(client))
			return;
	}
	wait_for(client);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct client *client = poll->data;

	kept_set(&kept_of(client)->busy, client->peer.fd, true);
	client->heard = uv_now(poll->loop);
	if (status < 0 ||
	    ((events & UV_READABLE) && !inbox_receive(&client->inbox, client->peer.fd))) {
		close_client(client);
		return;
	}
	proceed(client);
}

/* --- new clients ------------------------------------------------------------------------------ */

static unsigned count_of(const struct clients *clients, uid_t uid)
{
	unsigned count = 0;

	for (const struct client *client = clients->first; client != NULL; client = client->next)
		count += client->peer.uid == uid;
	return count;
}

/* Of whoever has the most, the one that was silent the longest; NULL: nobody has more than this. */
static struct client *find_place(const struct clients *clients, unsigned count)
{
	struct client *found = NULL;
	unsigned most = count;

	for (struct client *one = clients->first; one != NULL; one = one->next) {
		unsigned has = count_of(clients, one->peer.uid);

		if (one->peer.pin_count > 0 || client_is_trusted(one->peer.uid) || has < most ||
		    (has == most && (found == NULL || one->heard >= found->heard)))
			continue;
		found = one;
		most = has;
	}
	return found;
}

/* Makes a place, if that takes one; false: there is none. */
static bool may_come_in(const struct clients *clients, uid_t uid)
{
	unsigned reserved = client_is_trusted(uid) ? 0 : CLIENTS_RESERVED;
	unsigned count = count_of(clients, uid);
	struct client *other;

	if (count >= CLIENTS_PER_USER)
		return false;
	if (clients->count < CLIENTS_MAX - reserved)
		return true;
	other = client_is_trusted(uid) ? NULL : find_place(clients, count + 1);
	if (other == NULL)
		return false;
	close_client(other);
	return true;
}

/* Who has gone away while others read the message keeps nobody out. */
static bool drop_those_gone(const struct clients *clients)
{
	bool any = false;

	for (struct client *one = clients->first, *next; one != NULL; one = next) {
		next = one->next;
		if (one->asks && socket_is_hung_up(one->peer.fd)) {
			close_client(one);
			any = true;
		}
	}
	return any;
}

/* Told, if the socket takes it: it is empty yet. */
static void turn_away(int fd)
{
	static const char text[] = "{\"error\":\"org.shmfs.SystemError\",\"parameters\":{"
				   "\"errno\":11,\"message\":\"Too many connections\"}}";

	(void)!send(fd, text, sizeof text, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static int start_client(struct client *client)
{
	struct clients *clients = client->clients;
	uv_loop_t *loop = clients->config->loop;
	int rc = start_queries(client);

	if (rc == 0)
		rc = uv_poll_init(loop, &client->poll, client->peer.fd);
	if (rc < 0) {
		drop_queries(client);
		return rc;
	}
	/* Never fails. */
	(void)uv_timer_init(loop, &client->timer);
	client->poll.data = client->timer.data = client;
	client->handles = 2;
	client->next = clients->first;
	if (client->next != NULL)
		client->next->prev = client;
	clients->first = client;
	clients->count++;
	return 0;
}

static struct client *new_client(struct clients *clients, int fd, const struct ucred *cred)
{
	struct client *client = calloc(1, sizeof *client);

	if (client == NULL)
		return NULL;
	client->clients = clients;
	client->peer.fd = fd;
	client->outbox.fd = -1;
	client->peer.uid = cred->uid;
	client->peer.pid = cred->pid;
	client->heard = uv_now(clients->config->loop);
	if (start_client(client) < 0) {
		free(client);
		return NULL;
	}
	return client;
}

/* Without a descriptor's peer, or memory, the connection ends, and its pins as those of nobody. */
static void take_up(struct clients *clients, int fd)
{
	struct kept *kept = clients->config->kept;
	struct client *client = NULL;
	struct ucred cred;
	socklen_t size = sizeof cred;

	if (kept_has(kept, fd) && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0)
		client = new_client(clients, fd, &cred);
	if (client == NULL) {
		if (kept_has(kept, fd))
			close(fd);
		kept_set(&kept->pinned, fd, false);
		kept_set(&kept->busy, fd, false);
		return;
	}
	pins_find(clients->config->fs, &client->peer);
	wait_for(client);
}

void client_take_up_kept(struct clients *clients)
{
	for (int fd = 0; fd < SHMFS_DESCRIPTOR_FIRST; fd++)
		take_up(clients, fd);
	pins_end_left(clients->config);
}

void client_begin(struct clients *clients, int fd, const struct ucred *cred)
{
	/* Descriptors from there on are objects' memory. */
	bool room = fd < SHMFS_DESCRIPTOR_FIRST &&
		    (may_come_in(clients, cred->uid) ||
			(drop_those_gone(clients) && may_come_in(clients, cred->uid)));
	struct client *client = room ? new_client(clients, fd, cred) : NULL;

	if (client != NULL)
		wait_for(client);
	else
		turn_away(fd);
}

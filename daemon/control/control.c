/* SPDX-License-Identifier: BSD-2-Clause */
/* The listening socket, on the loop; see control.h. */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "client.h"

/* Before connections are accepted again that the system had no room for. */
#define REST_MS 200

struct control {
	uv_poll_t poll;
	uv_timer_t rest;
	unsigned handles; /* of the loop that are not closed yet */
	struct control_config config;
	struct clients clients;
};

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
	fd = accept4(control->config.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		rest_if_short(control, errno);
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		close(fd);
	else
		client_begin(&control->clients, fd, &cred);
}

int control_start(const struct control_config *config, struct control **out)
{
	struct control *control;
	int rc;

	*out = NULL;
	if (config->listen_fd < 0)
		return 0;
	control = calloc(1, sizeof *control);
	if (control == NULL)
		return -ENOMEM;
	control->config = *config;
	clients_begin(&control->clients, &control->config);
	rc = uv_poll_init(config->loop, &control->poll, config->listen_fd);
	if (rc < 0) {
		free(control);
		return rc;
	}
	/* Never fails. */
	(void)uv_timer_init(config->loop, &control->rest);
	control->poll.data = control->rest.data = control;
	control->handles = 2;
	*out = control;
	client_take_up_kept(&control->clients);
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
	client_close_all(&control->clients);
	uv_close((uv_handle_t *)&control->poll, on_control_closed);
	uv_close((uv_handle_t *)&control->rest, on_control_closed);
}

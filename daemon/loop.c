/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop; see loop.h. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "channel.h"
#include "clock.h"
#include "control.h"
#include "freeing.h"
#include "load.h"
#include "log.h"
#include "parked.h"
#include "placement.h"
#include "policy.h"
#include "poller.h"
#include "sweep.h"
#include "transfer.h"
#include "worker.h"

/* Requests that are served in a row before the loop looks at anything else. */
#define BURST 64

/* SIGHUP reads the policy file again, the others end the loop. */
static const int signals[] = {SIGTERM, LOOP_ORPHANED, SIGHUP};
#define SIGNALS (sizeof signals / sizeof signals[0])

struct loop {
	uv_loop_t uv;
	uv_poll_t channel;
	uv_idle_t look; /* active while the poller looks: then the loop does not sleep */
	struct poller poller;
	int load; /* a descriptor of load.h */
	uv_signal_t signals[SIGNALS];
	uv_timer_t sweep;
	struct control *control; /* NULL: there is none */
	struct server *server;
	int result; /* 0, or what ended the channel */
	int signal;
};

static void end_by(struct loop *loop, int rc)
{
	loop->result = rc == -ENODEV ? 0 : rc;
	uv_stop(&loop->uv);
}

/* Sleeps while there is nothing to watch. */
static void on_sweep(uv_timer_t *handle)
{
	struct loop *loop = handle->data;
	unsigned ms = sweep(loop->server);

	/* Fails for no timer that is well-formed. */
	if (ms > 0)
		(void)uv_timer_start(handle, on_sweep, ms, 0);
}

static void tell_load(struct loop *loop)
{
	uint64_t time = clock_now();

	if (poller_asks(&loop->poller, time))
		poller_told(&loop->poller, time, load_running(loop->load));
}

/* What has to be known of each request that was served. */
static void note_request(const struct loop *loop, uint64_t time)
{
	placement_served(loop->server->placement, loop->server->client, time);
}

/*
 * Requests were served, which may have left memory to be freed, or objects to be watched. A timer
 * that is started while it is being closed would keep the loop from its end; what is left then is
 * the next server's.
 */
static void after_requests(struct loop *loop)
{
	const struct server *server = loop->server;

	if (uv_is_closing((uv_handle_t *)&loop->sweep))
		return;
	if (shmfs_has_expiring(server->fs) && !uv_is_active((uv_handle_t *)&loop->sweep))
		on_sweep(&loop->sweep);
	if (shmfs_free_pending(server->fs) || server->parked != NULL)
		freeing_go_on(server->freeing);
}

/* Requests that come while looking are served here. After a burst, the loop sees to what else there
 * is. */
static void on_look(uv_idle_t *handle)
{
	struct loop *loop = handle->data;
	int served = 0;

	tell_load(loop);
	do {
		int rc = channel_serve(loop->server);

		if (rc < 0) {
			end_by(loop, rc);
			return;
		}
		if (rc > 0) {
			uint64_t time = clock_now();

			served++;
			poller_served(&loop->poller, time);
			note_request(loop, time);
			after_requests(loop);
		} else if (!poller_goes_on(&loop->poller, clock_now())) {
			uv_idle_stop(handle);
			return;
		}
		/* What it would look for comes when it sleeps. */
		if (placement_decides(loop->server->placement)) {
			uv_idle_stop(handle);
			return;
		}
	} while (served < BURST);
}

/*
 * While the poller looks, what libuv found waiting is served here as well; the poller is told of it
 * as of any other.
 */
static void on_request(uv_poll_t *handle, int status, int events)
{
	struct loop *loop = handle->data;
	bool looking = uv_is_active((uv_handle_t *)&loop->look) != 0;
	bool placed = placement_decides(loop->server->placement);
	unsigned served = 0;
	int rc = 1;

	/* On an error of the descriptor, reading tells which. */
	(void)events;
	if (!looking && !placed)
		poller_woken(&loop->poller, clock_now());
	while (served < BURST && (rc = channel_serve(loop->server)) > 0) {
		served++;
		note_request(loop, clock_now());
	}
	if (rc < 0 || status != 0) {
		end_by(loop, rc < 0 ? rc : -ENODEV);
		return;
	}
	after_requests(loop);
	if (looking)
		poller_served(&loop->poller, clock_now());
	else if (rc == 0 && !placement_decides(loop->server->placement) &&
		 poller_begin(&loop->poller, clock_now()))
		uv_idle_start(&loop->look, on_look);
}

/* --- workers ---------------------------------------------------------------------------------- */

struct work {
	struct loop *loop;
	struct worker *worker;
	struct transfer *transfer;
};

static void run_transfer(void *arg)
{
	const struct work *work = arg;

	transfer_move(work->transfer);
}

/* Also where the loop was stopped meanwhile: what is under way comes to its end. */
static void end_transfer(void *arg)
{
	struct work *work = arg;
	struct loop *loop = work->loop;

	transfer_end(work->transfer);
	worker_free(work->worker);
	free(work);
	after_requests(loop);
}

static int offload(struct server *server, struct transfer *transfer)
{
	struct loop *loop = server->offload_to;
	struct work *work = malloc(sizeof *work);

	if (work == NULL)
		return -ENOMEM;
	*work = (struct work){.loop = loop, .transfer = transfer};
	work->worker = worker_new(server, &loop->uv, run_transfer, end_transfer, work);
	if (work->worker == NULL) {
		free(work);
		return -ENOMEM;
	}
	worker_start(work->worker);
	return 0;
}

static void on_signal(uv_signal_t *handle, int signal)
{
	struct loop *loop = handle->data;

	if (signal == SIGHUP) {
		(void)policy_reload(loop->server);
		return;
	}
	loop->signal = signal;
	uv_stop(&loop->uv);
}

static int start_signals(struct loop *loop)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_t *handle = &loop->signals[i];
		int rc = uv_signal_init(&loop->uv, handle);

		if (rc < 0)
			return rc;
		handle->data = loop;
		rc = uv_signal_start(handle, on_signal, signals[i]);
		if (rc < 0)
			return rc;
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 0;
}

static int start_channel(struct loop *loop)
{
	unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	int rc = uv_poll_init(&loop->uv, &loop->channel, loop->server->fuse_fd);

	if (rc < 0)
		return rc;
	loop->channel.data = loop;
	rc = freeing_new(&loop->uv, loop->server);
	if (rc < 0)
		return rc;
	/* What a server before this one has left. */
	after_requests(loop);
	rc = uv_idle_init(&loop->uv, &loop->look);
	if (rc < 0)
		return rc;
	loop->look.data = loop;
	loop->server->offload_to = loop;
	loop->server->offload = offload;
	poller_init(&loop->poller, loop->server->poll_us, processors);
	if (loop->server->follow)
		loop->server->placement = placement_new(loop->server->fuse_fd, processors);
	return uv_poll_start(&loop->channel, UV_READABLE, on_request);
}

static int start_sweep(struct loop *loop)
{
	int rc = uv_timer_init(&loop->uv, &loop->sweep);

	if (rc < 0)
		return rc;
	loop->sweep.data = loop;
	on_sweep(&loop->sweep);
	return 0;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void end(struct loop *loop)
{
	struct server *server = loop->server;

	control_stop(loop->control);
	if (server->freeing != NULL)
		freeing_stop(server->freeing);
	placement_leave(server->placement);
	uv_walk(&loop->uv, close_handle, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	freeing_free(server->freeing);
	placement_free(server->placement);
	server->placement = NULL;
}

int loop_run(struct server *server, void (*ready)(void *arg), void *arg, int *signal)
{
	struct loop loop = {.server = server};
	int rc = uv_loop_init(&loop.uv);

	if (rc < 0)
		return rc;
	loop.load = load_open();
	rc = start_signals(&loop);
	/* Before requests: they look whether it has to go on. */
	if (rc == 0)
		rc = start_sweep(&loop);
	if (rc == 0)
		rc = start_channel(&loop);
	if (rc == 0)
		rc = control_start(&loop.uv, server, server->journal->control_fd, &loop.control);
	if (rc == 0) {
		ready(arg);
		uv_run(&loop.uv, UV_RUN_DEFAULT);
		rc = loop.result;
		*signal = loop.signal;
	}
	end(&loop);
	if (loop.load >= 0)
		close(loop.load);
	return rc;
}

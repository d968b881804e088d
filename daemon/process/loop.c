/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop; see loop.h. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "control/control.h"
#include "control/expiry.h"
#include "free_worker.h"
#include "fuse/notify.h"
#include "fuse/serve.h"
#include "fuse/turns/queue.h"
#include "mount.h"
#include "ops/deferred.h"
#include "ops/room.h"
#include "pacing/pacing.h"
#include "policy/policy.h"
#include "stores.h"

/* Requests that are served in a row before the loop looks at anything else. That it is to end comes
 * with a signal, which is such a thing, and is told beside that. */
#define BURST 64

/* SIGHUP reads the policy file again, the others end the loop. */
static const int signals[] = {SIGTERM, LOOP_ORPHANED, SIGHUP};
#define SIGNALS (sizeof signals / sizeof signals[0])

struct loop {
	uv_loop_t uv;
	uv_poll_t channel;
	uv_idle_t look; /* active while requests are looked for: then the loop does not sleep */
	uv_signal_t signals[SIGNALS];
	uv_timer_t expiry_timer;
	struct expiry expiry;
	struct log_budget removals;
	struct control *control; /* NULL: there is none */
	char memory[512];	 /* what it tells of the store */
	struct server *server;
	int result; /* 0, or what ended the channel */
	int signal;
};

static void end_by(struct loop *loop, int rc)
{
	loop->result = rc == -ENODEV ? 0 : rc;
	uv_stop(&loop->uv);
}

static void on_expiry(uv_timer_t *handle);

/* Sooner, if it is to run already. 0: not for this. */
static void run_expiry_in(struct loop *loop, unsigned ms)
{
	uv_timer_t *timer = &loop->expiry_timer;

	/* Fails for no timer that is well-formed. */
	if (ms > 0 && !uv_is_closing((uv_handle_t *)timer) &&
	    (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > ms))
		(void)uv_timer_start(timer, on_expiry, ms, 0);
}

/* Sleeps while there is nothing to watch. */
static void on_expiry(uv_timer_t *handle)
{
	struct loop *loop = handle->data;
	unsigned ms = expiry_run(&loop->expiry);

	run_expiry_in(loop, ms);
	run_expiry_in(loop, notify_rest(&loop->server->channel));
	run_expiry_in(loop, queue_give_back(&loop->server->channel));
}

/*
 * Requests were served, which may have left memory to be freed or given back, or objects to be
 * watched. A timer that is started while it is being closed would keep the loop from its end; what
 * is left then is the next server's.
 */
static void after_requests(struct loop *loop)
{
	const struct channel *channel = &loop->server->channel;
	bool waits = shmfs_has_expiring(channel->fs) || queue_has_spare(channel);

	if (uv_is_closing((uv_handle_t *)&loop->expiry_timer))
		return;
	if (waits && !uv_is_active((uv_handle_t *)&loop->expiry_timer))
		on_expiry(&loop->expiry_timer);
	if (shmfs_free_pending(channel->fs) || deferred_any(channel))
		free_worker_go_on(loop->server->free_worker);
}

/* One request, if there is any, else those that were waiting for that: as channel_serve(). */
static int serve_one(struct loop *loop)
{
	struct server *server = loop->server;
	int rc = channel_serve(&server->channel);

	if (rc > 0)
		pacing_served(server->pacing, server->channel.client);
	else if (rc < 0)
		end_by(loop, rc);
	if (rc >= 0)
		room_try_again(&server->channel, rc == 0);
	return rc;
}

/* Whether to look at what else there is, after so many requests. */
static bool burst_ends(const struct loop *loop, int served)
{
	return served >= BURST || loop->server->handover->stopping;
}

/* Whoever waits for the kernel to have no more requests, or for their turn, waits for a look, which
 * no request may be there to cause. */
static bool is_awaited(const struct loop *loop)
{
	const struct channel *channel = &loop->server->channel;

	return channel_has_queued(channel) || room_is_awaited(channel);
}

/* Requests that come while looking are served here. After a burst, the loop sees to what else there
 * is. */
static void on_look(uv_idle_t *handle)
{
	struct loop *loop = handle->data;
	int served = 0, rc;

	do {
		rc = serve_one(loop);
		if (rc < 0)
			return;
		if (rc > 0) {
			served++;
			after_requests(loop);
		}
		if (!pacing_looks(loop->server->pacing, rc > 0) && !is_awaited(loop)) {
			uv_idle_stop(handle);
			return;
		}
	} while (!burst_ends(loop, served));
}

static void look_if_awaited(struct loop *loop)
{
	if (is_awaited(loop))
		uv_idle_start(&loop->look, on_look);
}

/* What libuv found waiting, also while requests are looked for. */
static void on_request(uv_poll_t *handle, int status, int events)
{
	struct loop *loop = handle->data;
	int rc = 1;

	/* On an error of the descriptor, reading tells which. */
	(void)events;
	pacing_woken(loop->server->pacing);
	for (int served = 0; !burst_ends(loop, served) && rc > 0; served++)
		rc = serve_one(loop);
	if (rc < 0)
		return;
	if (status != 0) {
		end_by(loop, -ENODEV);
		return;
	}
	after_requests(loop);
	if (rc == 0 && pacing_looks(loop->server->pacing, false))
		uv_idle_start(&loop->look, on_look);
	look_if_awaited(loop);
}

static void on_signal(uv_signal_t *handle, int signal)
{
	struct loop *loop = handle->data;

	if (signal == SIGHUP) {
		(void)policy_reload(loop->server->channel.fs, loop->server->handover->policy_path);
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

static void leave_placement(void *arg)
{
	const struct server *server = arg;

	pacing_leave(server->pacing);
}

/* Threads beside the loop, and how it waits itself. */
static int start_helpers(struct loop *loop)
{
	struct server *server = loop->server;

	server->workers =
	    (struct workers){.loop = &loop->uv, .before_threads = leave_placement, .arg = server};
	if (workers_begin(&server->workers) < 0)
		return -ENOMEM;
	server->ops.workers = &server->workers;
	if (pacing_new(server->channel.fd, server->options->poll_us, server->options->follow,
		&server->pacing) < 0)
		return -ENOMEM;
	return free_worker_new(server);
}

static int start_channel(struct loop *loop)
{
	int rc = uv_poll_init(&loop->uv, &loop->channel, loop->server->channel.fd);

	if (rc < 0)
		return rc;
	loop->channel.data = loop;
	rc = start_helpers(loop);
	if (rc < 0)
		return rc;
	/* What a server before this one has left. */
	after_requests(loop);
	rc = uv_idle_init(&loop->uv, &loop->look);
	if (rc < 0)
		return rc;
	loop->look.data = loop;
	look_if_awaited(loop);
	return uv_poll_start(&loop->channel, UV_READABLE, on_request);
}

static void removed(void *arg, const struct shmfs_removal *removal)
{
	struct loop *loop = arg;
	struct channel *channel = &loop->server->channel;

	if (!notify_removal(channel, removal))
		shmfs_end_memory(channel->fs, removal->id);
	run_expiry_in(loop, notify_rest(channel));
}

static void made(void *arg, uint64_t dir)
{
	struct loop *loop = arg;

	notify_made(&loop->server->channel, dir);
}

static int start_expiry(struct loop *loop)
{
	struct channel *channel = &loop->server->channel;
	int rc = uv_timer_init(&loop->uv, &loop->expiry_timer);

	if (rc < 0)
		return rc;
	loop->expiry_timer.data = loop;
	loop->expiry = (struct expiry){
	    .fs = channel->fs,
	    .counters = channel->counters,
	    .removals = &loop->removals,
	    .removed = removed,
	    .arg = loop,
	};
	if (loop->server->handover->announced)
		notify_take_up(channel);
	on_expiry(&loop->expiry_timer);
	return 0;
}

static int start_control(struct loop *loop)
{
	struct channel *channel = &loop->server->channel;
	struct handover *handover = loop->server->handover;
	const struct zygotes *zygotes = &loop->server->zygotes;
	const struct control_config config = {
	    .loop = &loop->uv,
	    .asking = {zygotes->of[ROLE_PARSER].asking, zygotes->of[ROLE_HOLDERS].asking},
	    .listen_fd = handover->control_fd,
	    .fs = channel->fs,
	    .counters = channel->counters,
	    .kept = &handover->kept,
	    .removals = &loop->removals,
	    .mountpoint = handover->mountpoint.path,
	    .device = handover->mountpoint.device,
	    .tier = tier_name(channel->tier),
	    .memory = loop->memory,
	    .supervisor = handover->supervisor,
	    .removed = removed,
	    .made = made,
	    .arg = loop,
	};

	stores_print(handover, loop->server->options, loop->memory, sizeof loop->memory);
	return control_start(&config, &loop->control);
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
	free_worker_stop(server->free_worker);
	pacing_leave(server->pacing);
	workers_end(&server->workers);
	uv_walk(&loop->uv, close_handle, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	free_worker_free(server->free_worker);
	pacing_free(server->pacing);
	server->pacing = NULL;
}

int loop_run(struct server *server, void (*ready)(void *arg), void *arg, int *signal)
{
	struct loop loop = {.server = server};
	int rc = uv_loop_init(&loop.uv);

	if (rc < 0)
		return rc;
	rc = start_signals(&loop);
	/* Before requests: they look whether it has to go on. */
	if (rc == 0)
		rc = start_expiry(&loop);
	if (rc == 0)
		rc = start_channel(&loop);
	if (rc == 0)
		rc = start_control(&loop);
	if (rc == 0) {
		ready(arg);
		uv_run(&loop.uv, UV_RUN_DEFAULT);
		rc = loop.result;
		*signal = loop.signal;
	}
	end(&loop);
	return rc;
}

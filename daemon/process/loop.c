/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop; see loop.h. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/worker.h"
#include "control/control.h"
#include "control/expiry.h"
#include "free_worker.h"
#include "fuse/channel.h"
#include "fuse/notify.h"
#include "ops/deferred.h"
#include "ops/transfer.h"
#include "pacing/affinity.h"
#include "pacing/busy_poll.h"
#include "pacing/load.h"
#include "policy/policy.h"

/* Requests that are served in a row before the loop looks at anything else. */
#define BURST 64

/* SIGHUP reads the policy file again, the others end the loop. */
static const int signals[] = {SIGTERM, LOOP_ORPHANED, SIGHUP};
#define SIGNALS (sizeof signals / sizeof signals[0])

struct loop {
	uv_loop_t uv;
	uv_poll_t channel;
	uv_idle_t look; /* active while the poller looks: then the loop does not sleep */
	struct busy_poll poller;
	int load; /* a descriptor of load.h */
	uv_signal_t signals[SIGNALS];
	uv_timer_t expiry_timer;
	struct expiry expiry;
	struct control *control; /* NULL: there is none */
	struct server *server;
	struct workers workers;
	int result; /* 0, or what ended the channel */
	int signal;
};

static void end_by(struct loop *loop, int rc)
{
	loop->result = rc == -ENODEV ? 0 : rc;
	uv_stop(&loop->uv);
}

/* Sleeps while there is nothing to watch. */
static void on_expiry(uv_timer_t *handle)
{
	struct loop *loop = handle->data;
	unsigned ms = expiry_run(&loop->expiry);

	/* Fails for no timer that is well-formed. */
	if (ms > 0)
		(void)uv_timer_start(handle, on_expiry, ms, 0);
}

static void tell_load(struct loop *loop)
{
	uint64_t time = clock_now();

	if (busy_poll_asks(&loop->poller, time))
		busy_poll_told(&loop->poller, time, load_running(loop->load));
}

/* What has to be known of each request that was served. */
static void note_request(const struct loop *loop, uint64_t time)
{
	affinity_served(loop->server->affinity, loop->server->client, time);
}

/*
 * Requests were served, which may have left memory to be freed, or objects to be watched. A timer
 * that is started while it is being closed would keep the loop from its end; what is left then is
 * the next server's.
 */
static void after_requests(struct loop *loop)
{
	const struct server *server = loop->server;

	if (uv_is_closing((uv_handle_t *)&loop->expiry_timer))
		return;
	if (shmfs_is_watching(server->fs) && !uv_is_active((uv_handle_t *)&loop->expiry_timer))
		on_expiry(&loop->expiry_timer);
	if (shmfs_has_to_reclaim(server->fs) || server->deferred != NULL)
		free_worker_go_on(server->freeing);
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
			busy_poll_served(&loop->poller, time);
			note_request(loop, time);
			after_requests(loop);
		} else if (!busy_poll_goes_on(&loop->poller, clock_now())) {
			uv_idle_stop(handle);
			return;
		}
		/* What it would look for comes when it sleeps. */
		if (affinity_decides(loop->server->affinity)) {
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
	bool placed = affinity_decides(loop->server->affinity);
	unsigned served = 0;
	int rc = 1;

	/* On an error of the descriptor, reading tells which. */
	(void)events;
	if (!looking && !placed)
		busy_poll_woken(&loop->poller, clock_now());
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
		busy_poll_served(&loop->poller, clock_now());
	else if (rc == 0 && !affinity_decides(loop->server->affinity) &&
		 busy_poll_begin(&loop->poller, clock_now()))
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
	work->worker = worker_new(&loop->workers, run_transfer, end_transfer, work);
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
		(void)policy_reload(loop->server->fs, loop->server->handover->policy_path);
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

/* Threads may run where the one may that makes them. */
static void before_threads(void *arg)
{
	const struct server *server = arg;

	affinity_leave(server->affinity);
}

static int start_channel(struct loop *loop)
{
	unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	int rc = uv_poll_init(&loop->uv, &loop->channel, loop->server->fuse_fd);

	if (rc < 0)
		return rc;
	loop->channel.data = loop;
	rc = free_worker_new(&loop->workers, loop->server);
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
	busy_poll_init(&loop->poller, loop->server->poll_us, processors);
	if (loop->server->follow)
		loop->server->affinity = affinity_new(loop->server->fuse_fd, processors);
	return uv_poll_start(&loop->channel, UV_READABLE, on_request);
}

static void removed(void *arg, const struct shmfs_removal *removal)
{
	notify_removal(arg, removal);
}

static int start_expiry(struct loop *loop)
{
	int rc = uv_timer_init(&loop->uv, &loop->expiry_timer);

	if (rc < 0)
		return rc;
	loop->expiry_timer.data = loop;
	loop->expiry = (struct expiry){
	    .fs = loop->server->fs,
	    .counters = &loop->server->handover->counters,
	    .removed = removed,
	    .arg = loop->server,
	};
	on_expiry(&loop->expiry_timer);
	return 0;
}

static int start_control(struct loop *loop)
{
	struct server *server = loop->server;
	struct handover *handover = server->handover;
	const struct control_config config = {
	    .workers = &loop->workers,
	    .listen_fd = handover->control_fd,
	    .fs = server->fs,
	    .counters = &handover->counters,
	    .mountpoint = handover->mountpoint.path,
	    .device = handover->mountpoint.device,
	    .tier = tier_name(server->tier),
	    .supervisor = handover->supervisor,
	    .removed = removed,
	    .arg = server,
	};

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
	if (server->freeing != NULL)
		free_worker_stop(server->freeing);
	affinity_leave(server->affinity);
	uv_walk(&loop->uv, close_handle, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	free_worker_free(server->freeing);
	affinity_free(server->affinity);
	server->affinity = NULL;
}

int loop_run(struct server *server, void (*ready)(void *arg), void *arg, int *signal)
{
	struct loop loop = {
	    .server = server,
	    .workers = {.loop = &loop.uv, .before_threads = before_threads, .arg = server},
	};
	int rc = uv_loop_init(&loop.uv);

	if (rc < 0)
		return rc;
	loop.load = load_open();
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
	if (loop.load >= 0)
		close(loop.load);
	return rc;
}

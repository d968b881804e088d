/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the serving thread runs; see placement.h. */
#include "placement.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "follower.h"
#include "load.h"
#include "log.h"

/* It reads two lines of /proc. */
#define STACK_SIZE (64 * 1024)

#define NICE_LARGEST 19

/* Of /proc/PID/stat, where fields are counted from 1. */
#define FIELD_BEHIND_NAME 3
#define FIELD_PROCESSOR 39

struct placement {
	/* The serving thread's own. */
	uint64_t last;	 /* when the last request came */
	unsigned streak; /* requests of one client, since the other thread was last asked */
	bool rests;

	/* Told by the serving thread, seen by the other. */
	_Atomic uint64_t requests, changes;
	_Atomic uint32_t client;

	/* Told by both: the other thread was asked, or has the serving thread follow. */
	atomic_bool decides;
	/* Told by the other. */
	_Atomic uint64_t paused;
	_Atomic uint32_t known;

	pthread_mutex_t lock; /* of what follows, and of where the serving thread is put */
	pthread_cond_t news;  /* asked, or ended */
	bool asked, ended;
	bool has_thread;
	pthread_t thread;
	pid_t server; /* the serving thread */
	struct follower follower;
	cpu_set_t before; /* where the serving thread may run when it follows nobody */
	int bound_to;	  /* the processor it is bound to while it follows */
	int load;	  /* a descriptor of load.h */
	int fuse_fd;
};

/* --- what there is to be seen ----------------------------------------------------------------- */

/* The name, which may contain anything, ends with the last parenthesis. */
static const char *field_of(const char *line, int field)
{
	const char *at = strrchr(line, ')');

	for (int i = FIELD_BEHIND_NAME; at != NULL && i <= field; i++) {
		at = strchr(at, ' ');
		if (at != NULL)
			at++;
	}
	return at;
}

static int processor_of(uint32_t thread)
{
	char line[1024];
	const char *field;
	ssize_t count;
	int fd;

	snprintf(line, sizeof line, "/proc/%u/stat", thread);
	fd = open(line, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	count = read(fd, line, sizeof line - 1);
	close(fd);
	if (count <= 0)
		return -1;
	line[count] = '\0';
	field = field_of(line, FIELD_PROCESSOR);
	return field == NULL ? -1 : atoi(field);
}

static bool has_request(const struct placement *placement)
{
	struct pollfd next = {.fd = placement->fuse_fd, .events = POLLIN};

	return poll(&next, 1, 0) == 1;
}

static struct follower_look look(const struct placement *placement, const cpu_set_t *allowed)
{
	struct follower_look look = {
	    .now = clock_now(),
	    .requests = atomic_load(&placement->requests),
	    .changes = atomic_load(&placement->changes),
	    .client = atomic_load(&placement->client),
	    .waiting = has_request(placement),
	    .running = load_running(placement->load),
	};

	look.processor = processor_of(look.client);
	if (look.processor >= CPU_SETSIZE ||
	    (look.processor >= 0 && !CPU_ISSET((size_t)look.processor, allowed)))
		look.processor = -1;
	return look;
}

/* --- where the serving thread is put ---------------------------------------------------------- */

/* Children that the serving thread may have begin as any other. */
#define FOLLOWING_CLASS (SCHED_IDLE | SCHED_RESET_ON_FORK)

static bool is_of_class_as_left(const struct placement *placement)
{
	return sched_getscheduler(placement->server) == FOLLOWING_CLASS;
}

static bool is_bound_as_left(const struct placement *placement)
{
	cpu_set_t set;

	return sched_getaffinity(placement->server, sizeof set, &set) == 0 &&
	       CPU_COUNT(&set) == 1 && CPU_ISSET((size_t)placement->bound_to, &set);
}

static bool set_class(pid_t thread, int class)
{
	const struct sched_param none = {0};

	return sched_setscheduler(thread, class, &none) == 0;
}

static bool bind_to(struct placement *placement, int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	placement->bound_to = processor;
	return sched_setaffinity(placement->server, sizeof set, &set) == 0;
}

/* What somebody else has set meanwhile stays. */
static void leave(struct placement *placement)
{
	if (is_of_class_as_left(placement))
		(void)set_class(placement->server, SCHED_OTHER);
	if (is_bound_as_left(placement))
		(void)sched_setaffinity(
		    placement->server, sizeof placement->before, &placement->before);
	placement->follower.following = false;
}

/* Who binds the server to one processor, or gives it a class, has decided where it runs. */
static bool may_be_put(struct placement *placement)
{
	cpu_set_t *set = &placement->before;

	return sched_getaffinity(placement->server, sizeof *set, set) == 0 && CPU_COUNT(set) > 1 &&
	       sched_getscheduler(placement->server) == SCHED_OTHER;
}

static void tell(struct placement *placement)
{
	atomic_store(&placement->decides, placement->asked || placement->follower.following);
	atomic_store(&placement->paused, placement->follower.paused);
	atomic_store(&placement->known, placement->follower.known);
}

static void begin(struct placement *placement)
{
	struct follower *follower = &placement->follower;
	struct follower_look seen;

	if (!may_be_put(placement)) {
		follower_cannot(follower, clock_now());
		return;
	}
	seen = look(placement, &placement->before);
	if (!follower_begins(follower, &seen))
		return;
	if (!bind_to(placement, follower->processor) ||
	    !set_class(placement->server, FOLLOWING_CLASS)) {
		leave(placement);
		follower_cannot(follower, clock_now());
	}
}

static void go_on(struct placement *placement)
{
	struct follower *follower = &placement->follower;
	struct follower_look seen = look(placement, &placement->before);

	if (!follower_goes_on(follower, &seen) || !is_bound_as_left(placement) ||
	    !is_of_class_as_left(placement) ||
	    (follower->processor != placement->bound_to &&
		!bind_to(placement, follower->processor)))
		leave(placement);
}

/* --- the other thread ------------------------------------------------------------------------- */

/*
 * Whether a thread may come back from SCHED_IDLE, which takes CAP_SYS_NICE or RLIMIT_NICE. Coming
 * back from a larger nice value takes the same right (sched(7)), and does no harm meanwhile: a
 * thread that tried the class itself could not even die while others want its processor.
 */
static bool may_set_classes(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	return errno == 0 && nice < NICE_LARGEST && setpriority(PRIO_PROCESS, 0, nice + 1) == 0 &&
	       setpriority(PRIO_PROCESS, 0, nice) == 0;
}

static void wait_for_period(struct placement *placement)
{
	uint64_t until = clock_now() + FOLLOWER_PERIOD;
	struct timespec time = {
	    .tv_sec = (time_t)(until / CLOCK_SECOND), .tv_nsec = (long)(until % CLOCK_SECOND)};
	int rc = 0;

	while (!placement->ended && rc == 0)
		rc = pthread_cond_timedwait(&placement->news, &placement->lock, &time);
}

static void take_turn(struct placement *placement)
{
	if (placement->follower.following) {
		wait_for_period(placement);
		/* It may have been left meanwhile. */
		if (placement->follower.following)
			go_on(placement);
	} else if (placement->asked) {
		placement->asked = false;
		begin(placement);
	} else {
		pthread_cond_wait(&placement->news, &placement->lock);
	}
	tell(placement);
}

static void *run(void *arg)
{
	struct placement *placement = arg;
	bool may = may_set_classes();

	pthread_mutex_lock(&placement->lock);
	while (may && !placement->ended)
		take_turn(placement);
	if (!may) {
		log_debug("clients are not followed: no right to leave SCHED_IDLE again");
		atomic_store(&placement->paused, UINT64_MAX);
		atomic_store(&placement->decides, false);
	}
	pthread_mutex_unlock(&placement->lock);
	return NULL;
}

static bool start_thread(struct placement *placement)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int rc;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	/* Signals are the serving thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&placement->thread, &attributes, run, placement);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc == 0;
}

/* --- for the serving thread ------------------------------------------------------------------- */

struct placement *placement_new(int fuse_fd, unsigned processors)
{
	struct placement *placement = calloc(1, sizeof *placement);
	pthread_condattr_t attributes;

	if (placement == NULL)
		return NULL;
	if (pthread_condattr_init(&attributes) != 0) {
		free(placement);
		return NULL;
	}
	/* These fail for no attributes and clock that there are. */
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&placement->news, &attributes);
	(void)pthread_mutex_init(&placement->lock, NULL);
	pthread_condattr_destroy(&attributes);
	placement->server = gettid();
	follower_init(&placement->follower, processors);
	placement->load = load_open();
	placement->fuse_fd = fuse_fd;
	return placement;
}

void placement_free(struct placement *placement)
{
	if (placement == NULL)
		return;
	placement_leave(placement);
	pthread_mutex_lock(&placement->lock);
	placement->ended = true;
	pthread_cond_signal(&placement->news);
	pthread_mutex_unlock(&placement->lock);
	if (placement->has_thread)
		pthread_join(placement->thread, NULL);
	/* What it began between the two. */
	placement_leave(placement);
	pthread_mutex_destroy(&placement->lock);
	pthread_cond_destroy(&placement->news);
	if (placement->load >= 0)
		close(placement->load);
	free(placement);
}

bool placement_decides(const struct placement *placement)
{
	return placement != NULL && atomic_load_explicit(&placement->decides, memory_order_relaxed);
}

void placement_leave(struct placement *placement)
{
	if (placement == NULL)
		return;
	pthread_mutex_lock(&placement->lock);
	if (placement->follower.following)
		leave(placement);
	placement->asked = false;
	tell(placement);
	pthread_mutex_unlock(&placement->lock);
}

void placement_rest(struct placement *placement, bool rests)
{
	if (placement == NULL)
		return;
	if (rests)
		placement_leave(placement);
	placement->rests = rests;
}

static void ask(struct placement *placement, uint64_t time)
{
	pthread_mutex_lock(&placement->lock);
	if (!placement->has_thread)
		placement->has_thread = start_thread(placement);
	if (placement->has_thread) {
		placement->asked = true;
		atomic_store(&placement->decides, true);
		pthread_cond_signal(&placement->news);
	} else {
		atomic_store(&placement->paused, time + CLOCK_SECOND);
	}
	pthread_mutex_unlock(&placement->lock);
}

/* Adds one to what only the serving thread writes. */
static void count(_Atomic uint64_t *counter)
{
	uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, before + 1, memory_order_relaxed);
}

static bool is_long(const struct placement *placement, uint32_t client)
{
	bool known = client == atomic_load_explicit(&placement->known, memory_order_relaxed);

	return placement->streak >= follower_streak(known);
}

void placement_served(struct placement *placement, uint32_t client, uint64_t time)
{
	uint32_t before;
	bool soon;

	if (placement == NULL)
		return;
	count(&placement->requests);
	if (client == 0)
		return;
	before = atomic_load_explicit(&placement->client, memory_order_relaxed);
	if (client != before) {
		atomic_store_explicit(&placement->client, client, memory_order_relaxed);
		count(&placement->changes);
	}
	soon = client == before && time - placement->last < FOLLOWER_GAP;
	placement->last = time;
	placement->streak = soon ? placement->streak + 1 : 1;
	if (placement->rests || placement_decides(placement) || !is_long(placement, client) ||
	    time < atomic_load_explicit(&placement->paused, memory_order_relaxed))
		return;
	placement->streak = 0;
	ask(placement, time);
}

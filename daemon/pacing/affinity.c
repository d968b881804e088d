/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the serving thread runs; see affinity.h. */
#include "affinity.h"

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

#include "common/clock.h"
#include "common/log.h"
#include "follower.h"
#include "load.h"

/* It reads two lines of /proc. */
#define STACK_SIZE (64 * 1024)

#define NICE_LARGEST 19

/* Of /proc/PID/stat, where fields are counted from 1. */
#define FIELD_BEHIND_NAME 3
#define FIELD_PROCESSOR 39

struct affinity {
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

static bool has_request(const struct affinity *affinity)
{
	struct pollfd next = {.fd = affinity->fuse_fd, .events = POLLIN};

	return poll(&next, 1, 0) == 1;
}

static struct follower_look look(const struct affinity *affinity, const cpu_set_t *allowed)
{
	struct follower_look look = {
	    .now = clock_now(),
	    .requests = atomic_load(&affinity->requests),
	    .changes = atomic_load(&affinity->changes),
	    .client = atomic_load(&affinity->client),
	    .waiting = has_request(affinity),
	    .running = load_running(affinity->load),
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

static bool is_of_class_as_left(const struct affinity *affinity)
{
	return sched_getscheduler(affinity->server) == FOLLOWING_CLASS;
}

static bool is_bound_as_left(const struct affinity *affinity)
{
	cpu_set_t set;

	return sched_getaffinity(affinity->server, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 &&
	       CPU_ISSET((size_t)affinity->bound_to, &set);
}

static bool set_class(pid_t thread, int class)
{
	const struct sched_param none = {0};

	return sched_setscheduler(thread, class, &none) == 0;
}

static bool bind_to(struct affinity *affinity, int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	affinity->bound_to = processor;
	return sched_setaffinity(affinity->server, sizeof set, &set) == 0;
}

/* What somebody else has set meanwhile stays. */
static void leave(struct affinity *affinity)
{
	if (is_of_class_as_left(affinity))
		(void)set_class(affinity->server, SCHED_OTHER);
	if (is_bound_as_left(affinity))
		(void)sched_setaffinity(
		    affinity->server, sizeof affinity->before, &affinity->before);
	affinity->follower.following = false;
}

/* Who binds the server to one processor, or gives it a class, has decided where it runs. */
static bool may_be_put(struct affinity *affinity)
{
	cpu_set_t *set = &affinity->before;

	return sched_getaffinity(affinity->server, sizeof *set, set) == 0 && CPU_COUNT(set) > 1 &&
	       sched_getscheduler(affinity->server) == SCHED_OTHER;
}

static void tell(struct affinity *affinity)
{
	atomic_store(&affinity->decides, affinity->asked || affinity->follower.following);
	atomic_store(&affinity->paused, affinity->follower.paused);
	atomic_store(&affinity->known, affinity->follower.known);
}

static void begin(struct affinity *affinity)
{
	struct follower *follower = &affinity->follower;
	struct follower_look seen;

	if (!may_be_put(affinity)) {
		follower_cannot(follower, clock_now());
		return;
	}
	seen = look(affinity, &affinity->before);
	if (!follower_begins(follower, &seen))
		return;
	if (!bind_to(affinity, follower->processor) ||
	    !set_class(affinity->server, FOLLOWING_CLASS)) {
		leave(affinity);
		follower_cannot(follower, clock_now());
	}
}

static void go_on(struct affinity *affinity)
{
	struct follower *follower = &affinity->follower;
	struct follower_look seen = look(affinity, &affinity->before);

	if (!follower_goes_on(follower, &seen) || !is_bound_as_left(affinity) ||
	    !is_of_class_as_left(affinity) ||
	    (follower->processor != affinity->bound_to && !bind_to(affinity, follower->processor)))
		leave(affinity);
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

static void wait_for_period(struct affinity *affinity)
{
	uint64_t until = clock_now() + FOLLOWER_PERIOD;
	struct timespec time = {
	    .tv_sec = (time_t)(until / CLOCK_SECOND), .tv_nsec = (long)(until % CLOCK_SECOND)};
	int rc = 0;

	while (!affinity->ended && rc == 0)
		rc = pthread_cond_timedwait(&affinity->news, &affinity->lock, &time);
}

static void take_turn(struct affinity *affinity)
{
	if (affinity->follower.following) {
		wait_for_period(affinity);
		/* It may have been left meanwhile. */
		if (affinity->follower.following)
			go_on(affinity);
	} else if (affinity->asked) {
		affinity->asked = false;
		begin(affinity);
	} else {
		pthread_cond_wait(&affinity->news, &affinity->lock);
	}
	tell(affinity);
}

static void *run(void *arg)
{
	struct affinity *affinity = arg;
	bool may = may_set_classes();

	pthread_mutex_lock(&affinity->lock);
	while (may && !affinity->ended)
		take_turn(affinity);
	if (!may) {
		log_debug("clients are not followed: no right to leave SCHED_IDLE again");
		atomic_store(&affinity->paused, UINT64_MAX);
		atomic_store(&affinity->decides, false);
	}
	pthread_mutex_unlock(&affinity->lock);
	return NULL;
}

static bool start_thread(struct affinity *affinity)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int rc;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	/* Signals are the serving thread's. */
	sigfillset(&all);
	/* But what a filter says at once (confine.h). */
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&affinity->thread, &attributes, run, affinity);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc == 0;
}

/* --- for the serving thread ------------------------------------------------------------------- */

struct affinity *affinity_new(int fuse_fd, unsigned processors)
{
	struct affinity *affinity = calloc(1, sizeof *affinity);
	pthread_condattr_t attributes;

	if (affinity == NULL)
		return NULL;
	if (pthread_condattr_init(&attributes) != 0) {
		free(affinity);
		return NULL;
	}
	/* These fail for no attributes and clock that there are. */
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&affinity->news, &attributes);
	(void)pthread_mutex_init(&affinity->lock, NULL);
	pthread_condattr_destroy(&attributes);
	affinity->server = gettid();
	follower_init(&affinity->follower, processors);
	affinity->load = load_open();
	affinity->fuse_fd = fuse_fd;
	return affinity;
}

void affinity_free(struct affinity *affinity)
{
	if (affinity == NULL)
		return;
	affinity_leave(affinity);
	pthread_mutex_lock(&affinity->lock);
	affinity->ended = true;
	pthread_cond_signal(&affinity->news);
	pthread_mutex_unlock(&affinity->lock);
	if (affinity->has_thread)
		pthread_join(affinity->thread, NULL);
	/* What it began between the two. */
	affinity_leave(affinity);
	pthread_mutex_destroy(&affinity->lock);
	pthread_cond_destroy(&affinity->news);
	if (affinity->load >= 0)
		close(affinity->load);
	free(affinity);
}

bool affinity_decides(const struct affinity *affinity)
{
	return affinity != NULL && atomic_load_explicit(&affinity->decides, memory_order_relaxed);
}

void affinity_leave(struct affinity *affinity)
{
	if (affinity == NULL)
		return;
	pthread_mutex_lock(&affinity->lock);
	if (affinity->follower.following)
		leave(affinity);
	affinity->asked = false;
	tell(affinity);
	pthread_mutex_unlock(&affinity->lock);
}

void affinity_rest(struct affinity *affinity, bool rests)
{
	if (affinity == NULL)
		return;
	if (rests)
		affinity_leave(affinity);
	affinity->rests = rests;
}

static void ask(struct affinity *affinity, uint64_t time)
{
	pthread_mutex_lock(&affinity->lock);
	if (!affinity->has_thread)
		affinity->has_thread = start_thread(affinity);
	if (affinity->has_thread) {
		affinity->asked = true;
		atomic_store(&affinity->decides, true);
		pthread_cond_signal(&affinity->news);
	} else {
		atomic_store(&affinity->paused, time + CLOCK_SECOND);
	}
	pthread_mutex_unlock(&affinity->lock);
}

/* Adds one to what only the serving thread writes. */
static void count(_Atomic uint64_t *counter)
{
	uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, before + 1, memory_order_relaxed);
}

static bool is_long(const struct affinity *affinity, uint32_t client)
{
	bool known = client == atomic_load_explicit(&affinity->known, memory_order_relaxed);

	return affinity->streak >= follower_streak(known);
}

/* Of a pause, which is much longer, the last tick is enough. */
static bool may_ask(const struct affinity *affinity)
{
	return !affinity->rests && !affinity_decides(affinity) &&
	       clock_last_tick() >= atomic_load_explicit(&affinity->paused, memory_order_relaxed);
}

void affinity_served(struct affinity *affinity, uint32_t client)
{
	uint32_t before;
	uint64_t time;
	bool soon;

	if (affinity == NULL)
		return;
	count(&affinity->requests);
	if (client == 0)
		return;
	before = atomic_load_explicit(&affinity->client, memory_order_relaxed);
	if (client != before) {
		atomic_store_explicit(&affinity->client, client, memory_order_relaxed);
		count(&affinity->changes);
	}
	if (!may_ask(affinity)) {
		affinity->streak = 0;
		return;
	}
	time = clock_now();
	soon = client == before && time - affinity->last < FOLLOWER_GAP;
	affinity->last = time;
	affinity->streak = soon ? affinity->streak + 1 : 1;
	if (!is_long(affinity, client))
		return;
	affinity->streak = 0;
	ask(affinity, time);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* An executing process: its credentials, its place in the order of calls, its results. */
#include "worker.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "watch.h"

static struct worker *the_worker;
static time_t began;

void broken(const char *what)
{
	fprintf(stderr, "differential: %s: %s\n", what, strerror(errno));
	exit(2);
}

void futex_wait(const _Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void futex_wake(const _Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, WORKERS, NULL, NULL, 0);
}

/* --- results ---------------------------------------------------------------------------------- */

void give_data(struct result *result, const void *data, size_t length)
{
	result->length = (uint32_t)length;
	result->hash = hash_bytes(0, data, length);
	memcpy(result->head, data, length < HEAD ? length : HEAD);
}

void note_touch(struct result *result, uint64_t ino, unsigned how)
{
	for (unsigned i = 0; i < TOUCHED; i++) {
		if (result->touched[i].how != 0 && result->touched[i].ino != ino)
			continue;
		result->touched[i].ino = ino;
		result->touched[i].how |= how;
		return;
	}
}

static struct view *new_view(struct worker *worker, struct result *result)
{
	struct shared *shared = worker->shared;

	if (shared->views_used >= VIEW_ROOM) {
		errno = ENOBUFS;
		broken("views of a round");
	}
	if (result->views == 0)
		result->view = shared->views_used;
	result->views++;
	return &shared->views[shared->views_used++];
}

/*
 * A time that a call has set explicitly lies years away and is compared by its value. One that
 * stands for "now" differs between the sides, and says only that it is from this test.
 */
static void set_time(int64_t *seconds, uint32_t *nanoseconds, const struct timespec *time)
{
	bool recent = llabs(time->tv_sec - began) < 24L * 60 * 60;

	*seconds = recent ? 0 : time->tv_sec;
	*nanoseconds = recent ? 0 : (uint32_t)time->tv_nsec;
}

void give_view(
    struct worker *worker, struct result *result, const struct stat *st, const char *name)
{
	struct view *view = new_view(worker, result);

	*view = (struct view){
	    .ino = st->st_ino,
	    .size = (uint64_t)st->st_size,
	    .mode = st->st_mode,
	    .nlink = (uint32_t)st->st_nlink,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .rdev = (uint32_t)(major(st->st_rdev) << 8 | minor(st->st_rdev)),
	};
	set_time(&view->atime, &view->atime_ns, &st->st_atim);
	set_time(&view->mtime, &view->mtime_ns, &st->st_mtim);
	snprintf(view->name, sizeof view->name, "%s", name != NULL ? name : "");
}

void give_ino(struct worker *worker, struct result *result, uint64_t ino, mode_t type)
{
	*new_view(worker, result) = (struct view){.ino = ino, .mode = type, .only_ino = true};
}

void give_text(struct worker *worker, struct result *result, const char *format, ...)
{
	struct shared *shared = worker->shared;
	size_t room = TEXT_ROOM - shared->text_used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(shared->text + shared->text_used, room, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= room) {
		errno = ENOBUFS;
		broken("text of a round");
	}
	if (result->text_length == 0)
		result->text = shared->text_used;
	result->text_length += (uint32_t)length;
	shared->text_used += (uint32_t)length;
}

/* --- leases ----------------------------------------------------------------------------------- */

/* The user's worker keeps it in reserve; root's has it anyway. */
static void set_lease_capability(const struct worker *worker, bool effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (worker->index == 0)
		return;
	data[0].permitted = 1u << CAP_LEASE;
	data[0].effective = effective ? 1u << CAP_LEASE : 0;
	if (syscall(SYS_capset, &header, data) != 0)
		broken("capset");
}

/*
 * A lease on a file that has another owner by now is not let go without CAP_LEASE: whoever breaks
 * it would wait until the kernel takes it away, which is 45 seconds. Not to be interrupted by
 * on_lease_broken().
 */
static void end_lease(struct worker *worker, struct slot *slot)
{
	set_lease_capability(worker, true);
	fcntl(slot->fd, F_SETLEASE, F_UNLCK);
	set_lease_capability(worker, false);
	slot->leased = false;
	worker->shared->leases--;
}

/* Whoever breaks a lease waits for this, or is told to come again. */
static void on_lease_broken(int signal)
{
	int error = errno;

	(void)signal;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &the_worker->slots[i];

		if (slot->fd >= 0 && slot->leased)
			end_lease(the_worker, slot);
	}
	errno = error;
}

/* --- descriptors ------------------------------------------------------------------------------ */

void slot_close(struct worker *worker, struct slot *slot)
{
	sigset_t broken_lease;

	if (slot->fd < 0)
		return;
	sigemptyset(&broken_lease);
	sigaddset(&broken_lease, SIGIO);
	sigprocmask(SIG_BLOCK, &broken_lease, NULL);
	if (slot->leased)
		end_lease(worker, slot);
	sigprocmask(SIG_UNBLOCK, &broken_lease, NULL);
	close(slot->fd);
	slot->fd = -1;
}

void slot_fill(struct slot *slot, int fd, int access)
{
	struct stat st;

	*slot = (struct slot){.fd = fd, .access = access};
	if (fstat(fd, &st) != 0)
		return;
	slot->mode = st.st_mode;
	slot->ino = st.st_ino;
}

void note_read(const struct slot *slot, struct result *result)
{
	if (slot->fd >= 0)
		note_touch(result, slot->ino,
		    TOUCH_READ | (slot->access == O_RDONLY ? TOUCH_READ_ONLY : 0));
}

void note_unasked(const struct slot *slot, struct result *result)
{
	if (slot->fd >= 0)
		note_touch(result, slot->ino, TOUCH_UNASKED);
}

/* --- data ------------------------------------------------------------------------------------- */

void fill(unsigned char *buffer, size_t length, uint64_t seed)
{
	uint64_t word = seed | 1;

	for (size_t at = 0; at < length; at += sizeof word) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		memcpy(buffer + at, &word, length - at < sizeof word ? length - at : sizeof word);
	}
}

uint64_t hash_bytes(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint64_t word;

	for (size_t at = 0; at < length; at += sizeof word) {
		word = 0;
		memcpy(&word, bytes + at, length - at < sizeof word ? length - at : sizeof word);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (hash ^ length) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* --- the process ------------------------------------------------------------------------------ */

static void on_fault(int signal)
{
	if (!the_worker->faulting) {
		/* Not one of the test's own accesses: end by it. */
		struct sigaction usual = {.sa_handler = SIG_DFL};

		sigaction(signal, &usual, NULL);
		raise(signal);
		return;
	}
	siglongjmp(the_worker->fault, signal);
}

static void catch_signals(void)
{
	struct sigaction fault = {.sa_handler = on_fault};
	struct sigaction lease = {.sa_handler = on_lease_broken, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (sigaction(SIGBUS, &fault, NULL) != 0 || sigaction(SIGSEGV, &fault, NULL) != 0 ||
	    sigaction(SIGIO, &lease, NULL) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0 ||
	    sigaction(SIGXFSZ, &ignore, NULL) != 0)
		broken("sigaction");
}

/* No path of a call, followed through any link, leads out of what is removed after the round. */
static void enter(struct worker *worker)
{
	char top[PATH_MAX + 8];

	snprintf(top, sizeof top, "%s/top", worker->side->dir);
	worker->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (worker->proc_fd < 0 || chroot(top) != 0 || chdir("/r") != 0)
		broken("chroot");
	if (setgroups(0, NULL) != 0 || prctl(PR_SET_KEEPCAPS, 1) != 0 ||
	    (worker->index == 1 && (setresgid(USER_UID, USER_UID, USER_UID) != 0 ||
				       setresuid(USER_UID, USER_UID, USER_UID) != 0)))
		broken("credentials");
	set_lease_capability(worker, false);
	/* What changes its user cannot look into its own /proc and outlives its parent by default.
	 */
	if (prctl(PR_SET_DUMPABLE, 1) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		broken("prctl");
	umask(022);
}

static struct worker *make_worker(const struct side *side, unsigned index)
{
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker == NULL)
		broken("memory");
	worker->side = side;
	worker->shared = side->shared;
	worker->index = index;
	for (unsigned i = 0; i < SLOTS; i++)
		worker->slots[i].fd = -1;
	worker->buffer =
	    mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (worker->buffer == MAP_FAILED || pipe2(worker->pipe, O_NONBLOCK | O_CLOEXEC) != 0)
		broken("memory and pipe");
	return worker;
}

static void execute(struct worker *worker, const struct call *call, struct result *result)
{
	const struct kind *kind = &kinds[call->kind];
	struct watch watch;

	if (call->watched)
		watch_begin(&watch, worker, call);
	errno = 0;
	kind->execute(worker, call, result);
	result->watch_view = result->views;
	if (call->watched)
		watch_end(&watch, worker, call, result);
	result->done = true;
}

/*
 * While leases are held, a signal may be on its way to either worker when a call returns. Each has
 * to come back from the kernel once, which delivers it, before the next call is made.
 */
static void wait_for_signals(struct worker *worker, uint32_t step)
{
	struct shared *shared = worker->shared;
	const _Atomic uint32_t *passed = &shared->passed[1 - worker->index];
	uint32_t seen;

	syscall(SYS_getppid);
	while (shared->leases > 0 && (seen = atomic_load(passed)) < step)
		futex_wait(passed, seen);
}

static void wait_for_turn(struct worker *worker, uint32_t step)
{
	struct shared *shared = worker->shared;
	_Atomic uint32_t *passed = &shared->passed[worker->index];
	uint32_t turn;

	for (;;) {
		turn = atomic_load(&shared->turn);
		if (shared->leases > 0)
			syscall(SYS_getppid);
		if (atomic_exchange(passed, turn) != turn)
			futex_wake(passed);
		if (turn >= step)
			return;
		futex_wait(&shared->turn, turn);
	}
}

void worker_main(const struct side *side, unsigned index, const struct call *calls, unsigned count)
{
	struct worker *worker = make_worker(side, index);
	struct shared *shared = side->shared;

	the_worker = worker;
	began = time(NULL);
	catch_signals();
	enter(worker);
	for (uint32_t step = 0; step < count; step++) {
		if (calls[step].worker != index)
			continue;
		wait_for_turn(worker, step);
		if (shared->leases > 0)
			wait_for_signals(worker, step);
		execute(worker, &calls[step], &shared->results[step]);
		atomic_store(&shared->turn, step + 1);
		if (shared->leases > 0 || step + 1 == count || calls[step + 1].worker != index)
			futex_wake(&shared->turn);
	}
	wait_for_turn(worker, count);
	_exit(0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server is killed once at every labelled step of every kind of operation, and what the caller
 * sees, the namespace, its accounts, the counted references and the memory have to be what they are
 * without a kill.
 *
 *   steps [--list] [OPERATION...]
 *
 * Environment: that of daemon.h; SHMFS_BIN has to be built with -Dc_args=-DSHMFS_FAILPOINTS.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arena_view.h"
#include "daemon.h"
#include "launch.h"
#include "leaks.h"
#include "scene.h"
#include "steps_page.h"

/* Nothing has happened for so long: then nothing will. */
enum { QUIET_MS = 5, LONG_QUIET_MS = 20, TRIES = 2000, STEPS_MAX = 5000, HANG_SECONDS = 30 };

static volatile struct failpoints *steps;

/* How far the test is. It lies behind the steps. */
static struct progress {
	const char *operation;
	unsigned at, connection;
	unsigned kills; /* two in one run are counted once */
	_Atomic unsigned runs;
} * progress;

static const struct operation *const lists[] = {
    operations_on_names, operations_on_files, operations_on_attributes};

/* What a run leaves: what the caller saw, and the namespace before and after he let go of it. */
struct run {
	char *notes, *after, *end;
	unsigned descriptors;
	char label[64]; /* where it was killed */
	uint64_t count; /* of steps */
};

/* Longer on a machine that is slower. */
static void pause_ms(long ms)
{
	long long us = ms * 1000LL * launch_slowness();

	nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static void start(void)
{
	char options[128];

	/* Who follows a client opens its file in /proc at times, and descriptors are counted. */
	snprintf(options, sizeof options,
	    "size=64m,nr_inodes=1000,user_size=%d,user_inodes=%d,nofollow", USER_SIZE, USER_NODES);
	steps->armed_at = 0;
	daemon_start(options);
	progress->connection = daemon_connection();
	view_open();
}

static bool end(void)
{
	unsigned kept = view_kept();
	unsigned left = !daemon_has_ended() && view_has_backing() ? backing_ids_left() - kept : 0;

	if (left > 0)
		printf("not ok: %u backing ids are left\n", left);
	view_close();
	return daemon_end() && left == 0;
}

/* --- state ------------------------------------------------------------------------------------ */

/* Waits until no step was made for so long, and every request is answered. */
static void settle(long quiet_ms)
{
	uint64_t before;

	do {
		before = steps->count;
		pause_ms(quiet_ms);
	} while (steps->count != before || !daemon_is_idle() || daemon_server() == 0);
}

/* Waits for the kill. What the server does by itself after the operation comes a little later. */
static bool await_kill(uint64_t at, uint64_t expected)
{
	for (unsigned tries = at <= expected ? TRIES : QUIET_MS; tries > 0; tries--) {
		if (steps->armed_at == 0)
			return true;
		pause_ms(1);
	}
	return steps->armed_at == 0;
}

/* The namespace once it is as expected, or after a while whatever it is. */
static char *await_state(const char *expected)
{
	char *text = NULL;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (tries > 0)
			pause_ms(1);
		free(text);
		text = view_dump();
		if (text != NULL && (expected == NULL || strcmp(text, expected) == 0))
			return text;
	}
	return text != NULL ? text : strdup("never at rest\n");
}

static unsigned descriptors_in_use(void)
{
	return daemon_descriptors() - view_kept();
}

/* The supervisor looks into files, too, around the end of a server. */
static unsigned await_descriptors(unsigned expected)
{
	unsigned count = descriptors_in_use();

	for (unsigned tries = 0; count != expected && tries < TRIES; tries++) {
		pause_ms(1);
		count = descriptors_in_use();
	}
	return count;
}

static void arm(uint64_t at, uint64_t again)
{
	settle(1);
	steps->count = 0;
	steps->again = again;
	steps->armed_at = at;
}

/* Runs an operation on a new tree, without a kill. */
static struct run run(const struct operation *operation)
{
	struct run run = {0};

	progress->runs++;
	scene_make();
	if (operation->prepare != NULL)
		operation->prepare();
	arm(0, 0);
	operation->run();
	settle(LONG_QUIET_MS);
	run.count = steps->count;
	run.notes = strdup(scene_notes());
	run.after = await_state(NULL);
	scene_end();
	settle(LONG_QUIET_MS);
	run.end = await_state(NULL);
	run.descriptors = descriptors_in_use();
	return run;
}

/* The same, and kills at the step with this number, and so many steps later again (0: not). */
static struct run run_with_kill(
    const struct operation *operation, uint64_t at, uint64_t again, const struct run *expected)
{
	struct run run = {0};

	progress->at = (unsigned)at;
	progress->runs++;
	scene_make();
	if (operation->prepare != NULL)
		operation->prepare();
	arm(at, again);
	operation->run();
	/* There may be no step to kill at for a second time. */
	if (await_kill(at, again == 0 ? expected->count : 0) || again != 0)
		snprintf(
		    run.label, sizeof run.label, "%s", (const char *)(uintptr_t)steps->killed_at);
	steps->armed_at = steps->again = 0;
	run.notes = strdup(scene_notes());
	run.after = await_state(expected->after);
	scene_end();
	run.end = await_state(expected->end);
	run.descriptors = await_descriptors(expected->descriptors);
	return run;
}

static void run_free(struct run *run)
{
	free(run->notes);
	free(run->after);
	free(run->end);
}

/* --- comparison ------------------------------------------------------------------------------- */

static bool has_line(const char *text, const char *line, size_t length)
{
	while (*text != '\0') {
		if (strncmp(text, line, length) == 0)
			return true;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

/* Lines of one text that the other has not. */
static void print_missing(const char *sign, const char *text, const char *other)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n") + 1;

		if (!has_line(other, text, length))
			printf("      %s %.*s", sign, (int)length, text);
		text += length;
	}
}

static bool same(const char *what, const char *expected, const char *got)
{
	if (strcmp(expected, got) == 0)
		return true;
	printf("    %s differs:\n", what);
	print_missing("-", expected, got);
	print_missing("+", got, expected);
	return false;
}

static bool agree(const struct run *expected, const struct run *got)
{
	bool well = same("what the caller saw", expected->notes, got->notes);

	well = same("the namespace", expected->after, got->after) && well;
	well = same("the namespace after the caller let go", expected->end, got->end) && well;
	if (expected->descriptors != got->descriptors) {
		printf(
		    "    %u descriptors instead of %u\n", got->descriptors, expected->descriptors);
		well = false;
	}
	return view_verify() == 0 && well;
}

/* --- operations ------------------------------------------------------------------------------- */

/* How often, since it was started, the kernel was told to drop what it remembers of files: by a
 * test beside this one, or an administrator. Nodes that it forgets have other lookup counts. */
static uint64_t drops(void)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char line[128];
	uint64_t count = 0;

	if (file == NULL)
		broken("/proc/vmstat");
	while (fgets(line, sizeof line, file) != NULL &&
	       sscanf(line, "drop_slab %" SCNu64, &count) != 1)
		;
	fclose(file);
	return count;
}

/* Tries of what the kernel may be disturbed in. */
enum { DISTURBED_TRIES = 20 };

/*
 * What an operation gives without a kill: what it gives twice in a row. A daemon that has just
 * started, or a machine that is busy, may have it go another way.
 */
static struct run undisturbed_run(const struct operation *operation)
{
	struct run got = run(operation);

	for (int i = 0; i < DISTURBED_TRIES; i++) {
		uint64_t before = drops();
		struct run before_that = got;
		bool again;

		got = run(operation);
		again =
		    got.count == before_that.count && got.descriptors == before_that.descriptors;
		run_free(&before_that);
		if (again && drops() == before)
			break;
	}
	return got;
}

/* One kill, or two; true if they were invisible. *killed: there was one. */
static bool try_step_once(const struct operation *operation, uint64_t at, uint64_t again,
    const struct run *expected, bool *killed)
{
	struct run got = run_with_kill(operation, at, again, expected);
	bool well = !daemon_has_ended() && agree(expected, &got);

	*killed = got.label[0] != '\0';
	progress->kills += *killed;
	if (!well && *killed)
		printf("    killed at step %u and %u steps later, last at \"%s\"\n", (unsigned)at,
		    (unsigned)again, got.label);
	run_free(&got);
	return well;
}

static bool try_step(const struct operation *operation, uint64_t at, uint64_t again,
    const struct run *expected, bool *killed)
{
	for (int i = 0; i < DISTURBED_TRIES; i++) {
		uint64_t before = drops();

		if (try_step_once(operation, at, again, expected, killed))
			return true;
		if (drops() == before)
			return false;
		printf("    that was disturbed, as caches were dropped: again\n");
	}
	return false;
}

/* Now and then the next server is killed too, most often while it takes over. */
enum { TWICE_EACH = 5, TWICE_WITHIN = 12 };

/* True if every kill was invisible. Prints the first that was not. */
static bool try_all_steps(const struct operation *operation)
{
	bool well = true, killed = true;
	struct run expected;
	uint64_t at = 1;

	progress->operation = operation->name;
	expected = undisturbed_run(operation);

	for (; well && killed && at <= STEPS_MAX; at++)
		well = try_step(operation, at, 0, &expected, &killed);
	for (uint64_t i = 1; well && i <= expected.count; i += TWICE_EACH)
		well =
		    try_step(operation, i, 1 + i / TWICE_EACH % TWICE_WITHIN, &expected, &killed);
	printf("%s %s: %u steps, %u kills\n", well ? "ok" : "not ok", operation->name,
	    (unsigned)expected.count, (unsigned)at - 2);
	fflush(stdout);
	run_free(&expected);
	return well;
}

static bool is_chosen(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

/* Exits with 0 if everything went well. */
static _Noreturn void try_operations(int count, char **names)
{
	unsigned passed = 0, failed = 0;

	start();
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		for (const struct operation *it = lists[i]; it->name != NULL; it++) {
			if (!is_chosen(it->name, count, names))
				continue;
			if (try_all_steps(it)) {
				passed++;
				continue;
			}
			failed++;
			end();
			start();
		}
	}
	failed += !end();
	printf("%u runs with a kill; %u passed, %u failed\n", progress->kills, passed, failed);
	fflush(stdout);
	_exit(failed > 0 || passed == 0);
}

static void list(void)
{
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		for (const struct operation *it = lists[i]; it->name != NULL; it++)
			puts(it->name);
}

/*
 * Waits for the process that tries the operations. One that waits for an answer cannot even be
 * killed.
 */
static int await_operations(pid_t pid)
{
	unsigned runs = 0, unchanged = 0;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		unchanged = progress->runs == runs ? unchanged + 1 : 0;
		runs = progress->runs;
		if (unchanged == HANG_SECONDS * 100) {
			printf("not ok %s: hangs at step %u, killed at \"%s\"\n",
			    progress->operation, progress->at,
			    (const char *)(uintptr_t)steps->killed_at);
			fflush(stdout);
			daemon_abort(progress->connection);
			kill(pid, SIGKILL);
		}
		pause_ms(10);
	}
	return status;
}

int main(int argc, char **argv)
{
	const char *reason;
	int status;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		list();
		return 0;
	}
	reason = daemon_prepare("steps");
	if (reason != NULL)
		return skip_test("steps", reason);
	steps = steps_page_make();
	progress = (struct progress *)((char *)(uintptr_t)steps + STEPS_PAGE / 2);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		try_operations(argc - 1, argv + 1);
	if (pid < 0)
		broken("fork");
	status = await_operations(pid);
	if (WIFSIGNALED(status))
		printf("not ok %s: %s\n0 passed, 1 failed\n", progress->operation,
		    strsignal(WTERMSIG(status)));
	daemon_clean_up();
	steps_page_remove();
	return status != 0;
}

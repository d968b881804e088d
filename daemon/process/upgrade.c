/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs in place of this one; see upgrade.h. */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/first_line.h"
#include "common/log.h"
#include "fs/failpoint.h"
#include "fs/shmfs.h"
#include "stores.h"
#include "system/oom.h"

/* What the environment says: "HANDOVER,PREVIOUS", and that it is only a trial. */
#define RESUME "SHMFS_RESUME"
#define TRIAL "SHMFS_RESUME_TRIAL"

int upgrade_read_start(struct upgrade_start *out)
{
	const char *text = getenv(RESUME);
	char end;

	*out = (struct upgrade_start){
	    .handover_fd = -1, .previous = -1, .trial = getenv(TRIAL) != NULL};
	if (text == NULL)
		return 0;
	if (sscanf(text, "%d,%d%c", &out->handover_fd, &out->previous, &end) != 2 ||
	    out->handover_fd < 0)
		return -EINVAL;
	unsetenv(RESUME);
	unsetenv(TRIAL);
	return 0;
}

char **upgrade_keep_arguments(int argc, char **argv)
{
	char **kept = calloc((size_t)argc + 1, sizeof *kept);

	for (int i = 0; kept != NULL && i < argc; i++) {
		kept[i] = strdup(argv[i]);
		if (kept[i] == NULL) {
			upgrade_drop_arguments(kept);
			return NULL;
		}
	}
	return kept;
}

void upgrade_drop_arguments(char **kept)
{
	for (size_t i = 0; kept[i] != NULL; i++)
		free(kept[i]);
	free(kept);
}

int upgrade_prepare(struct upgrade *upgrade, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", upgrade->program, sizeof upgrade->program);

	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof upgrade->program)
		return -ENAMETOOLONG;
	upgrade->program[length] = '\0';
	upgrade->argv = argv;
	return 0;
}

static int keep_open(int fd)
{
	return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
}

/* Lets a program that is executed find everything. Objects' memory is always handed on (os.c). */
static int hand_on(int handover_fd, const struct handover *handover, int previous)
{
	char text[64];
	int rc = keep_open(handover_fd);

	oom_restore();
	if (rc == 0)
		rc = keep_open(handover->arena_fd);
	if (rc == 0)
		rc = keep_open(handover->exchange.fd);
	if (rc == 0)
		rc = stores_keep_open(handover);
	if (rc == 0 && handover->control_fd >= 0)
		rc = keep_open(handover->control_fd);
	for (int fd = 0; rc == 0 && fd < SHMFS_DESCRIPTOR_FIRST; fd++) {
		if (kept_has(&handover->kept, fd))
			rc = keep_open(fd);
	}
	if (rc < 0)
		return rc;
	snprintf(text, sizeof text, "%d,%d", handover_fd, previous);
	return setenv(RESUME, text, 1) < 0 ? -errno : 0;
}

/* --- the trial -------------------------------------------------------------------------------- */

static _Noreturn void try_here(
    const struct upgrade *upgrade, const struct handover *handover, int said)
{
	sigset_t none;

	failpoints_of_helpers();
	failpoint("trial forked");
	/* It has the connection, and would keep it: nobody else ends one that takes too long. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(said, STDERR_FILENO) >= 0 && hand_on(upgrade->handover_fd, handover, -1) == 0 &&
	    setenv(TRIAL, "1", 1) == 0)
		execv(upgrade->program, upgrade->argv);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(126);
}

int upgrade_try(const struct upgrade *upgrade, struct handover *handover, struct upgrade_trial *out)
{
	int said = memfd_create("shmfs-trial", MFD_CLOEXEC);
	pid_t pid;

	if (said < 0)
		goto fail_said;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		goto fail_fork;
	if (pid == 0)
		try_here(upgrade, handover, said);
	handover_own(handover, said);
	*out = (struct upgrade_trial){.pid = pid, .said = said};
	return 0;

fail_fork:
	close(said);
fail_said:
	log_error("cannot try '%s': %s", upgrade->program, strerror(errno));
	return -errno;
}

bool upgrade_is_possible(const struct upgrade *upgrade, struct handover *handover,
    struct upgrade_trial *trial, int status)
{
	pid_t pid = trial->pid;
	char line[256];

	first_line(trial->said, "shmfs: ", line, sizeof line);
	close(trial->said);
	handover_disown(handover, trial->said);
	*trial = (struct upgrade_trial){0};
	/* A program of another kind may well end with 0. */
	if (status == 0 && handover->tried == pid)
		return true;
	log_error("'%s' cannot go on with this mount, which goes on as it is: %s", upgrade->program,
	    line[0] != '\0' ? line : "it does not say why");
	return false;
}

/* --- for good --------------------------------------------------------------------------------- */

static void let_go_of_previous(struct handover *handover)
{
	if (handover->previous_program < 0)
		return;
	close(handover->previous_program);
	handover_disown(handover, handover->previous_program);
	handover->previous_program = -1;
}

void upgrade_run(const struct upgrade *upgrade, struct handover *handover)
{
	int rc;

	let_go_of_previous(handover);
	log_info("going on with '%s'", upgrade->program);
	/* No number above those that are ours is free of meaning. */
	handover->previous_program = open("/proc/self/exe", O_RDONLY);
	if (handover->previous_program >= SHMFS_DESCRIPTOR_FIRST) {
		close(handover->previous_program);
		handover->previous_program = -1;
	}
	if (handover->previous_program >= 0)
		handover_own(handover, handover->previous_program);
	rc = hand_on(upgrade->handover_fd, handover, handover->previous_program);
	if (rc == 0) {
		log_let_go();
		execv(upgrade->program, upgrade->argv);
		rc = -errno;
		unsetenv(RESUME);
	}
	log_error("cannot execute '%s': %s", upgrade->program, strerror(-rc));
	let_go_of_previous(handover);
}

void upgrade_take_over(struct upgrade_start *start, struct handover *handover)
{
	if (start->previous < 0)
		let_go_of_previous(handover);
	start->previous = -1;
}

void upgrade_done(struct handover *handover)
{
	if (handover->previous_program < 0)
		return;
	let_go_of_previous(handover);
	log_info("version %s goes on", SHMFS_VERSION);
}

void upgrade_return(const struct upgrade_start *start, char **argv)
{
	char text[64];

	if (start->previous < 0)
		return;
	log_error("going back to the program before");
	snprintf(text, sizeof text, "%d,%d", start->handover_fd, -1);
	if (setenv(RESUME, text, 1) == 0) {
		log_let_go();
		fexecve(start->previous, argv, environ);
	}
	log_error("cannot go back: %s", strerror(errno));
	unsetenv(RESUME);
}

void upgrade_go_back(const struct upgrade *upgrade, struct handover *handover)
{
	struct upgrade_start start = {
	    .handover_fd = upgrade->handover_fd,
	    .previous = handover->previous_program,
	};

	if (start.previous < 0)
		return;
	/* Its number is free once the program runs, and closes on the way. */
	handover_disown(handover, start.previous);
	handover->previous_program = -1;
	(void)fcntl(start.previous, F_SETFD, FD_CLOEXEC);
	if (hand_on(upgrade->handover_fd, handover, -1) == 0)
		upgrade_return(&start, upgrade->argv);
	close(start.previous);
}

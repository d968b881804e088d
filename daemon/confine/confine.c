/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up what a role does not need; see confine.h. */
#include "confine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capabilities.h"
#include "filter.h"

static struct sock_fprog filters[CONFINE_ROLES];

/* In memory that all processes share: 1 + the number of the call that a child was ended for. */
static volatile sig_atomic_t *denied_call;

static int fail(char *why, size_t why_size, const char *step, int rc, const char *remedy)
{
	snprintf(why, why_size, "%s: %s; %s", step, strerror(-rc), remedy);
	return rc;
}

int confine_prepare(enum confine_role first, enum confine_role last, char *why, size_t why_size)
{
	int rc;
	void *shared = mmap(
	    NULL, sizeof *denied_call, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return fail(
		    why, why_size, "memory to share with children", -errno, "free some memory");
	denied_call = shared;
	rc = capabilities_look();
	if (rc < 0)
		return fail(why, why_size, "capabilities of this process", rc, "mount /proc");
	for (enum confine_role role = first; role <= last; role++) {
		rc = filter_make(role, &filters[role]);
		if (rc < 0)
			return fail(why, why_size, "filters of system calls", rc,
			    "libseccomp 2.5 or later has to know this machine");
	}
	return 0;
}

/* Of siginfo_t, where the C library does not have it. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

/*
 * Notes the call, and makes one that no list has. This handler is gone by then, so that the process
 * ends by SIGSYS, as it would have without it; and no other handler can take its place, as the
 * filter has it (filter.c). The signal may have been sent by somebody, too.
 */
static void on_denied(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_code == SYS_SECCOMP)
		*denied_call = 1 + info->si_syscall;
	(void)syscall(SYS_reboot, 0, 0, 0, NULL);
	_exit(1);
}

static int catch_denied(void)
{
	struct sigaction action = {
	    .sa_sigaction = on_denied, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};

	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* Unmounting for a user takes a program with the set-user-ID bit, which has none under
 * no_new_privs; and without that or a capability there is no filter. */
static bool needs_privileged_program(enum confine_role role)
{
	return (role == CONFINE_SUPERVISOR || role == CONFINE_KEEPER) && !capabilities_may_mount();
}

int confine_privileges(enum confine_role role, char *why, size_t why_size)
{
	int rc = capabilities_drop(role);

	if (rc < 0)
		return fail(why, why_size, "giving up capabilities", rc,
		    "start it with those that CAPABILITIES in shmfs(8) lists, or without any");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(why, why_size, "no_new_privs", -errno, "it takes Linux 3.5");
	return 0;
}

int confine_calls(enum confine_role role, char *why, size_t why_size)
{
	int rc = role == CONFINE_SUPERVISOR ? 0 : catch_denied();

	if (rc == 0)
		rc = filter_load(&filters[role]);
	if (rc < 0)
		return fail(why, why_size, "loading the filter of system calls", rc,
		    "the kernel has to have CONFIG_SECCOMP_FILTER, and room for a filter");
	return 0;
}

int confine(enum confine_role role, char *why, size_t why_size)
{
	int rc;

	if (needs_privileged_program(role))
		return 0;
	rc = confine_privileges(role, why, why_size);
	return rc < 0 ? rc : confine_calls(role, why, why_size);
}

int confine_denied(void)
{
	int noted = denied_call != NULL ? *denied_call : 0;

	if (noted != 0)
		*denied_call = 0;
	return noted - 1;
}

bool confine_tell(int status, int number, char *out, size_t size)
{
	const char *name = number >= 0 ? filter_call_name(number) : NULL;
	bool by_signal = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;

	if (number >= 0)
		snprintf(out, size, "it made a system call that it may not make: %d (%s)", number,
		    name != NULL ? name : "unknown");
	else if (by_signal)
		snprintf(out, size,
		    "it made a system call of another architecture, or was sent that signal");
	return number >= 0 || by_signal;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What a child died of; see death.h. */
#include "death.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "common/log.h"
#include "confine/confine.h"

/* What a server brings upon itself, and would again with the same request. */
static bool is_own_fault(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGFPE:
	case SIGILL:
	case SIGSYS:
		return true;
	default:
		return false;
	}
}

/* Others are killed for memory too; a server that is killed otherwise in the same moment, again and
 * again at one request, is not met. */
enum death death_of(int status, bool hung, bool memory_ran_short)
{
	if (is_own_fault(status) || hung)
		return DEATH_BY_CRASH;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && memory_ran_short)
		return DEATH_FOR_MEMORY;
	return DEATH_FROM_OUTSIDE;
}

static const char *text_of(int status, enum death death, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "by signal %d%s", WTERMSIG(status),
		    death == DEATH_FOR_MEMORY ? ", as memory ran short" : "");
	else
		snprintf(out, size, "with status %d", WEXITSTATUS(status));
	return out;
}

void death_log(const char *who, int status, enum death death)
{
	char text[128];

	log_error("the %s died %s", who, text_of(status, death, text, sizeof text));
	if (confine_tell(status, confine_denied(), text, sizeof text))
		log_error("%s", text);
}

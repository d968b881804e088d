/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of system calls; see filter.h.
 *
 * The kernel knows of each filter which calls it allows whatever their arguments are, and does not
 * run it for them. So what is called often has no rule about arguments.
 */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "sanitized.h"

/* Since Linux 5.17: names of anonymous memory, which C libraries give. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

enum {
	S = 1 << CONFINE_SERVER,
	K = 1 << CONFINE_KEEPER,
	P = 1 << CONFINE_PARSER,
	H = 1 << CONFINE_HOLDERS,
	A = 1 << 16
};

struct call {
	const char *name;
	unsigned roles;
};

static const struct call calls[] = {
#define CALL(name, roles) {#name, roles},
#include "calls.def"
#undef CALL
};

static const char *const denied[] = {
#define DENIED(name) #name,
#include "denied.def"
#undef DENIED
};

/* What a library tries before what it did in the past. A new thread's flags lie in memory, which a
 * filter does not see; clone(2) has them in a register. */
static const char *const unknown[] = {"clone3", "io_uring_setup", "faccessat2", "futex_waitv"};

/* A rule about an argument; of several for a call, one that fits is enough. */
struct rule {
	const char *name;
	unsigned roles;
	unsigned argument;
	uint64_t mask, value; /* what the argument is to have under the mask */
};

/* Of an int: the kernel looks at 32 bits, and the others are whatever they are. */
#define INT UINT64_C(0xffffffff)
#define NAMESPACES                                                                                 \
	((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |  \
		    CLONE_NEWPID | CLONE_NEWNET))

static const struct rule rules[] = {
    /* Memory registered with the kernel; descriptors that do not wait or stay open. */
    {"ioctl", S, 1, INT, ABI_BACKING_OPEN},
    {"ioctl", S, 1, INT, ABI_BACKING_CLOSE},
    {"ioctl", S | P, 1, INT, FIONBIO},
    {"ioctl", S | P, 1, INT, FIOCLEX},
    {"mmap", S | K | P | H, 2, PROT_EXEC, 0},
    {"mprotect", S | K | P | H, 2, PROT_EXEC, 0},
    {"prctl", S | K | P | H, 0, INT, PR_SET_NAME},
    {"prctl", S | K | P | H, 0, INT, PR_SET_VMA},
    /* No file is made, but for those without a name: O_TMPFILE goes without it. */
    {"open", S | K, 1, O_CREAT | O_TRUNC, 0},
    {"open", H, 1, O_ACCMODE | O_CREAT | O_TRUNC, 0},
    {"openat", S | K, 2, O_CREAT | O_TRUNC, 0},
    {"openat", H, 2, O_ACCMODE | O_CREAT | O_TRUNC, 0},
    /* Threads; the process that unmounts in another mount namespace. */
    {"clone", S | K, 0, NAMESPACES, 0},
    {"unshare", K, 0, INT, CLONE_FS},
    {"setns", K, 1, INT, CLONE_NEWNS},
    {"umount2", K, 1, INT, MNT_DETACH | UMOUNT_NOFOLLOW},
    {"socket", S | K, 0, INT, AF_UNIX},
    /* Handlers of any signal but SIGSYS, which confine.c has: one that lacks a bit of it, or has a
     * further one. */
    {"rt_sigaction", S | K | P | H, 0, 1, 0},
    {"rt_sigaction", S | K | P | H, 0, 2, 0},
    {"rt_sigaction", S | K | P | H, 0, 4, 0},
    {"rt_sigaction", S | K | P | H, 0, 8, 0},
    {"rt_sigaction", S | K | P | H, 0, 16, 0},
    {"rt_sigaction", S | K | P | H, 0, 32, 32},
    /* Of abort(3). */
    {"tgkill", S | K | P | H, 2, INT, SIGABRT},
#ifdef SHMFS_FAILPOINTS
    {"kill", S | K | P | H, 1, INT, SIGKILL},
    {"kill", S | K | P | H, 1, INT, SIGSEGV},
#endif
};

_Static_assert(SIGSYS == 31, "its bits are those of the rules");

static int allow_rule(scmp_filter_ctx filter, const struct rule *rule)
{
	int number = seccomp_syscall_resolve_name(rule->name);
	const struct scmp_arg_cmp is =
	    SCMP_CMP64(rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value);

	if (number < 0)
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &is);
}

static int add(scmp_filter_ctx filter, uint32_t action, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	return number < 0 ? 0 : seccomp_rule_add_array(filter, action, number, 0, NULL);
}

static int allow_calls(scmp_filter_ctx filter, unsigned roles)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof calls / sizeof calls[0]; i++) {
		if (calls[i].roles & roles)
			rc = add(filter, SCMP_ACT_ALLOW, calls[i].name);
	}
	return rc;
}

/* The supervisor is told of what its children do. */
static int allow_news(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, INT, (uint64_t)getpid()),
	    SCMP_A1(SCMP_CMP_MASKED_EQ, INT, SIGUSR1));
}

/* Sanitizers make all of them, with arguments of their own. */
static bool has_rules(const char *name, unsigned roles)
{
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if ((calls[i].roles & roles) && strcmp(calls[i].name, name) == 0)
			return false;
	}
	return true;
}

static int allow(scmp_filter_ctx filter, unsigned roles)
{
	int rc = allow_calls(filter, roles);

	for (size_t i = 0; rc == 0 && i < sizeof rules / sizeof rules[0]; i++) {
		if ((rules[i].roles & roles) && has_rules(rules[i].name, roles))
			rc = allow_rule(filter, &rules[i]);
	}
	for (size_t i = 0; rc == 0 && i < sizeof unknown / sizeof unknown[0]; i++) {
		if (has_rules(unknown[i], roles))
			rc = add(filter, SCMP_ACT_ERRNO(ENOSYS), unknown[i]);
	}
	return rc == 0 ? allow_news(filter) : rc;
}

static int deny(scmp_filter_ctx filter)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof denied / sizeof denied[0]; i++) {
		/* It looks for leaks at the end, as a debugger. */
		if (!SANITIZED || strcmp(denied[i], "ptrace") != 0)
			rc = add(filter, SCMP_ACT_ERRNO(EPERM), denied[i]);
	}
	return rc;
}

static int copy(int fd, struct sock_fprog *out)
{
	struct stat st;
	ssize_t count;

	if (fstat(fd, &st) < 0)
		return -errno;
	out->len = (unsigned short)((size_t)st.st_size / sizeof *out->filter);
	out->filter = malloc((size_t)st.st_size);
	if (out->filter == NULL)
		return -ENOMEM;
	count = pread(fd, out->filter, (size_t)st.st_size, 0);
	if (count == st.st_size)
		return 0;
	free(out->filter);
	out->filter = NULL;
	return count < 0 ? -errno : -EIO;
}

static int export(scmp_filter_ctx filter, struct sock_fprog *out)
{
	int fd = memfd_create("shmfs-filter", MFD_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = seccomp_export_bpf(filter, fd);
	if (rc == 0)
		rc = copy(fd, out);
	close(fd);
	return rc;
}

int filter_make(enum confine_role role, struct sock_fprog *out)
{
	bool is_child = role != CONFINE_SUPERVISOR;
	scmp_filter_ctx filter = seccomp_init(is_child ? SCMP_ACT_TRAP : SCMP_ACT_ALLOW);
	int rc;

	if (filter == NULL)
		return -EOPNOTSUPP;
	/* Calls of another architecture of the machine have other numbers. */
	rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    is_child ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = is_child ? allow(filter, 1U << role | (SANITIZED ? A : 0)) : deny(filter);
	if (rc == 0)
		rc = export(filter, out);
	seccomp_release(filter);
	return rc;
}

/* A filter is no reason to turn off speculation: nothing in it is another's. */
int filter_load(const struct sock_fprog *program)
{
	if (syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, program) == 0)
		return 0;
	return -errno;
}

const char *filter_call_name(int number)
{
	static char name[64];
	char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (found == NULL)
		return NULL;
	snprintf(name, sizeof name, "%s", found);
	free(found);
	return name;
}

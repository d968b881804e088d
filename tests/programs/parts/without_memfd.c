/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a command for which memfd_create(2) does not exist, as under the system call filter of some
 * containers: a program that prefers memfds takes /dev/shm then. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int hide_memfd_create(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	int result;

	if (argc < 2) {
		fputs("usage: without_memfd COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	result = hide_memfd_create();
	if (result < 0) {
		fprintf(stderr, "without_memfd: %s\n", strerror(-result));
		return 2;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "without_memfd: %s: %s\n", argv[1], strerror(errno));
	return 127;
}

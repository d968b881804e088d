/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two system calls of the server that the test answers in place of the kernel: writev(2), with
 * which replies go out, and the ioctl(2)s of backing files. The program's own functions of these
 * names come before those of the C library. Everything else passes through.
 */
#ifndef SHMFS_TESTS_WIRE_SYSTEM_CALLS_H
#define SHMFS_TESTS_WIRE_SYSTEM_CALLS_H

/* Lets the next reply fail with this errno: it is not sent. */
void fail_next_reply(int error);

struct fake_backing {
	int error; /* errno of BACKING_OPEN: ENOTTY, as of a socket, until it is set; 0 = success */
	int id;	   /* its result */
	unsigned opens, closes;
	int opened_fd, closed_id; /* arguments of the last call */
};
extern struct fake_backing fake_backing;

#endif

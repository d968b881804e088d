/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of the server that the test answers in place of the kernel: write(2), writev(2) and
 * splice(2), with which replies go out, pipe2(2), and the ioctl(2)s of backing files. The program's
 * own functions of these names come before those of the C library. Everything else passes through.
 */
#ifndef SHMFS_TESTS_WIRE_SYSTEM_CALLS_H
#define SHMFS_TESTS_WIRE_SYSTEM_CALLS_H

#include <stdbool.h>

/* Lets the next reply fail with this errno: it is not sent. */
void fail_next_reply(int error);

/*
 * Replies whose pages are spliced. A socket takes them in several messages, so they are read from
 * the pipe here and sent in one.
 */
struct fake_pipes {
	unsigned fail_in;  /* the so-manieth splice from memory fails with EIO; 0: none */
	unsigned short_in; /* the so-manieth takes only a page */
	unsigned in, out;  /* how many there were from memory, and of replies */
	unsigned pipes;	   /* made */
	bool none;	   /* pipe2(2) is EMFILE */
};
extern struct fake_pipes fake_pipes;

struct fake_backing {
	int error; /* errno of BACKING_OPEN: ENOTTY, as of a socket, until it is set; 0 = success */
	int id;	   /* its result */
	unsigned opens, closes;
	int opened_fd, closed_id; /* arguments of the last call */
};
extern struct fake_backing fake_backing;

#endif

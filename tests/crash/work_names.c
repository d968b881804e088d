/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: directories, symbolic links, FIFOs, and what is listed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

void directories(void)
{
	char target[64];

	OK(mkdir("d", 0755));
	FAILS(EEXIST, mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(mknod("d/e/f", S_IFREG | 0600, 0));
	OK(symlink("e/f", "d/link"));
	CHECK(OK(readlink("d/link", target, sizeof target)) == 3);
	OK(mkfifo("d/fifo", 0600));
	OK(access("d/link", R_OK));
	OK(rename("d/e", "d/moved"));
	FAILS(ENOENT, access("d/link", R_OK));
	FAILS(ENOENT, rename("d/e", "d/moved"));
	FAILS(ENOTEMPTY, rmdir("d/moved"));
	OK(renameat2(AT_FDCWD, "d/link", AT_FDCWD, "d/fifo", RENAME_EXCHANGE));
	CHECK(OK(readlink("d/fifo", target, sizeof target)) == 3);
	OK(unlink("d/moved/f"));
	OK(rmdir("d/moved"));
	FAILS(ENOENT, rmdir("d/moved"));
	OK(unlink("d/link"));
	OK(unlink("d/fifo"));
	OK(rmdir("d"));
	FAILS(ENOENT, rmdir("d"));
}

void listing(void)
{
	enum { NAMES = 40 };
	char name[32];
	unsigned all;

	OK(mkdir("many", 0755));
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "many/n%u", i);
		OK(mknod(name, S_IFREG | 0600, 0));
	}
	CHECK(listed("many", "n7", &all) == 1);
	CHECK(all == NAMES);
	for (unsigned i = 0; i < NAMES; i += 2) {
		snprintf(name, sizeof name, "many/n%u", i);
		OK(unlink(name));
		FAILS(ENOENT, unlink(name));
	}
	CHECK(listed("many", "n6", &all) == 0);
	CHECK(all == NAMES / 2);
	for (unsigned i = 1; i < NAMES; i += 2) {
		snprintf(name, sizeof name, "many/n%u", i);
		OK(unlink(name));
	}
	OK(rmdir("many"));
}

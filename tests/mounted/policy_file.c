/* SPDX-License-Identifier: BSD-2-Clause */
/* The helpers of policy_file.h. */
#include "policy_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"

enum { FIRST_UID = 65500 };

static char path[PATH_MAX];

uid_t uid_of(enum policy_user user)
{
	return FIRST_UID + user;
}

bool dominates(enum policy_user a, enum policy_user b)
{
	return a == b || a == TOP || b == BOTTOM;
}

const char *policy_path(void)
{
	return path;
}

void write_policy(const char *text)
{
	char dir[PATH_MAX];
	FILE *file;

	if (path[0] == '\0') {
		fixture_directory(dir, "policy");
		snprintf(path, sizeof(path), "%.4000s/file", dir);
	}
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	OK(chmod(path, 0600));
}

void write_usual_policy(const char *first_line)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "%s\n"
	    "default biba/equal,mls/equal\n"
	    "user %u biba/high,mls/high\n"
	    "user %u biba/5:1,mls/5:1\n"
	    "user %u biba/5:2,mls/5:2\n"
	    "user %u biba/low,mls/low\n",
	    first_line, uid_of(TOP), uid_of(ONE), uid_of(TWO), uid_of(BOTTOM));
	write_policy(text);
}

struct mount *mount_with_policies(const char *policies)
{
	char options[PATH_MAX + 128];
	int length = snprintf(options, sizeof(options),
	    "mode=777,grow=*,size=16m,mac=%s,mac_policy=%s", policies, path);

	ck_assert_int_lt(length, sizeof(options));
	return mount_start(options);
}

bool has_logged(const struct mount *mount, const char *text)
{
	return log_count(mount->log, text) > 0;
}

struct wait_for {
	const struct mount *mount;
	const char *says;
	unsigned before;
};

static bool has_said(void *context)
{
	const struct wait_for *wait = context;

	return log_count(wait->mount->log, wait->says) > wait->before;
}

void reread_policy(const struct mount *mount, const char *says)
{
	struct wait_for wait = {mount, says, log_count(mount->log, says)};

	OK(kill(mount->pid, SIGHUP));
	ck_assert_msg(within_a_second(has_said, &wait), "the daemon does not say '%s'", says);
}

void start_with_both_policies(void)
{
	write_usual_policy("# both");
	shared_mount = mount_with_policies("biba,mls");
}

void make_labelled(void *context)
{
	int fd;

	(void)context;
	umask(0);
	fd = OK(open("o", O_RDWR | O_CREAT | O_EXCL, 0666));
	GIVES(6, write(fd, "secret", 6));
	OK(close(fd));
	OK(mkdir("dir", 0777));
	OK(close(OK(open("dir/in", O_RDWR | O_CREAT | O_EXCL, 0666))));
	OK(symlink("target", "link"));
}

void remove_labelled(void)
{
	GIVES(0, system("rm -rf o dir link own linked moved *.out"));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real mount for a test: the daemon is started in the foreground on a fresh directory and has to
 * end with exit status 0, leaving nothing mounted.
 *
 * Environment: that of launch.h, and SHMFS_TEST_FS: tmpfs mounts a tmpfs in its place, to check
 * tests of behaviour that both must have.
 */
#ifndef SHMFS_TESTS_MOUNTED_MOUNT_FIXTURE_H
#define SHMFS_TESTS_MOUNTED_MOUNT_FIXTURE_H

#include <check.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct mount {
	pid_t pid;		  /* the daemon, 0 when this is a tmpfs */
	int pidfd;		  /* readable in every process as soon as the daemon has ended */
	int failed_before;	  /* failures of the whole run when it was started */
	unsigned long nodes_left; /* f_ffree when it was empty */
	char dir[PATH_MAX];	  /* the mount point */
	char log[PATH_MAX];	  /* its standard error */
};

/* False when SHMFS_BIN is not an executable file. */
bool fixture_find_binary(void);
/*
 * Once per program, before anything is mounted: private mount namespace, directory for everything.
 * False with a reason in `reason` when this machine cannot run the tests.
 */
bool fixture_begin(SRunner *runner, const char **reason);
/* Asks a mount of its own: cases are chosen by it before there is any other. False: it fails. */
bool fixture_find_tier(void);
/* Removes all of it. True when no mount failed to end cleanly and no process was left over. */
bool fixture_end(void);

/* Options as after -o, "" for none. Both abort the test when the daemon misbehaves. */
struct mount *mount_start(const char *options);
/* `before_exec` runs in the process that becomes the daemon. */
struct mount *mount_start_prepared(const char *options, void (*before_exec)(void));
void mount_stop(struct mount *mount);
/* What mount_stop does after SIGTERM: waits for exit status 0 and checks that nothing is mounted.
 */
void mount_ended(struct mount *mount);

/* A path in the mount; the text stays valid for the next seven calls. */
const char *mount_path(const struct mount *mount, const char *name);

bool fixture_is_tmpfs(void);
/* A new directory outside every mount, traversable by all. */
void fixture_directory(char path[PATH_MAX], const char *prefix);
/* The program under test, the tier that it is asked for, and the one that a mount has then. */
const char *fixture_binary(void);
const char *fixture_io(void);
const char *fixture_tier(void);
/* How long to wait on this machine for what takes at most so long on others. */
int fixture_patience(int milliseconds);
/* True when a mapping in the shared mount is one of the object's own pages. */
bool fixture_maps_natively(void);
/* True where reads and writes go through the kernel's page cache. */
bool fixture_is_cached(void);
/* The type of what is mounted exactly on this directory, false when nothing is. */
bool mounted_on(const char *dir, char *type, size_t size);

/*
 * One mount for all tests of a case, in `shared_mount`. Each test runs in a fresh directory of it
 * (mode 0755) as working directory, and fails when the daemon is gone at its end. `start` sets
 * shared_mount; NULL means start_ordinary_mount.
 */
extern struct mount *shared_mount;
TCase *case_on_mount(Suite *suite, const char *name, void (*start)(void));
void start_ordinary_mount(void);
/* For tests that count pages; the ordinary one has them come together. */
void start_mount_of_small_pages(void);

#endif

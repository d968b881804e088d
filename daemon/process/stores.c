/* SPDX-License-Identifier: BSD-2-Clause */
/* Private tmpfses; see stores.h. */
#include "stores.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

/*
 * Objects are charged for all of their size, so within_size would take nothing that was not
 * granted; but programs that touch little of what they ask for would have more in memory: two ranks
 * of Open MPI that send each other 4 MiB have 4 MiB instead of 0.4 (tests/bench/programs).
 */
#define OF_MOUNT "advise"

/* What objects have that ask for huge pages: none takes more than it is charged for. */
#define OF_HUGE "within_size"

static const char *huge_of_mount(const struct options *options)
{
	return options->huge != NULL ? options->huge : OF_MOUNT;
}

static bool is_small(const struct handover *handover, const struct options *options)
{
	return handover->store_is_small || strcmp(huge_of_mount(options), "never") == 0;
}

int stores_of(const struct handover *handover, enum shmfs_pages pages)
{
	switch (pages) {
	case SHMFS_PAGES_HUGE:
		return handover->huge_store_fd;
	case SHMFS_PAGES_SMALL:
		return handover->small_store_fd;
	case SHMFS_PAGES_OF_MOUNT:
		break;
	}
	return handover->store_fd;
}

int stores_pages(const struct handover *handover, enum shmfs_pages pages)
{
	int fd = stores_of(handover, pages);

	if (fd <= 0)
		return -EOPNOTSUPP;
	if (fd == handover->huge_store_fd)
		return SHMFS_PAGES_HUGE;
	return fd == handover->small_store_fd ? SHMFS_PAGES_SMALL : SHMFS_PAGES_OF_MOUNT;
}

void stores_print(
    const struct handover *handover, const struct options *options, char *out, size_t size)
{
	if (handover->store_fd > 0)
		snprintf(out, size, "tmpfs,huge=%s%s%s%s",
		    handover->store_is_small ? "never" : huge_of_mount(options),
		    options->noswap ? ",noswap" : "", options->mpol != NULL ? ",mpol=" : "",
		    options->mpol != NULL ? options->mpol : "");
	else
		snprintf(out, size, "memfd");
}

static int open_store(const struct options *options, const char *huge, char *why, size_t why_size)
{
	const struct shmfs_store store = {
	    .huge = huge,
	    .mpol = options->mpol,
	    .noswap = options->noswap,
	};
	int fd = shmfs_store_open(&store, why, why_size);

	if (fd >= SHMFS_DESCRIPTOR_FIRST) {
		snprintf(why, why_size, "too many descriptors are open");
		close(fd);
		return -EMFILE;
	}
	return fd;
}

/* A system without huge pages has none by default. */
static int open_of_mount(
    struct handover *handover, const struct options *options, char *why, size_t why_size)
{
	int fd = open_store(options, huge_of_mount(options), why, why_size);

	handover->store_is_small = fd == -EINVAL && options->huge == NULL;
	return handover->store_is_small ? open_store(options, NULL, why, why_size) : fd;
}

/* Where it cannot be had, objects cannot ask for it. */
static int open_beside(const struct options *options, const char *huge)
{
	char why[512];
	int fd = open_store(options, huge, why, sizeof why);

	if (fd < 0)
		log_info("no memory of huge=%s for user.shmfs.huge: %s", huge, why);
	return fd > 0 ? fd : 0;
}

/* With huge=never, or where the system has none, there are no huge pages. */
static void make_beside(struct handover *handover, const struct options *options)
{
	const char *huge = huge_of_mount(options);

	if (is_small(handover, options))
		handover->small_store_fd = handover->store_fd;
	else if (strcmp(huge, "advise") != 0)
		handover->huge_store_fd = handover->store_fd;
	else if (handover->huge_store_fd == 0)
		handover->huge_store_fd = open_beside(options, OF_HUGE);
	if (handover->small_store_fd == 0)
		handover->small_store_fd = open_beside(options, "never");
}

int stores_make(
    struct handover *handover, const struct options *options, char *said, size_t said_size)
{
	char why[512] = "", text[512];
	int fd = handover->store_fd;

	if (fd == 0)
		fd = open_of_mount(handover, options, why, sizeof why);
	if (fd == -EINVAL) {
		log_error("the kernel refuses an option: %s", why);
		return fd;
	}
	handover->store_fd = fd > 0 ? fd : 0;
	if (fd > 0)
		make_beside(handover, options);
	stores_print(handover, options, text, sizeof text);
	snprintf(said, said_size, "memory=%s%s%s", text,
	    fd > 0 ? "" : ", huge, mpol and noswap say nothing: no private tmpfs: ",
	    fd > 0 ? "" : why);
	return 0;
}

static int keep_open(int fd)
{
	return fd > 0 && fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
}

static void own(struct handover *handover, int fd)
{
	if (fd > 0)
		handover_own(handover, fd);
}

void stores_own(struct handover *handover)
{
	own(handover, handover->store_fd);
	own(handover, handover->huge_store_fd);
	own(handover, handover->small_store_fd);
}

int stores_keep_open(const struct handover *handover)
{
	int rc = keep_open(handover->store_fd);

	if (rc == 0)
		rc = keep_open(handover->huge_store_fd);
	return rc == 0 ? keep_open(handover->small_store_fd) : rc;
}

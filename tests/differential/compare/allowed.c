/* SPDX-License-Identifier: BSD-2-Clause */
/* See allowed.h. */
#include "allowed.h"

#include <stdio.h>

struct allowed_difference allowed[ALLOWED_COUNT] = {
    [ALLOWED_DEVICE_NODE] = {"mknod of a device, when all else is well: EPERM",
	"a namespace of shared memory has no devices (semantics.md)", 0},
    [ALLOWED_WHITEOUT] = {"renameat2 with RENAME_WHITEOUT: nothing happens, EINVAL in the end",
	"a whiteout is a device node", 0},
    [ALLOWED_ZERO_RANGE] = {"fallocate with FALLOC_FL_ZERO_RANGE: works",
	"tmpfs lacks it, FreeBSD's fspacectl needs it", 0},
    [ALLOWED_TRUNCATE_TO_SAME] =
	{"truncate to the size that is there already: marks the times, as ftruncate does",
	    "the kernel does not say which of the two it is, or opening with O_TRUNC", 0},
    [ALLOWED_SEALS] = {"fcntl F_GET_SEALS and F_ADD_SEALS: EINVAL",
	"the kernel takes them on tmpfs alone; seals are an extended attribute here", 0},
    [ALLOWED_SPLICE_OF_WRITABLE] =
	{"sendfile and splice from a descriptor that can write too, io=passthrough: EINVAL",
	    "the kernel would send what its page cache held earlier", 0},
    [ALLOWED_ATIME_OF_NO_OBJECT] = {"st_atime of a directory, symbolic link, FIFO or socket",
	"the kernel lists and follows from its cache and does not tell", 0},
    [ALLOWED_TIMES_OF_FIFO] = {"st_mtime of a FIFO, and that it changes",
	"the kernel moves the data and does not tell", 0},
    [ALLOWED_ATIME_OF_READ] = {"st_atime of an object that was read through a read-only descriptor "
			       "(io=passthrough), from "
			       "the page cache (io=cached), ahead, by sendfile, splice or "
			       "copy_file_range, or with 0 bytes",
	"the daemon does not learn of such a read, or the kernel not of its time", 0},
    [ALLOWED_TIMES_OF_MAPPED] = {"st_atime and st_mtime of an object that was mapped",
	"mmap does not reach the daemon, and a store is told within a second, or not at all", 0},
    [ALLOWED_SEEK_OF_MAPPED] =
	{"SEEK_DATA and SEEK_HOLE in an object that was mapped, but for io=passthrough",
	    "pages touched through the page cache of FUSE are not yet pages of the object", 0},
    [ALLOWED_SEEK_OF_ALLOCATED] =
	{"SEEK_DATA and SEEK_HOLE in an object that has had fallocate with mode 0 or KEEP_SIZE",
	    "pages belong to who touches them first, so it leaves holes; on tmpfs they are data as "
	    "soon as something comes near them",
	    0},
    [ALLOWED_SEEK_OF_PIECES] =
	{"SEEK_DATA and SEEK_HOLE, huge=within_size, in an object that has had more than 256 KiB "
	 "written at once, or io=cached",
	    "the length of each write says how large a page is to be, and it comes in pieces", 0},
    [ALLOWED_SEEK_OF_SPLIT] = {"SEEK_DATA and SEEK_HOLE, huge=always",
	"what is cut out of a large page splits it or leaves it whole, as it happens to be in use",
	0},
    [ALLOWED_SET_ID_OF_REFUSED] =
	{"set-id bits gone after a write (io=cached) or copy_file_range that found no room",
	    "the kernel takes them away before it asks", 0},
    [ALLOWED_TAIL_OF_SHORT] =
	{"bytes behind the size in a mapping, after a write across or behind the end, io=cached",
	    "the kernel puts all of it into its page cache before it asks, and it stays mapped", 0},
    [ALLOWED_WRITE_OF_MAPPED] = {"a write across or behind the end of an object that was mapped, "
				 "io=cached: is not made",
	"the kernel then invalidates the page where it ends and drops what mappings store there",
	0},
};

void allowed_meet(uint32_t set)
{
	for (unsigned i = 0; i < ALLOWED_COUNT; i++)
		allowed[i].met += set >> i & 1;
}

void allowed_print(void)
{
	printf("allowed differences:\n");
	for (unsigned i = 0; i < ALLOWED_COUNT; i++)
		printf(
		    "  met %6lu times: %s (%s)\n", allowed[i].met, allowed[i].what, allowed[i].why);
}

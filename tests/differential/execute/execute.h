/* SPDX-License-Identifier: BSD-2-Clause */
/* The executions of all kinds of calls, by file; kinds.c has the table of them. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_EXECUTE_H
#define SHMFS_TESTS_DIFFERENTIAL_EXECUTE_H

#include "call.h"

typedef void execution(struct worker *worker, const struct call *call, struct result *result);

/* execute_files.c: descriptors, reading and writing */
execution do_open, do_reopen, do_tmpfile, do_close, do_dup, do_read, do_pread, do_readv, do_preadv,
    do_write, do_pwrite, do_writev, do_pwritev, do_lseek, do_seek_data, do_fsync, do_fdatasync,
    do_fadvise, do_getfl, do_setfl, do_fionread, do_seals;
/* execute_sizes.c: sizes and mappings */
execution do_truncate, do_ftruncate, do_fallocate, do_mmap, do_munmap, do_mremap, do_store, do_load,
    do_msync, do_madvise;
/* beside.c: two processes at the same time */
execution do_beside;
/* execute_names.c */
execution do_mkdir, do_rmdir, do_unlink, do_mknod, do_symlink, do_readlink, do_link, do_linkat,
    do_link_descriptor, do_rename, do_renameat2, do_readdir, do_getdents;
/* execute_attributes.c */
execution do_stat, do_lstat, do_fstat, do_statx, do_access, do_chmod, do_fchmod, do_chown,
    do_lchown, do_fchown, do_utimensat, do_futimens, do_umask, do_statfs, do_setxattr, do_getxattr,
    do_listxattr, do_removexattr, do_set_acl;
/* execute_copies.c: from descriptor to descriptor */
execution do_copy_file_range, do_sendfile, do_sendfile_pipe, do_splice_out, do_splice_in;
/* elsewhere.c: handles, and clocks compared with files elsewhere */
execution do_open_by_handle, do_clock;
/* binds.c, killed.c: mounts of files, and room that others had */
execution do_bind, do_umount, do_killed;
/* execute_locks.c */
execution do_flock, do_setlk, do_getlk, do_ofd_setlk, do_ofd_getlk, do_setlease, do_getlease;
/* execute_tree.c: everything there is */
execution do_tree, do_slots;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of calls. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "execute.h"

typedef const struct choice choices[];

static choices accesses = {{"O_RDONLY", O_RDONLY}, {"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR},
    {"O_RDWR", O_RDWR}, {"O_RDWR|O_CREAT", O_RDWR | O_CREAT}, {"O_RDWR|O_CREAT", O_RDWR | O_CREAT},
    {"O_RDWR|O_CREAT", O_RDWR | O_CREAT}, {"O_WRONLY|O_CREAT", O_WRONLY | O_CREAT},
    {"O_RDONLY|O_CREAT", O_RDONLY | O_CREAT}, {"O_RDWR|O_CREAT|O_EXCL", O_RDWR | O_CREAT | O_EXCL},
    {"O_RDWR|O_CREAT|O_TRUNC", O_RDWR | O_CREAT | O_TRUNC}, {"O_RDWR|O_TRUNC", O_RDWR | O_TRUNC},
    {"O_RDONLY|O_DIRECTORY", O_RDONLY | O_DIRECTORY}, {"O_PATH", O_PATH},
    {"O_PATH|O_NOFOLLOW", O_PATH | O_NOFOLLOW}, {"O_PATH|O_DIRECTORY", O_PATH | O_DIRECTORY},
    {"3", O_ACCMODE}, {NULL, 0}};
static choices directory_accesses = {{"O_RDONLY|O_DIRECTORY", O_RDONLY | O_DIRECTORY},
    {"O_RDONLY", O_RDONLY}, {"O_PATH", O_PATH}, {NULL, 0}};
static choices handle_accesses = {{"O_RDONLY", O_RDONLY}, {"O_RDWR", O_RDWR},
    {"O_WRONLY", O_WRONLY}, {"O_RDONLY|O_DIRECTORY", O_RDONLY | O_DIRECTORY}, {NULL, 0}};
static choices handle_bits = {{"AT_SYMLINK_FOLLOW", AT_SYMLINK_FOLLOW}, {NULL, 0}};
static choices reopen_accesses = {{"O_RDONLY", O_RDONLY}, {"O_WRONLY", O_WRONLY},
    {"O_RDWR", O_RDWR}, {"O_RDWR|O_TRUNC", O_RDWR | O_TRUNC}, {"O_PATH", O_PATH},
    {"O_PATH", O_PATH}, {NULL, 0}};
static choices open_bits = {{"O_APPEND", O_APPEND}, {"O_TRUNC", O_TRUNC}, {"O_EXCL", O_EXCL},
    {"O_NOFOLLOW", O_NOFOLLOW}, {"O_DIRECTORY", O_DIRECTORY}, {"O_NOATIME", O_NOATIME},
    {"O_SYNC", O_SYNC}, {NULL, 0}};
static choices tmpfile_accesses = {{"O_TMPFILE|O_RDWR", O_TMPFILE | O_RDWR},
    {"O_TMPFILE|O_WRONLY", O_TMPFILE | O_WRONLY}, {"O_TMPFILE|O_RDONLY", O_TMPFILE | O_RDONLY},
    {NULL, 0}};
static choices tmpfile_bits = {
    {"O_EXCL", O_EXCL}, {"O_APPEND", O_APPEND}, {"O_CREAT", O_CREAT}, {NULL, 0}};
static choices status_bits = {{"O_APPEND", O_APPEND}, {"O_NOATIME", O_NOATIME}, {NULL, 0}};
static choices write_bits = {
    {"RWF_APPEND", RWF_APPEND}, {"RWF_DSYNC", RWF_DSYNC}, {"RWF_SYNC", RWF_SYNC}, {NULL, 0}};
static choices whences = {
    {"SEEK_SET", SEEK_SET}, {"SEEK_CUR", SEEK_CUR}, {"SEEK_END", SEEK_END}, {"77", 77}, {NULL, 0}};
static choices data_whences = {{"SEEK_DATA", SEEK_DATA}, {"SEEK_HOLE", SEEK_HOLE}, {NULL, 0}};
static choices advices = {{"POSIX_FADV_DONTNEED", POSIX_FADV_DONTNEED},
    {"POSIX_FADV_WILLNEED", POSIX_FADV_WILLNEED}, {"POSIX_FADV_RANDOM", POSIX_FADV_RANDOM},
    {NULL, 0}};
static choices seal_commands = {
    {"F_GET_SEALS", F_GET_SEALS}, {"F_ADD_SEALS", F_ADD_SEALS}, {NULL, 0}};

static choices allocate_modes = {{"0", 0}, {"0", 0}, {"KEEP_SIZE", FALLOC_FL_KEEP_SIZE},
    {"PUNCH_HOLE|KEEP_SIZE", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
    {"PUNCH_HOLE|KEEP_SIZE", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
    {"ZERO_RANGE", FALLOC_FL_ZERO_RANGE},
    {"ZERO_RANGE|KEEP_SIZE", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE},
    {"PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE}, {"COLLAPSE_RANGE", FALLOC_FL_COLLAPSE_RANGE},
    {"INSERT_RANGE", FALLOC_FL_INSERT_RANGE}, {"UNSHARE_RANGE", FALLOC_FL_UNSHARE_RANGE},
    {NULL, 0}};
static choices protections = {{"PROT_READ|PROT_WRITE", PROT_READ | PROT_WRITE},
    {"PROT_READ|PROT_WRITE", PROT_READ | PROT_WRITE},
    {"PROT_READ|PROT_WRITE", PROT_READ | PROT_WRITE}, {"PROT_READ", PROT_READ},
    {"PROT_WRITE", PROT_WRITE}, {"PROT_NONE", PROT_NONE}, {NULL, 0}};
static choices map_bits = {{"MAP_PRIVATE", 1}, {NULL, 0}};
static choices sync_modes = {{"MS_SYNC", MS_SYNC}, {"MS_ASYNC", MS_ASYNC},
    {"MS_INVALIDATE", MS_INVALIDATE}, {"MS_SYNC|MS_INVALIDATE", MS_SYNC | MS_INVALIDATE},
    {"MS_SYNC|MS_ASYNC", MS_SYNC | MS_ASYNC}, {NULL, 0}};
static choices memory_advices = {{"MADV_DONTNEED", MADV_DONTNEED}, {"MADV_WILLNEED", MADV_WILLNEED},
    {"MADV_NORMAL", MADV_NORMAL}, {NULL, 0}};

static choices node_types = {{"S_IFREG", S_IFREG}, {"0", 0}, {"S_IFIFO", S_IFIFO},
    {"S_IFIFO", S_IFIFO}, {"S_IFSOCK", S_IFSOCK}, {"S_IFCHR", S_IFCHR}, {"S_IFBLK", S_IFBLK},
    {"S_IFDIR", S_IFDIR}, {"S_IFLNK", S_IFLNK}, {NULL, 0}};
static choices link_bits = {{"AT_SYMLINK_FOLLOW", AT_SYMLINK_FOLLOW}, {NULL, 0}};
static choices link_forms = {
    {"AT_EMPTY_PATH", AT_EMPTY_PATH}, {"/proc/self/fd", AT_SYMLINK_FOLLOW}, {NULL, 0}};
static choices rename_flags = {{"0", 0}, {"RENAME_NOREPLACE", RENAME_NOREPLACE},
    {"RENAME_EXCHANGE", RENAME_EXCHANGE}, {"RENAME_EXCHANGE", RENAME_EXCHANGE},
    {"RENAME_WHITEOUT", RENAME_WHITEOUT},
    {"RENAME_NOREPLACE|RENAME_EXCHANGE", RENAME_NOREPLACE | RENAME_EXCHANGE}, {"8", 8}, {NULL, 0}};

static choices stat_masks = {{"STATX_BASIC_STATS", STATX_BASIC_STATS},
    {"STATX_BASIC_STATS|STATX_BTIME", STATX_BASIC_STATS | STATX_BTIME},
    {"STATX_BTIME", STATX_BTIME}, {"STATX_SIZE", STATX_SIZE}, {"STATX__RESERVED", (int)0x80000000},
    {NULL, 0}};
static choices stat_bits = {{"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW},
    {"AT_STATX_FORCE_SYNC", AT_STATX_FORCE_SYNC}, {NULL, 0}};
static choices access_modes = {{"F_OK", F_OK}, {"R_OK", R_OK}, {"W_OK", W_OK}, {"X_OK", X_OK},
    {"R_OK|W_OK", R_OK | W_OK}, {"R_OK|X_OK", R_OK | X_OK}, {NULL, 0}};
static choices access_bits = {
    {"AT_EACCESS", AT_EACCESS}, {"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW}, {NULL, 0}};
static choices time_bits = {{"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW}, {NULL, 0}};
static choices xattr_bits = {
    {"XATTR_CREATE", XATTR_CREATE}, {"XATTR_REPLACE", XATTR_REPLACE}, {NULL, 0}};
static choices acl_names = {{"access", 0}, {"default", 1}, {NULL, 0}};

static choices own_positions = {{"NULL in", 1}, {"NULL out", 2}, {NULL, 0}};
static choices own_position = {{"NULL", 1}, {NULL, 0}};

static choices unmount_flags = {{"0", 0}, {"0", 0}, {"MNT_DETACH", MNT_DETACH}, {NULL, 0}};

static choices flocks = {
    {"LOCK_SH", LOCK_SH}, {"LOCK_EX", LOCK_EX}, {"LOCK_UN", LOCK_UN}, {NULL, 0}};
static choices lock_types = {
    {"F_RDLCK", F_RDLCK}, {"F_WRLCK", F_WRLCK}, {"F_UNLCK", F_UNLCK}, {NULL, 0}};

const struct kind kinds[] = {
    {"open", 80, "fpcbm", do_open, accesses, open_bits},
    {"open", 8, "fDcb", do_open, directory_accesses, status_bits},
    {"open_/proc/self/fd", 24, "fgcb", do_reopen, reopen_accesses, status_bits},
    {"open", 12, "fDcbm", do_tmpfile, tmpfile_accesses, tmpfile_bits},
    {"open_by_handle_at", 10, "fpcbm", do_open_by_handle, handle_accesses, handle_bits},
    {"close", 6, "f", do_close, NULL, NULL},
    {"dup", 6, "fg", do_dup, NULL, NULL},
    {"read", 14, "fn", do_read, NULL, NULL},
    {"pread", 20, "fon", do_pread, NULL, NULL},
    {"readv", 6, "fnw", do_readv, NULL, NULL},
    {"preadv", 6, "fonw", do_preadv, NULL, NULL},
    {"write", 20, "fdn", do_write, NULL, NULL},
    {"pwrite", 26, "fdon", do_pwrite, NULL, NULL},
    {"writev", 6, "fdnw", do_writev, NULL, NULL},
    {"pwritev", 8, "fdonbw", do_pwritev, NULL, write_bits},
    {"lseek", 14, "fsc", do_lseek, whences, NULL},
    {"lseek", 12, "foc", do_seek_data, data_whences, NULL},
    {"fsync", 3, "f", do_fsync, NULL, NULL},
    {"fdatasync", 3, "f", do_fdatasync, NULL, NULL},
    {"posix_fadvise", 3, "fonc", do_fadvise, advices, NULL},
    {"fcntl_F_GETFL", 4, "f", do_getfl, NULL, NULL},
    {"fcntl_F_SETFL", 5, "fb", do_setfl, NULL, status_bits},
    {"ioctl_FIONREAD", 4, "f", do_fionread, NULL, NULL},
    {"fcntl_seals", 2, "fc", do_seals, seal_commands, NULL},
    {"truncate", 10, "ps", do_truncate, NULL, NULL},
    {"ftruncate", 18, "fs", do_ftruncate, NULL, NULL},
    {"fallocate", 20, "fcon", do_fallocate, allocate_modes, NULL},
    {"mmap", 24, "kfPNcb", do_mmap, protections, map_bits},
    {"munmap", 3, "k", do_munmap, NULL, NULL},
    {"mremap", 5, "kN", do_mremap, NULL, NULL},
    {"store", 24, "kdon", do_store, NULL, NULL},
    {"load", 24, "kon", do_load, NULL, NULL},
    {"stores_beside_pwrite", 3, "kdo", do_beside, NULL, NULL},
    {"msync", 5, "kc", do_msync, sync_modes, NULL},
    {"madvise", 4, "kc", do_madvise, memory_advices, NULL},
    {"mkdir", 14, "Dm", do_mkdir, NULL, NULL},
    {"rmdir", 5, "D", do_rmdir, NULL, NULL},
    {"unlink", 16, "p", do_unlink, NULL, NULL},
    {"mknod", 14, "Scm", do_mknod, node_types, NULL},
    {"symlink", 12, "qL", do_symlink, NULL, NULL},
    {"readlink", 8, "Ln", do_readlink, NULL, NULL},
    {"link", 14, "pq", do_link, NULL, NULL},
    {"linkat", 5, "pqb", do_linkat, NULL, link_bits},
    {"linkat", 8, "fcp", do_link_descriptor, link_forms, NULL},
    {"rename", 16, "pq", do_rename, NULL, NULL},
    {"renameat2", 16, "pqc", do_renameat2, rename_flags, NULL},
    {"readdir", 12, "D", do_readdir, NULL, NULL},
    {"getdents", 10, "f", do_getdents, NULL, NULL},
    {"stat", 16, "p", do_stat, NULL, NULL},
    {"lstat", 12, "p", do_lstat, NULL, NULL},
    {"fstat", 16, "f", do_fstat, NULL, NULL},
    {"statx", 8, "pcb", do_statx, stat_masks, stat_bits},
    {"faccessat", 12, "pcb", do_access, access_modes, access_bits},
    {"chmod", 14, "pm", do_chmod, NULL, NULL},
    {"fchmod", 8, "fm", do_fchmod, NULL, NULL},
    {"fchmod_clock", 8, "fm", do_clock, NULL, NULL},
    {"chown", 10, "puv", do_chown, NULL, NULL},
    {"lchown", 4, "puv", do_lchown, NULL, NULL},
    {"fchown", 6, "fuv", do_fchown, NULL, NULL},
    {"utimensat", 12, "ptb", do_utimensat, NULL, time_bits},
    {"futimens", 8, "ft", do_futimens, NULL, NULL},
    {"umask", 2, "m", do_umask, NULL, NULL},
    {"statfs", 4, "D", do_statfs, NULL, NULL},
    {"setxattr", 22, "fpxdb", do_setxattr, NULL, xattr_bits},
    {"getxattr", 12, "fpxd", do_getxattr, NULL, NULL},
    {"listxattr", 6, "fpd", do_listxattr, NULL, NULL},
    {"removexattr", 6, "fpxd", do_removexattr, NULL, NULL},
    {"setacl", 12, "fpcAb", do_set_acl, acl_names, xattr_bits},
    {"copy_file_range", 18, "fgoOnb", do_copy_file_range, NULL, own_positions},
    {"sendfile", 12, "fgonb", do_sendfile, NULL, own_position},
    {"sendfile_pipe", 8, "fonb", do_sendfile_pipe, NULL, own_position},
    {"splice_out", 8, "fonb", do_splice_out, NULL, own_position},
    {"splice_in", 8, "fdonb", do_splice_in, NULL, own_position},
    {"flock", 8, "fc", do_flock, flocks, NULL},
    {"fcntl_F_SETLK", 12, "fcon", do_setlk, lock_types, NULL},
    {"fcntl_F_GETLK", 5, "fcon", do_getlk, lock_types, NULL},
    {"fcntl_F_OFD_SETLK", 12, "fcon", do_ofd_setlk, lock_types, NULL},
    {"fcntl_F_OFD_GETLK", 5, "fcon", do_ofd_getlk, lock_types, NULL},
    {"fcntl_F_SETLEASE", 8, "fc", do_setlease, lock_types, NULL},
    {"fcntl_F_GETLEASE", 3, "f", do_getlease, NULL, NULL},
    {"mount_bind", 24, "pq", do_bind, NULL, NULL},
    {"umount2", 12, "pc", do_umount, unmount_flags, NULL},
    {"ftruncate_after_a_kill", 2, "d", do_killed, NULL, NULL},
    {"tree", 2, "", do_tree, NULL, NULL},
    {"slots", 3, "", do_slots, NULL, NULL},
};

const unsigned kind_count = sizeof kinds / sizeof kinds[0];

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notes which errno each function of the door gives in these tests, for tests/lint/errnos to
 * compare with what its comment lists. Every function that can fail has a line here.
 */
#ifndef SHMFS_TESTS_UNIT_DOOR_H
#define SHMFS_TESTS_UNIT_DOOR_H

#include "fs/shmfs.h"

/* Writes "function errno" to the file that SHMFS_TEST_ERRNOS names, unless a failure was made on
 * purpose, and returns the result. */
ssize_t door_note(const char *function, ssize_t result);

#define DOOR(call, function)                                                                       \
	__extension__({                                                                            \
		__auto_type door_result = (call);                                                  \
		(void)door_note(function, (ssize_t)door_result);                                   \
		door_result;                                                                       \
	})

/* Macros, because the calls are to stay as they are. A macro does not expand itself. */
#define shmfs_open_new(...) DOOR(shmfs_open_new(__VA_ARGS__), "shmfs_open_new")
#define shmfs_open_again(...) DOOR(shmfs_open_again(__VA_ARGS__), "shmfs_open_again")
#define shmfs_recover(...) DOOR(shmfs_recover(__VA_ARGS__), "shmfs_recover")
#define shmfs_check(...) DOOR(shmfs_check(__VA_ARGS__), "shmfs_check")
#define shmfs_lookup(...) DOOR(shmfs_lookup(__VA_ARGS__), "shmfs_lookup")
#define shmfs_create(...) DOOR(shmfs_create(__VA_ARGS__), "shmfs_create")
#define shmfs_tmpfile(...) DOOR(shmfs_tmpfile(__VA_ARGS__), "shmfs_tmpfile")
#define shmfs_mknod(...) DOOR(shmfs_mknod(__VA_ARGS__), "shmfs_mknod")
#define shmfs_mkdir(...) DOOR(shmfs_mkdir(__VA_ARGS__), "shmfs_mkdir")
#define shmfs_symlink(...) DOOR(shmfs_symlink(__VA_ARGS__), "shmfs_symlink")
#define shmfs_link(...) DOOR(shmfs_link(__VA_ARGS__), "shmfs_link")
#define shmfs_unlink(...) DOOR(shmfs_unlink(__VA_ARGS__), "shmfs_unlink")
#define shmfs_rmdir(...) DOOR(shmfs_rmdir(__VA_ARGS__), "shmfs_rmdir")
#define shmfs_rename(...) DOOR(shmfs_rename(__VA_ARGS__), "shmfs_rename")
#define shmfs_readlink(...) DOOR(shmfs_readlink(__VA_ARGS__), "shmfs_readlink")
#define shmfs_readdir(...) DOOR(shmfs_readdir(__VA_ARGS__), "shmfs_readdir")
#define shmfs_getattr(...) DOOR(shmfs_getattr(__VA_ARGS__), "shmfs_getattr")
#define shmfs_setattr(...) DOOR(shmfs_setattr(__VA_ARGS__), "shmfs_setattr")
#define shmfs_setxattr(...) DOOR(shmfs_setxattr(__VA_ARGS__), "shmfs_setxattr")
#define shmfs_getxattr(...) DOOR(shmfs_getxattr(__VA_ARGS__), "shmfs_getxattr")
#define shmfs_listxattr(...) DOOR(shmfs_listxattr(__VA_ARGS__), "shmfs_listxattr")
#define shmfs_removexattr(...) DOOR(shmfs_removexattr(__VA_ARGS__), "shmfs_removexattr")
#define shmfs_open(...) DOOR(shmfs_open(__VA_ARGS__), "shmfs_open")
#define shmfs_rights(...) DOOR(shmfs_rights(__VA_ARGS__), "shmfs_rights")
#define shmfs_drop_rights(...) DOOR(shmfs_drop_rights(__VA_ARGS__), "shmfs_drop_rights")
#define shmfs_copy(...) DOOR(shmfs_copy(__VA_ARGS__), "shmfs_copy")
#define shmfs_read(...) DOOR(shmfs_read(__VA_ARGS__), "shmfs_read")
#define shmfs_write(...) DOOR(shmfs_write(__VA_ARGS__), "shmfs_write")
#define shmfs_read_begin(...) DOOR(shmfs_read_begin(__VA_ARGS__), "shmfs_read_begin")
#define shmfs_memory_read(...) DOOR(shmfs_memory_read(__VA_ARGS__), "shmfs_memory_read")
#define shmfs_memory_splice(...) DOOR(shmfs_memory_splice(__VA_ARGS__), "shmfs_memory_splice")
#define shmfs_write_begin(...) DOOR(shmfs_write_begin(__VA_ARGS__), "shmfs_write_begin")
#define shmfs_write_end(...) DOOR(shmfs_write_end(__VA_ARGS__), "shmfs_write_end")
#define shmfs_write_back(...) DOOR(shmfs_write_back(__VA_ARGS__), "shmfs_write_back")
#define shmfs_fallocate(...) DOOR(shmfs_fallocate(__VA_ARGS__), "shmfs_fallocate")
#define shmfs_lseek(...) DOOR(shmfs_lseek(__VA_ARGS__), "shmfs_lseek")
#define shmfs_lseek_begin(...) DOOR(shmfs_lseek_begin(__VA_ARGS__), "shmfs_lseek_begin")
#define shmfs_memory_seek(...) DOOR(shmfs_memory_seek(__VA_ARGS__), "shmfs_memory_seek")
#define shmfs_set_subjects(...) DOOR(shmfs_set_subjects(__VA_ARGS__), "shmfs_set_subjects")
#define shmfs_ask(...) DOOR(shmfs_ask(__VA_ARGS__), "shmfs_ask")
#define shmfs_object(...) DOOR(shmfs_object(__VA_ARGS__), "shmfs_object")
#define shmfs_path(...) DOOR(shmfs_path(__VA_ARGS__), "shmfs_path")
#define shmfs_find(...) DOOR(shmfs_find(__VA_ARGS__), "shmfs_find")
#define shmfs_set_limits(...) DOOR(shmfs_set_limits(__VA_ARGS__), "shmfs_set_limits")
#define shmfs_get_limits(...) DOOR(shmfs_get_limits(__VA_ARGS__), "shmfs_get_limits")
#define shmfs_pin(...) DOOR(shmfs_pin(__VA_ARGS__), "shmfs_pin")
#define shmfs_open_pinned(...) DOOR(shmfs_open_pinned(__VA_ARGS__), "shmfs_open_pinned")
#define shmfs_held(...) DOOR(shmfs_held(__VA_ARGS__), "shmfs_held")
#define shmfs_reap(...) DOOR(shmfs_reap(__VA_ARGS__), "shmfs_reap")
#define shmfs_tenant_create(...) DOOR(shmfs_tenant_create(__VA_ARGS__), "shmfs_tenant_create")
#define shmfs_tenant_set_limits(...)                                                               \
	DOOR(shmfs_tenant_set_limits(__VA_ARGS__), "shmfs_tenant_set_limits")
#define shmfs_tenant(...) DOOR(shmfs_tenant(__VA_ARGS__), "shmfs_tenant")
#define shmfs_tenant_path(...) DOOR(shmfs_tenant_path(__VA_ARGS__), "shmfs_tenant_path")
#define shmfs_expire(...) DOOR(shmfs_expire(__VA_ARGS__), "shmfs_expire")

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for suites that have no mount: of a private tmpfs whose huge= is SHMFS_TEST_HUGE, or of
 * memfds where that is not given, or is memfd.
 */
#ifndef SHMFS_TESTS_SUPPORT_TEST_MEMORY_H
#define SHMFS_TESTS_SUPPORT_TEST_MEMORY_H

/* For tests that count pages: this process's memory comes in small ones, whatever is given. */
void test_memory_is_small(void);

/* As shmfs_memory_create(). */
int test_memory_create(int fd);

/* Opens memory once more, so that this is no use of it. */
int test_memory_keep(int fd, int lowest);

/* What is kept, as memory that can be used, with this descriptor, or from this one on. */
int test_memory_take(int kept, int fd);
int test_memory_borrow(int kept, int lowest);

#endif

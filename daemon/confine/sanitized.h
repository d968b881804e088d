/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a sanitizer is built in, which makes system calls and takes memory of its own. */
#ifndef SHMFS_CONFINE_SANITIZED_H
#define SHMFS_CONFINE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#endif

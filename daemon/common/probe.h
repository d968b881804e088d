/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static probes (USDT): places at which perf(1), bpftrace(8) and SystemTap can look at a running
 * server. Each is one instruction that does nothing until somebody attaches; nothing is needed at
 * run time. Built without sys/sdt.h, there are none.
 *
 *   shmfs:receive(unique, opcode, uid, pid, node)  a request came
 *   shmfs:commit(unique, changed)                  what it changed is final
 *   shmfs:defer(unique, slot)                      its reply comes later
 *   shmfs:reply(unique, error, size)               it is answered; error is 0 or a negative errno
 */
#ifndef SHMFS_COMMON_PROBE_H
#define SHMFS_COMMON_PROBE_H

#ifdef HAVE_SDT

#include <sys/sdt.h>

/* Its macros count their arguments by an extension that clang names where they are used. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif

#define PROBE2(name, a, b) DTRACE_PROBE2(shmfs, name, a, b)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(shmfs, name, a, b, c)
#define PROBE5(name, a, b, c, d, e) DTRACE_PROBE5(shmfs, name, a, b, c, d, e)

#else

/* The arguments stay looked at, so that they are right in every build. */
#define PROBE2(name, a, b) ((void)(a), (void)(b))
#define PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define PROBE5(name, a, b, c, d, e) ((void)(a), (void)(b), (void)(c), (void)(d), (void)(e))

#endif
#endif

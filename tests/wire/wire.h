/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server without a mount. The test plays the kernel: it sends a request on one end of a socket
 * pair, lets the server serve it at the other end, and reads the reply. Nothing runs on its own, so
 * "no reply" is a fact and not a matter of waiting.
 */
#ifndef SHMFS_TESTS_WIRE_WIRE_H
#define SHMFS_TESTS_WIRE_WIRE_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "daemon/fuse/abi.h"
#include "daemon/fuse/serve.h"
#include "daemon/fuse/session.h"
#include "daemon/process/assemble.h"
#include "fs/shmfs.h"

#define ROOT SHMFS_ROOT

/* More than the server's buffer holds. */
#define WIRE_BUFFER_SIZE (2 * EXCHANGE_READ_MAX)

/* What memory comes in: the system's page, or what SHMFS_TEST_PAGE_SIZE pretends. */
size_t wire_page_size(void);
#define PAGE ((uint32_t)wire_page_size())
/* What the memory behind it comes in, whatever is pretended. */
#define SYSTEM_PAGE ((uint32_t)sysconf(_SC_PAGESIZE))
#define PAGES(size) (((size) + PAGE - 1) / PAGE)

#define WIRE_BACKINGS (1 << 16)
#define WIRE_MEMORIES (1 << 16)

/* What the outside world holds for the namespace, and how it behaves. */
struct outside {
	bool is_backing[WIRE_BACKINGS];
	bool is_memory[WIRE_MEMORIES];
	int next_backing;
	unsigned backings, memories;
	bool memory_is_used; /* somebody maps every object */
	int backing_error;   /* what backing_open answers instead of an id; 0 = an id */
	struct timespec now;
};

struct wire {
	struct options options;
	struct server server;
	struct outside *outside;
	int fd; /* the kernel's end */
	int handover_fd;
	uint32_t uid, gid; /* who asks */
	uint64_t unique;   /* of the last request */
	bool verifies;	   /* the whole namespace after every request */

	char *request; /* WIRE_BUFFER_SIZE bytes each */
	size_t request_size;
	char *reply;
	size_t reply_size; /* with its header; 0 = there was none */
};

/* A macro only because the message quotes the call and its line. A negative `want` is an errno; it
 * is looked at first, since it may come from the reply before. */
#define GIVES(want, call)                                                                          \
	do {                                                                                       \
		int64_t wanted = (int64_t)(want);                                                  \
		expect_result(__FILE__, __LINE__, #call, (int64_t)(call), wanted);                 \
	} while (0)
void expect_result(const char *file, int line, const char *call, int64_t got, int64_t want);

/* "-ENOENT", or a number; one of a few static buffers. */
const char *result_text(int64_t result);

/* A session on the socket pair, before INIT. */
struct wire *wire_attach(enum tier_choice choice);

/* What kernels of protocol 7.45 offer, unless a test says otherwise. */
struct fuse_init_in wire_init_in(uint32_t minor, uint64_t flags);
#define WIRE_ALL_FLAGS UINT64_MAX

/* Sends INIT, lets the server negotiate, and answers with what channel_negotiate() said. */
int wire_negotiate(struct wire *w, const struct fuse_init_in *in);

/* An 8 MiB arena anywhere, no limits, the usual patterns. */
struct shmfs_config wire_config(void);

/* A negotiated session with a namespace. The tier is set by hand: a socket has none. */
struct wire *wire_open_with(enum tier tier, struct shmfs_config config);
struct wire *wire_open(void); /* cached, wire_config() */

/* What a server had in its own memory is gone with it. */
void wire_forget_dead(struct wire *w);

/* Checks the namespace, closes everything, and proves that nothing stays open outside. */
void wire_close(struct wire *w);

/* Whether messages of this size can be sent; if not, says that the test is skipped. */
bool wire_carries(const struct wire *w, size_t size, const char *test);

/* shmfs_verify() finds nothing, and no transaction is active. */
void wire_verify(const struct wire *w);

struct shmfs_usage usage(const struct wire *w);

/* --- single steps ----------------------------------------------------------------------------- */

/* Lays out a request with the next unique number; the parts are appended. */
void message_begin(struct wire *w, uint32_t opcode, uint64_t node);
void message_add(struct wire *w, const void *data, size_t size);
void message_add_string(struct wire *w, const char *string);
struct fuse_in_header *message_header(struct wire *w);

/* Where the next request comes to. */
static inline char *wire_slot(struct wire *w)
{
	return exchange_request(w->server.channel.exchange, w->server.channel.exchange->current);
}

/* Sends the request as it stands, for the server to take. */
void message_send(struct wire *w);

/* Sends the request as it stands and lets the server take it: what channel_serve() said. */
int message_serve(struct wire *w);

/* Of the last message of the server. */
static inline const struct fuse_out_header *reply_header(const struct wire *w)
{
	return (const void *)w->reply;
}

/* Takes the next message of the server; false: there is none. Its length must be what it says. */
bool reply_take(struct wire *w);

/* --- whole exchanges -------------------------------------------------------------------------- */

/*
 * Serves the request as it stands and expects exactly one reply, with its unique number, and no
 * body beside an error. Answers with the error, 0 or a negative errno.
 */
int ask(struct wire *w);

/* Serves the request as it stands and expects that it has no reply. */
void tell(struct wire *w);

/* The body of the last reply, which must have this size. */
const void *reply_body(const struct wire *w, size_t size);
size_t reply_body_size(const struct wire *w);

/* libfuse tells on stderr when a reply cannot be sent, which is nothing to see in a test of it. */
int stderr_away(void);
void stderr_back(int saved);

/* Whether this is a build with sanitizers. */
bool is_sanitized(void);

#endif

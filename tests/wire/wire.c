/* SPDX-License-Identifier: BSD-2-Clause */
/* The harness of wire.h. */
#define FUSE_USE_VERSION 314
#include "wire.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_memory.h"

/* There is one at a time. */
static struct outside outside;

const char *result_text(int64_t result)
{
	static char texts[4][32];
	static unsigned next;
	char *text = texts[next++ % 4];
	const char *name = NULL;

	if (result < 0 && result >= -4095)
		name = strerrorname_np((int)-result);
	if (name != NULL)
		snprintf(text, sizeof texts[0], "-%s", name);
	else
		snprintf(text, sizeof texts[0], "%lld", (long long)result);
	return text;
}

void expect_result(const char *file, int line, const char *call, int64_t got, int64_t want)
{
	mark_point();
	if (got != want)
		ck_abort_msg("%s:%d: %s: expected %s, got %s", file, line, call, result_text(want),
		    result_text(got));
}

/* --- the outside world ------------------------------------------------------------------------ */

static int memory_create(void *arg, int fd, enum shmfs_pages pages)
{
	int rc = test_memory_create(fd);

	(void)pages;
	ck_assert_ptr_eq(arg, &outside);
	outside.is_memory[fd] = rc == 0;
	outside.memories += rc == 0;
	return rc;
}

static int close_memory(void *arg, int fd)
{
	ck_assert_ptr_eq(arg, &outside);
	/* A number is closed also where making memory of it failed. */
	outside.memories -= outside.is_memory[fd];
	outside.is_memory[fd] = false;
	return shmfs_os_linux()->close(arg, fd);
}

size_t wire_page_size(void)
{
	const char *text = getenv("SHMFS_TEST_PAGE_SIZE");

	return text != NULL ? strtoul(text, NULL, 10) : (size_t)sysconf(_SC_PAGESIZE);
}

static void now(void *arg, struct timespec *out)
{
	ck_assert_ptr_eq(arg, &outside);
	*out = outside.now;
}

static void stamp(void *arg, int fd, struct timespec *out)
{
	(void)fd;
	now(arg, out);
}

static int backing_open(void *arg, int fd)
{
	int id = outside.next_backing;

	ck_assert_ptr_eq(arg, &outside);
	ck_assert_int_ge(fd, 0);
	if (outside.backing_error != 0)
		return outside.backing_error;
	ck_assert_int_lt(id, WIRE_BACKINGS);
	outside.next_backing++;
	outside.is_backing[id] = true;
	outside.backings++;
	return id;
}

static void backing_close(void *arg, int backing)
{
	ck_assert_ptr_eq(arg, &outside);
	ck_assert_msg(backing > 0 && backing < WIRE_BACKINGS && outside.is_backing[backing],
	    "backing id %d is closed and was not open", backing);
	outside.is_backing[backing] = false;
	outside.backings--;
}

static bool unused(void *arg, int fd)
{
	ck_assert_ptr_eq(arg, &outside);
	return !outside.memory_is_used && shmfs_os_linux()->unused(arg, fd);
}

/* Callers are made up; the process with such a number may be anybody. */
static bool in_group(void *arg, pid_t pid, gid_t gid)
{
	(void)arg;
	(void)pid;
	(void)gid;
	return false;
}

static size_t page_size(void *arg)
{
	(void)arg;
	return wire_page_size();
}

static void fill_os(struct shmfs_os *os)
{
	*os = *shmfs_os_linux();
	os->arg = &outside;
	os->memory_create = memory_create;
	os->close = close_memory;
	os->unused = unused;
	os->in_group = in_group;
	os->stamp = stamp;
	os->stamp_written = stamp;
	os->page_size = page_size;
	os->now = now;
	os->backing_open = backing_open;
	os->backing_close = backing_close;
}

/* --- beginning and end ------------------------------------------------------------------------ */

/* As root beyond the system's limit; else as far as that goes. */
static void widen(int fd)
{
	int size = 2 * WIRE_BUFFER_SIZE;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

static void keep_quiet(enum fuse_log_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
}

struct wire *wire_attach(enum tier_choice choice)
{
	struct wire *w = calloc(1, sizeof *w);
	struct handover *handover = NULL;
	int pair[2];

	ck_assert_ptr_nonnull(w);
	fuse_set_log_func(keep_quiet);
	signal(SIGPIPE, SIG_IGN);
	memset(&outside, 0, sizeof outside);
	outside.next_backing = 1;
	outside.now = (struct timespec){1000000000, 123};
	w->outside = &outside;
	w->verifies = true;
	w->request = calloc(1, WIRE_BUFFER_SIZE);
	w->reply = calloc(1, WIRE_BUFFER_SIZE);
	ck_assert(w->request != NULL && w->reply != NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	widen(pair[0]);
	widen(pair[1]);
	w->fd = pair[0];
	w->options.io = choice;
	GIVES(0, handover_create(&w->handover_fd, &handover));
	server_init(&w->server, &w->options, handover);
	GIVES(0, channel_attach(&w->server.channel, pair[1]));
	return w;
}

struct fuse_init_in wire_init_in(uint32_t minor, uint64_t flags)
{
	return (struct fuse_init_in){
	    .major = 7,
	    .minor = minor,
	    .max_readahead = 128 * 1024,
	    .flags = (uint32_t)flags,
	    .flags2 = (uint32_t)(flags >> 32),
	};
}

void message_send(struct wire *w)
{
	ssize_t sent = send(w->fd, w->request, w->request_size, 0);

	ck_assert_msg(sent == (ssize_t)w->request_size, "cannot send %zu bytes: %s",
	    w->request_size, strerror(errno));
}

int wire_negotiate(struct wire *w, const struct fuse_init_in *in)
{
	message_begin(w, FUSE_INIT, 0);
	message_add(w, in, sizeof *in);
	message_send(w);
	return channel_negotiate(&w->server.channel, 20);
}

struct shmfs_config wire_config(void)
{
	return (struct shmfs_config){
	    .arena_size = 8 << 20,
	    .root_mode = 01777,
	    .grow_patterns = "sem.*:tmp-*",
	};
}

struct wire *wire_open_with(enum tier tier, struct shmfs_config config)
{
	struct fuse_init_in in = wire_init_in(45, WIRE_ALL_FLAGS);
	struct wire *w = wire_attach(TIER_AUTO);

	GIVES(0, wire_negotiate(w, &in));
	ck_assert_msg(reply_take(w), "INIT is not answered");
	w->server.channel.tier = tier;
	fill_os(&w->server.os);
	config.os = &w->server.os;
	config.backing = tier == TIER_PASSTHROUGH;
	GIVES(0, shmfs_open_new(&config, &w->server.channel.fs));
	return w;
}

struct wire *wire_open(void)
{
	return wire_open_with(TIER_CACHED, wire_config());
}

void wire_forget_dead(struct wire *w)
{
	for (uint32_t slot = 0; slot < EXCHANGE_SLOTS; slot++) {
		struct request *request = &w->server.channel.requests[slot];

		if (request->libfuse != NULL)
			fuse_reply_none(request->libfuse);
		request->libfuse = NULL;
		request->state = REQUEST_NONE;
	}
	w->server.channel.queue = (struct queue){0};
	w->server.ops.deferred.count = 0;
	w->server.ops.room.count = 0;
}

void wire_close(struct wire *w)
{
	if (w->server.channel.fs != NULL)
		wire_verify(w);
	ck_assert_msg(w->fd < 0 || !reply_take(w), "a reply is left over");
	shmfs_close(w->server.channel.fs);
	channel_close(&w->server.channel);
	handover_unmap(w->server.handover);
	ck_assert_int_eq(close(w->handover_fd), 0);
	if (w->fd >= 0)
		close(w->fd);
	ck_assert_uint_eq(w->outside->memories, 0);
	ck_assert_uint_eq(w->outside->backings, 0);
	free(w->request);
	free(w->reply);
	free(w);
}

bool wire_carries(const struct wire *w, size_t size, const char *test)
{
	const char *must = getenv("SHMFS_TESTS_MUST_RUN");
	socklen_t length = sizeof(int);
	int room = 0;

	ck_assert_int_eq(getsockopt(w->fd, SOL_SOCKET, SO_SNDBUF, &room, &length), 0);
	if ((size_t)room >= size + 1024)
		return true;
	printf("skip: %s: messages of %zu bytes need CAP_NET_ADMIN or a larger "
	       "net.core.wmem_max\n",
	    test, size);
	fflush(stdout);
	ck_assert_msg(must == NULL || strcmp(must, "1") != 0, "%s must run", test);
	return false;
}

static void print_complaint(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "verify: %s\n", line);
}

void wire_verify(const struct wire *w)
{
	ck_assert_msg(!shmfs_active(w->server.channel.fs), "a transaction is active");
	ck_assert_uint_eq(shmfs_verify(w->server.channel.fs, print_complaint, NULL), 0);
}

struct shmfs_usage usage(const struct wire *w)
{
	struct shmfs_usage now;

	shmfs_usage(w->server.channel.fs, &now);
	return now;
}

/* --- single steps ----------------------------------------------------------------------------- */

struct fuse_in_header *message_header(struct wire *w)
{
	return (struct fuse_in_header *)(void *)w->request;
}

void message_begin(struct wire *w, uint32_t opcode, uint64_t node)
{
	/* As the kernel counts: even numbers, the odd ones are for INTERRUPT. */
	w->unique += 2;
	*message_header(w) = (struct fuse_in_header){
	    .len = sizeof(struct fuse_in_header),
	    .opcode = opcode,
	    .unique = w->unique,
	    .nodeid = node,
	    .uid = w->uid,
	    .gid = w->gid,
	    .pid = 4321,
	};
	w->request_size = sizeof(struct fuse_in_header);
}

void message_add(struct wire *w, const void *data, size_t size)
{
	ck_assert_uint_le(size, WIRE_BUFFER_SIZE - w->request_size);
	if (size > 0)
		memcpy(w->request + w->request_size, data, size);
	w->request_size += size;
	message_header(w)->len = (uint32_t)w->request_size;
}

void message_add_string(struct wire *w, const char *string)
{
	message_add(w, string, strlen(string) + 1);
}

int message_serve(struct wire *w)
{
	int rc;

	message_send(w);
	rc = channel_serve(&w->server.channel);
	if (w->verifies && w->server.channel.fs != NULL)
		wire_verify(w);
	return rc;
}

bool reply_take(struct wire *w)
{
	ssize_t got = recv(w->fd, w->reply, WIRE_BUFFER_SIZE, MSG_DONTWAIT);
	struct fuse_out_header header;

	w->reply_size = 0;
	if (got < 0 && errno == EAGAIN)
		return false;
	ck_assert_msg(got >= (ssize_t)sizeof header, "a message of %zd bytes", got);
	memcpy(&header, w->reply, sizeof header);
	ck_assert_msg(
	    header.len == (size_t)got, "a reply of %zd bytes says it has %u", got, header.len);
	/* A message with no number is a notification, whose kind stands there. */
	ck_assert_msg((header.error <= 0 || header.unique == 0) && header.error > -1000,
	    "an error of %d", header.error);
	w->reply_size = (size_t)got;
	return true;
}

static void expect_no_more(struct wire *w)
{
	struct fuse_out_header header;
	ssize_t got = recv(w->fd, &header, sizeof header, MSG_DONTWAIT);

	ck_assert_msg(got < 0 && errno == EAGAIN,
	    "opcode %u has another reply: error %s, unique %llu", message_header(w)->opcode,
	    result_text(header.error), (unsigned long long)header.unique);
}

int ask(struct wire *w)
{
	struct fuse_out_header header;

	GIVES(1, message_serve(w));
	ck_assert_msg(reply_take(w), "opcode %u has no reply", message_header(w)->opcode);
	memcpy(&header, w->reply, sizeof header);
	ck_assert_uint_eq(header.unique, message_header(w)->unique);
	if (header.error != 0)
		ck_assert_uint_eq(reply_body_size(w), 0);
	expect_no_more(w);
	return header.error;
}

void tell(struct wire *w)
{
	GIVES(1, message_serve(w));
	expect_no_more(w);
}

size_t reply_body_size(const struct wire *w)
{
	ck_assert_uint_ge(w->reply_size, sizeof(struct fuse_out_header));
	return w->reply_size - sizeof(struct fuse_out_header);
}

const void *reply_body(const struct wire *w, size_t size)
{
	ck_assert_uint_eq(reply_body_size(w), size);
	return w->reply + sizeof(struct fuse_out_header);
}

int stderr_away(void)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert(saved >= 0 && nowhere >= 0);
	ck_assert_int_eq(dup2(nowhere, STDERR_FILENO), STDERR_FILENO);
	close(nowhere);
	return saved;
}

void stderr_back(int saved)
{
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
}

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

bool is_sanitized(void)
{
#ifdef SANITIZED
	return true;
#else
	return false;
#endif
}

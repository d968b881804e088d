/* SPDX-License-Identifier: BSD-2-Clause */
/* Two programs of different users with a ring of messages between them, made as libqb (corosync,
 * pacemaker) makes its: a new directory for the pair, given to the other user; in it a header and
 * data, filled by posix_fallocate, and the data mapped twice in a row, so that no message is ever
 * split. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	RING = 1 << 20,
	MESSAGES = 20000,
	LONGEST = 4000,
};

struct header {
	sem_t filled;
	/* Bytes ever written, and ever read. */
	_Atomic uint64_t written;
	_Atomic uint64_t read;
};

struct ring {
	struct header *header;
	unsigned char *data;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "ring_peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t message_length(unsigned int number)
{
	return sizeof(number) + number * 2654435761U % (LONGEST - sizeof(number));
}

/* posix_fallocate() may be interrupted on tmpfs, which is why libqb tries again. */
static unsigned int allocate(int fd, off_t size)
{
	unsigned int interrupted = 0;
	int result;

	while ((result = posix_fallocate(fd, 0, size)) == EINTR)
		interrupted++;
	if (result != 0) {
		errno = result;
		die("posix_fallocate");
	}
	return interrupted;
}

static int open_file(const char *directory, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

static void *map(void *where, size_t size, int fd, int flags)
{
	void *mapped = mmap(where, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);

	if (mapped == MAP_FAILED)
		die("mmap");
	return mapped;
}

static void map_twice(struct ring *ring, int fd)
{
	ring->data = mmap(NULL, 2 * RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring->data == MAP_FAILED)
		die("mmap");
	map(ring->data, RING, fd, MAP_FIXED);
	map(ring->data + RING, RING, fd, MAP_FIXED);
}

static struct ring map_ring(int header, int data)
{
	struct ring ring = {.header = map(NULL, sizeof(*ring.header), header, 0)};

	map_twice(&ring, data);
	close(header);
	close(data);
	return ring;
}

static void ignore(int number)
{
	(void)number;
}

/* Signals every 200 us, that interrupt what can be interrupted. */
static void be_signalled(bool often)
{
	struct sigaction action = {.sa_handler = ignore};
	struct itimerval timer = {{0, often ? 200 : 0}, {0, often ? 200 : 0}};

	if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
		die("setitimer");
}

static struct ring create_ring(const char *directory, uid_t uid, gid_t gid)
{
	int header = open_file(directory, "request-header", O_CREAT | O_EXCL);
	int data = open_file(directory, "request-data", O_CREAT | O_EXCL);
	unsigned int interrupted;

	be_signalled(true);
	interrupted = allocate(header, sizeof(struct header));
	interrupted += allocate(data, RING);
	be_signalled(false);
	printf("interrupted %u times\n", interrupted);
	if (fchown(header, uid, gid) < 0 || fchown(data, uid, gid) < 0)
		die("fchown");
	return map_ring(header, data);
}

static void check_message(const struct ring *ring, uint64_t at, unsigned int number)
{
	const unsigned char *message = ring->data + at % RING;
	unsigned int got;

	memcpy(&got, message, sizeof(got));
	if (got != number) {
		fprintf(stderr, "ring_peer: message %u: its number is %u\n", number, got);
		exit(1);
	}
	for (size_t i = sizeof(got); i < message_length(number); i++) {
		if (message[i] == (unsigned char)(number + i))
			continue;
		fprintf(stderr, "ring_peer: message %u: byte %zu is wrong\n", number, i);
		exit(1);
	}
}

static void receive_all(struct ring *ring)
{
	uint64_t at = 0;

	for (unsigned int number = 0; number < MESSAGES; number++) {
		while (sem_wait(&ring->header->filled) < 0)
			if (errno != EINTR)
				die("sem_wait");
		check_message(ring, at, number);
		at += message_length(number);
		ring->header->read = at;
	}
}

static void send_all(struct ring *ring)
{
	uint64_t at = 0;

	for (unsigned int number = 0; number < MESSAGES; number++) {
		size_t length = message_length(number);
		unsigned char *message = ring->data + at % RING;

		while (at + length - ring->header->read > RING)
			usleep(100);
		memcpy(message, &number, sizeof(number));
		for (size_t i = sizeof(number); i < length; i++)
			message[i] = (unsigned char)(number + i);
		at += length;
		ring->header->written = at;
		if (sem_post(&ring->header->filled) < 0)
			die("sem_post");
	}
}

static void receive(char *template, uid_t uid, gid_t gid)
{
	struct ring ring;

	if (!mkdtemp(template))
		die(template);
	if (chmod(template, 0770) < 0 || chown(template, uid, gid) < 0)
		die("chown");
	ring = create_ring(template, uid, gid);
	if (sem_init(&ring.header->filled, 1, 0) < 0)
		die("sem_init");
	printf("%s\n", template);
	fflush(stdout);
	receive_all(&ring);
	printf("received %d messages\n", MESSAGES);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "receive") == 0) {
		receive(argv[2], (uid_t)atoi(argv[3]), (gid_t)atoi(argv[4]));
	} else if (argc == 3 && strcmp(argv[1], "send") == 0) {
		int header = open_file(argv[2], "request-header", 0);
		int data = open_file(argv[2], "request-data", 0);
		struct ring ring = map_ring(header, data);

		send_all(&ring);
	} else {
		fputs("usage: ring_peer receive TEMPLATE UID GID | send DIRECTORY\n", stderr);
		return 2;
	}
	return fflush(stdout) == EOF ? 1 : 0;
}

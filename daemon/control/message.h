/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages on a socket, each ended by a NUL: what has come of one, and what is still to be sent of
 * another. Nothing here waits; who does is the loop's to know.
 */
#ifndef SHMFS_CONTROL_MESSAGE_H
#define SHMFS_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a message without its NUL. */
#define MESSAGE_MAX 65536

struct inbox {
	size_t used;
	char bytes[MESSAGE_MAX + 1];
};

/* False: nothing more will come. */
bool inbox_receive(struct inbox *inbox, int socket);

/* The first message and its length without the NUL; NULL: there is none that is whole. */
const char *inbox_first(const struct inbox *inbox, size_t *length);

void inbox_drop_first(struct inbox *inbox);

/* What is in it can never become a message. */
bool inbox_is_too_long(const struct inbox *inbox);

/* The other end is closed, and not only for what it would send. */
bool socket_is_hung_up(int socket);

struct outbox {
	char *data; /* NULL: there is nothing to be sent */
	size_t size, sent;
	int fd; /* goes with the first byte; -1: none */
};

/* Takes over the data, which malloc(3) made, and the descriptor. NULL: both are dropped. */
void outbox_put(struct outbox *outbox, char *data, size_t size, int fd);

/* The same for a copy of a text, with its NUL. */
void outbox_put_text(struct outbox *outbox, const char *text);

/* 1: all is sent; 0: the other end has to take some first; a negative errno. */
int outbox_send(struct outbox *outbox, int socket);

void outbox_drop(struct outbox *outbox);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of servers, where they lie. One is believed only if its folder and whoever listens
 * there are root's or the caller's own: anybody can put a socket somewhere, and what a server says
 * decides which files are removed.
 */
#ifndef SHMFS_CTL_SERVERS_H
#define SHMFS_CTL_SERVERS_H

#include <stdbool.h>

/* Connects to the server of the filesystem that a path is in. -1 with errno; ENOENT: there is none.
 */
int servers_connect(const char *path);

/* Hands a connection to each server to visit, which closes it or not. */
void servers_each(void (*visit)(void *arg, int fd), void *arg);

/* How many servers there are; if one, a connection to it in *fd, else -1. */
int servers_connect_only(int *fd);

#endif

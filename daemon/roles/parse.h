/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of clients, which are JSON, as requests. What reads them is no process that matters. */
#ifndef SHMFS_ROLES_PARSE_H
#define SHMFS_ROLES_PARSE_H

#include <stddef.h>

#include "request.h"

/* Of a whole message, without its NUL. */
void parse_message(const char *message, size_t size, struct request *out);

/* What a worker does: the question is such a message with its NUL, the answer a struct request. */
void parse_answer(const void *question, size_t size, int socket);

#endif

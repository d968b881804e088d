/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One call over the control socket, and what its method needs: parameters, answers, and what the
 * caller may. Nothing here knows of sockets or of the loop.
 */
#ifndef SHMFS_CONTROL_CALL_H
#define SHMFS_CONTROL_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config.h"

struct call;
struct request;
struct scan;

/* Pins that one connection can have. */
#define CALL_PINS_MAX 16

/* Connections with pins that users can have together: they keep their places (client.c). */
#define CALL_PINNED_MAX 12

/* What a connection is to the calls that are made over it. */
struct peer {
	int fd;
	pid_t pid;
	uid_t uid;
	struct {
		uint64_t id, object;
	} pins[CALL_PINS_MAX];
	unsigned pin_count;
};

/*
 * What one call may cost in looks at directories (struct shmfs_subject): a path may have two
 * thousand of them, each with a long list, and others wait meanwhile. It takes some
 * milliseconds.
 */
#define CALL_WORK 4096

struct call {
	const struct control_config *config;
	unsigned clients; /* of the socket, all together */
	struct peer *peer;
	struct shmfs_subject by; /* exempt: root, or the owner of the mount */
	unsigned work;		 /* that is left of CALL_WORK */
	const struct request *request;
	bool oneway;	   /* nobody waits for an answer */
	json_t *answer;	   /* parameters of the reply */
	const char *error; /* the name of an error; NULL: none */
	int fd;		   /* to be passed with the answer; -1: none */
	struct scan *scan; /* to be done elsewhere before there is an answer; NULL: none */
};

/* Supplementary groups that are looked at. */
#define CALL_GROUPS_MAX 1024

/*
 * A call of whoever the kernel says is at the other end of the peer's connection; groups belong to
 * it. How many clients there are, and whether this one may do everything, is set by the caller.
 * False: nobody is there.
 */
bool call_begin(struct call *call, const struct control_config *config, struct peer *peer,
    gid_t groups[CALL_GROUPS_MAX]);

/* The answer as a message with its NUL, to be freed; NULL: oneway, or out of memory. */
char *call_reply(const struct call *call, size_t *size);

/* Frees what belongs to the call, but not its descriptor. */
void call_end(struct call *call);

/* --- for the methods -------------------------------------------------------------------------- */

/* The answer is an error of this name, which is not copied; parameters are taken over. */
void call_fail_with(struct call *call, const char *error, json_t *parameters);

/* The same: a negative errno; a parameter that is not as it should be; or that the
 * caller may not. */
void call_fail(struct call *call, int rc);
void call_refuse_parameter(struct call *call, const char *name);
void call_refuse_caller(struct call *call);

/* Parameters by name. False: it is there, and is not as it should be; the answer says so. One that
 * is not there leaves *out as it is. */
bool call_get_int(struct call *call, const char *name, uint64_t max, uint64_t *out);
bool call_get_bool(struct call *call, const char *name, bool *out);

/* "path" or "path_hex", one of which must be there. */
bool call_get_path(struct call *call, char out[SHMFS_PATH_MAX]);

/* The object that "id", "path" or "path_hex" says; one of them must be there. */
bool call_get_object(struct call *call, uint64_t *id);

/* What the policies say to the caller; none of them exempts anybody. 0, -EACCES or -ESTALE. */
int call_ask(const struct call *call, uint64_t id, enum shmfs_ask what);

/* Whether the caller may see an object, which it named or found in a list; and its path, "" where
 * it has none that can be told. */
bool call_may_see(const struct call *call, const struct shmfs_object *object, bool named,
    char path[SHMFS_PATH_MAX]);

/* Room for what call_name_tenant() writes. */
#define CALL_TENANT_SIZE (SHMFS_PATH_MAX + 16)

/* What a tenant (0: none) is called, to the caller, and whether its directory is gone. False, and
 * "": there is none that the caller may see. */
bool call_name_tenant(
    const struct call *call, uint32_t number, char out[CALL_TENANT_SIZE], bool *removed);

/*
 * Members of an answer, as the tables of common/ name them. A text that is NULL, and a name that is
 * "", is not there, nor is what the condition rules out.
 */
void call_set_int(json_t *object, const char *member, uint64_t value);
void call_set_int_if(json_t *object, const char *member, bool wanted, uint64_t value);
void call_set_bool(json_t *object, const char *member, bool value);
void call_set_bool_if(json_t *object, const char *member, bool wanted, bool value);
void call_set_text(json_t *object, const char *member, const char *text);
void call_set_time(json_t *object, const char *member, const struct timespec *time);
void call_set_limits(json_t *object, const char *member, const struct shmfs_limits *limits);

/* A name is any bytes: "NAME" if it is text, else "NAME_hex". */
void call_set_name(json_t *object, const char *member, const char *name);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount and its server; see client.h. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/hex.h"
#include "common/pass_fd.h"
#include "servers.h"
#include "text.h"

/* An answer that is longer comes from no server of ours. */
#define ANSWER_MAX (64u << 20)

/* --- finding it ------------------------------------------------------------------------------- */

struct list {
	char text[1024];
	size_t used;
};

static void add_to_list(void *arg, int fd)
{
	struct ctl ctl = {.socket = fd, .root = -1, .passed = -1};
	struct list *list = arg;
	json_t *mount = NULL;
	char *path = NULL, escaped[PATH_MAX];

	if (ctl_try(&ctl, "GetMount", NULL, &mount) == 0)
		path = ctl_get_path(mount);
	if (path != NULL && list->used < sizeof list->text)
		list->used += (size_t)snprintf(list->text + list->used,
		    sizeof list->text - list->used, "%s%s", list->used > 0 ? ", " : "",
		    ctl_escape(path, escaped, sizeof escaped));
	free(path);
	json_decref(mount);
	ctl_disconnect(&ctl);
}

static void tell_choice(int count)
{
	struct list list = {0};

	servers_each(add_to_list, &list);
	if (count == 0)
		ctl_warn("no shmfs is mounted");
	else
		ctl_warn("several shmfs are mounted: say which with -m: %s", list.text);
}

bool ctl_connect(struct ctl *ctl)
{
	int count;

	if (ctl->socket >= 0)
		return true;
	ctl->socket = servers_connect(ctl->mount != NULL ? ctl->mount : ".");
	if (ctl->socket < 0 && ctl->mount != NULL) {
		ctl_warn("'%s': %s", ctl->mount,
		    errno == ENOENT && access(ctl->mount, F_OK) == 0
			? "no shmfs with a control socket is mounted there"
			: strerror(errno));
		return false;
	}
	/* What programs find without being told. */
	if (ctl->socket < 0)
		ctl->socket = servers_connect("/dev/shm");
	if (ctl->socket >= 0)
		return true;
	count = servers_connect_only(&ctl->socket);
	if (count != 1)
		tell_choice(count);
	return count == 1;
}

/* The mount point may be hidden from here, where -m may not be. */
bool ctl_open_root(struct ctl *ctl)
{
	unsigned major_number, minor_number;
	const char *device;
	json_t *mount;
	struct stat st;
	char *path;

	if (ctl->root >= 0)
		return true;
	if (!ctl_connect(ctl))
		return false;
	mount = ctl_call(ctl, "GetMount", NULL);
	if (mount == NULL)
		return false;
	path = ctl_get_path(mount);
	snprintf(ctl->mountpoint, sizeof ctl->mountpoint, "%s", path != NULL ? path : "");
	free(path);
	device = json_string_value(json_object_get(mount, "device"));
	if (device == NULL || sscanf(device, "%u:%u", &major_number, &minor_number) != 2)
		major_number = minor_number = 0;
	json_decref(mount);
	for (int i = 0; i < 2; i++) {
		const char *at = i == 0 ? ctl->mountpoint : ctl->mount != NULL ? ctl->mount : ".";

		ctl->root = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (ctl->root >= 0 && fstat(ctl->root, &st) == 0 &&
		    st.st_dev == makedev(major_number, minor_number))
			return true;
		if (ctl->root >= 0)
			close(ctl->root);
		ctl->root = -1;
	}
	ctl_warn("'%s' cannot be reached from here", ctl->mountpoint);
	return false;
}

void ctl_disconnect(struct ctl *ctl)
{
	if (ctl->socket >= 0)
		close(ctl->socket);
	if (ctl->root >= 0)
		close(ctl->root);
	if (ctl->passed >= 0)
		close(ctl->passed);
	free(ctl->buffer);
	ctl->socket = ctl->root = ctl->passed = -1;
	ctl->buffer = NULL;
	ctl->used = ctl->room = 0;
}

/* --- calling ---------------------------------------------------------------------------------- */

static int send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t count = send(fd, data, size, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		data += count;
		size -= (size_t)count;
	}
	return 0;
}

static int make_room(struct ctl *ctl)
{
	size_t room = ctl->room > 0 ? 2 * ctl->room : 65536;
	char *buffer;

	if (ctl->used < ctl->room)
		return 0;
	if (room > ANSWER_MAX)
		return -EPROTO;
	buffer = realloc(ctl->buffer, room);
	if (buffer == NULL)
		return -ENOMEM;
	ctl->buffer = buffer;
	ctl->room = room;
	return 0;
}

static void take_descriptor(struct ctl *ctl, const struct msghdr *message)
{
	int fd = pass_fd_of(message);

	if (fd < 0)
		return;
	if (ctl->passed >= 0)
		close(ctl->passed);
	ctl->passed = fd;
}

static int receive_some(struct ctl *ctl)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
	struct iovec iov;
	struct msghdr message = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
	int rc = make_room(ctl);
	ssize_t count;

	if (rc < 0)
		return rc;
	iov = (struct iovec){ctl->buffer + ctl->used, ctl->room - ctl->used};
	do {
		count = recvmsg(ctl->socket, &message, MSG_CMSG_CLOEXEC);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	if (count == 0)
		return -ECONNRESET;
	take_descriptor(ctl, &message);
	ctl->used += (size_t)count;
	return 0;
}

/* Whoever looks on is told that something is still being done. */
static void wait_for_answer(const struct ctl *ctl)
{
	struct pollfd answer = {ctl->socket, POLLIN, 0};
	struct ctl_progress progress;
	uint64_t seconds = 0;

	ctl_progress_begin(&progress, "seconds");
	while (poll(&answer, 1, 1000) == 0)
		ctl_progress(&progress, ++seconds, 0);
	ctl_progress_end(&progress);
}

static int receive(struct ctl *ctl, json_t **out)
{
	ctl->used = 0;
	wait_for_answer(ctl);
	while (ctl->used == 0 || ctl->buffer[ctl->used - 1] != '\0') {
		int rc = receive_some(ctl);

		if (rc < 0)
			return rc;
	}
	*out = json_loads(ctl->buffer, 0, NULL);
	return *out != NULL ? 0 : -EPROTO;
}

static int exchange(struct ctl *ctl, const char *method, json_t *params, json_t **reply)
{
	char name[128];
	json_t *message;
	char *text;
	int rc;

	snprintf(name, sizeof name, "org.shmfs.%s", method);
	message = json_pack("{s:s,s:o*}", "method", name, "parameters", params);
	text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
	json_decref(message);
	if (text == NULL)
		return -ENOMEM;
	rc = send_all(ctl->socket, text, strlen(text) + 1);
	free(text);
	return rc < 0 ? rc : receive(ctl, reply);
}

/* What an error of the server is as an errno. */
static int errno_of(const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const json_t *params = json_object_get(reply, "parameters");

	if (error == NULL)
		return 0;
	if (strcmp(error, "org.shmfs.SystemError") == 0)
		return -(int)ctl_int(params, "errno");
	if (strcmp(error, "org.varlink.service.PermissionDenied") == 0)
		return -EPERM;
	if (strcmp(error, "org.varlink.service.MethodNotFound") == 0)
		return -ENOSYS;
	return -EINVAL;
}

int ctl_try(struct ctl *ctl, const char *method, json_t *params, json_t **answer)
{
	json_t *reply;
	int rc;

	if (!ctl_connect(ctl)) {
		json_decref(params);
		return -ENOTCONN;
	}
	rc = exchange(ctl, method, params, &reply);
	if (rc < 0)
		return rc;
	rc = errno_of(reply);
	*answer = rc == 0 ? json_incref(json_object_get(reply, "parameters")) : NULL;
	json_decref(reply);
	return rc;
}

json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params)
{
	json_t *answer = NULL;
	int rc;

	if (!ctl_connect(ctl)) {
		json_decref(params);
		return NULL;
	}
	rc = ctl_try(ctl, method, params, &answer);
	if (rc < 0)
		ctl_warn("%s: %s", method,
		    rc == -ECONNRESET ? "the server ended, or closed the connection: try again"
				      : strerror(-rc));
	return answer;
}

json_t *ctl_call_pages(
    struct ctl *ctl, const char *method, const char *member, bool unlinked, bool probe)
{
	json_t *all = json_array();
	int64_t cursor = 0;

	do {
		json_t *params = json_pack("{s:I}", "cursor", (json_int_t)cursor);
		json_t *page;

		if (unlinked)
			(void)json_object_set_new(params, "unlinked", json_true());
		if (probe)
			(void)json_object_set_new(params, "probe", json_true());
		page = ctl_call(ctl, method, params);
		if (page == NULL || json_array_extend(all, json_object_get(page, member)) < 0) {
			json_decref(page);
			json_decref(all);
			return NULL;
		}
		cursor = ctl_int(page, "cursor");
		json_decref(page);
	} while (cursor != 0);
	return all;
}

/* --- names ------------------------------------------------------------------------------------ */

const char *ctl_relative(const struct ctl *ctl, const char *name)
{
	size_t length = strlen(ctl->mountpoint);

	if (length > 1 && strncmp(name, ctl->mountpoint, length) == 0 && name[length] == '/')
		name += length;
	while (*name == '/')
		name++;
	return name;
}

void ctl_set_name(json_t *item, const char *member, const char *name)
{
	json_t *text = json_string(name);
	size_t length = strlen(name);
	char key[64], *hex;

	if (text != NULL) {
		(void)json_object_set_new(item, member, text);
		return;
	}
	hex = malloc(2 * length + 1);
	if (hex == NULL)
		return;
	hex_write(name, length, hex);
	snprintf(key, sizeof key, "%s_hex", member);
	(void)json_object_set_new(item, key, json_string(hex));
	free(hex);
}

void ctl_set_path(json_t *params, const char *path)
{
	ctl_set_name(params, "path", path);
}

static char *from_hex(const char *hex)
{
	size_t size = strlen(hex) / 2 + 1;
	char *out = malloc(size);

	if (out == NULL || hex_read(hex, out, size))
		return out;
	free(out);
	return NULL;
}

char *ctl_get_name(const json_t *item, const char *member, const char *member_hex)
{
	const char *text = json_string_value(json_object_get(item, member));
	const char *hex = json_string_value(json_object_get(item, member_hex));

	if (text != NULL)
		return strdup(text);
	return hex != NULL ? from_hex(hex) : NULL;
}

char *ctl_get_path(const json_t *object)
{
	char *path = ctl_get_name(object, "path", "path_hex");

	return path != NULL ? path : ctl_get_name(object, "mountpoint", "mountpoint_hex");
}

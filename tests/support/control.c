/* SPDX-License-Identifier: BSD-2-Clause */
/* A Varlink client that knows as much as tests need; see control.h. */
#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (stat(dir, &st) < 0)
		return -1;
	snprintf(address.sun_path, sizeof address.sun_path, "/run/shmfs/%u:%u", major(st.st_dev),
	    minor(st.st_dev));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One message, without its NUL; false: the connection ended first. */
static bool receive(int fd, char *out, size_t size)
{
	for (size_t used = 0; used < size; used++) {
		if (recv(fd, out + used, 1, 0) != 1)
			return false;
		if (out[used] == '\0')
			return true;
	}
	return false;
}

static int errno_of(const char *reply)
{
	const char *number = strstr(reply, "\"errno\":");

	if (strstr(reply, "\"error\":") == NULL)
		return 0;
	return number != NULL ? atoi(number + strlen("\"errno\":")) : EPROTO;
}

int control_call(const char *dir, const char *method, const char *parameters)
{
	char message[4096], reply[65536];
	int fd = connect_to(dir), length, result = ECONNRESET;

	if (fd < 0)
		return errno;
	length = snprintf(message, sizeof message,
	    "{\"method\":\"org.shmfs.%s\",\"parameters\":%s}", method, parameters);
	if (send(fd, message, (size_t)length + 1, MSG_NOSIGNAL) == length + 1 &&
	    receive(fd, reply, sizeof reply))
		result = errno_of(reply);
	close(fd);
	return result;
}

int control_callf(const char *dir, const char *method, const char *format, ...)
{
	char parameters[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(parameters, sizeof parameters, format, args);
	va_end(args);
	return control_call(dir, method, parameters);
}

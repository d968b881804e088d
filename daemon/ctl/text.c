/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people, and what people write; see text.h. */
#include "text.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/number.h"
#include "common/printable.h"

/* What a terminal would take for a command, or not show, is escaped; so is the backslash. */
const char *ctl_escape(const char *name, char *out, size_t size)
{
	return printable_escape(name, "", out, size);
}

const char *ctl_human(uint64_t bytes, char out[32])
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;
	unsigned tenths;

	while (value >= 999.5 && unit + 2 < sizeof units) {
		value /= 1024;
		unit++;
	}
	tenths = (unsigned)(value * 10 + 0.5);
	if (unit == 0)
		snprintf(out, 32, "%u", tenths / 10);
	else if (tenths < 100)
		snprintf(out, 32, "%u.%u%c", tenths / 10, tenths % 10, units[unit]);
	else
		snprintf(out, 32, "%u%c", (tenths + 5) / 10, units[unit]);
	return out;
}

const char *ctl_age(int64_t seconds, char out[32])
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		snprintf(out, 32, "%" PRId64 "s", seconds);
	else if (seconds < 7200)
		snprintf(out, 32, "%" PRId64 "m", seconds / 60);
	else if (seconds < 172800)
		snprintf(out, 32, "%" PRId64 "h", seconds / 3600);
	else
		snprintf(out, 32, "%" PRId64 "d", seconds / 86400);
	return out;
}

const char *ctl_mode(unsigned mode, char out[32])
{
	static const char letters[] = "rwxrwxrwx";

	for (int i = 0; i < 9; i++)
		out[i] = '-';
	for (int i = 0; i < 9; i++) {
		if (mode & 1u << (8 - i))
			out[i] = letters[i];
	}
	if (mode & S_ISUID)
		out[2] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		out[5] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		out[8] = mode & S_IXOTH ? 't' : 'T';
	out[9] = '\0';
	return out;
}

const char *ctl_user(uid_t uid, bool numeric, char out[64])
{
	const struct passwd *user = numeric ? NULL : getpwuid(uid);

	if (user != NULL)
		snprintf(out, 64, "%s", user->pw_name);
	else
		snprintf(out, 64, "%u", uid);
	return out;
}

const char *ctl_group(gid_t gid, bool numeric, char out[64])
{
	const struct group *group = numeric ? NULL : getgrgid(gid);

	if (group != NULL)
		snprintf(out, 64, "%s", group->gr_name);
	else
		snprintf(out, 64, "%u", gid);
	return out;
}

int64_t ctl_object_age(const json_t *object)
{
	const json_t *age = json_object_get(object, "age");

	/* A daemon that has not been upgraded tells by the clock alone. */
	return age != NULL ? json_integer_value(age)
			   : time(NULL) - ctl_int(object, "btime") / 1000000000;
}

/* --- what people write ------------------------------------------------------------------------ */

bool ctl_read_size(const char *text, uint64_t *out)
{
	return number_read_scaled(text, "kmgt", INT64_MAX, out);
}

bool ctl_add_size(json_t *params, const char *member, const char *text)
{
	uint64_t number;

	if (text == NULL)
		return true;
	if (!ctl_read_size(text, &number))
		return false;
	return json_object_set_new(params, member, json_integer((json_int_t)number)) == 0;
}

bool ctl_add_part_of_memory(json_t *params, const char *member, const char *text)
{
	struct sysinfo info;
	uint64_t percent;
	const char *end;

	if (text == NULL || !number_read(text, 10, &percent, &end) || strcmp(end, "%") != 0)
		return ctl_add_size(params, member, text);
	if (percent == 0 || percent > 100 || sysinfo(&info) < 0)
		return false;
	return json_object_set_new(params, member,
		   json_integer(
		       (json_int_t)((uint64_t)info.totalram / 100 * percent * info.mem_unit))) == 0;
}

bool ctl_read_seconds(const char *text, uint64_t *out)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	const char *end;

	if (!number_read(text, 10, out, &end) || (*end != '\0' && end[1] != '\0'))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (*end == units[i].letter && *out <= UINT32_MAX) {
			*out *= units[i].seconds;
			return true;
		}
	}
	return false;
}

bool ctl_read_mode(const char *text, uint64_t max, uint64_t *out)
{
	return number_read_plain(text, text[0] == '0' ? 0 : 8, max, out);
}

bool ctl_read_user(const char *text, uid_t *out)
{
	const struct passwd *user = getpwnam(text);
	uint64_t number;

	if (user != NULL) {
		*out = user->pw_uid;
		return true;
	}
	if (!number_read_plain(text, 10, UINT32_MAX - 1, &number))
		return false;
	*out = (uid_t)number;
	return true;
}

/* --- progress --------------------------------------------------------------------------------- */

void ctl_progress_begin(struct ctl_progress *progress, const char *what)
{
	*progress = (struct ctl_progress){.what = what, .began = clock_now()};
}

void ctl_progress(struct ctl_progress *progress, uint64_t done, uint64_t total)
{
	uint64_t now = clock_now();

	if (now - progress->began < CLOCK_SECOND || now - progress->shown < CLOCK_SECOND / 10 ||
	    !isatty(STDERR_FILENO))
		return;
	progress->shown = now;
	fprintf(stderr, "\r%s: %" PRIu64, progress->what, done);
	if (total > 0)
		fprintf(stderr, " of %" PRIu64, total);
	fputs("\033[K", stderr);
	fflush(stderr);
}

void ctl_progress_end(struct ctl_progress *progress)
{
	if (progress->shown != 0)
		fputs("\r\033[K", stderr);
}

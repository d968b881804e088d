/* SPDX-License-Identifier: BSD-2-Clause */
/* What is watched: a live screen for people, and metrics for Prometheus. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "common/number.h"
#include "list.h"

/* --- metrics ---------------------------------------------------------------------------------- */

/* Users who have series of their own; the rest is summed, so that their number has a bound. */
#define USERS_MAX 50

static const struct {
	const char *member, *name, *type, *help;
} metrics[] = {
    {"size", "shmfs_size_bytes", "gauge", "Memory that objects are charged for."},
    {"size_limit", "shmfs_size_limit_bytes", "gauge", "Its limit; 0 for none."},
    {"inodes", "shmfs_inodes", "gauge", "Objects, directories and further names."},
    {"inodes_limit", "shmfs_inodes_limit", "gauge", "Their limit; 0 for none."},
    {"descriptors", "shmfs_open_descriptors", "gauge", "Openings of objects."},
    {"pins", "shmfs_pins", "gauge", "Pins."},
    {"arena", "shmfs_arena_bytes", "gauge", "Memory of names and attributes."},
    {"clients", "shmfs_control_clients", "gauge", "Connections to the control socket."},
    {"requests", "shmfs_requests_total", "counter", "Requests of the kernel that were served."},
    {"expired", "shmfs_expired_total", "counter", "Names that went when nobody held the object."},
};

static const struct {
	const char *member, *limit;
} refusals[] = {
    {"refused_size", "size"},
    {"refused_inodes", "nr_inodes"},
    {"refused_user_size", "user_size"},
    {"refused_user_inodes", "user_inodes"},
};

static void print_head(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_statistics(const json_t *statistics)
{
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
		print_head(metrics[i].name, metrics[i].type, metrics[i].help);
		printf("%s %" PRId64 "\n", metrics[i].name, ctl_int(statistics, metrics[i].member));
	}
	print_head("shmfs_refused_total", "counter", "Requests that a limit refused.");
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		printf("shmfs_refused_total{limit=\"%s\"} %" PRId64 "\n", refusals[i].limit,
		    ctl_int(statistics, refusals[i].member));
}

static void print_users(const json_t *users, const char *member, const char *name, const char *help)
{
	int64_t others = 0;
	const json_t *user;
	size_t index;

	print_head(name, "gauge", help);
	json_array_foreach((json_t *)(uintptr_t)users, index, user)
	{
		if (index < USERS_MAX)
			printf("%s{uid=\"%" PRId64 "\"} %" PRId64 "\n", name, ctl_int(user, "uid"),
			    ctl_int(user, member));
		else
			others += ctl_int(user, member);
	}
	if (json_array_size(users) > USERS_MAX)
		printf("%s{uid=\"others\"} %" PRId64 "\n", name, others);
}

static int run_metrics(struct ctl *ctl)
{
	json_t *statistics = ctl_call(ctl, "GetStatistics", NULL), *users;

	if (statistics == NULL)
		return CTL_FAILED;
	users = ctl_call_pages(ctl, "ListUsers", "users", false, false);
	if (users == NULL) {
		json_decref(statistics);
		return CTL_FAILED;
	}
	(void)ctl_sort(ctl, ctl_user_columns, "SIZE", true, users);
	print_statistics(statistics);
	print_users(users, "size", "shmfs_user_size_bytes", "Memory that a user is charged for.");
	print_users(users, "inodes", "shmfs_user_inodes", "Nodes that a user is charged for.");
	json_decref(users);
	json_decref(statistics);
	return CTL_OK;
}

/* --- top: drawing ----------------------------------------------------------------------------- */

struct screen {
	struct ctl *ctl;
	int width, height;
	bool users; /* instead of objects */
	bool plain; /* no terminal: lines and nothing else */
	int line;
	json_t *mount, *before;
	int64_t before_ns;
};

/* As much of a text as fits in so many places. */
static void put_cut(const char *text, int width)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t length;

	while ((length = mbrtowc(&wide, text, MB_CUR_MAX, &state)) != 0 && length <= MB_LEN_MAX) {
		int places = wcwidth(wide) > 0 ? wcwidth(wide) : 0;

		if (places > width)
			return;
		width -= places;
		fwrite(text, 1, length, stdout);
		text += length;
	}
}

/* One line of the screen, as long as there is room for it. */
static void put_line(struct screen *screen, bool heading, const char *text)
{
	/* The last line says what keys do. */
	if (screen->line >= screen->height - (screen->plain ? 0 : 1))
		return;
	if (screen->line++ > 0)
		fputs(screen->plain ? "" : "\r\n", stdout);
	if (heading && !screen->plain)
		printf("\033[7m%*s\r", screen->width, "");
	put_cut(text, screen->width);
	fputs(screen->plain ? "\n" : heading ? "\033[0m\033[K" : "\033[K", stdout);
}

static int percent(int64_t part, int64_t whole)
{
	return whole > 0 ? (int)((double)part * 100 / (double)whole) : 0;
}

static void put_use(struct screen *screen, const json_t *now)
{
	int64_t size = ctl_int(now, "size"), limit = ctl_int(now, "size_limit");
	char text[512], used[32], all[32], bar[21];
	int marks = percent(size, limit) / 5;

	memset(bar, '.', sizeof bar - 1);
	memset(bar, '#', (size_t)(marks > 20 ? 20 : marks));
	bar[20] = '\0';
	if (limit > 0)
		snprintf(text, sizeof text,
		    "size %s of %s [%s] %d%%  inodes %" PRId64 " of %" PRId64,
		    ctl_human((uint64_t)size, used), ctl_human((uint64_t)limit, all), bar,
		    percent(size, limit), ctl_int(now, "inodes"), ctl_int(now, "inodes_limit"));
	else
		snprintf(text, sizeof text, "size %s, no limit  inodes %" PRId64,
		    ctl_human((uint64_t)size, used), ctl_int(now, "inodes"));
	put_line(screen, false, text);
}

/* Counters of a server begin anew with it. */
static int64_t rate(const struct screen *screen, const json_t *now, int64_t now_ns)
{
	int64_t more = ctl_int(now, "requests") - ctl_int(screen->before, "requests");
	int64_t ns = now_ns - screen->before_ns;

	if (screen->before == NULL || more < 0 || ns <= 0)
		return 0;
	return (int64_t)((double)more * 1e9 / (double)ns);
}

static void put_activity(struct screen *screen, const json_t *now, int64_t now_ns)
{
	char text[512];
	int64_t refused = 0;

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		refused += ctl_int(now, refusals[i].member);
	snprintf(text, sizeof text,
	    "%" PRId64 " requests/s  %" PRId64 " open  %" PRId64 " pins  %" PRId64
	    " expired  %" PRId64 " refused",
	    rate(screen, now, now_ns), ctl_int(now, "descriptors"), ctl_int(now, "pins"),
	    ctl_int(now, "expired"), refused);
	put_line(screen, false, text);
}

static void put_objects(struct screen *screen, json_t *objects)
{
	const json_t *object;
	size_t index;

	(void)ctl_sort(screen->ctl, ctl_object_columns, "SIZE", true, objects);
	put_line(screen, true, "   SIZE RESIDENT OPENS    AGE OWNER        NAME");
	json_array_foreach(objects, index, object)
	{
		char text[1024], name[512], size[32], resident[32], age[32], owner[64];

		if (screen->line >= screen->height - 1)
			return;
		snprintf(text, sizeof text, "%7s %8s %5" PRId64 " %6s %-12.12s %s",
		    ctl_human((uint64_t)ctl_int(object, "size"), size),
		    ctl_human((uint64_t)ctl_int(object, "resident"), resident),
		    ctl_int(object, "opens"),
		    ctl_age((ctl_now() - ctl_int(object, "btime")) / 1000000000, age),
		    ctl_user((uid_t)ctl_int(object, "uid"), false, owner),
		    ctl_object_name(object, name));
		put_line(screen, false, text);
	}
}

static void put_users(struct screen *screen, json_t *users)
{
	const json_t *user;
	size_t index;

	(void)ctl_sort(screen->ctl, ctl_user_columns, "SIZE", true, users);
	put_line(screen, true, "   SIZE   LIMIT  USE   INODES    LIMIT USER");
	json_array_foreach(users, index, user)
	{
		const json_t *limits = json_object_get(user, "limits");
		char text[1024], size[32], limit[32], use[16] = "-", inodes[32] = "-", name[64];

		if (screen->line >= screen->height - 1)
			return;
		if (ctl_int(limits, "size") > 0)
			snprintf(use, sizeof use, "%d%%",
			    percent(ctl_int(user, "size"), ctl_int(limits, "size")));
		if (ctl_int(limits, "inodes") > 0)
			snprintf(inodes, sizeof inodes, "%" PRId64, ctl_int(limits, "inodes"));
		snprintf(text, sizeof text, "%7s %7s %4s %8" PRId64 " %8s %s",
		    ctl_human((uint64_t)ctl_int(user, "size"), size),
		    ctl_int(limits, "size") > 0
			? ctl_human((uint64_t)ctl_int(limits, "size"), limit)
			: "-",
		    use, ctl_int(user, "inodes"), inodes,
		    ctl_user((uid_t)ctl_int(user, "uid"), false, name));
		put_line(screen, false, text);
	}
}

static void put_title(struct screen *screen)
{
	char text[1024], path[512], clock[32] = "";
	time_t now = time(NULL);
	struct tm local;
	char *mountpoint = ctl_get_path(screen->mount);

	if (localtime_r(&now, &local) != NULL)
		strftime(clock, sizeof clock, "%H:%M:%S", &local);
	snprintf(text, sizeof text, "shmfs %s  io=%s  rules=%s  %s",
	    ctl_escape(mountpoint != NULL ? mountpoint : "", path, sizeof path),
	    json_string_value(json_object_get(screen->mount, "io")),
	    json_string_value(json_object_get(screen->mount, "rules")), clock);
	free(mountpoint);
	put_line(screen, false, text);
}

/* False: the server does not answer. */
static bool draw(struct screen *screen)
{
	json_t *now = ctl_call(screen->ctl, "GetStatistics", NULL), *list;
	int64_t now_ns = ctl_now();

	if (now == NULL)
		return false;
	list = screen->users ? ctl_call_pages(screen->ctl, "ListUsers", "users", false, false)
			     : ctl_call_pages(screen->ctl, "List", "objects", true, false);
	if (list == NULL) {
		json_decref(now);
		return false;
	}
	screen->line = 0;
	if (!screen->plain)
		fputs("\033[H", stdout);
	put_title(screen);
	put_use(screen, now);
	put_activity(screen, now, now_ns);
	put_line(screen, false, "");
	if (screen->users)
		put_users(screen, list);
	else
		put_objects(screen, list);
	json_decref(list);
	if (!screen->plain) {
		printf("\033[J\033[%d;1H\033[7m", screen->height);
		put_cut(" q quit   o objects   u users ", screen->width);
		fputs("\033[0m", stdout);
	}
	fflush(stdout);
	json_decref(screen->before);
	screen->before = now;
	screen->before_ns = now_ns;
	return true;
}

/* --- top: the terminal ------------------------------------------------------------------------ */

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	if (number != SIGWINCH)
		ended = number;
}

static void measure(struct screen *screen)
{
	struct winsize size;

	screen->width = 80;
	screen->height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		screen->width = size.ws_col;
		screen->height = size.ws_row;
	}
}

static bool enter_terminal(struct termios *saved)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal};
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, saved) < 0)
		return false;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaction(numbers[i], &action, NULL);
	raw = *saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
		return false;
	/* The other screen, whose content comes back at the end; no cursor; lines are cut. */
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	return true;
}

static void leave_terminal(const struct termios *saved)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, saved);
}

/* Waits for a key or the next time to draw. False: the end. */
static bool wait_for_key(struct screen *screen, int ms)
{
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};
	char key;

	if (poll(&input, 1, ms) <= 0)
		return ended == 0;
	if (read(STDIN_FILENO, &key, 1) != 1)
		return false;
	if (key == 'u' || key == 'o')
		screen->users = key == 'u';
	return key != 'q' && ended == 0;
}

static int watch(struct screen *screen, int ms)
{
	struct termios saved;
	bool answers;

	if (!enter_terminal(&saved)) {
		ctl_warn("standard input is no terminal: use --once");
		return CTL_FAILED;
	}
	do {
		measure(screen);
		answers = draw(screen);
	} while (answers && wait_for_key(screen, ms));
	leave_terminal(&saved);
	return answers ? CTL_OK : CTL_FAILED;
}

static int run_top(struct ctl *ctl)
{
	struct screen screen = {.ctl = ctl, .users = ctl_value(ctl, "users") != NULL};
	const char *text = ctl_value(ctl, "delay");
	uint64_t seconds = 2;
	int status;

	if (text != NULL && (!number_read_plain(text, 10, 3600, &seconds) || seconds == 0))
		return ctl_misused("'%s' is no number of seconds", text);
	screen.mount = ctl_call(ctl, "GetMount", NULL);
	if (screen.mount == NULL)
		return CTL_FAILED;
	if (ctl_value(ctl, "once") != NULL) {
		screen.plain = true;
		measure(&screen);
		status = draw(&screen) ? CTL_OK : CTL_FAILED;
	} else {
		status = watch(&screen, (int)seconds * 1000);
	}
	json_decref(screen.before);
	json_decref(screen.mount);
	return status;
}

static const struct ctl_option top_options[] = {
    {'d', "delay", "SECONDS", "between two looks (default 2)"},
    {'u', "users", NULL, "users instead of objects"},
    {'1', "once", NULL, "one look, and no terminal"},
    {0},
};

const struct ctl_verb ctl_screen_verbs[] = {
    {"top", "", 0, 0, "shows the largest objects or users, again and again", top_options, run_top},
    {"metrics", "", 0, 0, "shows the state as Prometheus reads it", NULL, run_metrics},
    {0},
};

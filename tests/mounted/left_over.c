/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that outlive the one that started them. */
#include "left_over.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool adopt_orphans(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

/* Field 4 of /proc/PID/stat; the name in field 2 may hold anything, so read from its last ')'. */
static pid_t parent_of(const char *pid)
{
	char path[300];
	char line[512];
	char *after;
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) != NULL && (after = strrchr(line, ')')) != NULL &&
	    sscanf(after, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

int list_children_of(pid_t parent, pid_t *children, int size, pid_t known)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (proc == NULL)
		return 0;
	while (count < size && (entry = readdir(proc)) != NULL) {
		pid_t pid = atoi(entry->d_name);

		if (isdigit((unsigned char)entry->d_name[0]) && pid != known &&
		    parent_of(entry->d_name) == parent)
			children[count++] = pid;
	}
	closedir(proc);
	return count;
}

int list_children(pid_t *children, int size, pid_t known)
{
	return list_children_of(getpid(), children, size, known);
}

static bool is_server(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	(void)!fgets(name, sizeof name, file);
	fclose(file);
	return strcmp(name, "shmfs-server\n") == 0;
}

pid_t server_of(pid_t supervisor)
{
	pid_t children[16];
	int count = list_children_of(supervisor, children, 16, 0);

	for (int i = 0; i < count; i++) {
		if (is_server(children[i]))
			return children[i];
	}
	return 0;
}

int kill_left_over(void)
{
	pid_t children[64];
	int killed = 0;
	int count;

	while ((count = list_children(children, 64, 0)) > 0)
		for (int i = 0; i < count; i++) {
			if (waitpid(children[i], NULL, WNOHANG) == children[i])
				continue;
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
			killed++;
		}
	return killed;
}

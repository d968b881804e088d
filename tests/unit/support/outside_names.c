/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory with names, in the outside world of outside.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "outside_calls.h"

/* A name is a descriptor here, as a memfd has none: above those that the tests use. */
enum { NAME_FD_FIRST = 768, BORROWED_FD_FIRST = 896 };

ino_t outside_inode(int fd)
{
	struct stat st;

	REQUIRE_SAME(0, fstat(fd, &st));
	return st.st_ino;
}

static struct outside_name *find_name(uint64_t name)
{
	for (int i = 0; i < OUTSIDE_NAMES; i++)
		if (outside->books.name[i].name == name)
			return &outside->books.name[i];
	return NULL;
}

int outside_named(uint64_t name)
{
	const struct outside_name *found = find_name(name);

	return found != NULL ? found->fd : -1;
}

int outside_memory_name(void *arg, int fd, uint64_t name)
{
	struct outside_name *slot = find_name(0);

	REQUIRE(outside->books.memory[fd], "descriptor %d is named, which is no open memory", fd);
	REQUIRE(find_name(name) == NULL, "name %u is given twice", (unsigned)name);
	REQUIRE(slot != NULL, "too many names");
	if (outside_arrive(arg, OUTSIDE_MEMORY_NAME))
		return outside_failure();
	if (outside->nameless)
		return -EOPNOTSUPP;
	*slot = (struct outside_name){name, fcntl(fd, F_DUPFD_CLOEXEC, NAME_FD_FIRST)};
	REQUIRE(slot->fd >= NAME_FD_FIRST, "fcntl: %s", strerror(errno));
	outside->books.names++;
	outside_leave();
	return 0;
}

void outside_memory_unname(void *arg, uint64_t name)
{
	struct outside_name *found = find_name(name);

	(void)outside_arrive(arg, OUTSIDE_MEMORY_UNNAME);
	if (found != NULL) {
		close(found->fd);
		*found = (struct outside_name){0};
		outside->books.names--;
	}
	outside_leave();
}

static int borrow(void *arg, int named)
{
	int fd;

	if (outside_arrive(arg, OUTSIDE_MEMORY_BORROW))
		return outside_failure();
	REQUIRE(outside->borrowed == 0, "two memories are borrowed");
	fd = fcntl(named, F_DUPFD_CLOEXEC, BORROWED_FD_FIRST);
	outside->borrowed = fd;
	outside_leave();
	return fd;
}

void outside_drop_names(void)
{
	for (int i = 0; i < OUTSIDE_NAMES; i++)
		if (outside->books.name[i].name != 0)
			close(outside->books.name[i].fd);
	memset(outside->books.name, 0, sizeof outside->books.name);
	outside->books.names = 0;
}

void outside_close_stray(void)
{
	if (outside->borrowed > 0)
		close(outside->borrowed);
	outside->borrowed = 0;
}

int outside_memory_open(void *arg, int fd, uint64_t name)
{
	int named = outside_named(name);

	REQUIRE(named >= 0, "memory with name %u is lost", (unsigned)name);
	if (fd < 0)
		return borrow(arg, named);
	REQUIRE(!outside->books.memory[fd], "descriptor %d is in use", fd);
	outside->promised = fd;
	if (outside_arrive(arg, OUTSIDE_MEMORY_OPEN))
		return outside_failure();
	REQUIRE_SAME(fd, dup2(named, fd));
	outside->books.memory[fd] = true;
	outside->books.memories++;
	outside_leave();
	return 0;
}

int outside_look_by_name(void *arg, uint64_t name, struct shmfs_memory_state *out)
{
	int named = outside_named(name), rc;

	REQUIRE(named >= 0, "memory with name %u is lost", (unsigned)name);
	if (outside_arrive(arg, OUTSIDE_LOOK_BY_NAME))
		return outside_failure();
	rc = shmfs_os_linux()->look(arg, named, out);
	out->written = outside->written;
	return rc;
}

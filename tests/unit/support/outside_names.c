/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory with names, in the outside world of outside.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "outside_calls.h"
#include "test_memory.h"

/* A name is a descriptor here, as a memfd has none: above those that the tests use. */
enum { NAME_FD_FIRST = 768, BORROWED_FD_FIRST = 896 };

ino_t outside_inode(int fd)
{
	struct stat st;

	REQUIRE_SAME(0, fstat(fd, &st));
	return st.st_ino;
}

/* Each tmpfs has names of its own. */
static struct outside_name *find_name(uint64_t name, enum shmfs_pages pages)
{
	for (int i = 0; i < OUTSIDE_NAMES; i++) {
		struct outside_name *slot = &outside->books.name[i];

		if (slot->name == name && slot->pages == pages)
			return slot;
	}
	return NULL;
}

static int named_in(uint64_t name, enum shmfs_pages pages)
{
	const struct outside_name *found = find_name(name, pages);

	return found != NULL ? found->fd : -1;
}

int outside_named(uint64_t name)
{
	int fd = -1;

	for (int pages = SHMFS_PAGES_OF_MOUNT; fd < 0 && pages <= SHMFS_PAGES_SMALL; pages++)
		fd = named_in(name, (enum shmfs_pages)pages);
	return fd;
}

int outside_memory_name(void *arg, int fd, enum shmfs_pages pages, uint64_t name)
{
	struct outside_name *slot = find_name(0, SHMFS_PAGES_OF_MOUNT);

	REQUIRE(outside->books.memory[fd], "descriptor %d is named, which is no open memory", fd);
	REQUIRE(outside->books.pages[fd] == pages, "memory is named in another tmpfs");
	REQUIRE(find_name(name, pages) == NULL, "name %u is given twice", (unsigned)name);
	REQUIRE(slot != NULL, "too many names");
	if (outside_arrive(arg, OUTSIDE_MEMORY_NAME))
		return outside_failure();
	if (outside->nameless)
		return -EOPNOTSUPP;
	*slot = (struct outside_name){name, pages, test_memory_keep(fd, NAME_FD_FIRST)};
	REQUIRE(slot->fd >= NAME_FD_FIRST, "fcntl: %s", strerror(errno));
	outside->books.names++;
	outside_leave();
	return 0;
}

void outside_memory_unname(void *arg, enum shmfs_pages pages, uint64_t name)
{
	struct outside_name *found = find_name(name, pages);

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
	fd = test_memory_borrow(named, BORROWED_FD_FIRST);
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

int outside_memory_open(void *arg, int fd, enum shmfs_pages pages, uint64_t name)
{
	int named = named_in(name, pages);

	REQUIRE(named >= 0, "memory with name %u is lost", (unsigned)name);
	if (fd < 0)
		return borrow(arg, named);
	REQUIRE(!outside->books.memory[fd], "descriptor %d is in use", fd);
	outside->promised = fd;
	if (outside_arrive(arg, OUTSIDE_MEMORY_OPEN))
		return outside_failure();
	REQUIRE_SAME(fd, test_memory_take(named, fd));
	outside->books.memory[fd] = true;
	outside->books.pages[fd] = pages;
	outside->books.memories++;
	outside_leave();
	return 0;
}

int outside_look_by_name(
    void *arg, enum shmfs_pages pages, uint64_t name, struct shmfs_memory_state *out)
{
	int named = named_in(name, pages), rc;

	REQUIRE(named >= 0, "memory with name %u is lost", (unsigned)name);
	if (outside_arrive(arg, OUTSIDE_LOOK_BY_NAME))
		return outside_failure();
	rc = shmfs_os_linux()->look(arg, named, out);
	out->written = outside->written;
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a server; see assemble.h. */
#include "assemble.h"

#include "free_worker.h"
#include "fuse/backing.h"
#include "ops/table.h"
#include "stores.h"

static int store_of(void *arg, enum shmfs_pages pages)
{
	const struct server *server = arg;

	return stores_of(server->handover, pages);
}

static int pages_of(void *arg, enum shmfs_pages pages)
{
	const struct server *server = arg;

	return stores_pages(server->handover, pages);
}

static int create_memory(void *arg, int fd, enum shmfs_pages pages)
{
	return shmfs_memory_create(store_of(arg, pages), fd);
}

static int name_memory(void *arg, int fd, enum shmfs_pages pages, uint64_t name)
{
	return shmfs_memory_name(store_of(arg, pages), fd, name);
}

static void unname_memory(void *arg, enum shmfs_pages pages, uint64_t name)
{
	shmfs_memory_unname(store_of(arg, pages), name);
}

static int open_memory(void *arg, int fd, enum shmfs_pages pages, uint64_t name)
{
	return shmfs_memory_open(store_of(arg, pages), fd, name);
}

static int look_by_name(
    void *arg, enum shmfs_pages pages, uint64_t name, struct shmfs_memory_state *out)
{
	return shmfs_look_by_name(store_of(arg, pages), name, out);
}

static int open_backing(void *arg, int fd)
{
	struct server *server = arg;

	return backing_open(&server->channel, fd);
}

static void close_backing(void *arg, int backing)
{
	const struct server *server = arg;

	backing_close(&server->channel, backing);
}

static void quiesce(void *arg)
{
	const struct server *server = arg;

	free_worker_quiesce(server->free_worker);
}

void server_init(struct server *server, const struct options *options, struct handover *handover)
{
	*server = (struct server){
	    .options = options,
	    .handover = handover,
	    .os = *shmfs_os_linux(),
	    .keeper_fd = -1,
	    .server_fd = -1,
	    .channel = {.fd = -1,
		.exchange = &handover->exchange,
		.counters = &handover->counters,
		.operations = &ops_table,
		.ops = &server->ops,
		.tier = tier_handed_over(handover->exchange.tier),
		.choice = options->io,
		.idmap = options->idmap},
	};
	server->os.arg = server;
	server->os.pages = pages_of;
	server->os.memory_create = create_memory;
	server->os.memory_name = name_memory;
	server->os.memory_unname = unname_memory;
	server->os.memory_open = open_memory;
	server->os.look_by_name = look_by_name;
	server->os.quiesce = quiesce;
	server->os.backing_open = open_backing;
	server->os.backing_close = close_backing;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Flags of INIT; see init.h. */
#define FUSE_USE_VERSION 314
#include "init.h"

#include <fuse_lowlevel.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi.h"

/* One with a later major version only learns ours by it and greets again. */
void init_note(struct channel *channel, const struct fuse_in_header *header)
{
	const struct fuse_init_in *init = (const void *)(header + 1);
	struct exchange *exchange = channel->exchange;

	if (header->opcode != FUSE_INIT || channel->init_agreed != 0 ||
	    init->major > FUSE_KERNEL_VERSION)
		return;
	channel->init_unique = header->unique;
	channel->init_offered = init->flags;
	if ((init->flags & ABI_INIT_EXT) && header->len >= sizeof *header + sizeof *init)
		channel->init_offered |= (uint64_t)init->flags2 << 32;
	exchange->init_size = header->len <= sizeof exchange->init ? header->len : 0;
	memcpy(exchange->init, header, exchange->init_size);
}

static uint64_t extended_flags(const struct channel *channel)
{
	uint64_t offered = channel->init_offered;

	if (!(offered & ABI_INIT_EXT))
		return 0;
	return ABI_INIT_EXT | tier_init_flags(channel->choice, offered) |
	       (channel->idmap ? ABI_INIT_ALLOW_IDMAP & offered : 0);
}

/* What is not set here is libfuse's. */
static void amend(struct channel *channel, struct abi_init_out *out)
{
	uint64_t flags = out->flags | (ABI_INIT_PARALLEL_DIROPS & channel->init_offered) |
			 extended_flags(channel);

	out->minor = ABI_MINOR;
	/* libfuse makes it what a WRITE needs, which is less. It counts pages of the system. */
	if (flags & FUSE_MAX_PAGES)
		out->max_pages = (uint16_t)(reply_pipe_read_max() / (size_t)sysconf(_SC_PAGESIZE));
	out->flags = (uint32_t)flags;
	out->flags2 |= (uint32_t)(flags >> 32);
	/* The memory below is no stack of filesystems, so this one may be stacked upon once. */
	if (flags & ABI_INIT_PASSTHROUGH)
		out->max_stack_depth = 1;
	channel->init_agreed = flags | (uint64_t)out->flags2 << 32;
}

bool init_allows_idmap(const struct channel *channel)
{
	return (channel->init_agreed & ABI_INIT_ALLOW_IDMAP) != 0;
}

/* A kernel that reads a shorter reply is older than Linux 3.15. */
void init_amend(struct channel *channel, int error, struct iovec *iov, int count)
{
	if (error != 0 || count < 2 || iov[1].iov_len < sizeof(struct abi_init_out))
		fuse_session_exit(channel->session);
	else
		amend(channel, iov[1].iov_base);
}

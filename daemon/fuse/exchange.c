/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots for requests; see exchange.h. */
#include "exchange.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "common/log.h"
#include "fs/failpoint.h"

/* Since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void exchange_init(struct exchange *exchange)
{
	exchange->fd = -1;
	exchange->used = 1;
}

/* Locked, they also stay, as far as the limit of the user lets: without it, a shortage of memory
 * may take one in the moment of a kill. */
void exchange_populate(struct exchange *exchange, uint32_t slot)
{
	char *memory = (char *)&exchange->slots[slot];
	const size_t size = EXCHANGE_PAGE + EXCHANGE_EXPECTED_SIZE;

	if (madvise(memory, size, MADV_POPULATE_WRITE) < 0) {
		for (size_t i = 0; i < size; i += EXCHANGE_PAGE)
			((volatile char *)memory)[i] = memory[i];
	}
	if (mlock(memory, size) < 0)
		log_debug("the buffer for requests is not locked: %s", strerror(errno));
}

/* The first word of a request is its length. */
static void empty(struct exchange *exchange, uint32_t slot)
{
	volatile uint32_t *length = (volatile void *)exchange_request(exchange, slot);

	atomic_signal_fence(memory_order_seq_cst);
	*length = 0;
	atomic_signal_fence(memory_order_seq_cst);
}

void exchange_clear(struct exchange *exchange, uint32_t slot)
{
	empty(exchange, slot);
	failpoint("request cleared");
}

void exchange_clear_all(struct exchange *exchange)
{
	for (uint32_t slot = 0; slot < exchange->used; slot++)
		empty(exchange, slot);
	failpoint("request cleared");
}

void exchange_move(struct exchange *exchange, uint32_t slot)
{
	if (exchange->used <= slot)
		exchange->used = slot + 1;
	empty(exchange, slot);
	exchange->current = slot;
	atomic_signal_fence(memory_order_seq_cst);
	failpoint("another slot");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots for requests; see exchange.h. */
#include "exchange.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/log.h"
#include "fs/failpoint.h"

/* Since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* The page of a slot on which the data of a WRITE begin, and with it all that is long, is its
 * second. How many bytes of a request lie before a page. */
static size_t bytes_before(size_t page)
{
	return EXCHANGE_BEFORE_DATA + (page - 1) * EXCHANGE_PAGE;
}

static char *page_of(struct exchange *exchange, uint32_t slot, size_t page)
{
	return (char *)&exchange->slots[slot] + page * EXCHANGE_PAGE;
}

/* On the pages that a request of this size lies on. */
static void put_canaries(struct exchange *exchange, uint32_t slot, size_t size)
{
	if (size > EXCHANGE_EXPECTED_SIZE)
		size = EXCHANGE_EXPECTED_SIZE;
	for (size_t page = 1; bytes_before(page) < size; page++)
		memcpy(page_of(exchange, slot, page), &exchange->canary, sizeof exchange->canary);
}

int exchange_init(struct exchange *exchange)
{
	exchange->fd = -1;
	if (getrandom(&exchange->canary, sizeof exchange->canary, 0) < 0)
		return -errno;
	put_canaries(exchange, 0, EXCHANGE_EXPECTED_SIZE);
	exchange->used = 1;
	return 0;
}

/* Of so few bytes that they may be the canary's by chance, it is not believed. */
static bool has_canary(struct exchange *exchange, uint32_t slot, size_t page, size_t size)
{
	size_t bytes = size - bytes_before(page);

	return bytes >= sizeof exchange->canary &&
	       memcmp(page_of(exchange, slot, page), &exchange->canary, sizeof exchange->canary) ==
		   0;
}

static uint32_t length_of(struct exchange *exchange, uint32_t slot)
{
	uint32_t length;

	memcpy(&length, exchange_request(exchange, slot), sizeof length);
	return length;
}

bool exchange_has_whole(struct exchange *exchange, uint32_t slot)
{
	uint32_t length = length_of(exchange, slot);

	if (length == 0 || length >= EXCHANGE_REQUEST_SIZE)
		return false;
	for (size_t page = 1;
	     bytes_before(page) < length && bytes_before(page) < EXCHANGE_EXPECTED_SIZE; page++) {
		if (has_canary(exchange, slot, page, length))
			return false;
	}
	return true;
}

static size_t system_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Locked, they also stay, as far as the limit of the user lets: without it, a shortage of memory
 * may take one in the moment of a kill. */
void exchange_populate(struct exchange *exchange, uint32_t slot)
{
	char *end = (char *)&exchange->slots[slot] + EXCHANGE_PAGE + EXCHANGE_EXPECTED_SIZE;
	/* From where the system's page begins that the slot begins in. */
	size_t before = (uintptr_t)&exchange->slots[slot] % system_page();
	char *memory = (char *)&exchange->slots[slot] - before;
	size_t size = (size_t)(end - memory);

	if (madvise(memory, size, MADV_POPULATE_WRITE) < 0) {
		for (size_t i = 0; i < size; i += EXCHANGE_PAGE)
			((volatile char *)memory)[i] = memory[i];
	}
	if (mlock(memory, size) < 0)
		log_debug("the buffer for requests is not locked: %s", strerror(errno));
}

/* What shares a page of the system with something else stays. */
static void remove_pages(void *from, void *to)
{
	size_t page = system_page();
	char *begin = (char *)(((uintptr_t)from + page - 1) / page * page);
	char *end = (char *)((uintptr_t)to / page * page);

	if (begin < end && (munlock(begin, (size_t)(end - begin)) < 0 ||
			       madvise(begin, (size_t)(end - begin), MADV_REMOVE) < 0))
		log_debug("memory for requests is not given back: %s", strerror(errno));
}

/* Those that are not used are made anew before they are used again. */
void exchange_give_back(struct exchange *exchange, uint32_t slot)
{
	exchange->cells_used = 0;
	if (exchange->used > slot)
		exchange->used = slot;
	atomic_signal_fence(memory_order_seq_cst);
	failpoint("slots given back");
	remove_pages(&exchange->slots[slot], &exchange->slots[EXCHANGE_SLOTS]);
	remove_pages(&exchange->cells[0], &exchange->cells[EXCHANGE_CELLS]);
}

/*
 * The first word of a request is its length. The canaries come first: a server that dies between
 * the two leaves what looks like half a request, and this one is answered. Behind a request stands
 * a NUL, which may be the first byte of another page.
 */
static void empty(struct exchange *exchange, uint32_t slot)
{
	volatile uint32_t *length = (volatile void *)exchange_request(exchange, slot);

	put_canaries(exchange, slot, (size_t)*length + 1);
	atomic_signal_fence(memory_order_seq_cst);
	*length = 0;
	atomic_signal_fence(memory_order_seq_cst);
}

void exchange_clear(struct exchange *exchange, uint32_t slot)
{
	empty(exchange, slot);
	failpoint("request cleared");
}

/* Copying up to a cell's bytes, it wrote over canaries before it wrote the length. */
void exchange_tidy(struct exchange *exchange, uint32_t slot)
{
	exchange_clear(exchange, slot);
	put_canaries(exchange, slot, EXCHANGE_CELL_SIZE);
}

void exchange_move(struct exchange *exchange, uint32_t slot)
{
	if (exchange->used <= slot) {
		put_canaries(exchange, slot, EXCHANGE_EXPECTED_SIZE);
		exchange->used = slot + 1;
	}
	empty(exchange, slot);
	exchange->current = slot;
	atomic_signal_fence(memory_order_seq_cst);
	failpoint("another slot");
}

/* --- cells ------------------------------------------------------------------------------------ */

/* With its length, the first word, there is a request, and all of it. */
static void copy_request(char *to, const char *from)
{
	uint32_t length = *(const volatile uint32_t *)(const void *)from;

	memcpy(to + sizeof length, from + sizeof length, length - sizeof length);
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint32_t *)(void *)to = length;
	atomic_signal_fence(memory_order_seq_cst);
}

void exchange_put_away(struct exchange *exchange, uint32_t cell)
{
	if (exchange->cells_used <= cell)
		exchange->cells_used = cell + 1;
	copy_request(exchange->cells[cell].request, exchange_request(exchange, exchange->current));
	failpoint("request in a cell");
	exchange_clear(exchange, exchange->current);
}

void exchange_take_up(struct exchange *exchange, uint32_t cell)
{
	copy_request(exchange_request(exchange, exchange->current), exchange->cells[cell].request);
	failpoint("request in its slot");
	exchange_clear_cell(exchange, cell);
}

void exchange_clear_cell(struct exchange *exchange, uint32_t cell)
{
	*(volatile uint32_t *)(void *)exchange->cells[cell].request = 0;
	atomic_signal_fence(memory_order_seq_cst);
	failpoint("cell cleared");
}

uint32_t exchange_cell_length(const struct exchange *exchange, uint32_t cell)
{
	return *(const volatile uint32_t *)(const void *)exchange->cells[cell].request;
}

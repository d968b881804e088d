/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash of siphash.h, as its authors published it. */
#include "siphash.h"

#include <endian.h>
#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t word_at(const unsigned char *bytes, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, bytes, length);
	return le64toh(word);
}

uint64_t siphash(const uint64_t key[2], uint64_t head, const void *bytes, size_t length)
{
	struct sip s = {
	    .v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
	    .v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
	    .v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
	    .v3 = key[1] ^ UINT64_C(0x7465646279746573),
	};
	const unsigned char *next = bytes;
	uint64_t total = sizeof head + length;

	absorb(&s, head);
	for (; length >= sizeof head; next += sizeof head, length -= sizeof head)
		absorb(&s, word_at(next, sizeof head));
	absorb(&s, total << 56 | word_at(next, length));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

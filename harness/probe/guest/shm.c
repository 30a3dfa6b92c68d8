// SPDX-License-Identifier: BSD-3-Clause
/*
 * A channel that is memory, which somebody outside reads: "RSSHM1\0\0", a u64 that counts the bytes
 * written so far, then the bytes. What does not fit is lost, and missed by its frames' numbers.
 */
#include <string.h>

#include "harness/probe/guest/guest.h"

#define HEADER 16u

bool shm_open(struct channel *ch, const char *spec)
{
	char addr[24];
	const size_t n = strcspn(spec, ",");

	if (!spec[n] || n >= sizeof(addr))
		return false;
	memcpy(addr, spec, n);
	addr[n] = '\0';
	if (!guest_number(addr, &ch->addr) || !guest_number(spec + n + 1, &ch->size) ||
	    ch->size <= HEADER || ch->addr & 7)
		return false;
	/* In RAM (or in a device's memory elsewhere): then what is behind it is nobody's. */
	if (ch->addr >= machine.ram_base && ch->addr < machine.ram_end)
		machine.ram_end = ch->addr;
	ch->used = 0;
	*(volatile u64 *)(uintptr_t)(ch->addr + 8) = 0;
	memcpy((void *)(uintptr_t)ch->addr, "RSSHM1\0", 8);
	return true;
}

void shm_write(struct channel *ch, const char *s, size_t len)
{
	u8 *data = (u8 *)(uintptr_t)(ch->addr + HEADER);

	if (len > ch->size - HEADER - ch->used)
		return;
	memcpy(data + ch->used, s, len);
	ch->used += len;
	__atomic_store_n((u64 *)(uintptr_t)(ch->addr + 8), ch->used, __ATOMIC_RELEASE);
}

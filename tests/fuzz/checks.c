// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "harness/device/vehicle.h"

#define GUARD (1u << 16)

static u16 number_of(const struct check *k)
{
	u32 h = 2166136261u;

	for (const char *p = k->id; *p; p++)
		h = (h ^ (u8)*p) * 16777619u;
	return (u16)(h ^ h >> 16);
}

const struct check *fuzz_check(u16 which, bool (*fits)(const struct check *k))
{
	const struct check *best = NULL;

	for_each_check (k)
		if (fits(*k) &&
		    (!best || (u16)(number_of(*k) - which) < (u16)(number_of(best) - which)))
			best = *k;
	return best;
}

/* Formatted as in a run, so that a format that reads beyond its argument is found. */
static void vlog(struct ck_host *h, const char *fmt, va_list ap)
{
	char line[400];

	vsnprintf(line, sizeof(line), fmt, ap);
}

static void vrecord(struct ck_host *h, enum verdict v, const char *clause, const char *expected,
		    const char *fmt, va_list ap)
{
	vlog(h, fmt, ap);
}

void fuzz_run(const struct check *k, struct tp *tp, u32 device, u64 offered)
{
	static struct vq_slot slots[CK_SLOTS];
	static struct ck_host host = { .vlog = vlog, .vrecord = vrecord };
	static struct ck ck;

	ck = (struct ck){
		.tp = tp,
		.check = k,
		.host = &host,
		.device = device,
		.vehicle = k->vehicle ? vehicle_of(device) : NULL,
		.slots = slots,
		.rng = 0x9e3779b97f4a7c15ull,
		.offered = offered,
		.queues = MAX(k->queues, 1),
	};
	if (k->own_session || ck_open(&ck))
		k->run(&ck);
	tp->ops->close(tp);
}

const struct tp_buf *fuzz_memory(void)
{
	static const u64 gpas[FUZZ_REGIONS] = { 0x100000, 0x40000000, 0x100000000 };
	static struct tp_buf mem[FUZZ_REGIONS];

	for (unsigned i = 0; !mem[FUZZ_REGIONS - 1].hva && i < FUZZ_REGIONS; i++) {
		u8 *area = mmap(NULL, FUZZ_REGION_SIZE + 2 * GUARD, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (area == MAP_FAILED ||
		    mprotect(area + GUARD, FUZZ_REGION_SIZE, PROT_READ | PROT_WRITE))
			abort();
		mem[i] = (struct tp_buf){ area + GUARD, { gpas[i] }, FUZZ_REGION_SIZE };
	}
	return mem;
}

void fuzz_memory_clear(void)
{
	const struct tp_buf *mem = fuzz_memory();

	for (unsigned i = 0; i < FUZZ_REGIONS; i++)
		madvise(mem[i].hva, mem[i].len, MADV_DONTNEED);
}

void *fuzz_memory_at(u64 gpa, u64 *len)
{
	const struct tp_buf *mem = fuzz_memory();

	for (unsigned i = 0; i < FUZZ_REGIONS; i++) {
		u64 off = gpa - mem[i].gpa.v;

		if (off >= mem[i].len)
			continue;
		*len = MIN(*len, mem[i].len - off);
		return mem[i].hva + off;
	}
	return NULL;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3's interrupt translation service: a device writes an event number to one register, and a table
 * makes an interrupt (LPI) of it. Event i of any function is LPI_FIRST + i.
 */
#include <string.h>

#include "harness/probe/arch/aarch64/aarch64.h"

#define GITS_CTLR	0x0000
#define GITS_TYPER	0x0008
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER	0x0100
#define GITS_TRANSLATER 0x10040

#define GICR_CTLR      0x0000
#define GICR_TYPER     0x0008
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078

/* Inner shareable, write-back: the redistributor's tables, and the service's, which have a number of
 * pages where those have their caching. */
#define GICR_CACHED (1ull << 10 | 7ull << 7)
#define GITS_CACHED (7ull << 59 | 1ull << 10)
#define GITS_VALID  (1ull << 63)
#define PAGES_64K   (2ull << 8)
#define ID_BITS	    14u	 /* LPIs up to 16383 */
#define DEVICES	    256u /* functions of bus 0 */
#define EVENT_BITS  8u

static u64 its;
static u8 config[8192] __attribute__((aligned(4096)));
static u8 pending[65536] __attribute__((aligned(65536)));
static u64 queue[512] __attribute__((aligned(65536))); /* 4 KiB: 128 commands */
static u8 tables[2][65536] __attribute__((aligned(65536)));
static u8 events[DEVICES][256 * 16] __attribute__((aligned(256)));
static bool mapped[DEVICES];
static u64 target; /* of our processor */

static u64 read64(u64 addr)
{
	return *(volatile u64 *)(uintptr_t)addr;
}

static void write64(u64 addr, u64 v)
{
	dsb();
	*(volatile u64 *)(uintptr_t)addr = v;
}

static bool command(u64 a, u64 b, u64 c)
{
	const u64 at = read64(its + GITS_CWRITER) & 0xfffe0;
	u64 next = at + 32;

	if (next >= sizeof(queue))
		next = 0;
	queue[at / 8] = a;
	queue[at / 8 + 1] = b;
	queue[at / 8 + 2] = c;
	queue[at / 8 + 3] = 0;
	write64(its + GITS_CWRITER, next);
	for (unsigned i = 0; i < 1000000; i++)
		if ((read64(its + GITS_CREADR) & 0xfffe0) == next)
			return true;
	return false;
}

/* Memory for the tables that the service says it wants. */
static void give_tables(void)
{
	unsigned given = 0;

	for (unsigned i = 0; i < 8; i++) {
		const u64 at = its + GITS_BASER + 8ull * i, v = read64(at);

		if ((v >> 56 & 7) && given < ARRAY_SIZE(tables))
			write64(at, GITS_VALID | GITS_CACHED | PAGES_64K | (v & 7ull << 56) |
					    (v & 31ull << 48) | (u64)tables[given++]);
	}
}

bool aarch64_its_init(const struct fdt *t, u64 redistributor)
{
	its = tree_address(t, "arm,gic-v3-its", 0);
	if (!its)
		return false;
	memset(config, 0x81, LPIS); /* enabled, in the middle of priorities */
	write64(redistributor + GICR_PROPBASER, (u64)config | GICR_CACHED | (ID_BITS - 1));
	write64(redistributor + GICR_PENDBASER, 1ull << 62 | (u64)pending | GICR_CACHED);
	mmio_write32(redistributor + GICR_CTLR, mmio_read32(redistributor + GICR_CTLR) | 1);
	give_tables();
	write64(its + GITS_CBASER, GITS_VALID | GITS_CACHED | (u64)queue);
	write64(its + GITS_CWRITER, 0);
	mmio_write32(its + GITS_CTLR, 1);
	/* The processor by the address of its redistributor, or by its number. */
	target = read64(its + GITS_TYPER) & 1ull << 19
			 ? redistributor
			 : (read64(redistributor + GICR_TYPER) >> 8 & 0xffff) << 16;
	/* MAPC: collection 0 is our processor. */
	return command(0x09, 0, 1ull << 63 | target) && command(0x0d, 0, target);
}

/* Which function will write is not known here: all of bus 0 may, each on its first use. */
static bool map_device(u64 device)
{
	if (mapped[device])
		return true;
	mapped[device] = command(0x08 | device << 32, EVENT_BITS - 1,
				 1ull << 63 | (u64)events[device]); /* MAPD */
	return mapped[device];
}

bool aarch64_its_message(unsigned i, struct gpa *addr, u32 *data)
{
	/* MAPTI: event i of the function under test. */
	const u64 device = machine.function;

	if (!map_device(device) ||
	    !command(0x0a | device << 32, i | (u64)(LPI_FIRST + i) << 32, 0) ||
	    !command(0x0c | device << 32, i, 0) || /* INV */
	    !command(0x05, 0, target))		   /* SYNC */
		return false;
	addr->v = its + GITS_TRANSLATER;
	*data = i;
	return true;
}

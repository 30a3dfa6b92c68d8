// SPDX-License-Identifier: BSD-3-Clause
/* Base address registers: where the driver's side puts them, there the structures are (4.1.1). */
#include "harness/check/pci/pci_kit.h"

#define PCI_RULES "v14.pci.bus.dev.1"

static u32 register_of(unsigned bar)
{
	return PCI_BASE_ADDRESS_0 + 4 * bar;
}

static bool set_bar(struct ck *c, unsigned bar, u64 addr)
{
	return pk_cfg_write(c, register_of(bar), 4, (u32)addr) &&
	       (!pk(c)->bar[bar].is_64 ||
		pk_cfg_write(c, register_of(bar) + 4, 4, (u32)(addr >> 32)));
}

static bool get_bar(struct ck *c, unsigned bar, u64 *addr)
{
	u32 low, high = 0;

	if (!pk_cfg_read(c, register_of(bar), 4, &low) ||
	    (pk(c)->bar[bar].is_64 && !pk_cfg_read(c, register_of(bar) + 4, 4, &high)))
		return false;
	*addr = (u64)high << 32 | (low & (u32)PCI_BASE_ADDRESS_MEM_MASK);
	return true;
}

/* The bits that stay 0 when all are written are the size: a power of two, at least 16 bytes. */
static void sizes(struct ck *c)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *b = &pk(c)->bar[i];
		u64 addr;

		if (!b->addr)
			continue;
		ck_log(c, "  BAR %u: %u bit%s, 0x%llx bytes at 0x%llx", i, b->is_64 ? 64 : 32,
		       b->prefetchable ? ", prefetchable" : "", (unsigned long long)b->size,
		       (unsigned long long)b->addr);
		if (b->size & (b->size - 1) || b->size < 16) {
			ck_fail(c, PCI_RULES, "a power of two from 16 up",
				"BAR %u has 0x%llx bytes", i, (unsigned long long)b->size);
			return;
		}
		if (!get_bar(c, i, &addr))
			return;
		if (addr != b->addr) {
			ck_fail(c, PCI_RULES, "the address that was written",
				"BAR %u reads 0x%llx, 0x%llx was written", i,
				(unsigned long long)addr, (unsigned long long)b->addr);
			return;
		}
	}
}

CHECK(sizes, .id = "pci.bars.sizes", .clauses = { PCI_RULES },
      .stimulus = "read the base address registers, which were sized and placed before",
      .oracle = "each has a size that is a power of two, and reads as the address it was given",
      .run = sizes);

static bool decode(struct ck *c, bool on)
{
	u32 command;

	if (!pk_cfg_read(c, PCI_COMMAND, 2, &command))
		return false;
	command &= ~(u32)PCI_COMMAND_MEMORY;
	return pk_cfg_write(c, PCI_COMMAND, 2, command | (on ? PCI_COMMAND_MEMORY : 0));
}

/* Behind all that has been placed where this one is: below 4 GiB, or above. */
static u64 free_place(struct ck *c, unsigned bar)
{
	const struct pci *p = pk(c);
	const bool high = p->bar[bar].addr >> 32;
	u64 end = 0;

	for (unsigned i = 0; i < PCI_BARS; i++)
		if (p->bar[i].addr && !!(p->bar[i].addr >> 32) == high)
			end = MAX(end, p->bar[i].addr + p->bar[i].size);
	return ALIGN_UP(end, p->bar[bar].size);
}

static bool at(struct ck *c, u64 addr, u32 *value)
{
	return ck_must(c, regs_read(&pk(c)->r, addr, 4, value), "reading the common configuration");
}

static bool put(struct ck *c, u64 addr, u32 value)
{
	return ck_must(c, regs_write(&pk(c)->r, addr, 4, value),
		       "writing the common configuration");
}

/* queue_desc of queue 0 tells one place from the other. */
static bool move(struct ck *c, unsigned bar, u64 to)
{
	const u64 old = pk(c)->common + PK(queue_desc_lo);
	const u64 new = old - pk(c)->bar[bar].addr + to;
	u64 reads;
	u32 v;

	if (!put(c, old, 0x11110000) || !decode(c, false) || !put(c, old, 0x22220000) ||
	    !set_bar(c, bar, to) || !get_bar(c, bar, &reads) || !decode(c, true))
		return false;
	if (reads != to)
		return ck_fail(c, PCI_RULES, "the address that was written",
			       "BAR %u reads 0x%llx, 0x%llx was written", bar,
			       (unsigned long long)reads, (unsigned long long)to);
	if (!at(c, new, &v))
		return false;
	if (v != 0x11110000)
		return ck_fail(c, PCI_RULES, "the structure in its new place, as it was",
			       "BAR %u was moved to 0x%llx, and queue_desc reads 0x%08x there%s",
			       bar, (unsigned long long)to, v,
			       v == 0x22220000 ? ": written while memory decoding was off" : "");
	if (!put(c, old, 0x33330000) || !at(c, new, &v))
		return false;
	return v == 0x11110000 ||
	       ck_fail(c, PCI_RULES, "nothing in the old place",
		       "BAR %u was moved, and still decodes its old address", bar);
}

static void moved(struct ck *c)
{
	const struct pci_vcap *common = pci_cap(pk(c), VIRTIO_PCI_CAP_COMMON_CFG);
	const u64 home = pk(c)->bar[common->bar].addr;

	if (!ck_negotiate(c, 0) || !pk_write(c, PK(queue_select), 2, 0))
		return;
	move(c, common->bar, free_place(c, common->bar));
	/* Whatever came of it: the function outlives the check. */
	if (decode(c, false) && set_bar(c, common->bar, home))
		decode(c, true);
}

CHECK(moved, .id = "pci.bars.moved", .clauses = { PCI_RULES },
      .stimulus =
	      "the BAR of the common configuration moved to another address, with memory decoding "
	      "off meanwhile, and back",
      .oracle =
	      "the structure is where the BAR says, nothing is in the old place, and with decoding off "
	      "nothing is written",
      .run = moved);

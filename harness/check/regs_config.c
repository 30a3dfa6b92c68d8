// SPDX-License-Identifier: BSD-3-Clause
/* The configuration space's generation as a register (2.5, 4.1.4.3, 4.2.2). */
#include "harness/check/regs_kit.h"

#define PCI_STILL  "v14.pci.common-cfg-text.dev.2"
#define MMIO_STILL "v14.mmio.registers-text.dev.2"

#define ROUNDS 64

/* A driver reads until it is the same before and after: where it never is, the driver hangs. */
static void still(struct ck *c)
{
	struct regs *r = rk_regs(c);
	u32 first, now, value;

	if (!ck_start(c, ck_ring_features()) ||
	    !ck_must(c, r->reg->generation(r, &first), "reading the generation"))
		return;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!ck_must(c, r->reg->config_read(r, i % 8, 1, &value),
			     "reading the configuration") ||
		    !ck_must(c, r->reg->generation(r, &now), "reading the generation"))
			return;
		if (now == first)
			continue;
		ck_fail(c, rk_clause(c, PCI_STILL, MMIO_STILL),
			"the same value as long as nothing changes",
			"it was %u, and is %u after %u reads of the configuration", first, now,
			i + 1);
		return;
	}
}

CHECK(still, .id = "regs.config.generation-still", .clauses = { PCI_STILL, MMIO_STILL },
      .stimulus =
	      "config_generation (ConfigGeneration) 65 times, with a byte of the configuration read "
	      "in between",
      .oracle = "one value", .caps = TP_CAP_CONFIG, .run = still);

// SPDX-License-Identifier: BSD-3-Clause
/* The ISR status and INTx (4.1.4.5). */
#include "harness/check/pci/pci_kit.h"

#define CONFIG_BIT    "v14.pci.isr.dev.2"
#define QUEUE_BIT     "v14.pci.isr.dev.3"
#define PCI_STATUS_OR "v14.pci.isr.dev.4"
#define CLEARS	      "v14.pci.isr.dev.5"

static bool isr(struct ck *c, u32 *bits)
{
	return ck_must(c, regs_read(&pk(c)->r, pk(c)->isr, 1, bits), "reading the ISR status");
}

static bool intx(struct ck *c, bool *raised)
{
	u32 status;

	if (!pk_cfg_read(c, PCI_STATUS, 2, &status))
		return false;
	*raised = status & PCI_STATUS_INTERRUPT;
	return true;
}

/* Until INTx is raised, or the time is over: without touching the ISR status. */
static bool wait_intx(struct ck *c, bool *raised)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms / 4);

	do {
		if (!intx(c, raised))
			return false;
		c->tp->ops->relax(c->tp);
	} while (!*raised && !tp_late(c->tp, deadline));
	return true;
}

/* A request was served, and nobody has read the ISR status since. */
static bool served_with_intx(struct ck *c)
{
	u32 bits;

	return rk_can_work(c) && ck_start(c, ck_ring_features()) && isr(c, &bits) && rk_work(c);
}

static void queue_bit_body(struct ck *c)
{
	bool raised;
	u32 bits;

	if (!served_with_intx(c) || !wait_intx(c, &raised) || !isr(c, &bits))
		return;
	if (!(bits & REGS_ISR_QUEUE))
		ck_fail(c, QUEUE_BIT, "bit 0 of the ISR status",
			"a buffer was used, and the ISR status is 0x%02x", bits);
}

static void queue_bit(struct ck *c)
{
	pk_without_msix(c, queue_bit_body);
}

CHECK(queue_bit, .id = "pci.isr.queue-bit", .clauses = { QUEUE_BIT },
      .stimulus = "one request with MSI-X disabled", .oracle = "bit 0 of the ISR status is set",
      .run = queue_bit);

static void clears_body(struct ck *c)
{
	u32 first, second;
	bool raised;

	if (!served_with_intx(c) || !wait_intx(c, &raised) || !isr(c, &first) || !isr(c, &second) ||
	    !intx(c, &raised))
		return;
	if (!first) {
		ck_error(c, "the ISR status is 0 although a buffer was used");
		return;
	}
	if (second)
		ck_fail(c, CLEARS, "0 when it is read again", "it was 0x%02x, then 0x%02x", first,
			second);
}

static void clears(struct ck *c)
{
	pk_without_msix(c, clears_body);
}

CHECK(clears, .id = "pci.isr.clears", .clauses = { CLEARS },
      .stimulus = "one request with MSI-X disabled, the ISR status read twice",
      .oracle = "the second time it is 0", .run = clears);

static void pci_status_body(struct ck *c)
{
	bool raised;
	u32 bits;

	if (!rk_can_work(c) || !ck_start(c, ck_ring_features()) || !isr(c, &bits) ||
	    !isr(c, &bits) || !intx(c, &raised))
		return;
	if (!bits && raised) {
		ck_fail(c, PCI_STATUS_OR, "the Interrupt Status bit is the OR of the ISR bits",
			"it is set with an ISR status of 0");
		return;
	}
	if (!rk_work(c) || !wait_intx(c, &raised) || !isr(c, &bits))
		return;
	if (bits && !raised) {
		ck_fail(c, PCI_STATUS_OR, "the Interrupt Status bit is the OR of the ISR bits",
			"it is clear with an ISR status of 0x%02x", bits);
		return;
	}
	if (!bits) {
		ck_error(c, "the ISR status is 0 although a buffer was used");
		return;
	}
	if (intx(c, &raised) && raised && isr(c, &bits) && !bits)
		ck_fail(c, PCI_STATUS_OR, "the Interrupt Status bit is the OR of the ISR bits",
			"it is still set after the ISR status was read");
}

static void pci_status(struct ck *c)
{
	pk_without_msix(c, pci_status_body);
}

CHECK(pci_status, .id = "pci.isr.pci-status", .clauses = { PCI_STATUS_OR },
      .stimulus = "the PCI status register before a request, after it, and after the ISR status "
		  "was read, with MSI-X disabled",
      .oracle = "its Interrupt Status bit is set exactly while ISR bits are", .run = pci_status);

static bool set_intx(struct ck *c, bool on)
{
	u32 command;

	if (!pk_cfg_read(c, PCI_COMMAND, 2, &command))
		return false;
	command &= ~(u32)PCI_COMMAND_INTX_DISABLE;
	return pk_cfg_write(c, PCI_COMMAND, 2, command | (on ? 0 : PCI_COMMAND_INTX_DISABLE));
}

/* The bit says that there is an interrupt, whether or not the line may show it. */
static void disabled_body(struct ck *c)
{
	bool raised;
	u32 bits;

	if (!rk_can_work(c) || !ck_start(c, ck_ring_features()) || !isr(c, &bits) ||
	    !set_intx(c, false) || !rk_work(c) || !wait_intx(c, &raised) || !isr(c, &bits))
		return;
	if (!bits)
		ck_error(c, "the ISR status is 0 although a buffer was used");
	else if (!raised)
		ck_fail(c, PCI_STATUS_OR, "the Interrupt Status bit is the OR of the ISR bits",
			"with INTx disabled it is clear, and the ISR status is 0x%02x", bits);
}

static void disabled_and_back(struct ck *c)
{
	disabled_body(c);
	set_intx(c, true);
}

static void disabled(struct ck *c)
{
	pk_without_msix(c, disabled_and_back);
}

CHECK(disabled, .id = "pci.isr.intx-disabled", .clauses = { PCI_STATUS_OR },
      .stimulus = "one request with MSI-X and, by Interrupt Disable, INTx disabled",
      .oracle = "the Interrupt Status bit of the PCI status register is set with the ISR bit",
      .run = disabled);

/* --- configuration ---------------------------------------------------------------------------------- */

static void config_intx_body(struct ck *c)
{
	bool raised;
	u32 bits;

	if (!ck_start(c, ck_ring_features()) || !isr(c, &bits) || !rk_break(c) ||
	    !wait_intx(c, &raised))
		return;
	if (!raised) {
		ck_skip(c, "no interrupt comes with DEVICE_NEEDS_RESET");
		return;
	}
	if (isr(c, &bits) && !(bits & REGS_ISR_CONFIG))
		ck_fail(c, CONFIG_BIT, "bit 1 of the ISR status",
			"DEVICE_NEEDS_RESET is announced, and the ISR status is 0x%02x", bits);
}

static void config_intx(struct ck *c)
{
	pk_without_msix(c, config_intx_body);
}

CHECK(config_intx, .id = "pci.isr.config-bit", .clauses = { CONFIG_BIT },
      .stimulus = "an available index too far ahead, so that DEVICE_NEEDS_RESET is announced, with "
		  "MSI-X disabled",
      .oracle = "bit 1 of the ISR status is set when the interrupt comes", .run = config_intx);

/* Two sentences differ on whether the ISR status means anything then: the device says which it follows. */
static void config_msix(struct ck *c)
{
	u32 bits;

	if (!pk(c)->vectors) {
		ck_skip(c, "the function has no MSI-X capability");
		return;
	}
	if (!ck_start(c, ck_ring_features()) || !isr(c, &bits) || !rk_break(c))
		return;
	if (!c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms)) {
		ck_skip(c, "no message comes with DEVICE_NEEDS_RESET");
		return;
	}
	if (isr(c, &bits) && !(bits & REGS_ISR_CONFIG))
		ck_info(c, CONFIG_BIT,
			"with MSI-X the configuration's message comes and the ISR status is 0x%02x",
			bits);
}

CHECK(config_msix, .id = "pci.isr.config-bit-msix", .clauses = { CONFIG_BIT },
      .stimulus = "an available index too far ahead, so that DEVICE_NEEDS_RESET is announced, with "
		  "MSI-X enabled",
      .oracle =
	      "bit 1 of the ISR status is set when the message comes; that it is not is noted, since "
	      "4.1.5.1.2 calls the ISR status unused then",
      .run = config_msix);

// SPDX-License-Identifier: BSD-3-Clause
/* Faults of virtio-mmio's own registers. */
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

#define MMIO(ident, name_, clause_, summary_, ...)                                                 \
	FAULT(mmio_##ident, .name = "mmio-" name_, .clause = "v14.mmio.registers." clause_,        \
	      .transport = "mmio", .summary = summary_, __VA_ARGS__)

static u32 other_magic(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_MAGIC ? value + 1 : value;
}

MMIO(magic, "magic", "dev.1", "MagicValue is another", .reg_read = other_magic);

static u32 version_3(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_VERSION ? 3 : value;
}

MMIO(version, "version", "dev.2", "Version is 3", .reg_read = version_3);

static u32 read_clears(struct rreg *r, unsigned reg, u32 value)
{
	if (reg == RREG_ISR) {
		r->isr = 0;
		rreg_set_line(r, false);
	}
	return value;
}

MMIO(isr_read_clears, "isr-read-clears", "dev.3", "reading InterruptStatus clears it, as over PCI",
     .reg_read = read_clears);

static enum fault_action both_bits(struct rreg *r, int q)
{
	if (q < 0)
		r->isr |= RREG_ISR_QUEUE;
	return FAULT_PASS;
}

MMIO(isr_both, "isr-both-bits", "dev.4", "a configuration change sets the bit for buffers, too",
     .reg_interrupt = both_bits);

static enum fault_action both_bits_for_queues(struct rreg *r, int q)
{
	if (q >= 0)
		r->isr |= RREG_ISR_CONFIG;
	return FAULT_PASS;
}

MMIO(isr_queue_both, "isr-queue-both-bits", "dev.4",
     "a used buffer sets the bit for the configuration, too",
     .reg_interrupt = both_bits_for_queues);

static u8 isr_before;

static enum fault_action note_isr(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg != RREG_STATUS)
		return FAULT_PASS;
	/* The next driver's first step ends it. */
	isr_before = *value ? 0 : r->isr;
	if (*value && !(r->status & VIRTIO_CONFIG_S_DRIVER_OK))
		r->isr = 0;
	return FAULT_PASS;
}

static void isr_stays(struct rreg *r)
{
	r->isr = isr_before;
}

MMIO(isr_reset, "isr-survives-reset", "dev.5", "a reset leaves InterruptStatus as it was",
     .reg_write = note_isr, .reg_reset = isr_stays);

static u32 no_generation(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_GENERATION ? 0 : value;
}

MMIO(generation, "generation-constant", "dev.7", "ConfigGeneration is always 0",
     .reg_read = no_generation);
FAULT(pci_generation, .name = "pci-generation-constant", .clause = "v14.pci.common-cfg.dev.6",
      .transport = "pci", .summary = "config_generation is always 0", .reg_read = no_generation);

static enum fault_action only_reads_0(struct rreg *r, unsigned reg, u32 *value)
{
	struct rreg_queue *q = rreg_selected(r);

	if (reg != RREG_QUEUE_ENABLE || *value != 0 || !q)
		return FAULT_PASS;
	q->enabled = false;
	return FAULT_DONE;
}

static bool run_unready(struct rreg_queue *q, bool allowed)
{
	return allowed || (!q->enabled && q->vq.desc && q->r->status & VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Addresses are enough for it. */
static enum fault_action begin_unready(struct rreg *r, unsigned reg, u32 *value)
{
	u32 i = *value & 0xffff;

	if (reg == RREG_NOTIFY && i < r->num_queues && !r->queues[i].enabled && r->queues[i].used &&
	    !r->queues[i].vq.desc)
		rreg_queue_begin(&r->queues[i]);
	return FAULT_PASS;
}

MMIO(never_ready_runs, "never-ready-runs", "dev.8", "serves a queue whose QueueReady was never set",
     .reg_write = begin_unready, .reg_may_run = run_unready);

MMIO(not_ready_runs, "not-ready-runs", "dev.8", "serves a queue whose QueueReady was set to 0",
     .reg_write = only_reads_0, .reg_may_run = run_unready);

FAULT(pci_not_enabled_runs, .name = "pci-not-enabled-runs",
      .clause = "v14.pci.common-cfg-text.dev.1", .transport = "pci",
      .summary = "serves a queue whose queue_enable was never set", .reg_write = begin_unready,
      .reg_may_run = run_unready);

/* --- shared memory ------------------------------------------------------------------------------------- */

static u32 empty_region(struct rreg *r, unsigned reg, u32 value)
{
	if (reg != RREG_SHM_LEN_LO && reg != RREG_SHM_LEN_HI)
		return value;
	return r->shm_sel < RREG_SHM_MAX && r->shm[r->shm_sel].len ? value : 0;
}

FAULT(mmio_shm_empty, .name = "mmio-shm-length-zero", .clause = "v14.mmio.registers-text.dev.1",
      .transport = "mmio", .summary = "a shared memory region that does not exist has length 0",
      .reg_read = empty_region);

/* --- generation ------------------------------------------------------------------------------------------ */

/* In sixteen reads once: those who read few times in a row are not kept from it. */
static u32 restless(struct rreg *r, unsigned reg, u32 value)
{
	static u32 reads;

	return reg == RREG_GENERATION ? value + ++reads / 16 : value;
}

FAULT(mmio_generation_restless, .name = "mmio-generation-restless",
      .clause = "v14.mmio.registers-text.dev.2", .transport = "mmio",
      .summary = "ConfigGeneration changes although nothing else does", .reg_read = restless);
FAULT(pci_generation_restless, .name = "pci-generation-restless",
      .clause = "v14.pci.common-cfg-text.dev.2", .transport = "pci",
      .summary = "config_generation changes although nothing else does", .reg_read = restless);

// SPDX-License-Identifier: BSD-3-Clause
/* Faults of a PCI function's registers and interrupts. */
#include <linux/pci_regs.h>

#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/fault/fault.h"

#define PCI(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(pci_##ident, .name = "pci-" name_, .clause = "v14.pci." clause_, .transport = "pci", \
	      .summary = summary_, __VA_ARGS__)

/* --- common configuration -------------------------------------------------------------------------------- */

static u32 words_repeat(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_DEVICE_FEATURES && r->device_features_sel > 3 ? (u32)r->offered : value;
}

PCI(feature_words, "feature-words-repeat", "common-cfg.dev.3",
    "device_feature repeats word 0 for selectors above 3", .reg_read = words_repeat);

static u32 no_read_back(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_DRIVER_FEATURES ? 0 : value;
}

PCI(driver_features, "driver-features-write-only", "common-cfg.dev.4",
    "driver_feature reads as 0, whatever was written", .reg_read = no_read_back);

static u16 size_before;

static enum fault_action note_size(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_STATUS && *value == 0)
		size_before = r->queues[0].size;
	/* The next driver finds all as it should be. */
	else if (reg == RREG_STATUS && !r->status)
		r->queues[0].size = r->queue_max;
	return FAULT_PASS;
}

static void size_stays(struct rreg *r)
{
	if (size_before)
		r->queues[0].size = size_before;
}

PCI(reset_size, "reset-keeps-queue-size", "common-cfg.dev.7",
    "a reset leaves the size of queue 0 as the driver set it", .reg_write = note_size,
    .reg_reset = size_stays);

static bool lingers;

/* Only for a queue of half its size, so that other drivers can go on. */
static enum fault_action note_half(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_STATUS)
		lingers = *value == 0 && r->queues[0].enabled &&
			  r->queues[0].size == r->queue_max / 2;
	return FAULT_PASS;
}

static u32 status_lingers(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_STATUS && lingers ? VIRTIO_CONFIG_S_ACKNOWLEDGE : value;
}

PCI(reset_status, "reset-status-lingers", "common-cfg.dev.8",
    "device_status does not become 0 after the reset of a queue of half size",
    .reg_write = note_half, .reg_read = status_lingers);

static u32 queue_from_nowhere(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_QUEUE_SIZE && r->queue_sel == 0x7fff ? 1 : value;
}

PCI(absent_queue, "absent-queue-has-size", "common-cfg.dev.15",
    "queue_size of a queue that does not exist is 1", .reg_read = queue_from_nowhere);

static u32 odd_size(struct rreg *r, unsigned reg, u32 value)
{
	const struct rreg_queue *q = rreg_selected(r);

	return reg == RREG_QUEUE_SIZE && q && q->index == r->num_queues - 1 && !q->enabled &&
			       value == r->queue_max
		       ? value - 1
		       : value;
}

PCI(queue_size, "queue-size-odd", "common-cfg.dev.16",
    "queue_size of the last queue is not a power of two", .reg_read = odd_size);

static enum fault_action low_clears_high(struct rreg *r, unsigned reg, u32 *value)
{
	struct rreg_queue *q = rreg_selected(r);

	if (!q || q->enabled)
		return FAULT_PASS;
	if (reg == RREG_DESC_LO)
		q->desc = 0;
	if (reg == RREG_AVAIL_LO)
		q->avail = 0;
	if (reg == RREG_USED_LO)
		q->used = 0;
	return FAULT_PASS;
}

PCI(halves, "low-half-clears-high", "layout.dev.1",
    "writing the low half of a 64-bit field clears the high half", .reg_write = low_clears_high);

/* --- the line --------------------------------------------------------------------------------------------- */

/* An interrupt that no ISR bit explains. */
static void raise(struct rpci *p)
{
	p->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	rreg_set_line(&p->r, true);
}

static enum fault_action config_without_bit(struct rreg *r, int q)
{
	if (q >= 0 || rpci_msix_enabled(rpci_of(r)))
		return FAULT_PASS;
	raise(rpci_of(r));
	return FAULT_DONE;
}

PCI(isr_config, "isr-no-config-bit", "isr.dev.2",
    "interrupts for the configuration without the ISR bit", .reg_interrupt = config_without_bit);

static bool message_without_bit(struct rpci *p, unsigned vector, bool allowed)
{
	if (vector == p->r.config_vector)
		p->r.isr &= (u8)~RREG_ISR_CONFIG;
	return allowed;
}

PCI(isr_config_msix, "isr-no-config-bit-msix", "isr.dev.2",
    "sends the configuration's message without the ISR bit", .pci_msix = message_without_bit);

static enum fault_action queue_without_bit(struct rreg *r, int q)
{
	if (q < 0 || rpci_msix_enabled(rpci_of(r)))
		return FAULT_PASS;
	raise(rpci_of(r));
	return FAULT_DONE;
}

PCI(isr_queue, "isr-no-queue-bit", "isr.dev.3", "interrupts for a queue without the ISR bit",
    .reg_interrupt = queue_without_bit);

static u32 no_interrupt_status(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	return offset == PCI_STATUS		    ? value & ~(u32)PCI_STATUS_INTERRUPT
	       : offset == PCI_COMMAND && size == 4 ? value & ~((u32)PCI_STATUS_INTERRUPT << 16)
						    : value;
}

PCI(isr_status, "isr-not-in-pci-status", "isr.dev.4",
    "the Interrupt Status bit of the PCI status register is never set",
    .pci_config_read = no_interrupt_status);

static u8 read_keeps(struct rpci *p, u8 value)
{
	p->r.isr = value;
	return value;
}

PCI(isr_read, "isr-read-keeps", "isr.dev.5", "reading the ISR status does not clear it",
    .pci_isr = read_keeps);

/* --- MSI-X ------------------------------------------------------------------------------------------------- */

static void one_vector(struct rpci *p)
{
	p->r.vectors = 1;
	rpci_put(p->config + RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2, 0);
}

PCI(msix_one, "msix-one-vector", "msix.dev.1", "the MSI-X table has one vector",
    .pci_built = one_vector);

static enum fault_action not_from_last(struct rreg *r, int q)
{
	const struct rpci_vector *last = &rpci_of(r)->vector[r->vectors - 1];

	/* Masked ones are another rule's. */
	return q == 0 && rpci_msix_enabled(rpci_of(r)) && r->queues[0].vector == r->vectors - 1 &&
			       !(last->control & PCI_MSIX_ENTRY_CTRL_MASKBIT)
		       ? FAULT_DONE
		       : FAULT_PASS;
}

PCI(msix_last, "msix-last-vector-dead", "msix.dev.2",
    "the last vector of the table sends nothing for queue 0", .reg_interrupt = not_from_last);

static enum fault_action not_from_first(struct rreg *r, int q)
{
	return q == 0 && rpci_msix_enabled(rpci_of(r)) && r->queues[0].vector == 0 ? FAULT_DONE
										   : FAULT_PASS;
}

PCI(msix_first, "msix-first-vector-dead", "msix.dev.4", "vector 0 sends nothing for queue 0",
    .reg_interrupt = not_from_first);

static enum fault_action no_unmapping(struct rreg *r, unsigned reg, u32 *value)
{
	return reg == RREG_QUEUE_VECTOR && *value == RREG_NO_VECTOR ? FAULT_DONE : FAULT_PASS;
}

PCI(msix_unmap, "msix-no-unmapping", "msix.dev.5", "ignores NO_VECTOR for a queue",
    .reg_write = no_unmapping);

static u32 other_vector(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_CONFIG_VECTOR && value == r->vectors - 1u ? 0 : value;
}

PCI(msix_read_back, "msix-reads-another", "msix.dev.6",
    "config_msix_vector reads back as 0 when the last vector is mapped", .reg_read = other_vector);

static void vectors_zero(struct rreg *r)
{
	if (r->vectors)
		r->queues[0].vector = 0;
}

PCI(msix_reset, "msix-reset-maps-vector-0", "msix.dev.7",
    "queue 0 is mapped to vector 0 after a reset", .reg_reset = vectors_zero);

static enum fault_action no_sharing(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_CONFIG_VECTOR && *value == r->vectors - 1u)
		*value = RREG_NO_VECTOR;
	return FAULT_PASS;
}

PCI(msix_need, "msix-mapping-fails", "msix.dev.8",
    "the configuration cannot be mapped to the last vector", .reg_write = no_sharing);

static u32 beyond;

static enum fault_action note_beyond(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_QUEUE_VECTOR)
		beyond = *value >= r->vectors && *value != RREG_NO_VECTOR ? *value : 0;
	return FAULT_PASS;
}

static u32 reads_beyond(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_QUEUE_VECTOR && beyond && value == RREG_NO_VECTOR ? beyond : value;
}

PCI(msix_beyond, "msix-beyond-table", "msix.dev.9",
    "a vector that the table does not have reads back as if it were mapped",
    .reg_write = note_beyond, .reg_read = reads_beyond);

static enum fault_action queue_by_line(struct rreg *r, int q)
{
	if (q >= 0 && rpci_msix_enabled(rpci_of(r)) && r->queues[q].vector == RREG_NO_VECTOR) {
		r->isr |= RREG_ISR_QUEUE;
		raise(rpci_of(r));
	}
	return FAULT_PASS;
}

PCI(msix_queue_line, "msix-queue-falls-back", "used-notif.dev.1",
    "raises INTx for a queue without a vector", .reg_interrupt = queue_by_line);

static enum fault_action config_by_line(struct rreg *r, int q)
{
	if (q < 0 && rpci_msix_enabled(rpci_of(r)) && r->config_vector == RREG_NO_VECTOR)
		raise(rpci_of(r));
	return FAULT_PASS;
}

PCI(msix_config_line, "msix-config-falls-back", "config-change.dev.1",
    "raises INTx for a configuration without a vector", .reg_interrupt = config_by_line);

static bool through_the_mask(struct rpci *p, unsigned vector, bool allowed)
{
	return true;
}

PCI(msix_masked, "msix-masked-sends", "bus.dev.1", "sends messages of masked vectors",
    .pci_msix = through_the_mask);

static bool through_the_function_mask(struct rpci *p, unsigned vector, bool allowed)
{
	const u32 flags = rpci_get(p->config + RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2);

	return allowed || (flags & PCI_MSIX_FLAGS_MASKALL &&
			   !(p->vector[vector].control & PCI_MSIX_ENTRY_CTRL_MASKBIT));
}

PCI(msix_function_mask, "msix-function-mask-sends", "bus.dev.1",
    "sends messages while the function is masked", .pci_msix = through_the_function_mask);

static u32 status_follows_line(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	const u32 command = rpci_get(p->config + PCI_COMMAND, 2);

	return command & PCI_COMMAND_INTX_DISABLE ? no_interrupt_status(p, offset, size, value)
						  : value;
}

PCI(isr_status_line, "isr-status-follows-line", "isr.dev.4",
    "the Interrupt Status bit is clear while INTx is disabled",
    .pci_config_read = status_follows_line);

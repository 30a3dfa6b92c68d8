// SPDX-License-Identifier: BSD-3-Clause
/* Faults of status and features in the register model. */
#include "harness/spec/virtio14.h"
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

/* A suspended device has no DRIVER_OK either, but had it. */
static bool driver_ok(const struct rreg *r)
{
	return r->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND);
}

/* --- before DRIVER_OK ---------------------------------------------------------------------------- */

static bool run_early(struct rreg_queue *q, bool allowed)
{
	return allowed ||
	       (q->enabled && q->stop == RREG_RUNS && !q->r->resetting && !driver_ok(q->r));
}

static enum fault_action quiet_early(struct rreg *r, int q)
{
	return driver_ok(r) ? FAULT_PASS : FAULT_DONE;
}

FAULT(reg_consumes_early, .name = "reg-consumes-before-driver-ok",
      .clause = "v14.basic.device-status.dev.1", .transport = "registers",
      .summary = "serves a queue as soon as it is enabled, without DRIVER_OK",
      .reg_may_run = run_early, .reg_interrupt = quiet_early);

static enum fault_action interrupt_early(struct rreg *r, unsigned reg, u32 *value)
{
	u32 q = *value & 0xffff;

	if (reg == RREG_NOTIFY && !driver_ok(r) && q < r->num_queues)
		r->face->interrupt(r, (int)q);
	return FAULT_PASS;
}

FAULT(reg_interrupts_early, .name = "reg-interrupts-before-driver-ok",
      .clause = "v14.basic.device-status.dev.2", .transport = "registers",
      .summary = "answers a notification before DRIVER_OK with an interrupt",
      .reg_write = interrupt_early);

/* --- reset ------------------------------------------------------------------------------------------ */

/* The first time only: the next driver gets its device. */
static bool ignored;

static enum fault_action reset_after_failed(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg != RREG_STATUS || *value != 0)
		return FAULT_PASS;
	if (r->status & VIRTIO_CONFIG_S_FAILED && !ignored) {
		ignored = true;
		return FAULT_DONE;
	}
	ignored = false;
	return FAULT_PASS;
}

FAULT(reg_failed_stays, .name = "reg-failed-stays", .clause = "v14.basic.device-reset.dev.1",
      .transport = "registers", .summary = "ignores the first reset after FAILED",
      .reg_write = reset_after_failed);

/* Once: the driver after that gets its device. */
static bool failed_before;

static enum fault_action note_failed(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_STATUS && *value & VIRTIO_CONFIG_S_FAILED)
		failed_before = true;
	return FAULT_PASS;
}

static bool never_again(struct rreg *r, u64 features, bool good)
{
	if (good && failed_before) {
		failed_before = false;
		return false;
	}
	return good;
}

FAULT(reg_features_once, .name = "reg-features-refused-after-failed",
      .clause = "v14.basic.feature-bits.dev.5", .transport = "registers",
      .summary =
	      "refuses the features that it accepted before to the driver after one that wrote FAILED",
      .reg_write = note_failed, .reg_acceptable = never_again);

static bool anything(struct rreg *r, u64 features, bool good)
{
	return true;
}

FAULT(reg_features_any, .name = "reg-features-any", .clause = "v14.basic.feature-bits.dev.3",
      .transport = "registers", .summary = "keeps FEATURES_OK for bits that were never offered",
      .reg_acceptable = anything);

/* --- a reset with requests in flight --------------------------------------------------------------------- */

static u32 reset_at_once(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_STATUS && r->resetting ? 0 : value;
}

FAULT(reg_reset_shown_early, .name = "reg-reset-shown-early",
      .clause = "v14.basic.device-reset.dev.3", .transport = "registers",
      .summary = "shows a status of 0 while requests are in flight, which are then used",
      .reg_read = reset_at_once);

/* Where the driver's words came from: the ring that is being used belongs to this device. */
static struct rreg *device;

static enum fault_action note_device(struct rreg *r, unsigned reg, u32 *value)
{
	device = r;
	return FAULT_PASS;
}

static enum fault_action interrupt_instead(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (!device || !device->resetting)
		return FAULT_PASS;
	device->face->interrupt(device, vq->queue);
	return FAULT_DONE;
}

FAULT(reg_reset_interrupts, .name = "reg-reset-interrupts",
      .clause = "v14.basic.device-reset.dev.2", .transport = "registers",
      .summary =
	      "shows a status of 0 while requests are in flight, and interrupts when they are done",
      .reg_read = reset_at_once, .reg_write = note_device, .used = interrupt_instead);

/* --- DEVICE_NEEDS_RESET -------------------------------------------------------------------------------- */

/* Of an available index that ran away; other errors are shown. */
static u32 hide_needs_reset(struct rreg *r, unsigned reg, u32 value)
{
	for (unsigned i = 0; reg == RREG_STATUS && i < r->num_queues; i++)
		if (r->queues[i].vq.broken == DVQ_E_RUNAWAY)
			return value & ~(u32)VIRTIO_CONFIG_S_NEEDS_RESET;
	return value;
}

FAULT(reg_needs_reset_hidden, .name = "reg-needs-reset-hidden",
      .clause = "v14.basic.device-status.dev.3", .transport = "registers",
      .summary = "does not show DEVICE_NEEDS_RESET after an available index that ran away",
      .reg_read = hide_needs_reset);

static enum fault_action no_word_of_it(struct rreg *r, int q)
{
	return q < 0 && r->status & VIRTIO_CONFIG_S_NEEDS_RESET ? FAULT_DONE : FAULT_PASS;
}

FAULT(reg_needs_reset_silent, .name = "reg-needs-reset-silent",
      .clause = "v14.basic.device-status.dev.4", .transport = "registers",
      .summary = "sets DEVICE_NEEDS_RESET without a configuration change notification",
      .reg_interrupt = no_word_of_it);

/* --- the offer ------------------------------------------------------------------------------------------- */

static u64 without_what_it_needs(struct rreg *r, u64 offered)
{
	return offered & ~BIT_ULL(VIRTIO_BLK_F_FLUSH);
}

FAULT(reg_feature_unmet, .name = "reg-feature-unmet", .clause = "v14.basic.feature-bits.dev.1",
      .transport = "registers", .summary = "offers CONFIG_WCE without FLUSH, which it requires",
      .reg_features = without_what_it_needs);

static u32 bit_100(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_DEVICE_FEATURES && r->device_features_sel == 3 ? value | 1u << 4 : value;
}

FAULT(reg_feature_bit_100, .name = "reg-feature-bit-100", .clause = "v14.basic.feature-bits.dev.4",
      .transport = "registers", .summary = "offers bit 100, which nothing defines",
      .reg_read = bit_100);

static u64 with_sr_iov(struct rreg *r, u64 offered)
{
	return offered | BIT_ULL(VIRTIO_F_SR_IOV);
}

FAULT(mmio_sr_iov, .name = "mmio-sr-iov", .clause = "v14.reserved-features.bits.dev.10",
      .transport = "mmio", .summary = "offers VIRTIO_F_SR_IOV over MMIO",
      .reg_features = with_sr_iov);

static u64 with_admin_vq(struct rreg *r, u64 offered)
{
	return offered | BIT_ULL(VIRTIO_F_ADMIN_VQ);
}

FAULT(mmio_admin_vq, .name = "mmio-admin-vq", .clause = "v14.basic.feature-bits.dev.4",
      .transport = "mmio", .summary = "offers VIRTIO_F_ADMIN_VQ, which is for PCI alone",
      .reg_features = with_admin_vq);

/* --- what it shows ----------------------------------------------------------------------------------------- */

static u32 without_failed(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_STATUS ? value & ~(u32)VIRTIO_CONFIG_S_FAILED : value;
}

FAULT(reg_failed_hidden, .name = "reg-failed-hidden",
      .clause = "v14.basic.device-status-text.dev.1", .transport = "registers",
      .summary = "does not show FAILED once the driver has set it", .reg_read = without_failed);

/* --- features and configuration, as over vhost-user -------------------------------------------------------- */

static bool event_needs_indirect(struct rreg *r, u64 features, bool good)
{
	const u64 both = BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);

	return good && (features & both) != BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
}

FAULT(reg_subset_refused, .name = "reg-subset-refused", .clause = "v14.basic.feature-bits.dev.2",
      .transport = "registers", .summary = "refuses EVENT_IDX without INDIRECT_DESC",
      .reg_acceptable = event_needs_indirect);

static u64 without_version_1(struct rreg *r, u64 offered)
{
	return offered & ~BIT_ULL(VIRTIO_F_VERSION_1);
}

/* And works without it. */
static bool all_that_is_offered(struct rreg *r, u64 features, bool good)
{
	return !(features & ~r->offered);
}

FAULT(reg_version_1_missing, .name = "reg-version-1-missing",
      .clause = "v14.reserved-features.bits.dev.1", .transport = "registers",
      .summary = "does not offer VIRTIO_F_VERSION_1", .reg_features = without_version_1,
      .reg_acceptable = all_that_is_offered);

static void topology_late(struct rreg *r, u8 *config, size_t len)
{
	if (!(r->status & VIRTIO_CONFIG_S_FEATURES_OK))
		config[24] = 0;
}

FAULT(reg_config_late, .name = "reg-config-late", .clause = "v14.basic.config-space.dev.1",
      .transport = "registers",
      .summary = "shows physical_block_exp only once features are accepted",
      .reg_config = topology_late);

// SPDX-License-Identifier: BSD-3-Clause
/* Faults of device suspend in the register model. */
#include "harness/spec/virtio14.h"
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

#define SUSPEND(ident, name_, clause_, summary_, ...)                                              \
	FAULT(reg_##ident, .name = "reg-suspend-" name_,                                           \
	      .clause = "v14.init.device-suspend." clause_, .transport = "registers",              \
	      .summary = summary_, __VA_ARGS__)

static bool suspended(const struct rreg *r)
{
	return r->suspend == RREG_SUSPENDED;
}

static bool sets(unsigned reg, u32 value, u8 bit)
{
	return reg == RREG_STATUS && value & bit;
}

/* --- the status -------------------------------------------------------------------------------------- */

static bool shown;

static enum fault_action note_early(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_STATUS)
		shown = *value & VIRTIO_CONFIG_S_SUSPEND && !(*value & VIRTIO_CONFIG_S_DRIVER_OK) &&
			r->suspend == RREG_AWAKE;
	return FAULT_PASS;
}

static u32 show_early(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_STATUS && shown ? value | VIRTIO_CONFIG_S_SUSPEND : value;
}

SUSPEND(early, "early", "dev.1", "shows SUSPEND when it is written before DRIVER_OK",
	.reg_write = note_early, .reg_read = show_early);

static enum fault_action no_suspend(struct rreg *r, unsigned reg, u32 *value)
{
	if (sets(reg, *value, VIRTIO_CONFIG_S_SUSPEND))
		*value &= ~(u32)VIRTIO_CONFIG_S_SUSPEND;
	return FAULT_PASS;
}

SUSPEND(ignored, "ignored", "dev.8", "ignores SUSPEND", .reg_write = no_suspend);

static enum fault_action no_resume(struct rreg *r, unsigned reg, u32 *value)
{
	return suspended(r) && sets(reg, *value, VIRTIO_CONFIG_S_DRIVER_OK) ? FAULT_DONE
									    : FAULT_PASS;
}

SUSPEND(for_ever, "for-ever", "dev.9", "does not resume when DRIVER_OK is set",
	.reg_write = no_resume);

/* --- queues ------------------------------------------------------------------------------------------- */

static enum fault_action interrupt_asleep(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_NOTIFY && suspended(r))
		r->face->interrupt(r, 0);
	return FAULT_PASS;
}

SUSPEND(interrupts, "interrupts", "dev.3",
	"answers a notification with an interrupt while it is suspended",
	.reg_write = interrupt_asleep);

static bool run_asleep(struct rreg_queue *q, bool allowed)
{
	return allowed || (suspended(q->r) && q->enabled && q->stop == RREG_RUNS);
}

static bool queues_awake(const struct rreg *r, unsigned what, bool asleep)
{
	return asleep && what != RREG_ASLEEP_QUEUES;
}

static enum fault_action quiet_asleep(struct rreg *r, int q)
{
	return suspended(r) && q >= 0 ? FAULT_DONE : FAULT_PASS;
}

SUSPEND(serves, "serves", "dev.4", "serves its queues while it is suspended",
	.reg_may_run = run_asleep, .reg_interrupt = quiet_asleep);

SUSPEND(takes_more, "takes-more", "dev.10", "takes further buffers until it is suspended",
	.reg_asleep = queues_awake);

/* Completions of what was in flight, kept until the device resumes. */
static struct {
	struct dvq_split *vq;
	u32 id, len;
} kept[256];
static unsigned keeps;
static bool keeping;

static bool at_once(const struct rreg *r, unsigned what, bool asleep)
{
	if (what != RREG_ASLEEP_DRAINED)
		return asleep;
	keeping = true;
	return true;
}

static enum fault_action keep(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (!keeping || keeps == ARRAY_SIZE(kept))
		return FAULT_PASS;
	kept[keeps].vq = vq;
	kept[keeps].id = *id;
	kept[keeps++].len = *len;
	return FAULT_DONE;
}

static enum fault_action publish_kept(struct rreg *r, unsigned reg, u32 *value)
{
	if (!suspended(r) || !sets(reg, *value, VIRTIO_CONFIG_S_DRIVER_OK))
		return FAULT_PASS;
	keeping = false;
	for (unsigned i = 0; i < keeps; i++)
		dvq_push(kept[i].vq, (u16)kept[i].id, kept[i].len);
	keeps = 0;
	return FAULT_PASS;
}

static void drop_kept(struct rreg *r)
{
	keeping = false;
	keeps = 0;
}

SUSPEND(unfinished, "unfinished", "dev.11",
	"is suspended with requests in flight, and uses them once it has resumed",
	.reg_asleep = at_once, .used = keep, .reg_write = publish_kept, .reg_reset = drop_kept);

static enum fault_action last_ones_silent(struct rreg *r, int q)
{
	return q >= 0 && r->suspend == RREG_SUSPENDING ? FAULT_DONE : FAULT_PASS;
}

SUSPEND(silent, "silent", "dev.12",
	"sends no notification for what it uses between SUSPEND being set and shown",
	.reg_interrupt = last_ones_silent);

/* --- configuration space -------------------------------------------------------------------------------- */

#define AWAKE_FOR(ident, what_)                                                                    \
	static bool ident(const struct rreg *r, unsigned what, bool asleep)                        \
	{                                                                                          \
		return asleep && what != (what_);                                                  \
	}

AWAKE_FOR(writes_awake, RREG_ASLEEP_WRITES)
SUSPEND(writes, "config-writes", "dev.2",
	"obeys writes to its configuration space while it is suspended",
	.reg_asleep = writes_awake);

AWAKE_FOR(fields_awake, RREG_ASLEEP_FIELDS)
SUSPEND(fields, "config-changes", "dev.5", "changes configuration fields while it is suspended",
	.reg_asleep = fields_awake);

AWAKE_FOR(events_awake, RREG_ASLEEP_EVENTS)
SUSPEND(events, "config-notifies", "dev.6",
	"sends a configuration change notification while it is suspended",
	.reg_asleep = events_awake);

static enum fault_action forget_change(struct rreg *r, unsigned reg, u32 *value)
{
	if (sets(reg, *value, VIRTIO_CONFIG_S_DRIVER_OK) && suspended(r))
		r->config_due = false;
	return FAULT_PASS;
}

SUSPEND(forgets, "config-forgotten", "dev.7",
	"does not tell a driver on resuming of a change while it was suspended",
	.reg_write = forget_change);

// SPDX-License-Identifier: BSD-3-Clause
/* Device suspend (3.4): first what is in flight is finished, then the device is deaf until it resumes. */
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

bool rreg_asleep(const struct rreg *r, enum rreg_asleep what)
{
	bool asleep = r->suspend == RREG_SUSPENDED;

	if (what == RREG_ASLEEP_QUEUES)
		asleep = r->suspend != RREG_AWAKE;
	else if (what == RREG_ASLEEP_DRAINED)
		asleep = r->in_flight == 0;
	if (r->suspend != RREG_AWAKE && fault_active && fault_active->reg_asleep)
		asleep = fault_active->reg_asleep(r, what, asleep);
	return asleep;
}

void rreg_suspend_drained(struct rreg *r)
{
	if (r->suspend != RREG_SUSPENDING || !rreg_asleep(r, RREG_ASLEEP_DRAINED))
		return;
	/* What the driver may read until it resumes the device. */
	rreg_look_at_config(r);
	r->suspend = RREG_SUSPENDED;
	r->status &= (u8)~VIRTIO_CONFIG_S_DRIVER_OK;
	r->status |= VIRTIO_CONFIG_S_SUSPEND;
}

static void resume(struct rreg *r)
{
	r->suspend = RREG_AWAKE;
	r->status &= (u8)~VIRTIO_CONFIG_S_SUSPEND;
	r->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	rreg_go_live(r);
}

bool rreg_suspend_write(struct rreg *r, u32 value)
{
	if (!rreg_negotiated(r, VIRTIO_F_SUSPEND))
		return false;
	if (r->suspend == RREG_AWAKE) {
		/* Before it is initialized there is nothing to suspend. */
		if (!(value & VIRTIO_CONFIG_S_SUSPEND) || !(r->status & VIRTIO_CONFIG_S_DRIVER_OK))
			return false;
		r->suspend = RREG_SUSPENDING;
		rreg_let_go(r);
		rreg_suspend_drained(r);
	} else if (r->suspend == RREG_SUSPENDED && value & VIRTIO_CONFIG_S_DRIVER_OK) {
		resume(r);
	}
	r->status |= value & VIRTIO_CONFIG_S_FAILED;
	return true;
}

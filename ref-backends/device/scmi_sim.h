/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Simulated hardware under an SCMI device: clocks that run at the rates that they are set to, reset lines, and
 * sensors whose readings move with the time, or follow a clock (enum scmi_wave).
 *
 * What time it is, and being called when it is later, are the environment's.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_SCMI_SIM_H
#define REF_BACKENDS_DEVICE_SCMI_SIM_H

#include "ref-backends/device/scmi.h"

struct scmi_sim {
	struct scmi_hw hw; /* first */
	struct scmi_hw_ops ops;
	const struct scmi_platform *p;
	struct {
		u64 rate;
		bool enabled;
	} clocks[SCMI_MAX];
	struct {
		bool asserted;
		u32 count; /* of resets */
	} resets[SCMI_MAX];
};

/* The environment sets ops.now and ops.alarm, and open and close where it has some. */
void scmi_sim_init(struct scmi_sim *sim, const struct scmi_platform *p);

/* What a sensor of the table reads at that time, with clocks as they are. */
int64_t scmi_sim_reading(const struct scmi_sim *sim, u32 sensor, u64 now);

#endif

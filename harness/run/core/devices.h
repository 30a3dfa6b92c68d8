/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of the device types of chapter 5.
 *
 * Freestanding.
 */
#ifndef HARNESS_RUN_CORE_DEVICES_H
#define HARNESS_RUN_CORE_DEVICES_H

#include "harness/spec/types.h"

/* Of a name, or of a number that PCI could carry (4.1.2: 1 to 63); 0: it is neither. */
u32 runner_device_id(const char *name);
/* "unknown" for an id without a name. */
const char *runner_device_name(u32 id);

#endif

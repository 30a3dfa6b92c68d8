/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the judge sees of a driver that has the device's registers in its own hands (binding/registers): its
 * features, resets of single queues, and what notifications say. All on the device's thread.
 */
#ifndef REF_BACKENDS_JUDGE_REGISTERS_H
#define REF_BACKENDS_JUDGE_REGISTERS_H

#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/judge/steps.h"

/* There is a device with registers; the driver writes, or has read. */
void jd_reg_start(struct rreg *r);
void jd_reg_write(struct rreg *r, int reg, u32 value);
void jd_reg_read(struct rreg *r, int reg, u32 value);
/* The driver writes to the notification structure of a PCI function, at `offset`. */
void jd_reg_pci_notify(struct rreg *r, u32 offset, unsigned size, u32 value);
/* It ends: what only shows in the whole. */
void jd_reg_end(void);
/* Is it a device with registers that is watched? */
bool jd_reg_seen(void);
void jd_reg_claims(jd_claim_fn *claim);

#endif

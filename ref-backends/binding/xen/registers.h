/* SPDX-License-Identifier: BSD-3-Clause */
/* The window's registers over a domain's memory, for all ways of connecting what is behind them. */
#ifndef REF_BACKENDS_BINDING_XEN_REGISTERS_H
#define REF_BACKENDS_BINDING_XEN_REGISTERS_H

#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/device/device.h"

struct xen_device_opts {
	struct rdev *dev;
	u16 queue_size;
	u64 hidden; /* features that are not offered */
};

struct xen_registers {
	struct rmmio mmio; /* first */
	void *memory;
};

/* 0, or -1 after a line on stderr. */
int xen_registers_open(struct xen_registers *r, const struct xen_device_opts *d,
		       const struct rreg_ops *ops, void *ctx);
void xen_registers_close(struct xen_registers *r);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio-mmio, version 2 (VIRTIO 1.4, 4.2). A legacy device (version 1) is recognised and refused.
 *
 * Freestanding.
 */
#ifndef HARNESS_TRANSPORT_MMIO_MMIO_H
#define HARNESS_TRANSPORT_MMIO_MMIO_H

#include "harness/transport/regs/regs.h"

struct mmio {
	struct regs r; /* first */
	u64 base;      /* of the window found; 0: not yet */
	u32 version;
};

static inline struct mmio *mmio_from_tp(struct tp *t)
{
	return (struct mmio *)t;
}

/* For the first device of this id (0: any) among the machine's windows. */
void mmio_init(struct mmio *m, struct access *a, u32 device_id);

#endif

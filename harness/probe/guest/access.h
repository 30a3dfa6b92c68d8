/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access interface by the processor's own instructions, and the transport of one job's device on
 * top of it.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_GUEST_ACCESS_H
#define HARNESS_PROBE_GUEST_ACCESS_H

#include "harness/probe/guest/guest.h"
#include "harness/probe/job/job.h"
#include "harness/transport/mmio/mmio.h"
#include "harness/transport/pci/pci.h"

#define GUEST_URI 64

struct guest_target {
	struct access access; /* first */
	const struct job *job;
	bool msi;
	struct tp *tp;
	struct pci pci;
	struct mmio mmio;
	char uri[GUEST_URI]; /* "guest:pci/00:02.0", once open */
	char why[160];	     /* no such device: what was looked at */
};

/*
 * Find the job's device and make a transport for it; what it looks at is left disabled but for that.
 * False with t->why when there is none.
 */
bool guest_target_find(struct guest_target *t, const struct job *j, bool msi);

/* Every virtio device there is, as notes. */
void guest_target_list(void);

/* The line of an MMIO target's window, -1: not known. */
int guest_target_line(const struct guest_target *t);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* Faults of what a PCI function says it is. */
#include <linux/pci_regs.h>

#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/fault/fault.h"

static void transitional(struct rpci *p, u32 id, u32 revision)
{
	rpci_put(p->config + PCI_DEVICE_ID, 2, id);
	rpci_put(p->config + PCI_REVISION_ID, 1, revision);
	rpci_put(p->config + PCI_SUBSYSTEM_ID, 2, p->r.dev->ops->id);
}

static void foreign_id(struct rpci *p)
{
	/* Transitional, but in no row of the table. */
	transitional(p, 0x1020, 0);
}

FAULT(pci_foreign_id, .name = "pci-device-id-unlisted", .clause = "v14.pci.discovery.dev.2",
      .transport = "pci", .summary = "has a transitional device id that no device type has",
      .pci_built = foreign_id);

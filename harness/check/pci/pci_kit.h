/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of a PCI function share: fields of the common configuration one by one, and
 * interrupts as they arrive.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_PCI_PCI_KIT_H
#define HARNESS_CHECK_PCI_PCI_KIT_H

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "harness/check/regs_kit.h"
#include "harness/transport/pci/pci.h"

#define PK(field) offsetof(struct virtio_pci_common_cfg, field)

static inline struct pci *pk(struct ck *c)
{
	return pci_from_tp(c->tp);
}

/* A field of the common configuration, `size` as the text has it (4.1.3.1). */
bool pk_read(struct ck *c, u32 offset, unsigned size, u32 *value);
bool pk_write(struct ck *c, u32 offset, unsigned size, u32 value);
/* The same of a queue: selects it first. */
bool pk_queue_read(struct ck *c, u32 q, u32 offset, unsigned size, u32 *value);
bool pk_queue_write(struct ck *c, u32 q, u32 offset, unsigned size, u32 value);

bool pk_cfg_read(struct ck *c, u32 offset, unsigned size, u32 *value);
bool pk_cfg_write(struct ck *c, u32 offset, unsigned size, u32 value);

/* Has vector `v` written its message? It is taken. */
bool pk_take_message(struct ck *c, unsigned v);
/* The same, for something that must come. */
bool pk_wait_message(struct ck *c, unsigned v);
/* Forget all messages. */
void pk_drop_messages(struct ck *c);

/*
 * Run `body` with MSI-X disabled, and enable it again afterwards: the capability outlives a session.
 * The session is opened anew in between, so that nothing is mapped.
 */
void pk_without_msix(struct ck *c, void (*body)(struct ck *c));

#endif

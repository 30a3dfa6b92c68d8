// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/pci/pci_kit.h"

bool pk_read(struct ck *c, u32 offset, unsigned size, u32 *value)
{
	return ck_must(c, regs_read(&pk(c)->r, pk(c)->common + offset, size, value),
		       "reading the common configuration");
}

bool pk_write(struct ck *c, u32 offset, unsigned size, u32 value)
{
	return ck_must(c, regs_write(&pk(c)->r, pk(c)->common + offset, size, value),
		       "writing the common configuration");
}

bool pk_queue_read(struct ck *c, u32 q, u32 offset, unsigned size, u32 *value)
{
	return pk_write(c, PK(queue_select), 2, q) && pk_read(c, offset, size, value);
}

bool pk_queue_write(struct ck *c, u32 q, u32 offset, unsigned size, u32 value)
{
	return pk_write(c, PK(queue_select), 2, q) && pk_write(c, offset, size, value);
}

bool pk_cfg_read(struct ck *c, u32 offset, unsigned size, u32 *value)
{
	return ck_must(c, pci_cfg_read(pk(c), (u16)offset, size, value),
		       "reading configuration space");
}

bool pk_cfg_write(struct ck *c, u32 offset, unsigned size, u32 value)
{
	return ck_must(c, pci_cfg_write(pk(c), (u16)offset, size, value),
		       "writing configuration space");
}

static u32 *message(struct ck *c, unsigned v)
{
	return (u32 *)(pk(c)->r.access->msi.hva + 4 * v);
}

bool pk_take_message(struct ck *c, unsigned v)
{
	u32 *m = message(c, v);

	/* As the transport takes it, and for the same reason. */
	return __atomic_load_n(m, __ATOMIC_ACQUIRE) &&
	       __atomic_exchange_n(m, 0, __ATOMIC_ACQ_REL) != 0;
}

bool pk_wait_message(struct ck *c, unsigned v)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	while (!pk_take_message(c, v)) {
		if (tp_late(c->tp, deadline))
			return false;
		c->tp->ops->relax(c->tp);
	}
	return true;
}

void pk_drop_messages(struct ck *c)
{
	for (unsigned v = 0; v < pk(c)->vectors; v++)
		pk_take_message(c, v);
}

static bool set_msix(struct ck *c, bool on)
{
	struct pci *p = pk(c);
	u32 control;

	if (!pk_cfg_read(c, p->msix_at + PCI_MSIX_FLAGS, 2, &control))
		return false;
	control &= ~(u32)PCI_MSIX_FLAGS_ENABLE;
	return pk_cfg_write(c, p->msix_at + PCI_MSIX_FLAGS, 2,
			    control | (on ? PCI_MSIX_FLAGS_ENABLE : 0));
}

void pk_without_msix(struct ck *c, void (*body)(struct ck *c))
{
	struct pci *p = pk(c);
	unsigned vectors = p->vectors;

	/* No vectors: to the transport this is a function with INTx. */
	if (vectors && !set_msix(c, false))
		return;
	p->vectors = 0;
	if (ck_open(c))
		body(c);
	p->vectors = vectors;
	if (vectors)
		set_msix(c, true);
}

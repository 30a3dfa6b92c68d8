// SPDX-License-Identifier: BSD-3-Clause
/* MSI-X vectors of queues and of the configuration (4.1.5.1.2, 4.1.5.3, 4.1.5.4). */
#include "harness/check/pci/pci_kit.h"

#define PCI_RULES    "v14.pci.bus.dev.1"
#define TABLE_RANGE  "v14.pci.msix.dev.1"
#define TABLE_SIZE   "v14.pci.msix.dev.2"
#define ANY_VECTOR   "v14.pci.msix.dev.4"
#define UNMAP	     "v14.pci.msix.dev.5"
#define READS_BACK   "v14.pci.msix.dev.6"
#define RESET_UNMAPS "v14.pci.msix.dev.7"
#define NO_NEED	     "v14.pci.msix.dev.8"
#define FAILED	     "v14.pci.msix.dev.9"
#define QUEUE_NONE   "v14.pci.used-notif.dev.1"
#define CONFIG_NONE  "v14.pci.config-change.dev.1"

static bool has_msix(struct ck *c)
{
	return pk(c)->vectors || ck_skip(c, "the function has no MSI-X capability");
}

static void table_size(struct ck *c)
{
	if (has_msix(c) && (pk(c)->vectors < 2 || pk(c)->vectors > 0x800))
		ck_fail(c, TABLE_RANGE, "2 to 2048 vectors", "the table has %u", pk(c)->vectors);
}

CHECK(table_size, .id = "pci.msix.table-size", .clauses = { TABLE_RANGE },
      .stimulus = "read the size of the MSI-X table", .oracle = "2 to 2048 vectors",
      .run = table_size);

/* --- mapping --------------------------------------------------------------------------------------- */

static bool map_config(struct ck *c, u32 vector, u32 *back)
{
	return pk_write(c, PK(msix_config), 2, vector) && pk_read(c, PK(msix_config), 2, back);
}

static bool map_queue(struct ck *c, u32 q, u32 vector, u32 *back)
{
	return pk_queue_write(c, q, PK(queue_msix_vector), 2, vector) &&
	       pk_read(c, PK(queue_msix_vector), 2, back);
}

static bool mapped(struct ck *c, const char *clause, const char *what, u32 q, u32 vector, u32 back)
{
	return back == vector ||
	       ck_fail(c, clause, "the vector that was written",
		       "%s %u: 0x%x was written, 0x%x is read", what, q, vector, back);
}

static void mapping(struct ck *c)
{
	const u32 last = pk(c)->vectors - 1;
	u32 back;

	if (!has_msix(c) || !ck_negotiate(c, 0))
		return;
	for (u32 q = 0; q < c->queues; q++) {
		const u32 vectors[] = { 0, last, MIN(q + 1, last) };

		for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
			if (!map_queue(c, q, vectors[i], &back) ||
			    !mapped(c, back == VIRTIO_MSI_NO_VECTOR ? NO_NEED : READS_BACK, "queue",
				    q, vectors[i], back))
				return;
	}
	/* All stay as they were when others are mapped. */
	for (u32 q = 0; q < c->queues; q++)
		if (!pk_queue_read(c, q, PK(queue_msix_vector), 2, &back) ||
		    !mapped(c, READS_BACK, "queue", q, MIN(q + 1, last), back))
			return;
	for (u32 v = 0; v <= last; v += last > 64 ? last / 8 : 1)
		if (!map_config(c, v, &back) ||
		    !mapped(c, back == VIRTIO_MSI_NO_VECTOR ? NO_NEED : READS_BACK, "config", 0, v,
			    back))
			return;
}

CHECK(mapping, .id = "pci.msix.read-back", .clauses = { READS_BACK, NO_NEED },
      .stimulus = "each queue mapped to the first, the last and a vector of its own; the "
		  "configuration to each vector",
      .oracle = "the vector registers read back what was written", .run = mapping);

static void unmapping(struct ck *c)
{
	u32 back;

	if (!has_msix(c) || !ck_negotiate(c, 0))
		return;
	for (u32 q = 0; q < c->queues; q++)
		if (!map_queue(c, q, 0, &back) || !map_queue(c, q, VIRTIO_MSI_NO_VECTOR, &back) ||
		    !mapped(c, UNMAP, "queue", q, VIRTIO_MSI_NO_VECTOR, back))
			return;
	if (map_config(c, 0, &back) && map_config(c, VIRTIO_MSI_NO_VECTOR, &back))
		mapped(c, UNMAP, "config", 0, VIRTIO_MSI_NO_VECTOR, back);
}

CHECK(unmapping, .id = "pci.msix.unmap", .clauses = { UNMAP },
      .stimulus = "vector 0, then NO_VECTOR, for each queue and the configuration",
      .oracle = "NO_VECTOR is read back", .run = unmapping);

static void out_of_range(struct ck *c)
{
	const u32 wrong[] = { pk(c)->vectors, 0x7ff, 0xfffe };
	u32 back;

	if (!has_msix(c) || !ck_negotiate(c, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (wrong[i] < pk(c)->vectors)
			continue;
		for (u32 q = 0; q < c->queues; q++) {
			if (!map_queue(c, q, 0, &back) || !map_queue(c, q, wrong[i], &back))
				return;
			if (back == VIRTIO_MSI_NO_VECTOR)
				continue;
			ck_fail(c, FAILED, "NO_VECTOR",
				"queue %u mapped to vector %u of %u: 0x%x is read", q, wrong[i],
				pk(c)->vectors, back);
			return;
		}
		if (!map_config(c, 0, &back) || !map_config(c, wrong[i], &back))
			return;
		if (back != VIRTIO_MSI_NO_VECTOR) {
			ck_fail(c, FAILED, "NO_VECTOR",
				"config mapped to vector %u of %u: 0x%x is read", wrong[i],
				pk(c)->vectors, back);
			return;
		}
	}
}

CHECK(out_of_range, .id = "pci.msix.out-of-range", .clauses = { FAILED },
      .stimulus = "each queue and the configuration mapped to vectors that the table does not have",
      .oracle = "NO_VECTOR is read back", .run = out_of_range);

static void after_reset(struct ck *c)
{
	u32 back;
	u8 status;

	if (!has_msix(c) || !ck_start(c, 0))
		return;
	for (u32 q = 0; q < c->queues; q++)
		if (!map_queue(c, q, 0, &back))
			return;
	if (!map_config(c, 0, &back) || !rk_set_status(c, 0) || !rk_wait_reset(c, &status))
		return;
	for (u32 q = 0; q < c->queues; q++)
		if (!pk_queue_read(c, q, PK(queue_msix_vector), 2, &back) ||
		    !mapped(c, RESET_UNMAPS, "after a reset, queue", q, VIRTIO_MSI_NO_VECTOR, back))
			return;
	if (pk_read(c, PK(msix_config), 2, &back))
		mapped(c, RESET_UNMAPS, "after a reset, config", 0, VIRTIO_MSI_NO_VECTOR, back);
}

CHECK(after_reset, .id = "pci.msix.reset", .clauses = { RESET_UNMAPS },
      .stimulus = "all queues and the configuration mapped to vector 0, DRIVER_OK, then a reset",
      .oracle = "all vector registers read NO_VECTOR", .run = after_reset);

/* --- delivery --------------------------------------------------------------------------------------- */

/* Queue 0 runs, mapped to `vector`, which writes a message of its own. */
static bool start_on(struct ck *c, u32 vector)
{
	struct pci *p = pk(c);
	u32 back;

	if (!ck_negotiate(c, ck_ring_features()) || !ck_queue_start(c, 0, NULL))
		return false;
	if (vector != VIRTIO_MSI_NO_VECTOR &&
	    !ck_must(c, pci_msix_point(p, vector), "programming MSI-X"))
		return false;
	if (!map_queue(c, 0, vector, &back))
		return false;
	if (back != vector)
		return ck_error(c, "vector 0x%x reads back 0x%x", vector, back);
	return ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

static bool delivered(struct ck *c, const char *clause, u32 vector)
{
	if (!start_on(c, vector))
		return false;
	pk_drop_messages(c);
	if (!rk_work(c))
		return false;
	if (!pk_wait_message(c, vector))
		return ck_fail(
			c, clause, "an interrupt on the vector",
			"queue 0 is mapped to vector %u of %u; a buffer was used, no message "
			"came within %u ms",
			vector, pk(c)->vectors, c->tp->timeout_ms);
	for (u32 v = 0; v < pk(c)->vectors; v++)
		if (v != vector && pk_take_message(c, v))
			return ck_fail(c, clause, "an interrupt on the vector, and on no other",
				       "queue 0 is mapped to vector %u; vector %u came", vector, v);
	return true;
}

static void any_vector(struct ck *c)
{
	const u32 last = pk(c)->vectors - 1;

	if (!rk_can_work(c) || !has_msix(c))
		return;
	for (u32 v = 0; v < last; v += MAX(1, last / 4))
		if ((v && !ck_open(c)) || !delivered(c, ANY_VECTOR, v))
			return;
}

CHECK(any_vector, .id = "pci.msix.any-vector", .clauses = { ANY_VECTOR },
      .stimulus = "one request each with queue 0 mapped to several vectors below the last",
      .oracle = "a message of that vector arrives, and no other", .run = any_vector);

static void last_vector(struct ck *c)
{
	if (rk_can_work(c) && has_msix(c))
		delivered(c, TABLE_SIZE, pk(c)->vectors - 1);
}

CHECK(last_vector, .id = "pci.msix.last-vector", .clauses = { TABLE_SIZE },
      .stimulus = "one request with queue 0 mapped to the last vector of the table",
      .oracle = "its message arrives, and no other", .run = last_vector);

static void queue_unmapped(struct ck *c)
{
	u32 command;

	if (!rk_can_work(c) || !has_msix(c) || !start_on(c, VIRTIO_MSI_NO_VECTOR))
		return;
	pk_drop_messages(c);
	if (!rk_work(c))
		return;
	ck_quiet(c);
	for (u32 v = 0; v < pk(c)->vectors; v++) {
		if (!pk_take_message(c, v))
			continue;
		ck_fail(c, QUEUE_NONE, "no interrupt", "queue 0 has no vector; vector %u came", v);
		return;
	}
	if (pk_cfg_read(c, PCI_STATUS, 2, &command) && command & PCI_STATUS_INTERRUPT)
		ck_fail(c, QUEUE_NONE, "no interrupt",
			"queue 0 has no vector, and INTx is raised with MSI-X enabled");
}

CHECK(queue_unmapped, .id = "pci.msix.queue-unmapped", .clauses = { QUEUE_NONE },
      .stimulus = "one request with queue 0 mapped to NO_VECTOR",
      .oracle = "it is served, no message arrives and INTx is not raised", .run = queue_unmapped);

static void config_unmapped(struct ck *c)
{
	u32 back, status;

	if (!has_msix(c) || !ck_start(c, ck_ring_features()) ||
	    !map_config(c, VIRTIO_MSI_NO_VECTOR, &back))
		return;
	if (back != VIRTIO_MSI_NO_VECTOR) {
		ck_error(c, "NO_VECTOR was written, 0x%x is read", back);
		return;
	}
	pk_drop_messages(c);
	if (!rk_break(c))
		return;
	ck_quiet(c);
	for (u32 v = 0; v < pk(c)->vectors; v++) {
		if (!pk_take_message(c, v) || v == pci_vector(pk(c), 0))
			continue;
		ck_fail(c, CONFIG_NONE, "no interrupt",
			"the configuration has no vector; DEVICE_NEEDS_RESET is set, and vector %u "
			"came",
			v);
		return;
	}
	if (pk_cfg_read(c, PCI_STATUS, 2, &status) && status & PCI_STATUS_INTERRUPT)
		ck_fail(c, CONFIG_NONE, "no interrupt",
			"the configuration has no vector, and INTx is raised with MSI-X enabled");
}

CHECK(config_unmapped, .id = "pci.msix.config-unmapped", .clauses = { CONFIG_NONE },
      .stimulus =
	      "the configuration mapped to NO_VECTOR, then an available index too far ahead, so "
	      "that DEVICE_NEEDS_RESET is set",
      .oracle = "no message arrives and INTx is not raised", .run = config_unmapped);

/* --- masking ---------------------------------------------------------------------------------------- */

static bool pending(struct ck *c, u32 vector, bool *set)
{
	struct pci *p = pk(c);
	u32 where, bits;

	if (!pk_cfg_read(c, p->msix_at + PCI_MSIX_PBA, 4, &where))
		return false;
	if ((where & PCI_MSIX_PBA_BIR) >= PCI_BARS || !p->bar[where & PCI_MSIX_PBA_BIR].addr)
		return ck_fail(c, PCI_RULES, "a pending bit array in one of the BARs",
			       "its BAR is %u", where & PCI_MSIX_PBA_BIR);
	if (!ck_must(c,
		     regs_read(&p->r,
			       p->bar[where & PCI_MSIX_PBA_BIR].addr +
				       (where & PCI_MSIX_PBA_OFFSET) + vector / 32 * 4,
			       4, &bits),
		     "reading the pending bits"))
		return false;
	*set = bits >> vector % 32 & 1;
	return true;
}

/* The device may learn of what it has to keep pending later than the driver of the used buffer. */
static bool wait_pending(struct ck *c, u32 vector, bool *set)
{
	const u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	while (pending(c, vector, set)) {
		if (*set || tp_late(c->tp, deadline))
			return true;
		c->tp->ops->relax(c->tp);
	}
	return false;
}

static void masked(struct ck *c)
{
	struct pci *p = pk(c);
	const u32 v = pci_vector(p, 0);
	const u64 control =
		p->msix_table + (u64)v * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL;
	bool set = false;

	if (!rk_can_work(c) || !has_msix(c) || !start_on(c, v) ||
	    !ck_must(c, regs_write(&p->r, control, 4, PCI_MSIX_ENTRY_CTRL_MASKBIT), "masking"))
		return;
	pk_drop_messages(c);
	if (!rk_work(c))
		return;
	ck_quiet(c);
	if (pk_take_message(c, v)) {
		ck_fail(c, PCI_RULES, "no message while the vector is masked", "one came");
		return;
	}
	if (!wait_pending(c, v, &set))
		return;
	if (!set) {
		ck_fail(c, PCI_RULES, "the pending bit of the masked vector is set",
			"a buffer was used, and it is clear");
		return;
	}
	if (!ck_must(c, regs_write(&p->r, control, 4, 0), "unmasking"))
		return;
	if (!pk_wait_message(c, v)) {
		ck_fail(c, PCI_RULES, "the pending message once the vector is unmasked",
			"none came within %u ms", c->tp->timeout_ms);
		return;
	}
	if (pending(c, v, &set) && set)
		ck_fail(c, PCI_RULES, "the pending bit is clear once the message was sent",
			"it is set");
}

CHECK(masked, .id = "pci.msix.masked", .clauses = { PCI_RULES },
      .stimulus = "one request with the vector of queue 0 masked; then the mask is taken away",
      .oracle = "no message and a pending bit; then the message, and no pending bit",
      .run = masked);

/* The capability's own mask is over all of them. */
static bool set_function_mask(struct ck *c, bool on)
{
	const u32 at = pk(c)->msix_at + PCI_MSIX_FLAGS;
	u32 control;

	if (!pk_cfg_read(c, at, 2, &control))
		return false;
	control &= ~(u32)PCI_MSIX_FLAGS_MASKALL;
	return pk_cfg_write(c, at, 2, control | (on ? PCI_MSIX_FLAGS_MASKALL : 0));
}

static void function_masked_body(struct ck *c)
{
	const u32 v = pci_vector(pk(c), 0);
	bool set = false;

	pk_drop_messages(c);
	if (!rk_work(c))
		return;
	ck_quiet(c);
	if (pk_take_message(c, v)) {
		ck_fail(c, PCI_RULES, "no message while the function is masked", "one came");
		return;
	}
	if (!wait_pending(c, v, &set))
		return;
	if (!set) {
		ck_fail(c, PCI_RULES, "the pending bit of the vector is set",
			"a buffer was used with the function masked, and it is clear");
		return;
	}
	if (set_function_mask(c, false) && !pk_wait_message(c, v))
		ck_fail(c, PCI_RULES, "the pending message once the function is unmasked",
			"none came within %u ms", c->tp->timeout_ms);
}

static void function_masked(struct ck *c)
{
	if (!rk_can_work(c) || !has_msix(c) || !start_on(c, pci_vector(pk(c), 0)) ||
	    !set_function_mask(c, true))
		return;
	function_masked_body(c);
	set_function_mask(c, false);
}

CHECK(function_masked, .id = "pci.msix.function-masked", .clauses = { PCI_RULES },
      .stimulus =
	      "one request with the Function Mask bit of the MSI-X capability set; then it is cleared",
      .oracle = "no message and a pending bit; then the message", .run = function_masked);

// SPDX-License-Identifier: BSD-3-Clause
/* The capabilities that say where the structures are (4.1.4). */
#include "harness/check/pci/pci_kit.h"

#define CAP_LEN	      "v14.pci.caps.dev.1"
#define ORDER	      "v14.pci.caps.dev.3"
#define COMMON_ALIGN  "v14.pci.common-cfg.dev.1"
#define COMMON_THERE  "v14.pci.common-cfg.dev.2"
#define NOTIFY_THERE  "v14.pci.notify-cap.dev.1"
#define NOTIFY_ALIGN  "v14.pci.notify-cap.dev.2"
#define NOTIFY_MULT   "v14.pci.notify-cap.dev.3"
#define NOTIFY_MIN    "v14.pci.notify-cap.dev.4"
#define NOTIFY_ANY    "v14.pci.notify-cap.dev.5"
#define NOTIFY_EACH   "v14.pci.notify-cap.dev.6"
#define DATA_MULT     "v14.pci.notify-cap.dev.7"
#define DATA_ALIGN    "v14.pci.notify-cap.dev.8"
#define DATA_MIN      "v14.pci.notify-cap.dev.9"
#define DATA_ANY      "v14.pci.notify-cap.dev.10"
#define DATA_EACH     "v14.pci.notify-cap.dev.11"
#define ISR_THERE     "v14.pci.isr.dev.1"
#define WINDOW_THERE  "v14.pci.pci-cfg-cap.dev.1"
#define DEVICE_ALIGN  "v14.pci.device-cfg.dev.1"
#define DEVICE_THERE  "v14.pci.device-cfg-text.dev.1"
#define SHM_INSIDE    "v14.pci.shm-cap.dev.1"
#define SHM_IDS	      "v14.pci.shm-cap.dev.2"
#define VENDOR_ID     "v14.pci.vendor-cap.dev.3"
#define VENDOR_LEN    "v14.pci.vendor-cap.dev.4"
#define VENDOR_QUIET  "v14.pci.vendor-cap.dev.5"
#define VENDOR_QUIET2 "v14.pci.vendor-cap-text.dev.1"

#define CAP_SHM	   8
#define CAP_VENDOR 9

/* Types with a configuration structure: all that we know but these. */
static bool type_has_config(u32 type)
{
	return type != VIRTIO_ID_RNG && type != VIRTIO_ID_SCMI && type != VIRTIO_ID_I2C_ADAPTER &&
	       type < 64;
}

/*
 * With a session of its own: a function that lacks a structure cannot be brought up, but has been
 * walked.
 */
static void present(struct ck *c)
{
	static const struct {
		const char *clause, *name;
		u8 type;
	} needed[] = {
		{ COMMON_THERE, "common configuration", VIRTIO_PCI_CAP_COMMON_CFG },
		{ NOTIFY_THERE, "notifications", VIRTIO_PCI_CAP_NOTIFY_CFG },
		{ ISR_THERE, "the ISR status", VIRTIO_PCI_CAP_ISR_CFG },
		{ WINDOW_THERE, "access through configuration space", VIRTIO_PCI_CAP_PCI_CFG },
		{ DEVICE_THERE, "device configuration", VIRTIO_PCI_CAP_DEVICE_CFG },
	};
	int rc = c->tp->ops->open(c->tp);

	ck_log(c, "  %u virtio capabilities", pk(c)->cap_count);
	for (unsigned i = 0; i < ARRAY_SIZE(needed); i++) {
		if (pci_cap(pk(c), needed[i].type) ||
		    (needed[i].type == VIRTIO_PCI_CAP_DEVICE_CFG && !type_has_config(c->device)))
			continue;
		ck_fail(c, needed[i].clause, "a capability of each type", "there is none for %s",
			needed[i].name);
		return;
	}
	ck_must(c, rc, "opening a session");
}

CHECK(present, .id = "pci.caps.present",
      .clauses = { COMMON_THERE, NOTIFY_THERE, ISR_THERE, WINDOW_THERE, DEVICE_THERE },
      .stimulus = "walk the capability list",
      .oracle = "common configuration, notifications, ISR and PCI_CFG are there, and device "
		"configuration where the type has one",
      .own_session = true, .run = present);

static void cap_len(struct ck *c)
{
	for (unsigned i = 0; i < pk(c)->cap_count; i++) {
		const struct pci_vcap *v = &pk(c)->cap[i];
		u8 least = 16;

		if (v->cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG ||
		    v->cfg_type == VIRTIO_PCI_CAP_PCI_CFG)
			least = 20;
		else if (v->cfg_type == CAP_SHM)
			least = 24;
		else if (v->cfg_type == CAP_VENDOR)
			least = 8;
		ck_log(c, "  at 0x%02x: type %u, %u bytes, BAR %u + 0x%x, %u bytes", v->at,
		       v->cfg_type, v->cap_len, v->bar, v->offset, v->length);
		if (v->cap_len < least || v->at + v->cap_len > 256) {
			ck_fail(c, CAP_LEN, "the length of the capability and what belongs to it",
				"the capability of type %u at 0x%02x has cap_len %u, and needs %u",
				v->cfg_type, v->at, v->cap_len, least);
			return;
		}
	}
}

CHECK(cap_len, .id = "pci.caps.cap-len", .clauses = { CAP_LEN },
      .stimulus = "read cap_len of each virtio capability",
      .oracle = "at least 16, 20 for notifications and PCI_CFG, 24 for shared memory, 8 for vendor "
		"data, and inside of the configuration space",
      .run = cap_len);

/* Which of several is better only the device knows: what can be said is what it says. */
static void order(struct ck *c)
{
	for (unsigned i = 0; i < pk(c)->cap_count; i++) {
		const struct pci_vcap *a = &pk(c)->cap[i];

		/* Of regions and vendor data there may be any number. */
		if (a->cfg_type == CAP_SHM || a->cfg_type == CAP_VENDOR)
			continue;
		for (unsigned k = i + 1; k < pk(c)->cap_count; k++) {
			const struct pci_vcap *b = &pk(c)->cap[k];

			if (b->cfg_type == a->cfg_type)
				ck_info(c, ORDER,
					"of type %u it prefers BAR %u + 0x%x to BAR %u + 0x%x",
					a->cfg_type, a->bar, a->offset, b->bar, b->offset);
		}
	}
}

CHECK(order, .id = "pci.caps.order", .clauses = { ORDER }, .stimulus = "walk the capability list",
      .oracle = "one structure of each type; where there are several, their order is noted",
      .run = order);

static void alignment(struct ck *c)
{
	const bool data = c->offered & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);

	for (unsigned i = 0; i < pk(c)->cap_count; i++) {
		const struct pci_vcap *v = &pk(c)->cap[i];
		const char *clause;
		u32 align = 4;

		if (v->cfg_type == VIRTIO_PCI_CAP_COMMON_CFG)
			clause = COMMON_ALIGN;
		else if (v->cfg_type == VIRTIO_PCI_CAP_DEVICE_CFG)
			clause = DEVICE_ALIGN;
		else if (v->cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG)
			clause = data ? DATA_ALIGN : NOTIFY_ALIGN;
		else
			continue;
		if (v->cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG && !data)
			align = 2;
		if (v->offset % align) {
			ck_fail(c, clause, align == 4 ? "a multiple of 4" : "a multiple of 2",
				"the structure of type %u is at offset 0x%x", v->cfg_type,
				v->offset);
			return;
		}
	}
}

CHECK(alignment, .id = "pci.caps.alignment",
      .clauses = { COMMON_ALIGN, DEVICE_ALIGN, NOTIFY_ALIGN, DATA_ALIGN },
      .stimulus = "read the offsets of the structures",
      .oracle = "common and device configuration at a multiple of 4, notifications at one of 2, or "
		"of 4 with NOTIFICATION_DATA",
      .run = alignment);

/* --- notifications --------------------------------------------------------------------------------- */

static void multiplier(struct ck *c)
{
	const bool data = c->offered & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
	const u32 m = pk(c)->notify_multiplier;

	if (m && (m & (m - 1) || m < (data ? 4 : 2)))
		ck_fail(c, data ? DATA_MULT : NOTIFY_MULT,
			data ? "0, or a power of two from 4 up" : "0, or a power of two from 2 up",
			"notify_off_multiplier is %u", m);
}

CHECK(multiplier, .id = "pci.notify.multiplier", .clauses = { NOTIFY_MULT, DATA_MULT },
      .stimulus = "read notify_off_multiplier",
      .oracle = "0, or a power of two from 2 up, with NOTIFICATION_DATA from 4 up",
      .run = multiplier);

static bool covers(struct ck *c, const char *clause, u32 width)
{
	const struct pci_vcap *cap = pci_cap(pk(c), VIRTIO_PCI_CAP_NOTIFY_CFG);
	u32 off;

	if (cap->length < width)
		return ck_error(c, "the notification structure has %u bytes", cap->length);
	for (u32 q = 0; q < c->queues; q++) {
		u64 end;

		if (!pk_queue_read(c, q, PK(queue_notify_off), 2, &off))
			return false;
		end = (u64)off * pk(c)->notify_multiplier + width;
		if (end > cap->length)
			return ck_fail(c, clause, "every queue's place is inside of the structure",
				       "queue %u is notified at bytes %llu to %llu of %u", q,
				       (unsigned long long)(end - width),
				       (unsigned long long)end - 1, cap->length);
	}
	return true;
}

static void notify_length(struct ck *c)
{
	const struct pci_vcap *cap = pci_cap(pk(c), VIRTIO_PCI_CAP_NOTIFY_CFG);
	const bool data = c->offered & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
	const u32 width = data ? 4 : 2;

	if (cap->length < width) {
		ck_fail(c, data ? DATA_MIN : NOTIFY_MIN, data ? "at least 4" : "at least 2",
			"the notification structure has %u bytes", cap->length);
		return;
	}
	covers(c, data ? DATA_EACH : NOTIFY_EACH, width);
}

CHECK(notify_length, .id = "pci.notify.length",
      .clauses = { NOTIFY_MIN, NOTIFY_EACH, NOTIFY_ANY, DATA_MIN, DATA_EACH, DATA_ANY },
      .stimulus = "read the length of the notification structure, and queue_notify_off of every "
		  "queue",
      .oracle = "room for each queue: queue_notify_off * notify_off_multiplier + 2 (4 with "
		"NOTIFICATION_DATA)",
      .run = notify_length);

/* A driver that accepts little must find room as well as one that accepts all. */
static void notify_any(struct ck *c)
{
	const bool data = c->offered & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
	const u64 sets[] = { 0, ck_ring_features(), c->offered & 0xffffff };

	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++)
		if ((i && !ck_open(c)) || !ck_negotiate(c, sets[i]) ||
		    !covers(c, data ? DATA_ANY : NOTIFY_ANY, data ? 4 : 2))
			return;
}

CHECK(notify_any, .id = "pci.notify.any-configuration",
      .clauses = { NOTIFY_ANY, NOTIFY_EACH, DATA_ANY, DATA_EACH },
      .stimulus = "queue_notify_off of every queue after the negotiation of three feature sets",
      .oracle = "each time there is room for each queue", .run = notify_any);

/* --- shared memory, vendor data ---------------------------------------------------------------------- */

static bool whole_cap(struct ck *c, const struct pci_vcap *v, u64 *offset, u64 *length)
{
	u32 offset_hi, length_hi;

	if (!pk_cfg_read(c, v->at + 16u, 4, &offset_hi) ||
	    !pk_cfg_read(c, v->at + 20u, 4, &length_hi))
		return false;
	*offset = (u64)offset_hi << 32 | v->offset;
	*length = (u64)length_hi << 32 | v->length;
	return true;
}

static void shared_memory(struct ck *c)
{
	u8 ids[32] = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < pk(c)->cap_count; i++) {
		const struct pci_vcap *v = &pk(c)->cap[i];
		u64 offset, length, size;

		if (v->cfg_type != CAP_SHM || v->bar >= PCI_BARS)
			continue;
		if (!whole_cap(c, v, &offset, &length))
			return;
		size = pk(c)->bar[v->bar].size;
		n++;
		if (offset + length < offset || offset + length > size) {
			ck_fail(c, SHM_INSIDE, "inside of its BAR",
				"region %u is at 0x%llx, 0x%llx bytes; BAR %u has 0x%llx", v->id,
				(unsigned long long)offset, (unsigned long long)length, v->bar,
				(unsigned long long)size);
			return;
		}
		if (ids[v->id / 8] & 1u << v->id % 8) {
			ck_fail(c, SHM_IDS, "ids that differ", "id %u is there twice", v->id);
			return;
		}
		ids[v->id / 8] |= (u8)(1u << v->id % 8);
	}
	if (!n)
		ck_skip(c, "the device has no shared memory");
}

CHECK(shared_memory, .id = "pci.caps.shared-memory", .clauses = { SHM_INSIDE, SHM_IDS },
      .stimulus = "read the shared memory capabilities",
      .oracle = "each region lies inside of its BAR, and no two have the same id",
      .run = shared_memory);

static void vendor_data(struct ck *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pk(c)->cap_count; i++) {
		const struct pci_vcap *v = &pk(c)->cap[i];
		u32 id, first, again;

		if (v->cfg_type != CAP_VENDOR)
			continue;
		n++;
		if (!pk_cfg_read(c, v->at + 4u, 2, &id))
			return;
		if (id == 0x1af4) {
			ck_fail(c, VENDOR_ID, "another vendor's id", "vendor_id is 0x1af4");
			return;
		}
		if (v->cap_len % 4) {
			ck_fail(c, VENDOR_LEN, "a multiple of 4", "cap_len is %u", v->cap_len);
			return;
		}
		for (u32 at = 0; at + 4 <= v->cap_len; at += 4) {
			if (!pk_cfg_read(c, v->at + at, 4, &first) ||
			    !pk_cfg_read(c, v->at + at, 4, &again))
				return;
			if (first != again) {
				ck_fail(c, VENDOR_QUIET, "reading changes nothing",
					"bytes %u to %u were 0x%08x, then 0x%08x", at, at + 3,
					first, again);
				return;
			}
		}
	}
	if (!n)
		ck_skip(c, "the device has no vendor data");
}

CHECK(vendor_data, .id = "pci.caps.vendor-data",
      .clauses = { VENDOR_ID, VENDOR_LEN, VENDOR_QUIET, VENDOR_QUIET2 },
      .stimulus = "read the vendor data capabilities, each word twice",
      .oracle = "vendor_id is not 0x1af4, the size a multiple of 4, and nothing changes by reading",
      .run = vendor_data);

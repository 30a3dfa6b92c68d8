// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/judge/registers.h"

#include <string.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/judge/packed.h"

enum {
	ACCESS, /* 0 */
	PACKED,
	ORDER,
	NOTIF_CONFIG,
	RESET,
	RESET_PCI,
	RESET_MMIO,
	ENABLE,
	DATA_PACKED,
	WIDTH_2,
	WIDTH_4,
	NAME_INDEX,
	NAME_INDEX_DATA,
	NAME_CONFIG,
	NAME_CONFIG_DATA,
	CLAUSES
};

static const char *const clauses[CLAUSES] = {
	[ACCESS] = "v14.reserved-features.bits.drv.3",
	[PACKED] = "v14.reserved-features.bits.drv.6",
	[ORDER] = "v14.reserved-features.bits.drv.7",
	[NOTIF_CONFIG] = "v14.reserved-features.bits.drv.14",
	[RESET] = "v14.basic.vq-reset.drv.1",
	[RESET_PCI] = "v14.pci.common-cfg.drv.7",
	[RESET_MMIO] = "v14.mmio.registers.drv.23",
	[ENABLE] = "v14.basic.vq-reenable.drv.1",
	[DATA_PACKED] = "v14.packed-ring.desc-table.drv.3",
	[WIDTH_2] = "v14.pci.avail-notif.drv.1",
	[WIDTH_4] = "v14.pci.avail-notif.drv.2",
	[NAME_INDEX] = "v14.pci.avail-notif.drv.3",
	[NAME_INDEX_DATA] = "v14.pci.avail-notif.drv.4",
	[NAME_CONFIG] = "v14.pci.avail-notif.drv.5",
	[NAME_CONFIG_DATA] = "v14.pci.avail-notif.drv.6",
};
static u64 looked[CLAUSES];

/* Notifications that name less than there is, until it is the driver's way and no race of its processors. */
#define LAGS 4

static struct queue {
	u32 first; /* fields that were written before it was enabled first, a bit for each */
	u32 since; /* … since then, or since its reset */
	bool known, reset, confirmed;
	/* Of notifications that say how far the driver is: */
	u32 lags;   /* that left out what was there */
	u32 laps;   /* that named the right place of another lap */
	bool exact; /* one was right */
} queues[RREG_QUEUES_MAX];
static unsigned num_queues; /* of the device; 0: there is none */

void jd_reg_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; i < CLAUSES; i++)
		claim(clauses[i], looked[i]);
}

bool jd_reg_seen(void)
{
	return num_queues;
}

void jd_reg_start(struct rreg *r)
{
	num_queues = r->num_queues;
	memset(queues, 0, sizeof(queues));
}

/* --- features ------------------------------------------------------------------------------------------ */

/* What a driver that knows it should take. */
static void features(const struct rreg *r)
{
	static const struct {
		int clause;
		unsigned bit;
		const char *name;
	} rules[] = {
		{ ACCESS, VIRTIO_F_ACCESS_PLATFORM, "ACCESS_PLATFORM" },
		{ PACKED, VIRTIO_F_RING_PACKED, "RING_PACKED" },
		{ ORDER, VIRTIO_F_ORDER_PLATFORM, "ORDER_PLATFORM" },
		{ NOTIF_CONFIG, VIRTIO_F_NOTIF_CONFIG_DATA, "NOTIF_CONFIG_DATA" },
	};
	const u64 accepted = (u64)r->driver_features[1] << 32 | r->driver_features[0];

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!(r->offered & BIT_ULL(rules[i].bit)))
			continue;
		jd_look(&looked[rules[i].clause]);
		if (!(accepted & BIT_ULL(rules[i].bit)))
			jd_broke(clauses[rules[i].clause], "%s is offered; 0x%llx is accepted",
				 rules[i].name, (unsigned long long)accepted);
	}
}

/* --- notifications that say how far the driver is ------------------------------------------------------------ */

static void how_far(const struct rreg_queue *q, u16 told)
{
	const struct dvq_packed *vq = &q->ring.packed;
	struct queue *k = &queues[q->index];
	const struct dvq_at next = dvq_at_of(told);
	const u32 circle = 2 * vq->num, n = jd_packed_available(vq, false);
	u32 ahead;

	jd_look(&looked[DATA_PACKED]);
	if (next.off >= vq->num) {
		jd_broke(clauses[DATA_PACKED], "queue %u of %u: next_off is %u", q->index, vq->num,
			 next.off);
		return;
	}
	ahead = jd_packed_between(vq, vq->avail, next);
	if (ahead > n && ahead < vq->num) {
		jd_broke(clauses[DATA_PACKED],
			 "queue %u: next_off %u and next_wrap %u are %u descriptors ahead; %u are "
			 "available",
			 q->index, next.off, next.wrap, ahead, n);
		return;
	}
	if ((ahead + circle - n) % circle == vq->num)
		k->laps += n > 0;
	else if (ahead == n)
		k->exact |= n > 0;
	else if (n)
		k->lags++;
}

static void notified(const struct rreg *r, u32 value)
{
	const u32 index = rreg_notified(r, value);
	const struct rreg_queue *q = index < r->num_queues ? &r->queues[index] : NULL;

	if (q && q->enabled && !q->elsewhere && q->ring.is_packed && q->vq.desc &&
	    rreg_negotiated(r, VIRTIO_F_NOTIFICATION_DATA))
		how_far(q, (u16)(value >> 16));
}

void jd_reg_pci_notify(struct rreg *r, u32 offset, unsigned size, u32 value)
{
	const bool data = rreg_negotiated(r, VIRTIO_F_NOTIFICATION_DATA),
		   config = rreg_negotiated(r, VIRTIO_F_NOTIF_CONFIG_DATA);
	const u32 name = data ? value & 0xffff : value, index = offset / RPCI_NOTIFY_MULTIPLIER,
		  right = config ? index + RREG_NOTIFY_DATA : index;
	const int width = data ? WIDTH_4 : WIDTH_2;
	const int what = data ? (config ? NAME_CONFIG_DATA : NAME_INDEX_DATA)
			      : (config ? NAME_CONFIG : NAME_INDEX);

	jd_look(&looked[width]);
	if (size != (data ? 4 : 2)) {
		jd_broke(clauses[width], "a notification of %u bytes", size);
		return;
	}
	jd_look(&looked[what]);
	if (name != right)
		jd_broke(clauses[what], "0x%x is written where queue %u is notified with 0x%x",
			 name, index, right);
}

/* A queue's life is over. */
static void conclude(unsigned index)
{
	struct queue *k = &queues[index];

	if (k->lags >= LAGS && !k->exact)
		jd_broke(clauses[DATA_PACKED],
			 "queue %u: none of %u notifications names all that was available", index,
			 k->lags);
	if (k->laps >= LAGS)
		jd_broke(clauses[DATA_PACKED],
			 "queue %u: next_wrap of %u notifications is that of another lap", index,
			 k->laps);
	k->lags = k->laps = 0;
	k->exact = false;
}

/* --- queues ---------------------------------------------------------------------------------------------- */

static void enabled(const struct rreg *r, struct queue *k, unsigned index)
{
	const int face = r->face->pci ? RESET_PCI : RESET_MMIO;

	if (!k->known) {
		k->known = true;
		k->first = k->since;
	}
	if (k->reset) {
		jd_look(&looked[RESET]);
		jd_look(&looked[face]);
		jd_look(&looked[ENABLE]);
		if (!k->confirmed) {
			jd_broke(clauses[RESET],
				 "queue %u is enabled, and its reset was not read to be done",
				 index);
			jd_broke(clauses[face],
				 "queue %u is enabled, and its reset was not read to be done",
				 index);
		}
		if (k->first & ~k->since)
			jd_broke(
				clauses[ENABLE],
				"queue %u is enabled again without fields that were written before",
				index);
	}
	k->reset = false;
	k->since = 0;
}

static u32 field(int reg)
{
	return 1u << (reg - RREG_QUEUE_SIZE_MAX);
}

static void queue_write(const struct rreg *r, const struct rreg_queue *q, int reg, u32 value)
{
	struct queue *k = &queues[q->index];

	if (reg == RREG_QUEUE_ENABLE) {
		/* While its reset goes on it still is. */
		if (value == 1 && (!q->enabled || k->reset))
			enabled(r, k, q->index);
	} else if (reg == RREG_QUEUE_RESET) {
		if (value != 1 || !rreg_negotiated(r, VIRTIO_F_RING_RESET))
			return;
		conclude(q->index);
		k->reset = true;
		k->confirmed = false;
		k->since = 0;
	} else if (reg == RREG_QUEUE_VECTOR && value == RREG_NO_VECTOR) {
		/* That is what a queue begins with: who takes a vector back has set none. */
		k->since &= ~field(reg);
	} else {
		k->since |= field(reg);
	}
}

static bool is_queue_register(int reg)
{
	return reg >= RREG_QUEUE_SIZE_MAX && reg <= RREG_USED_HI;
}

void jd_reg_write(struct rreg *r, int reg, u32 value)
{
	const struct rreg_queue *q = rreg_selected(r);

	if (reg == RREG_STATUS && value == 0) {
		jd_reg_end();
		memset(queues, 0, sizeof(queues));
	} else if (reg == RREG_STATUS) {
		if (value & ~(u32)r->status & VIRTIO_CONFIG_S_FEATURES_OK)
			features(r);
	} else if (reg == RREG_NOTIFY) {
		notified(r, value);
	} else if (is_queue_register(reg) && q) {
		queue_write(r, q, reg, value);
	}
}

void jd_reg_read(struct rreg *r, int reg, u32 value)
{
	const struct rreg_queue *q = rreg_selected(r);

	if (reg == RREG_QUEUE_RESET && q && value == 0)
		queues[q->index].confirmed = true;
}

void jd_reg_end(void)
{
	for (unsigned i = 0; i < num_queues; i++)
		conclude(i);
}

// SPDX-License-Identifier: BSD-3-Clause
/* Requests: what is written where, and what has to come back. */
#include "tests/e2e/recovery/world.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A sector's contents: who wrote it, and bytes that follow from that. */
struct label {
	u64 seq;
	u32 slot, sector;
};

static void fill_sector(u8 *p, u64 seq, u32 slot, u32 sector)
{
	const struct label l = { seq, slot, sector };

	memcpy(p, &l, sizeof(l));
	for (u32 i = sizeof(l); i < VIRTIO_BLK_SECTOR; i++)
		p[i] = (u8)(seq * 167 + i * 13 + sector);
}

void check_sector(struct world *w, const u8 *p, u64 seq, u32 slot, u32 sector, const char *where)
{
	u8 want[VIRTIO_BLK_SECTOR] = { 0 };
	struct label l;

	if (seq)
		fill_sector(want, seq, slot, sector);
	if (memcmp(p, want, sizeof(want)) == 0)
		return;
	memcpy(&l, p, sizeof(l));
	fail(w,
	     "%s: sector %u of place %u holds write %llu (of sector %u, place %u), but write %llu "
	     "was acknowledged last",
	     where, sector, slot, (unsigned long long)l.seq, l.sector, l.slot,
	     (unsigned long long)seq);
}

static u32 free_slot(struct world *w)
{
	u32 slot = below(w, SLOTS);

	while (w->slot_busy[slot])
		slot = (slot + 1) % SLOTS;
	return slot;
}

static void submit_one(struct world *w, struct queue *q, struct request *rq)
{
	u32 kind = below(w, 16);
	struct vq_sg sg[BLK_FRAME_MAX];
	unsigned out, in;

	rq->r.type = kind == 0 ? VIRTIO_BLK_T_FLUSH : kind < 4 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
	rq->slot = free_slot(w);
	rq->sectors = rq->r.type == VIRTIO_BLK_T_FLUSH ? 0 : 1 + below(w, SLOT_SECTORS);
	rq->r.sector = rq->sectors ? (u64)rq->slot * SLOT_SECTORS : 0;
	rq->r.data.len = rq->sectors * VIRTIO_BLK_SECTOR;
	rq->seq = rq->r.type == VIRTIO_BLK_T_OUT ? ++w->seq : 0;
	for (u32 i = 0; rq->seq && i < rq->sectors; i++)
		fill_sector(rq->r.data.hva + i * VIRTIO_BLK_SECTOR, rq->seq, rq->slot, i);
	blk_prepare(&rq->r);
	blk_frame(&rq->r, BLK_LAYOUT_USUAL, sg, &out, &in);
	if (vq_split_add(&q->vq, sg, out, in, rq) < 0)
		fail(w, "no room in the ring for a request of %u descriptors", out + in);
	rq->busy = true;
	w->slot_busy[rq->slot] = true;
	q->busy++;
	w->submitted++;
}

void submit(struct world *w, unsigned n, unsigned most)
{
	struct queue *q = &w->q[n];
	unsigned added = 0;

	for (unsigned i = 0; i < DEPTH && added < most; i++) {
		if (q->requests[i].busy)
			continue;
		submit_one(w, q, &q->requests[i]);
		added++;
	}
	if (!added)
		return;
	vq_split_publish(&q->vq);
	if (vq_split_kick_due(&q->vq) && eventfd_write(w->fe.rings[n].kick, 1) < 0)
		fail(w, "kick: %s", strerror(errno));
}

static void acknowledged(struct world *w, struct queue *q, struct request *rq, u32 len)
{
	if (!rq->busy)
		fail(w, "a request came back twice");
	if (blk_status(&rq->r) != VIRTIO_BLK_S_OK)
		fail(w, "%s of %u sectors: status %u", blk_type_name(rq->r.type), rq->sectors,
		     blk_status(&rq->r));
	if (len != blk_written_on_success(&rq->r))
		fail(w, "%s of %u sectors: used length %u", blk_type_name(rq->r.type), rq->sectors,
		     len);
	for (u32 i = 0; i < rq->sectors; i++) {
		if (rq->seq)
			w->acked[rq->slot][i] = rq->seq;
		else
			check_sector(w, rq->r.data.hva + i * VIRTIO_BLK_SECTOR,
				     w->acked[rq->slot][i], rq->slot, i, "read");
	}
	rq->busy = false;
	w->slot_busy[rq->slot] = false;
	q->busy--;
	w->acknowledged++;
}

unsigned reap(struct world *w, unsigned n)
{
	struct queue *q = &w->q[n];
	unsigned got = 0;
	void *token;
	u32 id, len;
	int head;

	while ((head = vq_split_reap(&q->vq, &id, &len, &token)) != VQ_EMPTY) {
		if (head == VQ_BADID)
			fail(w, "queue %u: used element %u names head %u, which is not outstanding",
			     n, (u16)(q->vq.used_idx - 1), id);
		acknowledged(w, q, token, len);
		got++;
	}
	return got;
}

unsigned reap_all(struct world *w)
{
	unsigned got = 0;

	for (unsigned n = 0; n < QUEUES; n++)
		got += reap(w, n);
	return got;
}

/* Sleep until notified, or until `end`. False: it is `end`, and nothing came. */
bool sleep_until_called(struct world *w, u64 end)
{
	struct pollfd p[QUEUES];
	bool pending = false;
	eventfd_t v;
	int rc;

	for (unsigned n = 0; n < QUEUES; n++) {
		p[n] = (struct pollfd){ .fd = w->fe.rings[n].call, .events = POLLIN };
		pending |= vq_split_enable_calls(&w->q[n].vq);
	}
	if (pending)
		return true;
	rc = poll(p, QUEUES, vu_ms_left(end));
	for (unsigned n = 0; n < QUEUES; n++)
		if (rc > 0 && p[n].revents)
			eventfd_read(w->fe.rings[n].call, &v);
	return rc > 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Guest memory in several regions: rings and buffers in any of them, up to the last byte. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define REGIONS	  "VU.mem.table.be.1"
#define RING_ADDR "VU.vring.addr.be.1"
#define EXPECTED  "memory in every region resolves, up to its last byte"

/* A read of sector 0 (ck_fill(9)) with its parts where the caller put them. */
static bool read_ok(struct ck *c, struct blk_req *r, const char *clause, const char *what)
{
	struct ckb_result res;
	u32 at;

	__builtin_memset(r->data.hva, 0, r->data.len);
	ck_log(c, "  %s:", what);
	if (!ckb_do_or_fail(c, 0, r, BLK_LAYOUT_USUAL, &res, clause))
		return false;
	if (res.status != VIRTIO_BLK_S_OK)
		return ck_fail(c, clause, EXPECTED, "%s: status %u (%s)", what, res.status,
			       blk_status_name(res.status));
	at = ck_differs(r->data.hva, r->data.len, 9);
	return at == r->data.len ||
	       ck_fail(c, clause, EXPECTED, "%s: byte %u of the data is wrong", what, at);
}

/* Region 0 is where everything else lies: what fails there is no matter of regions. */
static bool start(struct ck *c, struct blk_req *r)
{
	return ck_start(c, ck_ring_features()) && ckb_write_fill(c, 0, 0, 1, 9) &&
	       ckb_make(c, r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) && ckb_ok(c, 0, r);
}

static void buffers(struct ck *c)
{
	unsigned n = c->tp->mem_count;
	struct tp_buf hdr[TP_MEM_MAX], data[TP_MEM_MAX], status[TP_MEM_MAX];
	struct blk_req r;

	if (!start(c, &r))
		return;
	for (unsigned i = 0; i < n; i++)
		if (!ck_alloc_in(c, i, r.hdr.len, 64, &hdr[i]) ||
		    !ck_alloc_in(c, i, r.data.len, 64, &data[i]) ||
		    !ck_alloc_in(c, i, r.status.len, 64, &status[i]))
			return;
	for (unsigned i = 0; i < n * n * n; i++) {
		r.hdr = hdr[i % n];
		r.data = data[i / n % n];
		r.status = status[i / n / n];
		if (!read_ok(c, &r, REGIONS, "header, data and status each in some region"))
			return;
	}
}

CHECK(buffers, .id = "split.memory.buffers", .clauses = { REGIONS },
      .stimulus = "reads with header, data and status in every combination of regions",
      .oracle = "status OK and the right data", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = buffers);

/* The last `len` bytes of a region. */
static struct tp_buf tail(struct ck *c, unsigned region, u32 len)
{
	const struct tp_buf *m = &c->tp->mem[region];

	return (struct tp_buf){ m->hva + m->len - len, gpa_add(m->gpa, m->len - len), len };
}

static void buffer_ends(struct ck *c)
{
	struct blk_req usual, r;

	if (!start(c, &usual))
		return;
	for (unsigned i = 0; i < c->tp->mem_count; i++) {
		r = usual;
		r.data = tail(c, i, r.data.len);
		if (!read_ok(c, &r, REGIONS, "data at the end of a region"))
			return;
		r = usual;
		r.hdr = tail(c, i, r.hdr.len);
		if (!read_ok(c, &r, REGIONS, "header at the end of a region"))
			return;
		r = usual;
		r.status = tail(c, i, r.status.len);
		if (!read_ok(c, &r, REGIONS, "status in the last byte of a region"))
			return;
	}
}

CHECK(buffer_ends, .id = "split.memory.buffer-end", .clauses = { REGIONS },
      .stimulus = "data, header and status that end with the last byte of each region",
      .oracle = "status OK and the right data", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = buffer_ends);

/* A queue with its parts where the caller wants them, and reads through it. */
static bool ring_at(struct ck *c, struct tp_buf desc, struct tp_buf avail, struct tp_buf used,
		    u16 size, const char *what)
{
	struct ck_queue *q = &c->q[0];
	struct tp_queue cfg = {
		.size = size,
		.desc = desc.gpa,
		.driver = avail.gpa,
		.device = used.gpa,
	};
	struct blk_req r;

	q->layout = (struct vq_layout){
		.size = size,
		.desc = desc.gpa,
		.driver = avail.gpa,
		.device = used.gpa,
		.desc_hva = desc.hva,
		.driver_hva = avail.hva,
		.device_hva = used.hva,
	};
	vq_split_init(&q->vq.split, &q->layout, c->slots, 0, ck_has(c, VIRTIO_RING_F_EVENT_IDX));
	ck_log(c, "  %s:", what);
	if (!ck_must(c, c->tp->ops->queue_start(c->tp, 0, &cfg), "starting a queue") ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return false;
	for (unsigned i = 0; i < size + 2u; i++)
		if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
		    !read_ok(c, &r, RING_ADDR, what))
			return false;
	return true;
}

#define RING_SIZE 8

/* Every part in each region; and the two regions that the others lie in, the other way round. */
static void rings(struct ck *c)
{
	unsigned n = c->tp->mem_count;
	struct blk_req r;

	if (!start(c, &r))
		return;
	for (unsigned i = 0; i < n; i++) {
		struct tp_buf desc, avail, used;

		if (!ck_open(c) || !ck_negotiate(c, ck_ring_features()) ||
		    !ck_alloc_in(c, i, vq_split_desc_bytes(RING_SIZE), 16, &desc) ||
		    !ck_alloc_in(c, (i + 1) % n, vq_split_avail_bytes(RING_SIZE), 2, &avail) ||
		    !ck_alloc_in(c, (i + 2) % n, vq_split_used_bytes(RING_SIZE), 4, &used) ||
		    !ring_at(c, desc, avail, used, RING_SIZE, "each part in a region of its own"))
			return;
	}
}

CHECK(rings, .id = "split.memory.rings", .clauses = { RING_ADDR },
      .stimulus =
	      "queues with descriptor table, available and used ring in different regions, each "
	      "part once in each",
      .oracle = "reads through them give status OK and the right data", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = rings);

static void ring_ends(struct ck *c)
{
	unsigned last = c->tp->mem_count - 1;
	struct blk_req r;

	if (!start(c, &r))
		return;
	/* Every part ends with the last byte that it can end with. */
	for (unsigned i = 0; i < 3; i++) {
		struct tp_buf part[3];
		const u32 len[] = {
			vq_split_desc_bytes(RING_SIZE),
			vq_split_avail_bytes(RING_SIZE),
			(u32)ALIGN_UP(vq_split_used_bytes(RING_SIZE), VQ_USED_ALIGN),
		};

		if (!ck_open(c) || !ck_negotiate(c, ck_ring_features()))
			return;
		for (unsigned k = 0; k < 3; k++) {
			if (k == i)
				part[k] = tail(c, last, len[k]);
			else if (!ck_alloc(c, len[k], 16, &part[k]))
				return;
		}
		if (!ring_at(c, part[0], part[1], part[2], RING_SIZE,
			     i == 0   ? "the descriptor table at the end of a region"
			     : i == 1 ? "the available ring at the end of a region"
				      : "the used ring at the end of a region"))
			return;
	}
}

CHECK(ring_ends, .id = "split.memory.ring-end", .clauses = { RING_ADDR },
      .stimulus = "queues of which one part ends with the last byte of guest memory",
      .oracle = "reads through them give status OK and the right data", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = ring_ends);

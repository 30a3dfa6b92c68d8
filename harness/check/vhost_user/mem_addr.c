// SPDX-License-Identifier: BSD-3-Clause
/* Addresses: which of the two spaces they belong to, any value they may have, none of a region. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/mem_kit.h"

#include <stdio.h>
#include <string.h>

#define UVA	"VU.mem.addr.be.1"
#define GPA	"VU.mem.addr.be.2"
#define OUTSIDE "VU.mem.addr.be.5"
#define OPAQUE	"VU.mem.addr.be.6"

#define MIB (1ull << 20)

/* Copy ring 0 as it stands to the same place of the other region. */
static void mirror(struct ck *c, const struct vu_region *from, const struct vu_region *to)
{
	const struct vq_layout *l = &c->q[0].layout;
	const void *parts[] = { l->desc_hva, l->driver_hva, l->device_hva };
	const u32 len[] = { vq_split_desc_bytes(l->size), vq_split_avail_bytes(l->size),
			    vq_split_used_bytes(l->size) };

	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		memcpy(to->hva + ((const u8 *)parts[i] - from->hva), parts[i], len[i]);
}

/* Two regions, the guest addresses of the one being the user addresses of the other. */
static const struct vu_region_spec swapped[] = {
	{ 0x10000000, 0x7c0030000000, 2 * MIB, 0 },
	{ 0x7c0030000000, 0x10000000, 2 * MIB, 0 },
};

/*
 * The ring stands in region 0; a back-end that takes ring addresses for guest addresses finds the
 * same ring in region 1, and counts its used index up there.
 */
static void ring_addresses(struct ck *c)
{
	struct vu_region *r = ckv(c)->regions;
	struct tp_buf at;
	struct blk_req req;
	struct ck_used u;
	u16 *twin_idx;

	if (!ckg_usual_serves(c) || !ckg_session(c, swapped, 2) || !ckg_room(c, 0, &at))
		return;
	/* The request is in the ring before the device looks. */
	blk_carve(&req, at, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR);
	if (ckb_add(c, 0, &req, BLK_LAYOUT_USUAL) < 0)
		return;
	vq_split_publish(&c->q[0].vq.split);
	mirror(c, &r[0], &r[1]);
	twin_idx = (u16 *)(r[1].hva + ((u8 *)c->q[0].layout.device_hva - r[0].hva) + 2);
	if (!ckg_start(c, "a table with swapped ranges", NULL) ||
	    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	if (ck_reap(c, 0, &u) && u.token == &req)
		return;
	if (*twin_idx)
		ck_fail(c, UVA, "ring addresses are user addresses",
			"the ring at the same guest address is served");
	else
		ck_error(c, "with swapped ranges no request is served");
}

CHECK(mem_ring_addresses, .id = "vu.mem.address.ring", .clauses = { UVA },
      .stimulus =
	      "two regions, each with the other one's user addresses as guest addresses; a ring "
	      "in the first and its copy in the second",
      .oracle = "the ring at the user addresses of SET_VRING_ADDR is served, not its copy",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = ring_addresses,
      .own_session = true);

/* The same for descriptors: the request's twin asks for something that no device knows. */
static void buffer_addresses(struct ck *c)
{
	struct vu_region *r = ckv(c)->regions;
	struct virtio_blk_outhdr unknown = { .type = le32(0x1000) };
	const u64 offset = 256 << 10;
	struct blk_req req;
	struct ck_used u;
	u8 *twin;

	if (!ckg_usual_serves(c) || !ckg_session(c, swapped, 2) ||
	    !ckg_start(c, "a table with swapped ranges", NULL))
		return;
	twin = r[1].hva + offset;
	memset(twin, 0xa5, 1024);
	memcpy(twin, &unknown, sizeof(unknown));
	blk_carve(&req, ckg_buf(&r[0], offset), VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR);
	memset(req.data.hva, 0xa5, req.data.len);
	if (ckb_add(c, 0, &req, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return;
	if (!ck_reap(c, 0, &u)) {
		ck_error(c, "with swapped ranges no request is served");
		return;
	}
	if (ck_not_value(twin + 16, 1024 - 16, 0xa5) < 1024 - 16 ||
	    blk_status(&req) == BLK_STATUS_UNSET)
		ck_fail(c, GPA, "descriptors hold guest addresses",
			"the device read and wrote the bytes at the same user address");
	else if (blk_status(&req) != VIRTIO_BLK_S_OK)
		ck_error(c, "with swapped ranges a request has status %u", blk_status(&req));
}

CHECK(mem_buffer_addresses, .id = "vu.mem.address.buffer", .clauses = { GPA },
      .stimulus =
	      "two regions, each with the other one's user addresses as guest addresses; a request "
	      "in the first and another one at the same place of the second",
      .oracle = "the request at the guest addresses of the descriptors is served, the other one is "
		"untouched",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = buffer_addresses,
      .own_session = true);

static void opaque(struct ck *c)
{
	static const u64 uvas[] = { 0x1000, 0x8000000000000000, 0xffff000000000000 - 2 * MIB,
				    0x00007ffffff00000, 0xffffffffffe00000 - 4 * MIB };

	if (!ckg_usual_serves(c))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(uvas); i++) {
		const struct vu_region_spec spec = { 0x40000000, uvas[i], 2 * MIB, 0 };
		struct tp_buf at;
		char what[64];

		snprintf(what, sizeof(what), "user address 0x%llx", (unsigned long long)uvas[i]);
		if (!ckg_session(c, &spec, 1) || !ckg_start(c, what, OPAQUE) ||
		    !ckg_room(c, 0, &at) || !ckg_read_at(c, at, what, OPAQUE))
			return;
	}
}

CHECK(mem_opaque, .id = "vu.mem.address.opaque", .clauses = { OPAQUE },
      .stimulus =
	      "regions at the user addresses 0x1000, 0x8000000000000000 and near the ends of the "
	      "two halves",
      .oracle = "the ring set up with them is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = opaque, .own_session = true);

/* --- of no region ------------------------------------------------------------------------------------ */

/* One part of the ring somewhere else. */
static bool ring_outside(struct ck *c, unsigned part, u64 uva, const char *what)
{
	struct ckm_msg m;
	enum ckv_reaction r;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, 2) ||
	    !ckm_make(c, VU_SET_VRING_ADDR, &m))
		return false;
	*(part == 0 ? &m.addr.desc : part == 1 ? &m.addr.avail : &m.addr.used) = uva;
	r = ckm_provoke(c, &m, OUTSIDE);
	ck_log(c, "  %s %s: %s",
	       part == 0   ? "descriptors"
	       : part == 1 ? "available ring"
			   : "used ring",
	       what, ckv_reaction_name(r));
	/* Where it was taken: start it and see that nobody dies of it. */
	for (unsigned i = 0; r != CKV_CLOSED && r != CKV_BROKEN && i < 2; i++) {
		static const u32 starts[] = { VU_SET_VRING_KICK, VU_SET_VRING_ENABLE };

		if (!ckm_make(c, starts[i], &m))
			continue;
		r = ckm_provoke(c, &m, OUTSIDE);
		ckm_done(&m);
	}
	if (r == CKV_BROKEN)
		return false;
	c->tp->ops->notify(c->tp, 0);
	return ckv_reachable(c, OUTSIDE);
}

static void outside(struct ck *c)
{
	u64 end;

	if (!ckg_usual_serves(c))
		return;
	end = ckv(c)->regions[1].uva.v + ckv(c)->regions[1].size;
	for (unsigned part = 0; part < 3; part++)
		if (!ring_outside(c, part, 0x123456780000, "outside") ||
		    !ring_outside(c, part, end, "right behind a region") ||
		    !ring_outside(c, part, end - 16, "across the end of a region"))
			return;
}

CHECK(mem_outside, .id = "vu.mem.address.outside", .clauses = { OUTSIDE },
      .stimulus =
	      "SET_VRING_ADDR with each part of the ring in no region, right behind one, and across "
	      "the end of one; the ring started and kicked where that is taken",
      .oracle = "refused, closed or left alone; a new session is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = outside, .own_session = true);

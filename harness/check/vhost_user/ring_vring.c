// SPDX-License-Identifier: BSD-3-Clause
/* SET_VRING_NUM and SET_VRING_ADDR: size and place of a ring, possible and impossible. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/ring_io.h"

#include <stdio.h>
#include <string.h>

#define SIZE	      "VU.vring.num.be.1"
#define INDEX	      "VU.vring.num.be.2"
#define BAD_SIZE      "VU.vring.num.be.3"
#define ADDRESSES     "VU.vring.addr.be.1"
#define UNRESOLVED    "VU.vring.addr.be.2"
#define ALIVE_INDEX   "ROB.msg.index"
#define ALIVE_SIZE    "ROB.alive.queue-size"
#define ALIVE_OUTSIDE "ROB.alive.ring-outside"

/* Requests one after the other, with something to compare, and nothing written behind the ring. */
static bool serve_many(struct ck *c, unsigned n, const char *when, const char *clause)
{
	struct ck_queue *q = &c->q[0];
	u32 used_bytes = vq_split_used_bytes(q->layout.size);
	struct blk_req r;
	u8 *behind = (u8 *)q->layout.device_hva + used_bytes;

	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return false;
	memset(behind, 0xa5, 64);
	for (unsigned i = 0; i < n; i++)
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0) ||
		    !ckr_served(c, 0, &r, when, clause))
			return false;
	if (ck_not_value(behind, 64, 0xa5) != 64)
		return ck_fail(c, clause, "nothing is written behind the used ring",
			       "%s: byte %u behind it changed", when,
			       ck_not_value(behind, 64, 0xa5));
	return true;
}

static void size(struct ck *c)
{
	struct tp_buf room;

	/* What is behind the used ring belongs to nobody: see serve_many(). */
	if (!ckr_session(c) || !ckr_lay(c, 0, 8, 0) || !ck_alloc(c, 4096, 64, &room))
		return;
	if (!ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_NUM, 0, 256), "SET_VRING_NUM 256") ||
	    !ckr_send(c, 0, CKR_ALL, 0) || !ckr_kick(c, 0))
		return;
	serve_many(c, 20, "SET_VRING_NUM 256, then 8; 20 requests", SIZE);
}

CHECK(size, .id = "vu.ring.size", .clauses = { SIZE },
      .stimulus = "SET_VRING_NUM 256 and then 8 before the ring starts; 20 requests",
      .oracle = "both indices wrap at 8: each request is served from its slot and returned in its "
		"slot, and nothing behind a used ring of 8 is written",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = size);

static void addresses(struct ck *c)
{
	static const u8 regions[][3] = { { 0, 1, 2 }, { 2, 0, 1 }, { 1, 2, 0 } };

	for (unsigned i = 0; i < ARRAY_SIZE(regions); i++) {
		struct vq_layout *l = &c->q[0].layout;
		struct tp_buf desc, avail, used;
		char when[64];

		if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0))
			return;
		if (!ck_alloc_in(c, regions[i][0], 4096, 4096, &desc) ||
		    !ck_alloc_in(c, regions[i][1], 4096, 4096, &avail) ||
		    !ck_alloc_in(c, regions[i][2], 4096, 4096, &used))
			return;
		/* The smallest alignments there are, and no two parts in one page. */
		l->desc = gpa_add(desc.gpa, 16);
		l->desc_hva = desc.hva + 16;
		l->driver = gpa_add(avail.gpa, 2);
		l->driver_hva = avail.hva + 2;
		l->device = gpa_add(used.gpa, 4);
		l->device_hva = used.hva + 4;
		vq_split_init(&c->q[0].vq.split, l, c->slots, 0, false);
		snprintf(when, sizeof(when), "descriptors, available, used in regions %u, %u, %u",
			 regions[i][0], regions[i][1], regions[i][2]);
		if (!ckr_send(c, 0, CKR_ALL, 0) || !ckr_kick(c, 0) ||
		    !serve_many(c, 40, when, ADDRESSES))
			return;
	}
}

CHECK(addresses, .id = "vu.ring.addresses", .clauses = { ADDRESSES },
      .stimulus = "descriptor table, available and used ring in three memory regions, in three "
		  "arrangements, at the smallest alignments (16, 2 and 4 bytes); 40 requests each",
      .oracle = "every request is served, and nothing behind the used ring is written",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = addresses);

/* --- what cannot be -------------------------------------------------------------------------------- */

struct bad_index {
	u32 request;
	const char *name;
};

static enum ckv_reaction send_index(struct ck *c, u32 request, u32 index)
{
	struct vu_vring_state s = { index, request == VU_SET_VRING_ENABLE ? 1 : 4 };
	struct tp_queue cfg = ckr_cfg(c, 0, 0);
	struct vu_vring_addr a = {
		.index = index,
		.desc = vu_uva(ckv(c), cfg.desc),
		.used = vu_uva(ckv(c), cfg.device),
		.avail = vu_uva(ckv(c), cfg.driver),
	};

	if (request == VU_SET_VRING_ADDR)
		return ckv_provoke(c, request, &a, sizeof(a), NULL, 0);
	return ckv_provoke(c, request, &s, sizeof(s), NULL, 0);
}

static bool bad_index_in(struct ck *c, u32 request, u32 index, const char *name, const char *after)
{
	enum ckv_reaction reaction;
	struct blk_req r;
	char what[64];

	snprintf(what, sizeof(what), "%s with ring index 0x%x", name, index);
	if (!ckr_next_session(c, after, ALIVE_INDEX) || !ckr_run(c, 0, 16, 0))
		return false;
	reaction = send_index(c, request, index);
	if (reaction == CKV_BROKEN)
		return false;
	/* A request with a body in its reply has no way to say no, other than closing. */
	if (request != VU_GET_VRING_BASE && !ckv_refused(c, reaction, what, INDEX))
		ck_log(c, "  going on");
	/* Some answer first. Whether anybody is left the next session shows. */
	if (reaction == CKV_CLOSED || vu_barrier(ckv(c)) == TP_EGONE)
		return true;
	return ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) >= 0 &&
	       ckr_publish(c, 0) && ckr_served(c, 0, &r, what, ALIVE_INDEX);
}

static void index_refused(struct ck *c)
{
	static const struct bad_index messages[] = {
		{ VU_SET_VRING_NUM, "SET_VRING_NUM" },
		{ VU_SET_VRING_ADDR, "SET_VRING_ADDR" },
		{ VU_SET_VRING_BASE, "SET_VRING_BASE" },
		{ VU_GET_VRING_BASE, "GET_VRING_BASE" },
		{ VU_SET_VRING_ENABLE, "SET_VRING_ENABLE" },
	};
	/* The wildest first: what it does to a back-end that looks nothing up is the same each time. */
	static const u32 indices[] = { 0xffffffff, 0x10000, 255 };
	const char *after = "nothing";

	for (unsigned i = 0; i < ARRAY_SIZE(indices); i++)
		for (unsigned m = 0; m < ARRAY_SIZE(messages); m++) {
			if (!bad_index_in(c, messages[m].request, indices[i], messages[m].name,
					  after))
				return;
			after = messages[m].name;
		}
	ckv_reachable(c, ALIVE_INDEX);
}

CHECK(index_refused, .id = "vu.ring.index", .clauses = { INDEX, ALIVE_INDEX },
      .stimulus =
	      "SET_VRING_NUM, ADDR, BASE, GET_VRING_BASE and SET_VRING_ENABLE with ring indices "
	      "0xffffffff, 0x10000 and 255, beside a ring 0 in service",
      .oracle = "refused or closed, not acknowledged; ring 0 serves on (no upper half is cut off), "
		"and new sessions work",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .disturbs = true, .run = index_refused);

static bool bad_size_of(struct ck *c, u32 num)
{
	struct vu_vring_state s = { 0, num };
	enum ckv_reaction reaction;
	struct blk_req r;
	char what[40];

	snprintf(what, sizeof(what), "SET_VRING_NUM %u", num);
	if (!ckr_next_session(c, "a size that cannot be", ALIVE_SIZE) || !ckr_lay(c, 0, 16, 0) ||
	    !ckr_send(c, 0, CKR_BASE | CKR_ERR | CKR_CALL, 0))
		return false;
	reaction = ckv_provoke(c, VU_SET_VRING_NUM, &s, sizeof(s), NULL, 0);
	if (reaction == CKV_BROKEN)
		return false;
	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		return true;
	ck_info(c, BAD_SIZE, "%s: %s", what, ckv_reaction_name(reaction));
	/* It may still notice; what it must not is fall over. */
	if (ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) >= 0) {
		struct vu_frontend *fe = ckv(c);
		struct tp_queue cfg = ckr_cfg(c, 0, 0);

		vq_split_publish(&c->q[0].vq.split);
		if (vu_set_vring_addr(fe, 0, &cfg, 0, 0) == TP_OK &&
		    vu_set_vring_fd(fe, VU_SET_VRING_KICK, 0, fe->rings[0].kick) == TP_OK &&
		    vu_set_state(fe, VU_SET_VRING_ENABLE, 0, 1) == TP_OK && ckr_kick(c, 0))
			ck_quiet(c);
	}
	return true;
}

static void bad_size(struct ck *c)
{
	static const u32 sizes[] = { 0, 3, 65536, 0xffffffff };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!bad_size_of(c, sizes[i]))
			return;
	ckv_reachable(c, ALIVE_SIZE);
}

CHECK(bad_size, .id = "vu.ring.bad-size", .clauses = { BAD_SIZE, ALIVE_SIZE },
      .stimulus = "SET_VRING_NUM 0, 3, 65536 and 0xffffffff; where it is accepted the ring is "
		  "started and kicked with a request in it",
      .oracle =
	      "refused or closed (info when not: the message text gives no limits); in any case a "
	      "new session is served",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .disturbs = true, .run = bad_size);

static bool outside_at(struct ck *c, unsigned part, bool straddle)
{
	static const char *const names[] = { "descriptor table", "used ring", "available ring" };
	struct vu_frontend *fe;
	struct vu_vring_addr a;
	enum ckv_reaction reaction;
	struct tp_queue cfg;
	struct blk_req r;
	u64 *addr;

	if (!ckr_next_session(c, "a ring outside memory", ALIVE_OUTSIDE) ||
	    !ckr_lay(c, 0, 256, 0) || !ckr_send(c, 0, CKR_NUM | CKR_BASE | CKR_ERR | CKR_CALL, 0) ||
	    !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0)
		return false;
	fe = ckv(c);
	cfg = ckr_cfg(c, 0, 0);
	a = (struct vu_vring_addr){
		.desc = vu_uva(fe, cfg.desc),
		.used = vu_uva(fe, cfg.device),
		.avail = vu_uva(fe, cfg.driver),
	};
	addr = part == 0 ? &a.desc : part == 1 ? &a.used : &a.avail;
	*addr = straddle ? fe->regions[0].uva.v + fe->regions[0].size - 256 : 0xdead0000;
	ck_log(c, "  the %s %s", names[part],
	       straddle ? "begins 256 bytes before the end of its region" : "is in no region");
	reaction = ckv_provoke(c, VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
	if (reaction == CKV_BROKEN)
		return false;
	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		return true;
	vq_split_publish(&c->q[0].vq.split);
	if (vu_set_vring_fd(fe, VU_SET_VRING_KICK, 0, fe->rings[0].kick) != TP_OK ||
	    vu_set_state(fe, VU_SET_VRING_ENABLE, 0, 1) != TP_OK || !ckr_kick(c, 0))
		return true;
	ck_quiet(c);
	if (ckr_touched(&r) && part != 1)
		ck_fail(c, UNRESOLVED, "refused, or an error of the ring",
			"a request was served though the %s is outside memory", names[part]);
	return true;
}

static void outside(struct ck *c)
{
	for (unsigned part = 0; part < 3; part++)
		if (!outside_at(c, part, false) || !outside_at(c, part, true))
			return;
	ckv_reachable(c, ALIVE_OUTSIDE);
}

CHECK(outside, .id = "vu.ring.outside-memory", .clauses = { UNRESOLVED, ALIVE_OUTSIDE },
      .stimulus =
	      "descriptor table, used ring and available ring, each at an address in no region "
	      "and each across the end of its region; where that is accepted the ring is started",
      .oracle = "refused at SET_VRING_ADDR, at SET_VRING_KICK or never served; a new session works",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .disturbs = true, .run = outside);

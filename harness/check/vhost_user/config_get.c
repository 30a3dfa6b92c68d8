// SPDX-License-Identifier: BSD-3-Clause
/* GET_CONFIG: sizes, offsets, what lies beyond. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#define SAME_SIZE  "VU.config.get.be.1"
#define ERROR_FORM "VU.config.get.be.2"
#define SLICES	   "VU.config.get.be.3"
#define REPEATED   "VU.config.get.be.4"
#define LITTLE	   "VU.config.get.be.5"
#define PADDING	   "VU.config.get.be.6"
#define EARLY	   "VU.config.get.be.7"
#define LAYOUT	   "VU.layout.config.be.1"
#define BOUNDS	   "ROB.config.bounds"

#define HAS_CONFIG BIT_ULL(VU_PF_CONFIG)

/* One GET_CONFIG of a session that goes on; the reply as it is. False: an error was recorded. */
static bool get(struct ck *c, u32 offset, u32 size, struct vu_message *m)
{
	struct vu_config cfg = { .offset = offset, .size = size };
	struct vu_reply r;

	if (!ck_must(c, vu_call(ckv(c), VU_GET_CONFIG, &cfg, VU_CONFIG_HEADER + size, &r),
		     "GET_CONFIG"))
		return false;
	vu_reply_release(&r);
	*m = r.msg;
	return true;
}

static bool is_error(const struct vu_message *m)
{
	return m->hdr.size == 0 || (m->hdr.size == VU_CONFIG_HEADER && m->config.size == 0);
}

static bool header_is_repeated(struct ck *c, const struct vu_message *m, u32 offset, u32 size)
{
	const u32 *w = (const u32 *)m->bytes;

	if (w[0] == offset && w[1] == size && w[2] == 0)
		return true;
	if (offset != size && w[0] != offset && (w[1] == offset || w[2] == offset) &&
	    (w[0] == size || w[2] == size))
		return ck_fail(c, LAYOUT, "offset, size, flags",
			       "GET_CONFIG of %u bytes at %u: the reply begins %u, %u, %u", size,
			       offset, w[0], w[1], w[2]);
	return ck_fail(c, REPEATED, "offset, size and flags of the request",
		       "GET_CONFIG of %u bytes at %u: the reply begins %u, %u, %u", size, offset,
		       w[0], w[1], w[2]);
}

static void sizes(struct ck *c)
{
	static const struct {
		u32 offset, size;
	} asked[] = { { 0, 1 }, { 0, 4 }, { 0, 8 }, { 4, 8 }, { 8, 4 }, { 0, 60 }, { 20, 4 } };
	struct vu_message m;

	if (!ckm_session(c, CKM_PF_NO_STATUS))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(asked); i++) {
		u32 want = VU_CONFIG_HEADER + asked[i].size;

		if (!get(c, asked[i].offset, asked[i].size, &m))
			return;
		if (is_error(&m)) {
			if (i == 0)
				ck_info(c, EARLY, "GET_CONFIG is refused before SET_FEATURES");
			continue;
		}
		if (m.hdr.size != want) {
			ck_fail(c, SAME_SIZE, "the payload size of the request",
				"GET_CONFIG of %u bytes at %u: %u bytes of payload, not %u",
				asked[i].size, asked[i].offset, m.hdr.size, want);
			return;
		}
		if (!header_is_repeated(c, &m, asked[i].offset, asked[i].size))
			return;
	}
}

CHECK(config_sizes, .id = "vu.config.get.size", .clauses = { SAME_SIZE, REPEATED, LAYOUT, EARLY },
      .stimulus = "GET_CONFIG of 1 to 60 bytes at offsets from 0 to 20, before SET_FEATURES",
      .oracle =
	      "a reply of the request's size that begins with its offset, size and flags; none is "
	      "refused (before SET_FEATURES the text does not say so: info)",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_CONFIG, .run = sizes,
      .own_session = true);

static bool slice(struct ck *c, const u8 *full, u32 offset, u32 size)
{
	struct vu_message m;
	u32 at = 0;

	if (!get(c, offset, size, &m))
		return false;
	if (is_error(&m))
		return true;
	if (m.hdr.size != VU_CONFIG_HEADER + size)
		return ck_error(c, "GET_CONFIG of %u bytes at %u: %u bytes of payload", size,
				offset, m.hdr.size);
	while (at < size && m.config.data[at] == full[offset + at])
		at++;
	if (at == size)
		return true;
	return ck_fail(c, SLICES, "the bytes of the configuration space at the offset",
		       "GET_CONFIG of %u bytes at %u: byte %u is 0x%02x, in a read of everything "
		       "0x%02x%s",
		       size, offset, at, m.config.data[at], full[offset + at],
		       memcmp(m.config.data, full, size) == 0
			       ? "; what came is the beginning of the space"
			       : "");
}

static void slices(struct ck *c)
{
	static const u32 lengths[] = { 1, 2, 3, 4, 8, 16 };
	const u32 all = VIRTIO_BLK_CONFIG_SIZE;
	struct vu_message m;
	u8 full[VIRTIO_BLK_CONFIG_SIZE];

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !get(c, 0, all, &m))
		return;
	if (m.hdr.size != VU_CONFIG_HEADER + all) {
		ck_error(c, "GET_CONFIG of %u bytes: %u bytes of payload", all, m.hdr.size);
		return;
	}
	memcpy(full, m.config.data, all);
	for (u32 offset = 0; offset < all; offset++) {
		for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
			if (offset + lengths[i] <= all && !slice(c, full, offset, lengths[i]))
				return;
		if (!slice(c, full, offset, all - offset))
			return;
	}
}

CHECK(config_slices, .id = "vu.config.get.offset", .clauses = { SLICES },
      .stimulus =
	      "GET_CONFIG of the whole space, then of 1, 2, 3, 4, 8, 16 bytes and the rest from "
	      "every offset",
      .oracle = "each an error or exactly that part of the whole", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .pf = HAS_CONFIG, .run = slices, .own_session = true);

static bool beyond(struct ck *c, u32 offset, u32 size, u32 sent)
{
	struct ckm_msg m = { .request = VU_GET_CONFIG, .size = VU_CONFIG_HEADER + sent };
	struct ckm_answers a;

	m.spec = vu_msg_find(VU_CHAN_MAIN, VU_GET_CONFIG);
	m.config.offset = offset;
	m.config.size = size;
	ck_log(c, "  offset 0x%x, size 0x%x, %u bytes really sent", offset, size, sent);
	ckm_exchange(c, &m, VU_VERSION, &a);
	if (a.end == TP_ETIMEOUT)
		return ck_fail(c, BOUNDS, "an answer, or a closed connection", "%s", c->tp->error);
	if (a.end == TP_OK && a.count && !is_error(&a.first)) {
		u32 space = (u32)sizeof(struct virtio_blk_config);
		bool inside = offset < space && size <= space - offset;
		u32 from = offset < space ? space - offset : 0;
		bool zeroes = true;

		for (u32 i = from; i < size && VU_CONFIG_HEADER + i < a.first.hdr.size; i++)
			zeroes &= a.first.config.data[i] == 0 || a.first.config.data[i] == 0xff;
		if (!inside && !zeroes)
			ck_info(c, PADDING,
				"GET_CONFIG of %u bytes at 0x%x is answered with something other "
				"than zeroes",
				size, offset);
		else if (!inside && offset >= 0x1000)
			ck_info(c, ERROR_FORM,
				"GET_CONFIG of %u bytes at 0x%x: a payload of %u bytes", size,
				offset, a.first.hdr.size);
	}
	return ckm_session_again(c, a.end == TP_EGONE ? CKV_CLOSED : CKV_SILENT, CKM_PF_NO_STATUS,
				 BOUNDS);
}

static void bounds(struct ck *c)
{
	if (ckm_session(c, CKM_PF_NO_STATUS) && beyond(c, 0xfff0, 64, 64) &&
	    beyond(c, 0xffffffff, 1, 1) && beyond(c, 0xfffffff0, 0x20, 0x20) &&
	    beyond(c, 0, 256, 256) && beyond(c, 59, 8, 8) && beyond(c, 0, 0, 0) &&
	    beyond(c, 0, 200, 8) && beyond(c, 0, 0xffffffff, 8) && beyond(c, 8, 0xfffffff8, 8))
		ckv_reachable(c, BOUNDS);
}

CHECK(config_bounds, .id = "vu.config.get.bounds", .clauses = { BOUNDS, ERROR_FORM, PADDING },
      .stimulus = "GET_CONFIG behind the end of the space, with offsets and sizes that wrap, of no "
		  "bytes, and with a size field larger than the message",
      .oracle = "an answer or a closed connection, and a new session is served; errors are of zero "
		"length and what lies beyond reads as zeroes (ambiguous: info)",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_CONFIG, .run = bounds,
      .own_session = true);

/* A read of the sector at `sector`; its status. */
static bool read_at(struct ck *c, u64 sector, u8 *status)
{
	struct ckb_result res;
	struct blk_req r;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, sector, VIRTIO_BLK_SECTOR) ||
	    !ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res))
		return false;
	*status = res.status;
	return true;
}

/* Which reading of the capacity is right is for the medium to say. */
static void little_endian(struct ck *c)
{
	struct vu_message m;
	u64 capacity, swapped;
	u8 last, other;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !get(c, 0, 8, &m))
		return;
	if (m.hdr.size != VU_CONFIG_HEADER + 8) {
		ck_error(c, "GET_CONFIG of 8 bytes: %u bytes of payload", m.hdr.size);
		return;
	}
	memcpy(&capacity, m.config.data, 8);
	capacity = le64(capacity);
	swapped = __builtin_bswap64(capacity);
	if (!ckm_run(c, 0, ckm_setup_count) || !read_at(c, capacity - 1, &last) ||
	    last == VIRTIO_BLK_S_OK)
		return;
	if (swapped <= 1ull << 55 && read_at(c, swapped - 1, &other) && other == VIRTIO_BLK_S_OK)
		ck_fail(c, LITTLE, "little endian fields with VERSION_1",
			"capacity 0x%llx: its last sector cannot be read, that of 0x%llx can",
			(unsigned long long)capacity, (unsigned long long)swapped);
	else
		ck_error(c, "capacity 0x%llx: its last sector cannot be read",
			 (unsigned long long)capacity);
}

CHECK(config_little_endian, .id = "vu.config.get.byte-order", .clauses = { LITTLE },
      .stimulus = "the capacity from GET_CONFIG, then a read of the last sector",
      .oracle = "the sector can be read with the capacity taken as little endian",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_F_VERSION_1),
      .pf = HAS_CONFIG, .run = little_endian, .own_session = true);

// SPDX-License-Identifier: BSD-3-Clause
/* Block device: GET_ID (5.2.6), a string of up to 20 bytes padded with zeroes. */
#include "harness/check/blk_util.h"

#include <string.h>

#define ID "ROB.blk.get-id"

struct id {
	u8 bytes[VIRTIO_BLK_ID_LEN];
};

/* Ask once, over a buffer filled with `fill`. */
static bool ask(struct ck *c, u8 fill, struct id *id)
{
	struct ckb_guarded g;
	struct ckb_result res;

	if (!ckb_make_guarded(c, &g, VIRTIO_BLK_T_GET_ID, 0, sizeof(*id)))
		return false;
	memset(g.r.data.hva, fill, sizeof(*id));
	if (!ckb_do(c, 0, &g.r, BLK_LAYOUT_USUAL, &res))
		return false;
	if (res.status == VIRTIO_BLK_S_UNSUPP)
		return ck_skip(c, "the device has no id: UNSUPP");
	if (res.status != VIRTIO_BLK_S_OK)
		return ck_error(c, "GET_ID: status %u (%s)", res.status,
				blk_status_name(res.status));
	memcpy(id, g.r.data.hva, sizeof(*id));
	return true;
}

static void padded(struct ck *c)
{
	struct id a = { 0 }, b = { 0 };
	u32 end;

	if (!ck_start(c, ck_ring_features()) || !ask(c, 0xc3, &a) || !ask(c, 0x3c, &b))
		return;
	for (end = 0; end < sizeof(a) && a.bytes[end]; end++)
		if (a.bytes[end] != b.bytes[end])
			break;
	ck_log(c, "  id \"%.*s\"", (int)end, (const char *)a.bytes);
	for (u32 i = end; i < sizeof(a); i++) {
		if (a.bytes[i] == 0xc3 && b.bytes[i] == 0x3c) {
			ck_fail(c, ID, "20 bytes, zeroes behind the string",
				"byte %u of 20 is not written: the string has %u bytes", i, end);
			return;
		}
		if (a.bytes[i] || b.bytes[i]) {
			ck_fail(c, ID, "20 bytes, zeroes behind the string",
				"the string has %u bytes, and byte %u is 0x%02x", end, i,
				a.bytes[i] ? a.bytes[i] : b.bytes[i]);
			return;
		}
	}
}

CHECK(padded, .id = "blk.id.padded", .clauses = { ID },
      .stimulus = "GET_ID twice, over two different fills of a buffer of 20 bytes",
      .oracle = "a string of up to 20 bytes, and zeroes up to byte 20; the same both times",
      .device = VIRTIO_ID_BLOCK, .run = padded);

static void stable(struct ck *c)
{
	struct id first = { 0 }, again = { 0 };

	if (!ck_start(c, ck_ring_features()) || !ask(c, 0, &first) || !ask(c, 0, &again))
		return;
	if (memcmp(&first, &again, sizeof(first)) != 0) {
		ck_fail(c, ID, "the same id each time", "another id at the second request");
		return;
	}
	ck_log(c, "  a new session:");
	if (!ck_open(c) || !ck_start(c, ck_ring_features()) || !ask(c, 0, &again))
		return;
	if (memcmp(&first, &again, sizeof(first)) != 0)
		ck_fail(c, ID, "the same id after a new start",
			"\"%.20s\" before, \"%.20s\" in a new session", (const char *)first.bytes,
			(const char *)again.bytes);
}

CHECK(stable, .id = "blk.id.stable", .clauses = { ID },
      .stimulus = "GET_ID twice, and again in a new session", .oracle = "the same 20 bytes",
      .device = VIRTIO_ID_BLOCK, .run = stable);

/* The driver must ask for 20 bytes. What a device does with another length is not said. */
static bool other_length(struct ck *c, u32 len, const struct id *id)
{
	struct ckb_guarded g;
	struct ckb_result res;
	u32 n = MIN(len, (u32)sizeof(*id));

	if (!ckb_make_guarded(c, &g, VIRTIO_BLK_T_GET_ID, 0, len))
		return false;
	memset(g.r.data.hva, 0xa5, len);
	if (!ckb_do_or_fail(c, 0, &g.r, BLK_LAYOUT_USUAL, &res, CKB_ALIVE))
		return false;
	if (res.status > VIRTIO_BLK_S_UNSUPP)
		return ck_error(c, "GET_ID of %u bytes: status %u", len, res.status);
	/* Behind the buffer stands a canary, as everywhere. */
	if (ck_not_value(g.r.data.hva + len, CKB_GUARD, 0xa5) < CKB_GUARD)
		return ck_fail(c, ID, "at most as many bytes as there is room",
			       "GET_ID of %u bytes writes behind them", len);
	if (res.status != VIRTIO_BLK_S_OK)
		return true;
	for (u32 i = 0; i < n; i++)
		if (g.r.data.hva[i] != id->bytes[i] && g.r.data.hva[i] != 0xa5)
			return ck_fail(c, ID, "the id, as far as there is room",
				       "GET_ID of %u bytes: byte %u is 0x%02x", len, i,
				       g.r.data.hva[i]);
	for (u32 i = n; i < len; i++)
		if (g.r.data.hva[i] != 0xa5 && g.r.data.hva[i] != 0)
			return ck_fail(c, ID, "nothing behind byte 20",
				       "GET_ID of %u bytes: byte %u is 0x%02x", len, i,
				       g.r.data.hva[i]);
	return true;
}

static void lengths(struct ck *c)
{
	static const u32 lens[] = { 64, 21, 19, 1, 512 };
	struct id id = { 0 };

	if (!ck_start(c, ck_ring_features()) || !ask(c, 0, &id))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++)
		if (!other_length(c, lens[i], &id) || !ckb_alive(c, 0, CKB_ALIVE))
			return;
}

CHECK(lengths, .id = "blk.id.lengths", .clauses = { ID, CKB_ALIVE },
      .stimulus = "GET_ID with buffers of 64, 21, 19, 1 and 512 bytes, canaries behind each",
      .oracle =
	      "an error, or the id as far as there is room and nothing but zeroes behind byte 20; "
	      "nothing behind the buffer; a good read served after each",
      .device = VIRTIO_ID_BLOCK, .run = lengths);

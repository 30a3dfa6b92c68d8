// SPDX-License-Identifier: BSD-3-Clause
/* Block device: configuration space (5.2.4, 5.2.5.2). */
#include "harness/check/blk_util.h"

#include <string.h>

#define UNUSED0	      "v14.blk.init.dev.4a"
#define UNUSED1	      "v14.blk.init.dev.4b"
#define USABLE	      "ROB.blk.config"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

#define TAIL 57 /* where unused1 begins */

/*
 * Registers that are not there read as all ones. A configuration space that ends before unused1, as
 * that of a device of an older version, has no padding to be wrong.
 */
static bool ends_before_tail(struct ck *c)
{
	u8 tail[24];

	if (c->tp->caps & TP_CAP_VHOST_USER ||
	    c->tp->ops->read_config(c->tp, TAIL, tail, sizeof(tail)) != TP_OK)
		return false;
	return ck_not_value(tail, sizeof(tail), 0xff) == sizeof(tail);
}

static void padding(struct ck *c)
{
	struct virtio_blk_config cfg;
	u32 bad;

	if (!ckb_config(c, &cfg))
		return;
	if (cfg.unused)
		ck_fail(c, UNUSED0, "0", "unused0 (byte 33) is 0x%02x", cfg.unused);
	bad = ck_not_value(cfg.unused1, sizeof(cfg.unused1), 0);
	if (bad == sizeof(cfg.unused1))
		return;
	if (ends_before_tail(c))
		ck_info(c, UNUSED1, "from byte %u on all bytes are 0xff: the space ends there",
			TAIL);
	else
		ck_fail(c, UNUSED1, "0", "unused1 (byte %u) is 0x%02x", TAIL + bad,
			cfg.unused1[bad]);
}

CHECK(padding, .id = "blk.config.padding", .clauses = { UNUSED0, UNUSED1 },
      .stimulus = "read the configuration",
      .oracle = "bytes 33 and 57 to 59 are zero; a space that ends before the latter is noted",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .run = padding);

static void unusable(struct ck *c, const char *field, u32 value)
{
	ck_hazard(c, USABLE, "a value that drivers can use", "%s is %u", field, value);
}

static void usable(struct ck *c)
{
	static const struct {
		const char *sectors, *segs;
		u32 type;
	} ops[] = {
		{ "max_discard_sectors", "max_discard_seg", VIRTIO_BLK_T_DISCARD },
		{ "max_write_zeroes_sectors", "max_write_zeroes_seg", VIRTIO_BLK_T_WRITE_ZEROES },
		{ "max_secure_erase_sectors", "max_secure_erase_seg", VIRTIO_BLK_T_SECURE_ERASE },
	};
	struct virtio_blk_config cfg;
	u32 size;

	if (!ckb_config(c, &cfg))
		return;
	size = le32(cfg.blk_size);
	if (c->offered & FEATURE(BLK_SIZE) && (size < VIRTIO_BLK_SECTOR || size & (size - 1)))
		unusable(c, "blk_size", size);
	if (c->offered & FEATURE(SEG_MAX) && !cfg.seg_max)
		unusable(c, "seg_max", 0);
	if (c->offered & FEATURE(SIZE_MAX) && !cfg.size_max)
		unusable(c, "size_max", 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		u32 max_sectors, max_segs;

		if (!(c->offered & ckb_type_feature(ops[i].type)))
			continue;
		if (!ckb_raw_limits(c, ops[i].type, &max_sectors, &max_segs))
			return;
		if (!max_sectors)
			unusable(c, ops[i].sectors, 0);
		if (!max_segs)
			unusable(c, ops[i].segs, 0);
	}
}

CHECK(usable, .id = "blk.config.usable", .clauses = { USABLE },
      .stimulus = "read the configuration",
      .oracle =
	      "blk_size is a power of two from 512 up; seg_max, size_max and the limits of "
	      "discard, write zeroes and secure erase are not 0, each where its feature is offered",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .run = usable);

static void num_queues(struct ck *c)
{
	struct virtio_blk_config cfg;
	struct ckb_result res;
	struct blk_req r;
	unsigned n, last;

	if (!ckb_config(c, &cfg))
		return;
	n = le16(cfg.num_queues);
	if (n < 1 || n > c->queues) {
		ck_hazard(c, USABLE, "1 up to the number of queues there are",
			  "num_queues is %u, the device has %u", n, c->queues);
		return;
	}
	last = MIN(n, CK_QUEUES) - 1;
	if (!ck_negotiate(c, ck_ring_features() | FEATURE(MQ)) || !ck_queue_start(c, 0, NULL) ||
	    (last && !ck_queue_start(c, last, NULL)) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ckb_do_or_fail(c, last, &r, BLK_LAYOUT_USUAL, &res, USABLE))
		return;
	ckb_status(c, &r, &res, VIRTIO_BLK_S_OK, USABLE);
}

CHECK(num_queues, .id = "blk.config.num-queues", .clauses = { USABLE },
      .stimulus = "where MQ is offered: read num_queues; one read on the last of these queues (the "
		  "fourth, where there are more)",
      .oracle = "num_queues is from 1 to what the device has, and the last queue serves",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .features = FEATURE(MQ), .run = num_queues);

/* Indirect tables would allow more, but no chain may be longer than the queue. */
#define MOST_SEGMENTS 1022u

static bool segments(struct ck *c, u32 type, u32 n, u32 each)
{
	struct ckb_result res;
	struct blk_req r;
	struct tp_buf mem;
	struct vq_sg *sg;

	if (!ckb_make(c, &r, type, 0, n * each) ||
	    !ck_alloc(c, (n + 2) * (u32)sizeof(*sg), 16, &mem))
		return false;
	/* Not shared with the device in any sense: guest memory is what we have to put it in. */
	sg = (struct vq_sg *)mem.hva;
	sg[0] = ckb_sg(&r.hdr);
	for (u32 i = 0; i < n; i++)
		sg[1 + i] = (struct vq_sg){ gpa_add(r.data.gpa, (u64)i * each), each };
	sg[1 + n] = ckb_sg(&r.status);
	if (type == VIRTIO_BLK_T_OUT)
		ckb_pattern(r.data.hva, 0, n * each / VIRTIO_BLK_SECTOR, n);
	if (!ckb_do_sg(c, 0, &r, sg, type == VIRTIO_BLK_T_OUT ? n + 1 : 1,
		       type == VIRTIO_BLK_T_OUT ? 1 : n + 1, &res) ||
	    !ckb_status(c, &r, &res, VIRTIO_BLK_S_OK, USABLE))
		return false;
	if (type == VIRTIO_BLK_T_IN &&
	    ckb_pattern_differs(r.data.hva, 0, n * each / VIRTIO_BLK_SECTOR, n) !=
		    n * each / VIRTIO_BLK_SECTOR)
		/* Data that is not right in more ways than this is another check's. */
		return ck_error(c, "%u segments were read, with other data than was written", n);
	return true;
}

static void seg_max(struct ck *c)
{
	struct ck_queue_opts opts = { .size = 128 };
	struct virtio_blk_config cfg;
	u32 n;

	if (!ckb_room(c, 2 * MOST_SEGMENTS) || !ckb_config(c, &cfg))
		return;
	n = le32(cfg.seg_max);
	if (n == 0) {
		ck_hazard(c, USABLE, "at least 1", "seg_max is 0");
		return;
	}
	n = MIN(n, MOST_SEGMENTS);
	while (opts.size < n + 2)
		opts.size *= 2;
	if (!ck_negotiate(c, ck_ring_features() | FEATURE(SEG_MAX)) ||
	    !ck_queue_start(c, 0, &opts) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return;
	ck_log(c, "  %u segments", n);
	if (segments(c, VIRTIO_BLK_T_OUT, n, VIRTIO_BLK_SECTOR))
		segments(c, VIRTIO_BLK_T_IN, n, VIRTIO_BLK_SECTOR);
}

CHECK(seg_max, .id = "blk.config.seg-max", .clauses = { USABLE },
      .stimulus =
	      "where SEG_MAX is offered: OUT, then IN, of seg_max segments of 512 bytes (at most "
	      "1022), header and status in descriptors of their own",
      .oracle = "status OK", .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG,
      .features = FEATURE(SEG_MAX), .lacks = FEATURE(RO), .run = seg_max);

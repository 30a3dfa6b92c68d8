// SPDX-License-Identifier: BSD-3-Clause
/*
 * Faults of the block device: zoned fields of the configuration. Each offers ZONED, shows a
 * host-aware device of a few zones, and gets one field wrong.
 */
#include <string.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/blk_kit.h"

#define ZONED_AT 72 /* in the configuration space */

enum {
	MODEL_NONE,
	MODEL_HM,
	MODEL_HA
};

struct zoned {
	u32 zone_sectors, max_open_zones, max_active_zones, max_append_sectors, write_granularity;
	u8 model, unused2[3];
} __attribute__((packed));

static const struct zoned correct = {
	/* Of one sector, so that the device's alignment for secure erase suits. */
	.zone_sectors = le32(1),
	.max_append_sectors = le32(8),
	.write_granularity = le32(512),
	.model = MODEL_HA,
};

static u64 with_zoned(u64 offered)
{
	return offered | FB_FEATURE(ZONED);
}

/* Without ZONED accepted the fields of a host-aware device are zero. */
static void show(struct vub_session *s, u8 *config, const struct zoned *z)
{
	if (s->features & FB_FEATURE(ZONED))
		memcpy(config + ZONED_AT, z, sizeof(*z));
}

static void model_none(struct vub_session *s, u8 *config, size_t len)
{
	struct zoned z = correct;

	z.model = MODEL_NONE;
	show(s, config, &z);
}

FAULT(zoned_none, .name = "blk-zoned-none", .clause = "v14.blk.init.dev.5",
      .summary = "offers ZONED without having zones", .features = with_zoned, .config = model_none);

static void model_unknown(struct vub_session *s, u8 *config, size_t len)
{
	struct zoned z = correct;

	z.model = 3;
	show(s, config, &z);
}

FAULT(zoned_model, .name = "blk-zoned-model", .clause = "v14.blk.init.dev.9",
      .summary = "zoned model 3, which is none", .features = with_zoned, .config = model_unknown);

static u64 with_size_max(u64 offered)
{
	return with_zoned(offered) | FB_FEATURE(SIZE_MAX);
}

static void append_too_much(struct vub_session *s, u8 *config, size_t len)
{
	const u32 size_max = 4096;
	struct zoned z = correct;
	u32 v = le32(size_max);

	memcpy(config + offsetof(struct virtio_blk_config, size_max), &v, sizeof(v));
	z.max_append_sectors = le32(RBLK_SEG_MAX * (size_max / VIRTIO_BLK_SECTOR) + 1);
	show(s, config, &z);
}

FAULT(zoned_append, .name = "blk-zoned-append", .clause = "v14.blk.init.dev.15",
      .summary = "max_append_sectors is more than seg_max times size_max",
      .features = with_size_max, .config = append_too_much);

static void padding2(struct vub_session *s, u8 *config, size_t len)
{
	struct zoned z = correct;

	z.unused2[1] = 0xff;
	show(s, config, &z);
}

FAULT(zoned_padding, .name = "blk-zoned-padding", .clause = "v14.blk.init.dev.18",
      .summary = "leaves rubbish in the padding bytes unused2", .features = with_zoned,
      .config = padding2);

static void erase_alignment(struct vub_session *s, u8 *config, size_t len)
{
	struct zoned z = correct;

	z.zone_sectors = le32(2048);
	show(s, config, &z);
}

FAULT(zoned_erase, .name = "blk-zoned-erase", .clause = "v14.blk.operation.dev.39",
      .summary = "secure_erase_sector_alignment is no multiple of zone_sectors",
      .features = with_zoned, .config = erase_alignment);

static void always(struct vub_session *s, u8 *config, size_t len)
{
	/* Before there are any features nothing was declined. */
	if (s->features)
		memcpy(config + ZONED_AT, &correct, sizeof(correct));
}

FAULT(zoned_declined, .name = "blk-zoned-declined", .clause = "v14.blk.init.dev.7",
      .summary = "shows zoned fields to a driver that did not accept ZONED", .features = with_zoned,
      .config = always);

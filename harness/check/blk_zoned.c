// SPDX-License-Identifier: BSD-3-Clause
/*
 * Block device: the zoned part of the configuration (5.2.5.2). Zone requests themselves need zoned
 * storage behind the device; what is here can be shown on any.
 */
#include "harness/check/blk_util.h"

#include <string.h>

#define OFFER	    "v14.blk.init.dev.5"
#define DECLINED    "v14.blk.init.dev.7"
#define MODEL	    "v14.blk.init.dev.9"
#define APPEND_MAX  "v14.blk.init.dev.15"
#define PADDING	    "v14.blk.init.dev.18"
#define ERASE_ALIGN "v14.blk.operation.dev.39"

#define ZONED BIT_ULL(VIRTIO_BLK_F_ZONED)

enum zone_model {
	MODEL_NONE,
	MODEL_HM,
	MODEL_HA
};

/* Bytes 72 to 95 of the configuration. The kernel's headers may not have them yet. */
struct zoned {
	u32 zone_sectors, max_open_zones, max_active_zones, max_append_sectors, write_granularity;
	u8 model, unused2[3];
} __attribute__((packed));

#define ZONED_AT 72

struct zoned_config {
	struct virtio_blk_config blk;
	struct zoned zoned;
};

static bool read_zoned(struct ck *c, struct zoned_config *cfg)
{
	u8 raw[ZONED_AT + sizeof(cfg->zoned)];

	memset(cfg, 0, sizeof(*cfg));
	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, raw, sizeof(raw)),
		     "reading 96 bytes of configuration"))
		return false;
	memcpy(&cfg->blk, raw, MIN(sizeof(cfg->blk), sizeof(raw)));
	memcpy(&cfg->zoned, raw + ZONED_AT, sizeof(cfg->zoned));
	return true;
}

static bool append_limit(struct ck *c, const struct zoned_config *cfg)
{
	u64 append = (u64)le32(cfg->zoned.max_append_sectors) * VIRTIO_BLK_SECTOR;
	u64 most = (u64)le32(cfg->blk.seg_max) * le32(cfg->blk.size_max);

	if (!(c->offered & BIT_ULL(VIRTIO_BLK_F_SEG_MAX)) ||
	    !(c->offered & BIT_ULL(VIRTIO_BLK_F_SIZE_MAX)))
		return true;
	if (append > most)
		return ck_fail(c, APPEND_MAX, "at most seg_max times size_max",
			       "max_append_sectors is %llu bytes, seg_max times size_max %llu",
			       (unsigned long long)append, (unsigned long long)most);
	return true;
}

static bool erase_alignment(struct ck *c, const struct zoned_config *cfg)
{
	u32 zone = le32(cfg->zoned.zone_sectors);
	u32 align = le32(cfg->blk.secure_erase_sector_alignment);

	if (!(c->offered & BIT_ULL(VIRTIO_BLK_F_SECURE_ERASE)) || zone == 0)
		return true;
	if (align % zone || align == 0)
		return ck_fail(c, ERASE_ALIGN, "a multiple of zone_sectors",
			       "secure_erase_sector_alignment %u, zone_sectors %u", align, zone);
	return true;
}

static void zoned_config(struct ck *c)
{
	struct zoned_config cfg;
	u32 bad;

	if (!(c->offered & ZONED))
		return;
	if (!ck_start(c, ck_ring_features() | ZONED) || !read_zoned(c, &cfg))
		return;
	ck_log(c, "  model=%u zone_sectors=%u", cfg.zoned.model, le32(cfg.zoned.zone_sectors));
	if (cfg.zoned.model > MODEL_HA) {
		ck_fail(c, MODEL, "model 0, 1 or 2", "model %u", cfg.zoned.model);
		return;
	}
	bad = ck_not_value(cfg.zoned.unused2, sizeof(cfg.zoned.unused2), 0);
	if (bad < sizeof(cfg.zoned.unused2))
		ck_fail(c, PADDING, "unused2 is zero", "byte %u of it is 0x%02x", bad,
			cfg.zoned.unused2[bad]);
	if (cfg.zoned.model == MODEL_NONE) {
		ck_fail(c, OFFER, "ZONED only of a device with zones", "ZONED with model NONE");
		return;
	}
	append_limit(c, &cfg);
	erase_alignment(c, &cfg);
}

CHECK(zoned_config, .id = "blk.config.zoned",
      .clauses = { OFFER, MODEL, APPEND_MAX, PADDING, ERASE_ALIGN },
      .stimulus = "read the offered features; where VIRTIO_BLK_F_ZONED is among them accept it and "
		  "read the zoned fields",
      .oracle = "ZONED comes with zones (model HM or HA; NONE is a warning), unused2 is zero, "
		"max_append_sectors is at most seg_max times size_max, "
		"secure_erase_sector_alignment is a multiple of zone_sectors",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .run = zoned_config);

static void zoned_declined(struct ck *c)
{
	struct zoned_config cfg;
	u32 bad;

	if (!(c->offered & ZONED))
		return;
	if (!read_zoned(c, &cfg))
		return;
	if (cfg.zoned.model == MODEL_HM) {
		ck_skip(c, "a host-managed device need not work without ZONED");
		return;
	}
	if (!ck_start(c, ck_ring_features()) || !read_zoned(c, &cfg))
		return;
	bad = ck_not_value((const u8 *)&cfg.zoned, sizeof(cfg.zoned), 0);
	if (bad < sizeof(cfg.zoned))
		ck_fail(c, DECLINED, "all zoned fields are zero",
			"ZONED was not accepted, and byte %u of the configuration is 0x%02x",
			ZONED_AT + bad, ((const u8 *)&cfg.zoned)[bad]);
}

CHECK(zoned_declined, .id = "blk.config.zoned-declined", .clauses = { DECLINED },
      .stimulus =
	      "where VIRTIO_BLK_F_ZONED is offered by a device that is not host-managed: do not "
	      "accept it, read the zoned fields",
      .oracle = "bytes 72 to 95 of the configuration are zero", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG, .run = zoned_declined);

// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/blk.h"

#include <string.h>

#include "ref-backends/fault/fault.h"

#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

static u64 blk_features(struct rdev *dev)
{
	struct rblk *blk = rblk_of(dev);
	u64 f = FEATURE(SEG_MAX) | FEATURE(BLK_SIZE) | FEATURE(TOPOLOGY) | FEATURE(FLUSH) |
		FEATURE(CONFIG_WCE) | FEATURE(MQ);

	if (blk->read_only)
		return f | FEATURE(RO);
	return f | FEATURE(DISCARD) | FEATURE(WRITE_ZEROES) | FEATURE(SECURE_ERASE);
}

static void blk_negotiated(struct rdev *dev, u64 features)
{
	struct rblk *blk = rblk_of(dev);

	blk->features = features;
	/* 5.2.5.2: with CONFIG_WCE but not FLUSH the cache begins as writethrough. */
	__atomic_store_n(&blk->writeback, !!(features & FEATURE(FLUSH)), __ATOMIC_RELAXED);
}

static void blk_reset(struct rdev *dev)
{
	struct rblk *blk = rblk_of(dev);

	blk->features = 0;
	/* Read before negotiation: what a driver that takes all that is offered will find. */
	__atomic_store_n(&blk->writeback, 1, __ATOMIC_RELAXED);
}

bool rblk_writethrough(struct rblk *blk)
{
	if (blk->features & FEATURE(CONFIG_WCE))
		return !__atomic_load_n(&blk->writeback, __ATOMIC_RELAXED);
	return !(blk->features & FEATURE(FLUSH));
}

static void blk_config(struct rdev *dev, u8 *image)
{
	struct rblk *blk = rblk_of(dev);
	struct virtio_blk_config c = {
		.capacity = le64(__atomic_load_n(&blk->capacity, __ATOMIC_RELAXED)),
		.seg_max = le32(RBLK_SEG_MAX),
		.blk_size = le32(RBLK_BLOCK_SIZE),
		.physical_block_exp = RBLK_PHYSICAL_EXP,
		.min_io_size = le16(1u << RBLK_PHYSICAL_EXP),
		.wce = __atomic_load_n(&blk->writeback, __ATOMIC_RELAXED),
		.num_queues = le16(blk->dev.num_queues),
	};

	if (!blk->read_only) {
		c.max_discard_sectors = le32(RBLK_MAX_RANGE);
		c.max_discard_seg = le32(RBLK_MAX_RANGES);
		c.discard_sector_alignment = le32(RBLK_ERASE_ALIGN);
		c.max_write_zeroes_sectors = le32(RBLK_MAX_RANGE);
		c.max_write_zeroes_seg = le32(RBLK_MAX_RANGES);
		c.write_zeroes_may_unmap = blk->store->may_unmap;
		c.max_secure_erase_sectors = le32(RBLK_MAX_RANGE);
		c.max_secure_erase_seg = le32(RBLK_MAX_RANGES);
		c.secure_erase_sector_alignment = le32(1);
	}
	memcpy(image, &c, sizeof(c));
}

static bool blk_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	struct rblk *blk = rblk_of(dev);

	/* One byte can be written, and only once both sides know of it. */
	if (off != RBLK_CONFIG_WCE_OFF || len != 1 || data[0] > 1)
		return false;
	if (!migration && !(blk->features & FEATURE(CONFIG_WCE)))
		return false;
	__atomic_store_n(&blk->writeback, data[0], __ATOMIC_RELAXED);
	return true;
}

static bool blk_resized(struct rdev *dev)
{
	struct rblk *blk = rblk_of(dev);
	u64 sectors = blk->store->ops->resized(blk->store);

	if (sectors == blk->capacity)
		return false;
	__atomic_store_n(&blk->capacity, sectors, __ATOMIC_RELAXED);
	return true;
}

static int blk_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	struct rblk_store *st = rblk_of(dev)->store;

	return st->ops->queue_open ? st->ops->queue_open(st, queue, reactor) : 0;
}

static void blk_queue_close(struct rdev *dev, u16 queue)
{
	struct rblk_store *st = rblk_of(dev)->store;

	if (st->ops->queue_close)
		st->ops->queue_close(st, queue);
}

static const struct rdev_ops blk_ops = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.config_size = sizeof(struct virtio_blk_config),
	.req_size = sizeof(struct rblk_req),
	.features = blk_features,
	.negotiated = blk_negotiated,
	.reset = blk_reset,
	.config = blk_config,
	.config_write = blk_config_write,
	.resized = blk_resized,
	.queue_open = blk_queue_open,
	.queue_close = blk_queue_close,
	.serve = rblk_serve,
};

void rblk_init(struct rblk *blk, struct rblk_store *store, u16 num_queues, bool read_only,
	       const char *serial)
{
	memset(blk, 0, sizeof(*blk));
	blk->dev.ops = &blk_ops;
	blk->dev.num_queues = num_queues;
	blk->store = store;
	blk->capacity = store->sectors;
	blk->read_only = read_only;
	for (size_t i = 0; i < sizeof(blk->id) && serial[i]; i++)
		blk->id[i] = (u8)serial[i];
	blk_reset(&blk->dev);
}

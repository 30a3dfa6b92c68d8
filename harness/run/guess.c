// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/guess.h"

#include "harness/spec/virtio14.h"

/*
 * vhost-user does not say what a device is. A block device shows itself by a configuration that
 * makes sense as one.
 */
u32 guess_device(struct tp *tp, u64 features)
{
	struct virtio_blk_config c = { 0 };
	u32 blk_size;

	if (!(tp->caps & TP_CAP_CONFIG) ||
	    tp->ops->read_config(tp, 0, &c, VIRTIO_BLK_CONFIG_SIZE) != TP_OK)
		return 0;
	blk_size = le32(c.blk_size);
	if (le64(c.capacity) == 0 || le64(c.capacity) >> 55)
		return 0;
	if (features & BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) &&
	    (blk_size < 512 || blk_size & (blk_size - 1) || blk_size > 1 << 20))
		return 0;
	if (!(features & (BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE))))
		return 0;
	return VIRTIO_ID_BLOCK;
}

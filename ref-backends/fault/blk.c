// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device. */
#include "ref-backends/device/blk.h"
#include "ref-backends/fault/fault.h"

static void unknown_flag_ioerr(struct rblk *blk, struct rblk_req *req)
{
	/* Without the feature UNSUPP has another reason. */
	if (req->type == VIRTIO_BLK_T_WRITE_ZEROES && req->status == VIRTIO_BLK_S_UNSUPP &&
	    blk->features & BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES))
		req->status = VIRTIO_BLK_S_IOERR;
}

FAULT(blk_zeroes_unknown_flag_ioerr, .name = "blk-zeroes-unknown-flag-ioerr",
      .clause = "v14.blk.operation.dev.5c",
      .summary = "answers an unknown flag of WRITE_ZEROES with IOERR",
      .blk_complete = unknown_flag_ioerr);

static void padding_not_zero(struct vub_session *s, u8 *config, size_t len)
{
	config[offsetof(struct virtio_blk_config, unused)] = 0xa5;
}

FAULT(blk_config_padding, .name = "blk-config-padding", .clause = "v14.blk.init.dev.4a",
      .summary = "leaves rubbish in the padding byte unused0", .config = padding_not_zero);

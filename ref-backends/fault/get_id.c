// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/fault/get_id.h"

__thread bool fault_get_id;

void fault_note_get_id(struct rblk *blk, struct rblk_req *req)
{
	fault_get_id = req->type == VIRTIO_BLK_T_GET_ID;
}

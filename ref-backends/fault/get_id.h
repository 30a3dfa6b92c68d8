/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults of rings that only GET_ID requests show. Checks of rings use these, since they cost the
 * device nothing; what checks messages or the medium uses reads and writes, and is not to stumble
 * over the fault.
 */
#ifndef REF_BACKENDS_FAULT_GET_ID_H
#define REF_BACKENDS_FAULT_GET_ID_H

#include "ref-backends/device/blk.h"

/* Was the request that this thread completed last a GET_ID? */
extern __thread bool fault_get_id;

/* Hook blk_complete of a fault that asks. */
void fault_note_get_id(struct rblk *blk, struct rblk_req *req);

#endif

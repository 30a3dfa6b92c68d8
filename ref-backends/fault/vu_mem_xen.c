// SPDX-License-Identifier: BSD-3-Clause
/* Faults in regions with XEN_MMAP. */
#include "ref-backends/fault/vu_filter.h"

static bool xen(const struct vub_session *s)
{
	return vub_has_pf(s, VU_PF_XEN_MMAP);
}

/* Read with the layout from before, but for the length. */
static enum fault_action short_regions(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	struct vu_mem_table t;

	if (!xen(s) || !vf_is(rq, VU_SET_MEM_TABLE) || rq->msg.mem_table.nregions > VU_MAX_REGIONS)
		return FAULT_PASS;
	t = rq->msg.mem_table;
	for (u32 i = 0; i < t.nregions; i++)
		rq->msg.mem_table_xen.regions[i] =
			(struct vu_mem_region_xen){ .region = t.regions[i] };
	return FAULT_PASS;
}

FAULT(xen_short_regions, .name = "xen-mmap-short-regions",
      .clause = "VU.layout.mem-region-xen.be.1",
      .summary = "with XEN_MMAP, reads regions of a table as if they were 32 bytes long",
      .request = short_regions);

static enum fault_action short_single(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return xen(s) && vf_is(rq, VU_ADD_MEM_REG) &&
			       rq->msg.hdr.size != sizeof(struct vu_mem_single)
		       ? vf_ack(s, rq, rep, 1)
		       : FAULT_PASS;
}

FAULT(xen_short_single, .name = "xen-mmap-short-single", .clause = "VU.layout.mem-single.be.1",
      .summary = "with XEN_MMAP, refuses a single region of 48 bytes", .request = short_single);

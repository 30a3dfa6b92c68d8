// SPDX-License-Identifier: BSD-3-Clause
/* Faults of VIRTIO_F_ACCESS_PLATFORM. */
#include "ref-backends/fault/vu_fault.h"

static bool is_type(const struct vub_request *rq, enum vu_iotlb_type type)
{
	return rq->msg.hdr.request == VU_IOTLB_MSG && rq->msg.iotlb.type == type;
}

/* Answered as if it had been done. */
static enum fault_action skip(struct vub_request *rq, struct vub_reply *rep,
			      enum vu_iotlb_type type)
{
	if (!is_type(rq, type))
		return FAULT_PASS;
	vub_reply_u64(rep, 0);
	return FAULT_DONE;
}

#define HIGH (1ull << 45) /* data of checks; rings are below */

static enum fault_action no_update(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	return rq->msg.iotlb.iova >= HIGH && vub_mem_uva(s->mem, rq->msg.iotlb.uva, 1)
		       ? skip(rq, rep, VU_IOTLB_UPDATE)
		       : FAULT_PASS;
}

FAULT(update_ignored, .name = "iotlb-update-ignored", .clause = "VU.iotlb.msg.be.1",
      .summary = "does not install translations of addresses from 2^45 on", .request = no_update);

static void *anywhere(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	if (hva || gpa < HIGH || !vub_has_iommu(s) || !s->mem->n || s->mem->regions[0].size < len)
		return hva;
	for (u16 i = 0; i < s->num_rings; i++)
		s->rings[i].missed = false;
	return s->mem->regions[0].map.at + s->mem->regions[0].size - len;
}

FAULT(untranslated, .name = "iotlb-untranslated-anywhere", .clause = "VU.iotlb.msg.be.1",
      .summary = "takes the end of its first region for an address that has no translation",
      .translate = anywhere);

static enum fault_action no_invalidate(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return skip(rq, rep, VU_IOTLB_INVALIDATE);
}

FAULT(invalidate_ignored, .name = "iotlb-invalidate-ignored", .clause = "VU.iotlb.msg.be.2",
      .summary = "keeps translations that were invalidated", .request = no_invalidate);

static void nack(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_type(rq, VU_IOTLB_INVALIDATE))
		rep->msg.u64 = 1;
}

FAULT(good_refused, .name = "iotlb-invalidate-nacked", .clause = "VU.iotlb.msg.be.3",
      .summary = "answers every INVALIDATE with 1", .reply = nack);

static void ack(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_IOTLB_MSG)
		rep->msg.u64 = 0;
}

FAULT(bad_accepted, .name = "iotlb-always-acked", .clause = "VU.iotlb.msg.be.4",
      .summary = "answers every IOTLB_MSG with 0", .reply = ack);

static enum fault_action all_allowed(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (is_type(rq, VU_IOTLB_UPDATE))
		rq->msg.iotlb.perm = VU_IOTLB_READ | VU_IOTLB_WRITE;
	return FAULT_PASS;
}

FAULT(perm_ignored, .name = "iotlb-permissions-ignored", .clause = "VU.iotlb.perm.be.1",
      .summary = "writes where the front-end allows reading only", .request = all_allowed);

static bool is_iotlb(const struct vub_reply *msg)
{
	return msg->msg.hdr.request == VU_BACKEND_IOTLB_MSG;
}

static void no_perm(struct vub_session *s, struct vub_reply *msg)
{
	if (is_iotlb(msg))
		msg->msg.iotlb.perm = 0;
}

FAULT(miss_perm, .name = "iotlb-miss-without-access", .clause = "VU.iotlb.miss.be.1",
      .summary = "does not say which access a miss is about", .channel = no_perm);

static void silent(struct vub_session *s, struct vub_reply *msg)
{
	if (is_iotlb(msg) && msg->msg.iotlb.type == VU_IOTLB_ACCESS_FAIL)
		msg->send = false;
}

FAULT(violation_silent, .name = "iotlb-violation-silent", .clause = "VU.iotlb.miss.be.2",
      .summary = "does not tell of an access that is not allowed", .channel = silent);

static void packed(struct vub_session *s, struct vub_reply *msg)
{
	if (is_iotlb(msg))
		msg->msg.hdr.size = 26;
}

FAULT(miss_short, .name = "iotlb-miss-26-bytes", .clause = "VU.layout.iotlb.be.1",
      .summary = "sends misses of 26 bytes, without the padding", .channel = packed);

static void odd_perm(struct vub_session *s, struct vub_reply *msg)
{
	if (is_iotlb(msg))
		msg->msg.iotlb.perm |= 4;
}

FAULT(miss_odd, .name = "iotlb-miss-odd-access", .clause = "VU.layout.iotlb.be.2",
      .summary = "sets a bit in the permissions of a miss that has no meaning",
      .channel = odd_perm);

/* --- beside the dirty log, and requests in flight ---------------------------------------------------- */

/* As if the pages of the platform's addresses were meant: no log reaches that far. */
static bool data_elsewhere(struct vub_session *s, u64 gpa, u64 len)
{
	return !vub_has_iommu(s) || len != VIRTIO_BLK_SECTOR;
}

FAULT(log_data, .name = "iotlb-log-by-descriptor", .clause = "VU.log.iommu.be.1",
      .summary = "marks pages by the addresses in descriptors, untranslated",
      .log_write = data_elsewhere);

/* A status byte is data; an element or an index of the used ring is more. */
static bool used_elsewhere(struct vub_session *s, u64 gpa, u64 len)
{
	return !vub_has_iommu(s) || len == 1 || len > 8;
}

FAULT(log_used, .name = "iotlb-log-address-untranslated", .clause = "VU.log.iommu.be.2",
      .summary = "takes a ring's log address for one of guest memory", .log_write = used_elsewhere);

static void forget_in_flight(struct vub_ring *r, u32 *base)
{
	if (vub_has_iommu(r->s))
		r->n_resubmit = 0;
}

FAULT(in_flight, .name = "iotlb-in-flight-forgotten", .clause = "VU.inflight.set.be.2",
      .summary = "does not resubmit what was in flight where addresses are translated",
      .ring_start = forget_in_flight);

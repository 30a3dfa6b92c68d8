// SPDX-License-Identifier: BSD-3-Clause
/* What a front-end may send, and when. */
#include "ref-backends/judge/rules.h"

static const struct vu_message *msg(const struct jd_message *m)
{
	return &m->rq->msg;
}

/* Any message. */

static bool wrong_version(const struct jd_message *m)
{
	return (msg(m)->hdr.flags & VU_FLAG_VERSION) != VU_VERSION;
}

static bool reply_bit(const struct jd_message *m)
{
	return msg(m)->hdr.flags & VU_FLAG_REPLY;
}

static bool wrong_size(const struct jd_message *m)
{
	u32 size = msg(m)->hdr.size;

	if (!m->spec)
		return false;
	if (m->spec->id == VU_SET_MEM_TABLE)
		return size != offsetof(struct vu_mem_table, regions) +
				       msg(m)->mem_table.nregions *
					       (vub_has_pf(m->s, VU_PF_XEN_MMAP)
							? sizeof(struct vu_mem_region_xen)
							: sizeof(struct vu_mem_region));
	if (m->spec->id == VU_GET_CONFIG || m->spec->id == VU_SET_CONFIG)
		return size != VU_CONFIG_HEADER + msg(m)->config.size;
	return size < m->spec->req_size_min ||
	       (m->spec->req_size_max != VU_SIZE_OPEN && size > m->spec->req_size_max);
}

static bool surplus_fds(const struct jd_message *m)
{
	return m->spec && m->spec->req_fds_max == 0 && m->rq->nfds;
}

static bool need_reply_not_negotiated(const struct jd_message *m)
{
	/* The message that negotiates it may use it already. */
	bool negotiates = msg(m)->hdr.request == VU_SET_PROTOCOL_FEATURES &&
			  msg(m)->u64 & BIT_ULL(VU_PF_REPLY_ACK);

	return msg(m)->hdr.flags & VU_FLAG_NEED_REPLY && !vub_has_pf(m->s, VU_PF_REPLY_ACK) &&
	       !negotiates;
}

static bool gate_closed(const struct jd_message *m)
{
	/* Of GET_QUEUE_NUM the text asks only that MQ is offered. */
	return m->spec && m->spec->gate_pf & ~m->s->protocol_features &&
	       m->spec->id != VU_GET_QUEUE_NUM;
}

static bool not_one_fd(const struct jd_message *m)
{
	return m->rq->nfds != 1;
}

static bool has_fd(const struct jd_message *m)
{
	return m->rq->nfds;
}

static bool sent_at_all(const struct jd_message *m)
{
	return true;
}

/* Negotiation and owner. */

static bool features_not_offered(const struct jd_message *m)
{
	return msg(m)->u64 & ~vub_features(m->s);
}

static bool protocol_features_not_offered(const struct jd_message *m)
{
	return msg(m)->u64 & ~vub_protocol_features(m->s);
}

static bool no_owner(const struct jd_message *m)
{
	return !m->st->owner;
}

/* Memory. */

static bool fds_not_regions(const struct jd_message *m)
{
	return msg(m)->mem_table.nregions != m->rq->nfds;
}

static bool more_than_eight(const struct jd_message *m)
{
	return msg(m)->mem_table.nregions > VU_MAX_REGIONS;
}

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a_size && b_size && a <= b + (b_size - 1) && b <= a + (a_size - 1);
}

/* Region `i` of a table: with XEN_MMAP each is longer. */
static const struct vu_mem_region *region(const struct jd_message *m, u32 i)
{
	if (vub_has_pf(m->s, VU_PF_XEN_MMAP))
		return &msg(m)->mem_table_xen.regions[i].region;
	return &msg(m)->mem_table.regions[i];
}

/* Does the new region overlap another of its message, or one that is mapped? */
static bool overlaps(const struct jd_message *m, bool gpa)
{
	u32 n = msg(m)->mem_table.nregions;

	if (msg(m)->hdr.request == VU_ADD_MEM_REG) {
		/* It begins as without XEN_MMAP. */
		const struct vu_mem_region *r = &msg(m)->mem_single.region;

		for (u32 i = 0; i < m->s->mem->n; i++) {
			const struct vub_region *o = &m->s->mem->regions[i];

			if (gpa ? overlap(r->gpa, r->size, o->gpa, o->size)
				: overlap(r->uva, r->size, o->uva, o->size))
				return true;
		}
		return false;
	}
	for (u32 i = 0; i < n && i < VU_MAX_REGIONS; i++)
		for (u32 k = 0; k < i; k++) {
			const struct vu_mem_region *a = region(m, i), *b = region(m, k);

			if (gpa ? overlap(a->gpa, a->size, b->gpa, b->size)
				: overlap(a->uva, a->size, b->uva, b->size))
				return true;
		}
	return false;
}

static bool gpa_overlap(const struct jd_message *m)
{
	return overlaps(m, true);
}

static bool uva_overlap(const struct jd_message *m)
{
	return overlaps(m, false);
}

static bool any_overlap(const struct jd_message *m)
{
	return gpa_overlap(m) || uva_overlap(m);
}

static bool no_slot_left(const struct jd_message *m)
{
	return m->s->mem->n == VUB_MEM_SLOTS;
}

/* Rings. */

static const struct vub_ring *ring_at(const struct jd_message *m, u64 index)
{
	return index < m->s->num_rings ? &m->s->rings[index] : NULL;
}

static bool no_such_ring(const struct jd_message *m)
{
	return !ring_at(m, msg(m)->state.index);
}

static bool no_such_ring_for_fd(const struct jd_message *m)
{
	return !ring_at(m, msg(m)->u64 & VU_VRING_INDEX_MASK);
}

static bool packed(const struct jd_message *m)
{
	return m->s->features & BIT_ULL(VIRTIO_F_RING_PACKED);
}

static bool base_upper_half(const struct jd_message *m)
{
	return !packed(m) && msg(m)->state.num > 0xffff;
}

/* That of a new ring is no accusation: a driver that begins anew begins there, and not every front-end
 * tells. */
static bool base_not_repeated(const struct jd_message *m)
{
	const struct vub_ring *r = ring_at(m, msg(m)->state.index);
	const u32 base = msg(m)->state.num;

	return r && m->st->stopped[r->index] && base != (packed(m) ? DVQ_PACKED_BASE : 0) &&
	       base != r->base;
}

static bool num_not_0(const struct jd_message *m)
{
	return msg(m)->state.num != 0;
}

static bool num_not_0_or_1(const struct jd_message *m)
{
	return msg(m)->state.num > 1;
}

static bool enable_without_bit_30(const struct jd_message *m)
{
	return !(m->s->features & BIT_ULL(VU_F_PROTOCOL_FEATURES));
}

static bool fd_and_flag_disagree(const struct jd_message *m)
{
	u64 v = msg(m)->u64;

	return v & ~(VU_VRING_INDEX_MASK | VU_VRING_NOFD) || m->rq->nfds != !(v & VU_VRING_NOFD);
}

static bool ring_without_size(const struct jd_message *m)
{
	const struct vub_ring *r = ring_at(m, msg(m)->u64 & VU_VRING_INDEX_MASK);

	return r && !r->num;
}

static bool ring_not_in_memory(const struct jd_message *m)
{
	const struct vub_ring *r = ring_at(m, msg(m)->u64 & VU_VRING_INDEX_MASK);

	/* IOVAs are looked up as they are used. */
	return r && r->has_addr && !vub_has_iommu(m->s) &&
	       (!vub_mem_uva(m->s->mem, r->addr.desc, 1) ||
		!vub_mem_uva(m->s->mem, r->addr.avail, 1) ||
		!vub_mem_uva(m->s->mem, r->addr.used, 1));
}

static bool ring_not_aligned(const struct jd_message *m)
{
	const struct vu_vring_addr *a = &msg(m)->addr;

	return a->desc % VRING_DESC_ALIGN_SIZE || a->avail % VRING_AVAIL_ALIGN_SIZE ||
	       a->used % VRING_USED_ALIGN_SIZE;
}

static bool packed_not_aligned(const struct jd_message *m)
{
	const struct vu_vring_addr *a = &msg(m)->addr;

	return a->desc % DVQ_PACKED_DESC_ALIGN || a->avail % DVQ_PACKED_EVENT_ALIGN ||
	       a->used % DVQ_PACKED_EVENT_ALIGN;
}

/* VIRTIO_F_ACCESS_PLATFORM. */

static bool iotlb_not_negotiated(const struct jd_message *m)
{
	return !vub_has_iommu(m->s);
}

static bool is_range(const struct vu_iotlb *i)
{
	return i->size && i->iova + (i->size - 1) >= i->iova;
}

/* What is no invalidation is to be an update. */
static bool update_not_filled(const struct jd_message *m)
{
	const struct vu_iotlb *i = &msg(m)->iotlb;

	return i->type != VU_IOTLB_INVALIDATE &&
	       (i->type != VU_IOTLB_UPDATE || !is_range(i) || i->perm == 0 ||
		i->perm > (VU_IOTLB_READ | VU_IOTLB_WRITE));
}

static bool update_not_in_memory(const struct jd_message *m)
{
	const struct vu_iotlb *i = &msg(m)->iotlb;

	return i->type == VU_IOTLB_UPDATE && i->size && !vub_mem_uva(m->s->mem, i->uva, i->size);
}

/* All there is may be meant: its size does not fit, and its end is behind the last address. */
static bool invalidate_not_filled(const struct jd_message *m)
{
	const struct vu_iotlb *i = &msg(m)->iotlb;

	return i->type == VU_IOTLB_INVALIDATE && i->size == 0;
}

/* Dirty log. */

static u64 log_end(u64 size)
{
	return size > ~0ull / (8 * VUB_LOG_PAGE) ? ~0ull : size * 8 * VUB_LOG_PAGE;
}

static bool log_too_small(const struct jd_message *m)
{
	const struct vub_mem *mem = m->s->mem;
	const struct vub_region *last = mem->n ? &mem->regions[mem->n - 1] : NULL;

	return last && log_end(msg(m)->log.size) < last->gpa + last->size;
}

static bool used_ring_outside_log(const struct jd_message *m)
{
	const struct vu_vring_addr *a = &msg(m)->addr;
	const struct vub_ring *r = ring_at(m, a->index);
	u64 bytes;

	if (!r || !r->num || !(a->flags & VU_VRING_F_LOG) || !m->s->log.size || vub_has_iommu(m->s))
		return false;
	bytes = dvq_shape(packed(m), r->num, m->s->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX))
			.device;
	return a->log + bytes < a->log || a->log + bytes > log_end(m->s->log.size);
}

/* Configuration space. */

static bool config_flags(const struct jd_message *m)
{
	return msg(m)->config.flags > 1;
}

static bool config_not_negotiated(const struct jd_message *m)
{
	return !vub_has_pf(m->s, VU_PF_CONFIG);
}

static bool status_not_negotiated(const struct jd_message *m)
{
	return !vub_has_pf(m->s, VU_PF_STATUS);
}

static bool slots_not_negotiated(const struct jd_message *m)
{
	return !vub_has_pf(m->s, VU_PF_CONFIGURE_MEM_SLOTS);
}

const struct jd_message_rule jd_message_rules[] = {
	{ "VU.hdr.version.fe.1", { 0 }, wrong_version },
	{ "VU.hdr.reply.fe.1", { 0 }, reply_bit },
	{ "VU.hdr.size.fe.1", { 0 }, wrong_size },
	{ "VU.fds.list.fe.1", { 0 }, surplus_fds },
	{ "VU.reply.ack.fe.1", { 0 }, need_reply_not_negotiated },
	{ "VU.feat.gating.fe.1", { 0 }, gate_closed },
	{ "VU.feat.set.fe.1", { VU_SET_FEATURES }, features_not_offered },
	{ "VU.feat.set-proto.fe.2", { VU_SET_PROTOCOL_FEATURES }, protocol_features_not_offered },
	{ "VU.owner.set.fe.1",
	  { VU_SET_MEM_TABLE, VU_SET_VRING_NUM, VU_SET_VRING_ADDR, VU_SET_VRING_KICK },
	  no_owner },
	{ "VU.owner.reset.fe.1", { VU_RESET_OWNER }, sent_at_all },
	{ "VU.mem.table.fe.1", { VU_SET_MEM_TABLE }, fds_not_regions },
	{ "VU.layout.mem-table.fe.1", { VU_SET_MEM_TABLE }, more_than_eight },
	{ "VU.mem.overlap.fe.1", { VU_SET_MEM_TABLE, VU_ADD_MEM_REG }, gpa_overlap },
	{ "VU.mem.overlap.fe.2", { VU_SET_MEM_TABLE, VU_ADD_MEM_REG }, uva_overlap },
	{ "VU.mem.overlap.fe.3", { VU_ADD_MEM_REG }, any_overlap },
	{ "VU.mem.slots.fe.1", { VU_ADD_MEM_REG }, no_slot_left },
	{ "VU.mem.add.fe.1", { VU_ADD_MEM_REG }, not_one_fd },
	{ "VU.mem.rem.fe.1", { VU_REM_MEM_REG }, has_fd },
	{ "VU.mem.addr.fe.1", { VU_ADD_MEM_REG, VU_REM_MEM_REG }, slots_not_negotiated },
	{ "VU.mq.index.fe.1",
	  { VU_SET_VRING_NUM, VU_SET_VRING_ADDR, VU_SET_VRING_BASE, VU_GET_VRING_BASE },
	  no_such_ring },
	{ "VU.mq.index.fe.1", { VU_SET_VRING_ENABLE }, no_such_ring },
	{ "VU.mq.index.fe.1",
	  { VU_SET_VRING_KICK, VU_SET_VRING_CALL, VU_SET_VRING_ERR },
	  no_such_ring_for_fd },
	{ "VU.layout.split-index.fe.1", { VU_SET_VRING_BASE }, base_upper_half },
	{ "VU.vring.base.fe.1", { VU_SET_VRING_BASE }, base_not_repeated },
	{ "VU.base.get.fe.1", { VU_GET_VRING_BASE }, num_not_0 },
	{ "VU.ring.enable.fe.1", { VU_SET_VRING_ENABLE }, enable_without_bit_30 },
	{ "VU.ring.enable.fe.2", { VU_SET_VRING_ENABLE }, num_not_0_or_1 },
	{ "VU.notify.kick.fe.1", { VU_SET_VRING_KICK }, fd_and_flag_disagree },
	{ "VU.notify.call.fe.1", { VU_SET_VRING_CALL }, fd_and_flag_disagree },
	{ "VU.notify.err.fe.1", { VU_SET_VRING_ERR }, fd_and_flag_disagree },
	{ "VU.vring.num.fe.1", { VU_SET_VRING_KICK }, ring_without_size },
	{ "VU.vring.addr.fe.1", { VU_SET_VRING_KICK }, ring_not_in_memory },
	{ "v14.split-ring.layout.drv.1", { VU_SET_VRING_ADDR }, ring_not_aligned },
	{ "v14.packed-ring.virtqueues.drv.1", { VU_SET_VRING_ADDR }, packed_not_aligned },
	{ "VU.iotlb.msg.fe.1", { VU_IOTLB_MSG }, update_not_filled },
	{ "VU.iotlb.msg.fe.2", { VU_IOTLB_MSG }, update_not_in_memory },
	{ "VU.iotlb.msg.fe.3", { VU_IOTLB_MSG }, invalidate_not_filled },
	{ "VU.iotlb.msg.fe.4", { VU_IOTLB_MSG }, iotlb_not_negotiated },
	{ "VU.log.base.fe.1", { VU_SET_LOG_BASE }, not_one_fd },
	{ "VU.log.size.fe.1", { VU_SET_LOG_BASE }, log_too_small },
	{ "VU.log.size.fe.2", { VU_SET_VRING_ADDR }, used_ring_outside_log },
	{ "VU.bchan.set.fe.2", { VU_SET_BACKEND_REQ_FD }, not_one_fd },
	{ "VU.inflight.set.fe.2", { VU_SET_INFLIGHT_FD }, not_one_fd },
	{ "VU.config.get.fe.1", { VU_GET_CONFIG, VU_SET_CONFIG }, config_not_negotiated },
	{ "VU.config.set.fe.1", { VU_SET_CONFIG }, config_flags },
	{ "VU.status.set.fe.1", { VU_GET_STATUS, VU_SET_STATUS }, status_not_negotiated },
	{ NULL, { 0 }, NULL },
};

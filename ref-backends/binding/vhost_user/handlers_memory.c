// SPDX-License-Identifier: BSD-3-Clause
/* Memory table and slots, dirty log, in-flight region. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/dispatch.h"

#define TABLE_HEADER offsetof(struct vu_mem_table, regions)

/* The regions of a table as they are with Xen's addition, which is 0 without. */
static const char *take_table(const struct vub_session *s, const struct vub_request *rq,
			      struct vu_mem_region_xen *out)
{
	const struct vu_mem_table *t = &rq->msg.mem_table;
	const bool xen = vub_has_pf(s, VU_PF_XEN_MMAP);
	const size_t one = xen ? sizeof(struct vu_mem_region_xen) : sizeof(struct vu_mem_region);

	if (t->nregions == 0 || t->nregions > VU_MAX_REGIONS || t->nregions != rq->nfds)
		return "number of regions does not fit";
	/* Of its real length, or padded: to the eight regions of the text, or to two as Linux's virtio_uml does it. */
	if (rq->msg.hdr.size < TABLE_HEADER + t->nregions * one ||
	    rq->msg.hdr.size > TABLE_HEADER + VU_MAX_REGIONS * one ||
	    (rq->msg.hdr.size - TABLE_HEADER) % one)
		return "size does not fit";
	for (u32 i = 0; i < t->nregions; i++)
		out[i] = xen ? rq->msg.mem_table_xen.regions[i]
			     : (struct vu_mem_region_xen){ .region = t->regions[i] };
	return NULL;
}

/* That of a message with one, likewise. */
static const char *take_single(const struct vub_session *s, const struct vub_request *rq,
			       struct vu_mem_region_xen *out)
{
	const bool xen = vub_has_pf(s, VU_PF_XEN_MMAP);

	if (rq->msg.hdr.size !=
	    (xen ? sizeof(struct vu_mem_single_xen) : sizeof(struct vu_mem_single)))
		return "size does not fit";
	*out = xen ? rq->msg.mem_single_xen.region
		   : (struct vu_mem_region_xen){ .region = rq->msg.mem_single.region };
	return NULL;
}

static const char *set_mem_table(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	struct vub_mem *old = s->mem, *new = old == &s->mems[0] ? &s->mems[1] : &s->mems[0];
	struct vu_mem_region_xen regions[VU_MAX_REGIONS];
	const char *why = take_table(s, rq, regions);

	if (why)
		return why;
	for (u32 i = 0; i < rq->msg.mem_table.nregions && !why; i++)
		why = vub_mem_add_xen(new, &regions[i], rq->fds[i]);
	if (why) {
		vub_mem_clear(new);
		return why;
	}
	vub_hold_all(s);
	s->mem = new;
	vub_release_all(s);
	vub_mem_clear(old);
	return NULL;
}

static const char *get_max_mem_slots(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	vub_reply_u64(rep, VUB_MEM_SLOTS);
	return NULL;
}

static const char *add_mem_reg(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	struct vu_mem_region_xen region;
	const char *why = take_single(s, rq, &region);

	if (why)
		return why;
	vub_hold_all(s);
	why = vub_mem_add_xen(s->mem, &region, rq->fds[0]);
	vub_release_all(s);
	return why;
}

/* A descriptor that comes along is closed unused, with the rest of the message. */
static const char *rem_mem_reg(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	struct vu_mem_region_xen region;
	const char *why = take_single(s, rq, &region);
	bool found;

	if (why)
		return why;
	vub_hold_all(s);
	found = vub_mem_remove(s->mem, &region.region);
	vub_release_all(s);
	return found ? NULL : "no such region";
}

static const char *set_log_base(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	const char *why;

	/*
	 * An address in the front-end's memory, from a time before descriptors: there is no log
	 * that it could name here, and no reply.
	 */
	if (!vub_has_pf(s, VU_PF_LOG_SHMFD))
		return NULL;
	vub_hold_all(s);
	why = vub_log_set(&s->log, rq->fds[0], rq->msg.log.offset, rq->msg.log.size);
	vub_release_all(s);
	/* Answered in any case; the text does not say with what. */
	if (!why)
		vub_reply_u64(rep, 0);
	return why;
}

static const char *set_log_fd(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	vub_hold_all(s);
	vub_set_fd(&s->log_fd, vub_take_fd(rq, 0));
	vub_release_all(s);
	return NULL;
}

/* A new, empty buffer: all zeroes is version 0, never used. */
static const char *get_inflight_fd(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	const struct vu_inflight *in = &rq->msg.inflight;
	struct vu_inflight *out = &rep->msg.inflight;
	const bool packed = s->features & BIT_ULL(VIRTIO_F_RING_PACKED);
	u64 size = vub_inflight_bytes(packed, in->num_queues, in->queue_size);

	memset(out, 0, sizeof(*out));
	out->num_queues = in->num_queues;
	out->queue_size = in->queue_size;
	rep->msg.hdr.size = sizeof(*out);
	rep->send = true;
	if (in->num_queues == 0 || in->num_queues > s->num_rings || in->queue_size == 0 ||
	    in->queue_size > VIRTIO_QUEUE_SIZE_MAX)
		return NULL; /* size 0 says so */
	rep->fd = memfd_create("ringside-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (rep->fd < 0)
		return NULL;
	if (ftruncate(rep->fd, (off_t)size)) {
		close(rep->fd);
		rep->fd = -1;
		return NULL;
	}
	fcntl(rep->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	out->mmap_size = size;
	return NULL;
}

static const char *set_inflight_fd(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	/* Rings that run keep their regions mapped in the old buffer. */
	if (vub_any_started(s))
		return "a ring is running";
	return vub_inflight_set(&s->inflight, s->features & BIT_ULL(VIRTIO_F_RING_PACKED),
				rq->fds[0], &rq->msg.inflight);
}

/* Always answered. What was under way to an address is done when that is not valid any more. */
static const char *iotlb_msg(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vu_iotlb *msg = &rq->msg.iotlb;
	const char *why = "not a message for a back-end";

	if (!vub_has_iommu(s))
		return "its feature was not negotiated";
	vub_hold_all(s);
	if (msg->type == VU_IOTLB_UPDATE)
		why = vub_iotlb_update(&s->iotlb, s->mem, msg);
	else if (msg->type == VU_IOTLB_INVALIDATE)
		why = vub_iotlb_invalidate(&s->iotlb, msg);
	vub_iotlb_changed(s, why ? NULL : msg);
	vub_release_all(s);
	if (why)
		vub_complain(s, "IOTLB_MSG refused: %s", why);
	vub_reply_u64(rep, why != NULL);
	return NULL;
}

const struct vub_handler vub_memory_handlers[] = {
	{ VU_SET_MEM_TABLE, set_mem_table },
	{ VU_GET_MAX_MEM_SLOTS, get_max_mem_slots },
	{ VU_ADD_MEM_REG, add_mem_reg },
	{ VU_REM_MEM_REG, rem_mem_reg },
	{ VU_IOTLB_MSG, iotlb_msg },
	{ VU_SET_LOG_BASE, set_log_base },
	{ VU_SET_LOG_FD, set_log_fd },
	{ VU_GET_INFLIGHT_FD, get_inflight_fd },
	{ VU_SET_INFLIGHT_FD, set_inflight_fd },
	{ 0, NULL },
};

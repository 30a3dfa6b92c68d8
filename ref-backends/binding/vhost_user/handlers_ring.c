// SPDX-License-Identifier: BSD-3-Clause
/* What is set per ring. */
#include "ref-backends/binding/vhost_user/channel.h"
#include "ref-backends/binding/vhost_user/dispatch.h"

static struct vub_ring *ring_of(struct vub_session *s, u32 index)
{
	return index < s->num_rings ? &s->rings[index] : NULL;
}

static bool packed(const struct vub_session *s)
{
	return s->features & BIT_ULL(VIRTIO_F_RING_PACKED);
}

static const char no_ring[] = "no such ring";
static const char running[] = "the ring is running";

static const char *set_vring_num(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	struct vub_ring *r = ring_of(s, rq->msg.state.index);
	u32 num = rq->msg.state.num;

	if (!r)
		return no_ring;
	if (r->started)
		return running;
	if (!dvq_size_valid(packed(s), num))
		return "not a queue size";
	r->num = num;
	return NULL;
}

static bool set_addr_fn(struct vub_ring *r, void *arg)
{
	r->addr = *(const struct vu_vring_addr *)arg;
	r->has_addr = true;
	return true;
}

static const char *set_vring_addr(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vu_vring_addr *a = &rq->msg.addr;
	struct vub_ring *r = ring_of(s, a->index);

	if (!r)
		return no_ring;
	if (a->flags & ~VU_VRING_F_LOG)
		return "unknown flags";
	/* Logging is switched under way; the ring itself does not move while it runs. */
	if (r->started &&
	    (a->desc != r->addr.desc || a->avail != r->addr.avail || a->used != r->addr.used))
		return running;
	vub_ring_call(r, set_addr_fn, a);
	return NULL;
}

static const char *set_vring_base(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r = ring_of(s, rq->msg.state.index);

	if (!r)
		return no_ring;
	if (r->started)
		return running;
	if (!packed(s) && rq->msg.state.num > 0xffff)
		return "not an available index of a split ring";
	r->base = rq->msg.state.num;
	r->has_base = true;
	return NULL;
}

/* Stops the ring. Answered when nothing of it is in flight any more. */
static const char *get_vring_base(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r = ring_of(s, rq->msg.state.index);

	if (!r)
		return no_ring;
	vub_ring_stop(r);
	rep->msg.state.index = rq->msg.state.index;
	rep->msg.state.num = vub_ring_base(r);
	rep->msg.hdr.size = sizeof(rep->msg.state);
	rep->send = true;
	return NULL;
}

static const char *set_vring_enable(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vub_ring *r = ring_of(s, rq->msg.state.index);

	if (!r)
		return no_ring;
	if (rq->msg.state.num > 1)
		return "neither on nor off";
	/*
	 * Without bit 30 rings are enabled for good and the message should not come. QEMU's block
	 * front-end does not acknowledge the bit and sends it all the same, so it has no effect.
	 * QEMU's network front-end sends it before SET_FEATURES, and not again: whether the bit will be
	 * there is not known then.
	 */
	if (s->features & BIT_ULL(VU_F_PROTOCOL_FEATURES) || !s->features)
		vub_ring_enable(r, rq->msg.state.num);
	return NULL;
}

/* Payload and descriptor of SET_VRING_KICK, _CALL and _ERR. *fd stays the request's. */
static const char *vring_fd(struct vub_session *s, const struct vub_request *rq,
			    struct vub_ring **r, int *fd)
{
	u64 v = rq->msg.u64;
	bool nofd = v & VU_VRING_NOFD;

	if (v & ~(VU_VRING_INDEX_MASK | VU_VRING_NOFD))
		return "undefined bits";
	*r = ring_of(s, v & VU_VRING_INDEX_MASK);
	if (!*r)
		return no_ring;
	if (rq->nfds != !nofd)
		return "descriptor and no-descriptor flag do not agree";
	*fd = nofd ? -1 : rq->fds[0];
	return NULL;
}

static const char *set_vring_kick(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r;
	int fd;
	const char *why = vring_fd(s, rq, &r, &fd);

	if (why)
		return why;
	why = vub_ring_start(r, fd);
	if (why)
		return why;
	if (fd >= 0)
		vub_take_fd(rq, 0);
	vub_channel_resume(s);
	return NULL;
}

static const char *set_vring_call(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r;
	int fd;
	const char *why = vring_fd(s, rq, &r, &fd);

	if (why)
		return why;
	vub_ring_set_call(r, fd);
	if (fd >= 0)
		vub_take_fd(rq, 0);
	return NULL;
}

static const char *set_vring_err(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	struct vub_ring *r;
	int fd;
	const char *why = vring_fd(s, rq, &r, &fd);

	if (why)
		return why;
	vub_ring_set_err(r, fd);
	if (fd >= 0)
		vub_take_fd(rq, 0);
	return NULL;
}

const struct vub_handler vub_ring_handlers[] = {
	{ VU_SET_VRING_NUM, set_vring_num },
	{ VU_SET_VRING_ADDR, set_vring_addr },
	{ VU_SET_VRING_BASE, set_vring_base },
	{ VU_GET_VRING_BASE, get_vring_base },
	{ VU_SET_VRING_ENABLE, set_vring_enable },
	{ VU_SET_VRING_KICK, set_vring_kick },
	{ VU_SET_VRING_CALL, set_vring_call },
	{ VU_SET_VRING_ERR, set_vring_err },
	{ 0, NULL },
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The short way of a request through a ring: usual chains, with nothing to be done between the ring and the device
 * (vub_ring.take_plain). What it meets that is not so is left to serve.c. There is one way for each layout, each
 * order, and for devices that say when they are ready, so that none of it is asked about for every request.
 */
#include "ref-backends/binding/vhost_user/serve.h"

#include "ref-backends/binding/vhost_user/session.h"

static inline __attribute__((always_inline)) void used_plain(struct vub_ring *r,
							     struct vub_slot *slot, bool packed)
{
	VUB_DRIVER_GETS();
	dvq_ring_write(&r->ring, &slot->req.chain, slot->req.used_len, packed);
	slot->next_free = r->free;
	r->free = slot;
	r->in_flight--;
	/* Shown after some were taken, or when the turn is over. */
	r->n_staged++;
}

static inline __attribute__((always_inline)) void done_plain(struct rdev_req *req, bool packed,
							     bool in_order)
{
	struct vub_slot *slot = (struct vub_slot *)((u8 *)req - offsetof(struct vub_slot, req));
	struct vub_ring *r = slot->ring;

	/*
	 * A device in front of another may have kept this for one that was taken the other way. Of those that
	 * are in order, one that is alone has nobody to wait for, and nobody waits for it.
	 */
	if (__builtin_expect(req->chain.segs != slot->segs || req->put_back, 0) ||
	    (in_order && (r->oldest != slot || slot->next_taken))) {
		vub_serve_done(req);
		return;
	}
	if (in_order)
		r->oldest = NULL;
	used_plain(r, slot, packed);
}

/* As many as are shown at once; less when there are no more, or before what is unusual. */
static inline __attribute__((always_inline)) unsigned take_plain(struct vub_ring *r, bool *unusual,
								 bool packed, bool in_order,
								 bool pulls,
								 void (*done)(struct rdev_req *))
{
	struct rdev *dev = r->s->dev;
	unsigned n = 0;

	*unusual = false;
	for (; n < r->burst && r->free; n++) {
		struct vub_slot *slot = r->free;
		struct rdev_req *req = &slot->req;
		int usual;

		if (pulls && !dev->ops->ready(dev, r->index))
			break;
		VUB_DRIVER_GAVE();
		usual = dvq_ring_usual(&r->ring, &req->chain, packed);
		if (usual != DVQ_OK) {
			*unusual = usual == DVQ_UNUSUAL;
			break;
		}
		if (n == 0)
			vub_want_no_kicks(r);
		r->free = slot->next_free;
		r->in_flight++;
		req->seq = r->seq++;
		req->done = done;
		if (in_order) {
			slot->done = slot->dropped = false;
			vub_line_up(r, slot);
		}
		dev->ops->serve(dev, req);
	}
	return n;
}

#define WAY(name, packed, in_order)                                                                \
	static void done_##name(struct rdev_req *req)                                              \
	{                                                                                          \
		done_plain(req, packed, in_order);                                                 \
	}                                                                                          \
	static unsigned take_##name(struct vub_ring *r, bool *unusual)                             \
	{                                                                                          \
		return take_plain(r, unusual, packed, in_order, false, done_##name);               \
	}                                                                                          \
	static unsigned pull_##name(struct vub_ring *r, bool *unusual)                             \
	{                                                                                          \
		return take_plain(r, unusual, packed, in_order, true, done_##name);                \
	}

WAY(split, false, false)
WAY(packed, true, false)
WAY(split_in_order, false, true)
WAY(packed_in_order, true, true)

vub_take_plain_fn *vub_serve_plain(bool packed, bool in_order, bool pulls)
{
	static vub_take_plain_fn *const ways[2][2][2] = {
		{ { take_split, pull_split }, { take_split_in_order, pull_split_in_order } },
		{ { take_packed, pull_packed }, { take_packed_in_order, pull_packed_in_order } },
	};

	return ways[packed][in_order][pulls];
}

bool vub_serve_short(struct vub_ring *r)
{
	struct rdev *dev = r->s->dev;
	bool unusual;

	if (r->take_plain(r, &unusual) && dev->ops->served)
		dev->ops->served(dev, r->index);
	vub_serve_notify(r);
	return !unusual && !r->in_flight;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The short way of a request through a ring: usual chains, with nothing to be done between the ring and the device
 * (vub_ring.take_plain). What it meets that is not so is left to serve.c. There is one way for each layout and each
 * order, so that neither is asked about for every request.
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
	if (__builtin_expect(req->chain.segs != slot->segs, 0) ||
	    (in_order && (r->oldest != slot || slot->next_taken))) {
		vub_serve_done(req);
		return;
	}
	if (in_order)
		r->oldest = NULL;
	used_plain(r, slot, packed);
}

static void done_plain_split(struct rdev_req *req)
{
	done_plain(req, false, false);
}

static void done_plain_packed(struct rdev_req *req)
{
	done_plain(req, true, false);
}

static void done_plain_split_in_order(struct rdev_req *req)
{
	done_plain(req, false, true);
}

static void done_plain_packed_in_order(struct rdev_req *req)
{
	done_plain(req, true, true);
}

/* As many as are shown at once; less when there are no more, or before what is unusual. */
static inline __attribute__((always_inline)) unsigned take_plain(struct vub_ring *r, bool *unusual,
								 bool packed, bool in_order,
								 void (*done)(struct rdev_req *))
{
	struct rdev *dev = r->s->dev;
	unsigned n = 0;

	*unusual = false;
	for (; n < VUB_STAGED && r->free; n++) {
		struct vub_slot *slot = r->free;
		struct rdev_req *req = &slot->req;
		int usual;

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

static unsigned take_plain_split(struct vub_ring *r, bool *unusual)
{
	return take_plain(r, unusual, false, false, done_plain_split);
}

static unsigned take_plain_packed(struct vub_ring *r, bool *unusual)
{
	return take_plain(r, unusual, true, false, done_plain_packed);
}

static unsigned take_plain_split_in_order(struct vub_ring *r, bool *unusual)
{
	return take_plain(r, unusual, false, true, done_plain_split_in_order);
}

static unsigned take_plain_packed_in_order(struct vub_ring *r, bool *unusual)
{
	return take_plain(r, unusual, true, true, done_plain_packed_in_order);
}

vub_take_plain_fn *vub_serve_plain(bool packed, bool in_order)
{
	static vub_take_plain_fn *const ways[2][2] = {
		{ take_plain_split, take_plain_split_in_order },
		{ take_plain_packed, take_plain_packed_in_order },
	};

	return ways[packed][in_order];
}

bool vub_serve_short(struct vub_ring *r)
{
	bool unusual;

	r->take_plain(r, &unusual);
	vub_serve_notify(r);
	return !unusual && !r->in_flight;
}

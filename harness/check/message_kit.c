// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/message_kit.h"

#include <string.h>

/* What all known devices take. */
#define SIZE 64

bool mk_start_queues(struct ck *c, struct mk *m, u64 features, unsigned queues)
{
	const struct ck_queue_opts o = { .size = SIZE };

	m->queue = 0;
	m->out_head = m->in_head = 0;
	if (!ck_negotiate(c, ck_ring_features() | features))
		return false;
	for (unsigned q = 0; q < queues; q++)
		if (!ck_queue_start(c, q, &o))
			return false;
	return ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") &&
	       ck_alloc(c, MK_MAX, 64, &m->out) && ck_alloc(c, MK_MAX, 64, &m->in);
}

bool mk_start(struct ck *c, struct mk *m, u64 features)
{
	return mk_start_queues(c, m, features, 1);
}

/* One descriptor, or two where there is more than a head that has one. */
static unsigned pieces(struct vq_sg *sg, const struct tp_buf *b, u32 len, u32 head)
{
	unsigned n = 0;

	if (head && len > head) {
		sg[n++] = (struct vq_sg){ b->gpa, head };
		sg[n++] = (struct vq_sg){ gpa_add(b->gpa, head), len - head };
	} else if (len) {
		sg[n++] = (struct vq_sg){ b->gpa, len };
	}
	return n;
}

bool mk_ask_or_fail(struct ck *c, struct mk *m, u32 len, u32 room, const char *clause)
{
	struct ck_used u;
	struct vq_sg sg[4];
	unsigned out, in;

	memset(m->in.hva, VEHICLE_UNSET, MK_MAX);
	out = pieces(sg, &m->out, len, m->out_head);
	in = pieces(sg + out, &m->in, room, m->in_head);
	if (vq_add(&c->q[m->queue].vq, sg, out, in, m) < 0)
		return ck_error(c, "the queue has no room");
	if (!ck_publish(c, m->queue))
		return false;
	if (!ck_reap(c, m->queue, &u)) {
		if (clause)
			return ck_fail(c, clause, "an answer",
				       "the request does not come back within %u ms",
				       c->tp->timeout_ms);
		return ck_error(c, "a request does not come back within %u ms", c->tp->timeout_ms);
	}
	if (u.token != m)
		return ck_error(c, "a buffer that is not outstanding came back");
	m->used = u.len;
	return true;
}

bool mk_ask(struct ck *c, struct mk *m, u32 len, u32 room)
{
	return mk_ask_or_fail(c, m, len, room, NULL);
}

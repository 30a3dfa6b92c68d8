// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/message_kit.h"

#include <string.h>

/* What all known devices take. */
#define SIZE 64

bool mk_start(struct ck *c, struct mk *m, u64 features)
{
	const struct ck_queue_opts o = { .size = SIZE };

	return ck_negotiate(c, ck_ring_features() | features) && ck_queue_start(c, 0, &o) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") &&
	       ck_alloc(c, MK_MAX, 64, &m->out) && ck_alloc(c, MK_MAX, 64, &m->in);
}

bool mk_ask_or_fail(struct ck *c, struct mk *m, u32 len, u32 room, const char *clause)
{
	const struct vq_sg sg[] = { { m->out.gpa, len }, { m->in.gpa, room } };
	struct ck_used u;

	memset(m->in.hva, VEHICLE_UNSET, MK_MAX);
	if (vq_add(&c->q[0].vq, sg, 1, room != 0, m) < 0)
		return ck_error(c, "the queue has no room");
	if (!ck_publish(c, 0))
		return false;
	if (!ck_reap(c, 0, &u)) {
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

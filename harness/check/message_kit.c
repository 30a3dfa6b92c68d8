// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/message_kit.h"

#include <string.h>

bool mk_start(struct ck *c, struct mk *m, u64 features)
{
	return ck_start(c, ck_ring_features() | features) && ck_alloc(c, MK_MAX, 64, &m->out) &&
	       ck_alloc(c, MK_MAX, 64, &m->in);
}

bool mk_ask(struct ck *c, struct mk *m, u32 len, u32 room)
{
	const struct vq_sg sg[] = { { m->out.gpa, len }, { m->in.gpa, room } };
	struct ck_used u;

	memset(m->in.hva, VEHICLE_UNSET, MK_MAX);
	if (vq_add(&c->q[0].vq, sg, 1, room != 0, m) < 0)
		return ck_error(c, "the queue has no room");
	if (!ck_publish(c, 0) || !ck_reap_of(c, 0, m, sizeof(*m), 1, &u))
		return false;
	m->used = u.len;
	return true;
}

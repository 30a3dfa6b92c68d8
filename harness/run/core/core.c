// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/core/core.h"

#include <string.h>

#include "harness/device/vehicle.h"
#include "harness/run/core/text.h"
#include "harness/transport/peer.h"

int core_look(struct tp *tp, struct core_face *f)
{
	int rc = tp->ops->open(tp);

	if (rc == TP_OK)
		rc = tp->ops->get_features(tp, &f->features);
	if (rc == TP_OK)
		rc = tp->ops->num_queues(tp, &f->queues);
	f->ok = rc == TP_OK;
	text_copy(f->why, sizeof(f->why), f->ok ? "" : tp->error);
	f->all_features = f->features;
	f->caps = tp->caps;
	return rc;
}

/* The layout over which a check is to run. */
static enum vq_ring ring_of(const struct core *co, const struct check *k)
{
	const enum check_ring ring = k->ring ? k->ring : co->ring;

	return ring == CHECK_RING_PACKED ? VQ_RING_PACKED : VQ_RING_SPLIT;
}

static const struct vehicle *vehicle_for(const struct core *co, const struct check *k)
{
	return k->vehicle ? vehicle_of(co->face.device) : NULL;
}

/* Of the target's, those that the check can use. */
static unsigned queues_of(const struct core *co, const struct check *k)
{
	const struct vehicle *v = vehicle_for(co, k);

	return v ? vehicle_queues(v, co->face.queues) : co->face.queues;
}

/* Why a check does not apply to this target; false: it does. */
static bool skipped(struct core *co, const struct check *k)
{
	static const struct {
		u32 cap;
		const char *what;
	} caps[] = {
		{ TP_CAP_CONFIG,
		  "the target has no configuration space (protocol feature CONFIG)" },
		{ TP_CAP_STATUS, "the target has no device status (protocol feature STATUS)" },
		{ TP_CAP_RESET, "the target cannot be reset within a session" },
		{ TP_CAP_CONFIG_EVENT, "the target cannot announce configuration changes "
				       "(protocol features CONFIG and BACKEND_REQ)" },
		{ TP_CAP_CONFIG_TRIGGER, "nothing makes the target change its configuration "
					 "(--config-trigger)" },
		{ TP_CAP_PROCESS, "the target's process cannot be looked at, or ends with its "
				  "session" },
		{ TP_CAP_OWN_CALL, "one interrupt stands for all queues" },
		{ TP_CAP_PEER, "nothing says where the other side of its sockets is (--uds-path)" },
	};
	const struct core_face *f = &co->face;
	struct evidence *ev = co->evidence;

	if (!f->ok)
		return false;
	if (ring_of(co, k) == VQ_RING_PACKED &&
	    !(f->all_features & BIT_ULL(VIRTIO_F_RING_PACKED))) {
		evidence_set(ev, VERDICT_SKIP, "the target offers no packed ring (feature bit %u)",
			     VIRTIO_F_RING_PACKED);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (k->caps & caps[i].cap && !(f->caps & caps[i].cap)) {
			evidence_set(ev, VERDICT_SKIP, "%s", caps[i].what);
			return true;
		}
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		u64 mask = BIT_ULL(bit);

		if (k->features & mask & ~f->all_features) {
			evidence_set(ev, VERDICT_SKIP, "feature bit %u is not offered", bit);
			return true;
		}
		if (k->lacks & mask & f->all_features) {
			evidence_set(ev, VERDICT_SKIP, "feature bit %u is offered", bit);
			return true;
		}
		if (k->pf & mask & ~f->pf) {
			evidence_set(ev, VERDICT_SKIP, "protocol feature bit %u is not offered",
				     bit);
			return true;
		}
	}
	if (k->queues > queues_of(co, k)) {
		evidence_set(ev, VERDICT_SKIP, "needs %u queues, the target has %u", k->queues,
			     queues_of(co, k));
		return true;
	}
	return false;
}

/* An accusation must name a clause that the check exercises: anything else is our own mistake. */
static void hold_to_clauses(struct evidence *ev, const struct check *k)
{
	if (!ev->clause)
		return;
	for (unsigned i = 0; i < CHECK_CLAUSES && k->clauses[i]; i++)
		if (text_same(k->clauses[i], ev->clause))
			return;
	evidence_set(ev, VERDICT_ERROR, "the check accuses under %s, which it does not name",
		     ev->clause);
}

static void open_and_run(struct core *co, const struct check *k)
{
	struct ck *c = &co->ck;

	if (!k->own_session && !ck_open(c)) {
		if (text_same(co->broken_why, co->evidence->reason))
			co->broken_opens++;
		else
			co->broken_opens = 1;
		memcpy(co->broken_why, co->evidence->reason, sizeof(co->broken_why));
	} else {
		co->broken_opens = 0;
		k->run(c);
	}
	c->tp->ops->close(c->tp);
	if (c->tp->peer)
		c->tp->peer->reset(c->tp->peer);
}

void core_run(struct core *co, const struct check *k)
{
	struct evidence *ev = co->evidence;

	evidence_reset(ev);
	if (skipped(co, k))
		return;
	/* A target whose handshake is broken would cost a deadline for each check that is left. */
	if (!k->own_session && co->broken_opens >= 3) {
		evidence_set(ev, VERDICT_ERROR, "%s (as three times before; not tried again)",
			     co->broken_why);
		return;
	}
	co->ck = (struct ck){
		.tp = co->tp,
		.check = k,
		.host = &ev->host,
		.device = co->face.device,
		.slots = co->slots,
		.rng = 0x9e3779b97f4a7c15ull,
		.ring = ring_of(co, k),
		/* What a check with a session of its own goes by. */
		.offered = co->face.features,
		.queues = queues_of(co, k),
		.vehicle = vehicle_for(co, k),
	};
	co->tp->first_queue = co->ck.vehicle ? co->ck.vehicle->queue : 0;
	open_and_run(co, k);
	co->tp->first_queue = 0;
	hold_to_clauses(ev, k);
}

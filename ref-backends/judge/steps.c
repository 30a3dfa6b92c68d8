// SPDX-License-Identifier: BSD-3-Clause
/* The steps of initialization, in their order (VIRTIO 1.4, 3.1.1). */
#include "ref-backends/judge/steps.h"

#include <string.h>

#define TRANSPORT_BITS (BIT_ULL(VU_F_PROTOCOL_FEATURES) | BIT_ULL(VU_F_LOG_ALL))
#define ACKNOWLEDGE    VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER	       VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK    VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK      VIRTIO_CONFIG_S_DRIVER_OK
#define FAILED	       VIRTIO_CONFIG_S_FAILED

enum {
	STATUS_1,
	RESET_1,
	FEATURE_5,
	FEATURE_8,
	FEATURE_12,
	INIT_1,
	INIT_3,
	INIT_4,
	INIT_6,
	INIT_7,
	INIT_10,
	INIT_12,
	INIT_13,
	CLAUSES
};

static const char *const clauses[CLAUSES] = {
	[STATUS_1] = "v14.basic.device-status.drv.1",
	[RESET_1] = "v14.basic.device-reset.drv.1",
	[FEATURE_5] = "v14.basic.feature-bits.drv.5",
	[FEATURE_8] = "v14.basic.feature-bits.drv.8",
	[FEATURE_12] = "v14.basic.feature-bits.drv.12",
	[INIT_1] = "v14.init.device-init.drv.1",
	[INIT_3] = "v14.init.device-init.drv.3",
	[INIT_4] = "v14.init.device-init.drv.4",
	[INIT_6] = "v14.init.device-init.drv.6",
	[INIT_7] = "v14.init.device-init.drv.7",
	[INIT_10] = "v14.init.device-init.drv.10",
	[INIT_12] = "v14.init.device-init.drv.12",
	[INIT_13] = "v14.init.device-init.drv.13",
};
static u64 looked[CLAUSES];

static struct {
	bool seen;	    /* steps are passed on */
	bool reset;	    /* 0 was written in this session */
	bool reset_pending; /* … and the status was not read since */
	/* Since the last reset. */
	bool begun;	      /* a status other than 0 was written */
	bool features;	      /* were written */
	bool features_early;  /* … before DRIVER */
	bool read_back;	      /* the status was read since FEATURES_OK was written */
	bool refused;	      /* FEATURES_OK was, and nobody gave up */
	bool refusal_ignored; /* was told already */
} st;

/* There was something to look at, and this is whether it was wrong. */
static void rule(int i, bool broken, const char *what)
{
	jd_look(&looked[i]);
	if (broken)
		jd_broke(clauses[i], "%s", what);
}

void jd_steps_session_start(void)
{
	memset(&st, 0, sizeof(st));
}

bool jd_steps_seen(void)
{
	return st.seen;
}

void jd_steps_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; i < CLAUSES; i++)
		claim(clauses[i], looked[i]);
}

static void forget_round(void)
{
	st.begun = st.features = st.features_early = st.read_back = false;
	st.refused = st.refusal_ignored = false;
}

static void end_round(void)
{
	if (st.seen && st.refused)
		rule(INIT_12, true, "FEATURES_OK was refused, and FAILED is never set");
	forget_round();
}

void jd_steps_session_end(void)
{
	end_round();
}

/* The first status after a reset, or of all. */
static void begin(u64 status)
{
	st.begun = true;
	st.seen = status == ACKNOWLEDGE;
	if (!st.seen)
		return;
	rule(INIT_1, !st.reset, "the status begins with ACKNOWLEDGE; it was not reset");
	if (st.reset)
		rule(RESET_1, st.reset_pending,
		     "ACKNOWLEDGE after a reset, and the status was not read in between");
}

static void goes_on(const char *what)
{
	if (st.refused && !st.refusal_ignored) {
		rule(INIT_13, true, what);
		st.refusal_ignored = true;
	}
}

static void set_status(struct vub_session *s, u64 status)
{
	const u8 old = __atomic_load_n(&s->status, __ATOMIC_RELAXED);
	const u64 set = status & ~(u64)old;

	if (status == 0) {
		end_round();
		st.reset = st.reset_pending = true;
		return;
	}
	if (!st.begun)
		begin(status);
	if (!st.seen)
		return;
	if (set & DRIVER)
		rule(INIT_3, st.features_early, "features were written before DRIVER was set");
	if (set & FEATURES_OK) {
		rule(INIT_4, !st.features, "FEATURES_OK is set, and no features were written");
		st.read_back = false;
		st.refused = s->features_refused;
		if (st.refused)
			jd_look(&looked[INIT_12]);
	}
	if (set & FAILED) {
		st.refused = false;
		if (judge_offer)
			rule(FEATURE_12, !s->features_refused,
			     "FAILED is set; what is offered has bits that nobody knows");
	}
	if (set & DRIVER_OK) {
		/* Of a driver that goes on after FAILED, or after a refusal, other clauses speak. */
		if (!(old & FAILED) && !st.refused)
			rule(STATUS_1, !((old | status) & FEATURES_OK),
			     "DRIVER_OK is set, and FEATURES_OK never was");
		goes_on("FEATURES_OK was refused, and DRIVER_OK is set");
		if (judge_offer)
			jd_look(&looked[FEATURE_12]);
	}
}

/* Of what only the judge offers: bits of other device types, and bits that no text describes. */
static void set_features(u64 features)
{
	const u64 foreign = judge_offer & (BIT_ULL(24) - 1), undescribed = judge_offer & ~foreign;

	if (undescribed)
		rule(FEATURE_5, features & undescribed,
		     "a feature is accepted that no text describes");
	if (foreign)
		rule(FEATURE_8, features & foreign,
		     "a feature is accepted that only other device types have");
}

static void set_up(struct vub_session *s)
{
	const u8 status = __atomic_load_n(&s->status, __ATOMIC_RELAXED);

	if (!st.seen || status & DRIVER_OK)
		return;
	goes_on("FEATURES_OK was refused, and a queue is set up");
	if (st.refused)
		return;
	rule(INIT_7, !(status & FEATURES_OK), "a queue is set up before FEATURES_OK");
	if (status & FEATURES_OK)
		rule(INIT_6, !st.read_back,
		     "a queue is set up, and the status was not read since FEATURES_OK was written");
}

void jd_steps_message(struct vub_session *s, const struct vub_request *rq)
{
	const u8 status = __atomic_load_n(&s->status, __ATOMIC_RELAXED);

	switch (rq->msg.hdr.request) {
	case VU_SET_STATUS:
		set_status(s, rq->msg.u64);
		break;
	case VU_GET_STATUS:
		st.read_back = true;
		st.reset_pending = false;
		break;
	case VU_RESET_DEVICE:
		end_round();
		break;
	case VU_SET_FEATURES:
		if (rq->msg.u64 & ~TRANSPORT_BITS) {
			st.features = true;
			st.features_early |= !(status & DRIVER);
			set_features(rq->msg.u64);
		}
		break;
	case VU_SET_VRING_ADDR:
		set_up(s);
		break;
	case VU_SET_CONFIG:
		/* 1 is a migration's: no driver's. */
		if (st.seen && rq->msg.config.flags == 0)
			rule(INIT_10, !(status & FEATURES_OK),
			     "the configuration space is written before FEATURES_OK");
		break;
	default:
		break;
	}
}

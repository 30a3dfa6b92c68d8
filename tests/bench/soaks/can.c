// SPDX-License-Identifier: BSD-3-Clause
/* A controller is started, sends 62 frames, one of which is too long, and is stopped; again and again. */
#include <string.h>

#include "harness/device/can.h"
#include "tests/bench/soaks/soak.h"

#define ROUND	 64
#define TOO_LONG 9

static bool is_control(u64 n)
{
	return n % ROUND == 0 || n % ROUND == ROUND - 1;
}

static bool is_bad(u64 n)
{
	return n % ROUND == TOO_LONG;
}

/* The two queues know nothing of each other: what is to come first has come back. */
static bool may(struct soak *s)
{
	return s->sent == s->returned || !(is_control(s->sent) || is_control(s->sent - 1));
}

static void request(struct soak *s, struct soak_req *r)
{
	const u16 type = r->n % ROUND ? CAN_SET_CTRL_STOP : CAN_SET_CTRL_START;

	r->in.len = 1;
	r->in.hva[0] = 0xa5;
	memset(r->out.hva, (int)r->n, CAN_HEAD + CAN_DATA_MAX + 1);
	if (is_control(r->n)) {
		can_write_head(r->out.hva, &(struct can_frame_head){ .msg_type = type });
		r->out.len = 2;
		r->queue = CAN_CTRLQ;
		return;
	}
	can_write_head(r->out.hva, &(struct can_frame_head){ CAN_TX, CAN_DATA_MAX + is_bad(r->n), 0,
							     (u32)r->n & 0x7ff });
	r->out.len = CAN_HEAD + CAN_DATA_MAX + is_bad(r->n);
}

static bool good(struct soak *s, const struct soak_req *r)
{
	return (r->used_len == 1 && r->in.hva[0] == is_bad(r->n)) ||
	       soak_wrong(s, "length %u, result %u", r->used_len, r->in.hva[0]);
}

/* Classic frames. */
const struct soak_device soak_can = {
	.name = "can",
	.queues = 3,
	.queue = CAN_TXQ,
	.features = BIT_ULL(CAN_F_CLASSIC),
	.request = request,
	.good = good,
	.may = may,
};

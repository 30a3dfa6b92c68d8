// SPDX-License-Identifier: BSD-3-Clause
/* Network device: coalesced notifications (5.1.9.6.9). */
#include <string.h>

#include "harness/check/net_kit.h"

struct coal {
	u32 packets, usecs;
};

/* Queue 0's. */
static bool set_coal(struct ck *c, struct nk *k, const struct coal *to, u8 *ack)
{
	const u32 data[3] = { 0, le32(to->packets), le32(to->usecs) };

	return nk_command(c, k, VIRTIO_NET_CTRL_NOTF_COAL, 2, data, sizeof(data), ack);
}

/* Nothing but the ack is read where that is an error. */
static bool get_coal(struct ck *c, struct nk *k, u16 queue, struct coal *is, u8 *ack)
{
	const struct vq_sg sg[] = { { k->ctl.gpa, 2 + 4 }, { gpa_add(k->ctl.gpa, 64), 1 + 8 } };
	struct ck_used u;

	memset(k->ctl.hva, 0, 6);
	k->ctl.hva[0] = VIRTIO_NET_CTRL_NOTF_COAL;
	k->ctl.hva[1] = 3;
	k->ctl.hva[2] = (u8)queue;
	memset(k->ctl.hva + 64, NK_UNSET, 16);
	if (vq_add(&c->q[k->control].vq, sg, 1, 1, k) < 0 || !ck_publish(c, k->control) ||
	    !ck_reap(c, k->control, &u))
		return ck_error(c, "VQ_GET is not returned");
	*ack = k->ctl.hva[64];
	memcpy(is, k->ctl.hva + 65, sizeof(*is));
	*is = (struct coal){ le32(is->packets), le32(is->usecs) };
	return true;
}

static const struct coal wanted[] = { { 8, 50 },	  { 0xffffffff, 0xffffffff },
				      { 0, 0xffffffff },  { 0xffffffff, 0 },
				      { 0x80000000, 10 }, { 1, 1 } };

static void absurd(struct ck *c)
{
	struct nk k;

	if (!nk_up_with(c, &k, NK_F(CTRL_VQ) | NK_F(VQ_NOTF_COAL), 1, NK_RX_USUAL, 8))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct coal is;
		u8 ack = NK_UNSET, got = NK_UNSET;

		if (!set_coal(c, &k, &wanted[i], &ack) || !get_coal(c, &k, 0, &is, &got))
			return;
		if (got != VIRTIO_NET_OK) {
			ck_error(c, "VQ_GET is answered with %u", got);
			return;
		}
		if (ack == VIRTIO_NET_OK &&
		    (is.packets != wanted[i].packets || is.usecs != wanted[i].usecs)) {
			ck_fail(c, "v14.net.notf-coal.dev.3", "as was set, or ERR",
				"OK to %#x packets and %#x us, and then it is %#x and %#x",
				wanted[i].packets, wanted[i].usecs, is.packets, is.usecs);
			return;
		}
	}
}

CHECK(absurd, .id = "net.ctrl.coalescing-absurd", .clauses = { "v14.net.notf-coal.dev.3" },
      .stimulus = "parameters of a queue up to 0xffffffff, each read back",
      .oracle = "ERR, or what was set", .device = VIRTIO_ID_NET,
      .features = NK_F(CTRL_VQ) | NK_F(VQ_NOTF_COAL), .run = absurd);

static void absurd_for_all(struct ck *c)
{
	struct nk k;

	if (!nk_up_with(c, &k, NK_F(CTRL_VQ) | NK_F(NOTF_COAL) | NK_F(VQ_NOTF_COAL), 1, NK_RX_USUAL,
			8))
		return;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(wanted); i++) {
		/* Even: TX_SET, which is queue 1's; odd: RX_SET. */
		const u8 cmd = i & 1;
		const struct coal *to = &wanted[i / 2];
		const u32 data[2] = { le32(to->packets), le32(to->usecs) };
		u8 ack = NK_UNSET, got = NK_UNSET;
		struct coal is;

		if (!nk_command(c, &k, VIRTIO_NET_CTRL_NOTF_COAL, cmd, data, sizeof(data), &ack) ||
		    !get_coal(c, &k, !cmd, &is, &got))
			return;
		if (got != VIRTIO_NET_OK) {
			ck_error(c, "VQ_GET is answered with %u", got);
			return;
		}
		if (ack == VIRTIO_NET_OK && (is.packets != to->packets || is.usecs != to->usecs)) {
			ck_fail(c, "v14.net.notf-coal.dev.2", "as was set, or ERR",
				"OK to %s of %#x packets and %#x us, and then it is %#x and %#x",
				cmd ? "RX_SET" : "TX_SET", to->packets, to->usecs, is.packets,
				is.usecs);
			return;
		}
	}
}

CHECK(absurd_for_all, .id = "net.ctrl.coalescing-all", .clauses = { "v14.net.notf-coal.dev.2" },
      .stimulus = "TX_SET and RX_SET with parameters up to 0xffffffff, and VQ_GET of a queue",
      .oracle = "ERR, or what was set", .device = VIRTIO_ID_NET,
      .features = NK_F(CTRL_VQ) | NK_F(NOTF_COAL) | NK_F(VQ_NOTF_COAL), .run = absurd_for_all);

static void suppressed(struct ck *c)
{
	const u32 at_once[2] = { le32(1), 0 };
	struct net_layout at;
	unsigned calls;
	struct nk k;

	if (!nk_up(c, &k, NK_F(CTRL_VQ) | NK_F(NOTF_COAL)) ||
	    !nk_obeyed(c, &k, VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, at_once,
		       sizeof(at_once)))
		return;
	vq_disable_calls(&c->q[0].vq);
	/* Where an interrupt does not say whose it is those of what is sent would count. */
	vq_disable_calls(&c->q[1].vq);
	/* What was on its way when the driver did not want it yet. */
	ck_quiet(c);
	c->tp->ops->take_calls(c->tp, 0);
	for (unsigned i = 0; i < 8; i++) {
		struct nk_frame f;

		if (!nk_send_packet(c, &k, &(struct net_packet){ .payload = 100, .seed = i },
				    &at) ||
		    !nk_expect(c, &k, &f))
			return;
	}
	ck_quiet(c);
	calls = c->tp->ops->take_calls(c->tp, 0);
	if (calls)
		ck_fail(c, "v14.net.notf-coal.dev.8", "none",
			"%u notifications of 8 frames, with 1 packet to coalesce and notifications "
			"suppressed",
			calls);
}

CHECK(suppressed, .id = "net.ctrl.coalescing-quiet", .clauses = { "v14.net.notf-coal.dev.8" },
      .stimulus = "RX_SET of one packet; frames go round while the driver suppresses notifications",
      .oracle = "the receive queue is not notified", .device = VIRTIO_ID_NET,
      .features = NK_F(CTRL_VQ) | NK_F(NOTF_COAL), .run = suppressed);

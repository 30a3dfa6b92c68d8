// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/net_kit.h"

#include <string.h>

#define MARKER	  0x6d61726bu
#define ADDRESSES 12u

static bool start_pair(struct ck *c, struct nk *k, unsigned pair)
{
	if (!ck_queue_start(c, 2 * pair, NULL) || !ck_queue_start(c, 2 * pair + 1, NULL) ||
	    !ck_alloc(c, k->rx_size * k->rx_count, 64, &k->rx[pair]))
		return false;
	return true;
}

bool nk_post(struct ck *c, struct nk *k, unsigned pair, unsigned i)
{
	const u32 at = i * k->rx_size;
	const struct vq_sg sg = { gpa_add(k->rx[pair].gpa, at), k->rx_size };

	memset(k->rx[pair].hva + at, NK_UNSET, k->rx_size);
	if (vq_add(&c->q[2 * pair].vq, &sg, 0, 1, k->rx[pair].hva + at) < 0)
		return ck_error(c, "the receive queue is full");
	return true;
}

bool nk_up_with(struct ck *c, struct nk *k, u64 want, unsigned pairs, u32 rx_size,
		unsigned rx_count)
{
	/* What the check was chosen for: offered then, and perhaps not any more. */
	const u64 gone = c->check->features & ~c->offered;
	u16 max = 1;

	if (gone)
		return ck_error(c, "features 0x%llx are not offered any more",
				(unsigned long long)gone);
	*k = (struct nk){ .pairs = pairs, .rx_size = rx_size, .rx_count = rx_count };
	if (!ck_negotiate(c, want | ck_ring_features()))
		return false;
	k->hdr = ck_has(c, VIRTIO_NET_F_HASH_REPORT) ? NET_HDR_HASH : NET_HDR;
	k->control = 2;
	if (ck_has(c, VIRTIO_NET_F_MQ) || ck_has(c, VIRTIO_NET_F_RSS)) {
		if (!ck_must(c, c->tp->ops->read_config(c->tp, 8, &max, 2),
			     "reading max_virtqueue_pairs"))
			return false;
		k->control = 2u * le16(max);
		if (k->control < 2 * pairs)
			return ck_error(c, "max_virtqueue_pairs is %u, with a feature for several",
					le16(max));
	}
	for (unsigned i = 0; i < pairs; i++)
		if (!start_pair(c, k, i))
			return false;
	if (ck_has(c, VIRTIO_NET_F_CTRL_VQ)) {
		if (k->control >= CK_QUEUES) {
			ck_skip(c, "its control queue is number %u", k->control);
			return false;
		}
		if (!ck_queue_start(c, k->control, NULL) ||
		    !ck_alloc(c, NK_COMMAND + 64, 64, &k->ctl))
			return false;
	}
	if (!ck_alloc(c, NET_HDR_HASH + VNET_FRAME_MAX, 64, &k->tx) ||
	    !ck_alloc(c, NET_HDR_HASH + VNET_FRAME_MAX, 64, &k->in) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return false;
	for (unsigned pair = 0; pair < pairs; pair++) {
		for (unsigned i = 0; i < rx_count; i++)
			if (!nk_post(c, k, pair, i))
				return false;
		if (rx_count && !ck_publish(c, 2 * pair))
			return false;
	}
	return true;
}

/* Others may have something to say, too: what was sent has at least its length or its addresses. */
static bool may_be_sent(const struct nk *k, const struct nk_frame *f, u32 len)
{
	return f->len == len ||
	       (f->len >= ADDRESSES && memcmp(f->data, k->tx.hva + NET_HDR_HASH, ADDRESSES) == 0);
}

bool nk_up(struct ck *c, struct nk *k, u64 want)
{
	struct net_layout sent;
	struct nk_frame f;
	int got;

	if (!nk_up_with(c, k, want, 1, NK_RX_USUAL, NK_RX_MAX) ||
	    !nk_send_packet(c, k, &(struct net_packet){ .payload = 100, .seed = MARKER }, &sent))
		return false;
	for (unsigned i = 0; i < NK_RX_MAX; i++) {
		got = nk_receive(c, k, &f);
		if (got <= 0 || may_be_sent(k, &f, sent.len))
			break;
		got = 0;
	}
	if (got == 0)
		return ck_skip(c,
			       "what is sent does not come back: the target is not in loop-back");
	return got > 0;
}

bool nk_send_on(struct ck *c, struct nk *k, unsigned pair, const struct virtio_net_hdr_v1 *hdr,
		u32 len)
{
	static const struct virtio_net_hdr_v1 none;
	const u32 from = NET_HDR_HASH - k->hdr;
	const struct vq_sg sg[] = { { gpa_add(k->tx.gpa, from), k->hdr },
				    { gpa_add(k->tx.gpa, NET_HDR_HASH), len } };
	struct ck_used u;

	memset(k->tx.hva, 0, NET_HDR_HASH);
	memcpy(k->tx.hva + from, hdr ? hdr : &none, sizeof(*hdr));
	if (vq_add(&c->q[2 * pair + 1].vq, sg, 2, 0, k) < 0)
		return ck_error(c, "the transmit queue is full");
	if (!ck_publish(c, 2 * pair + 1))
		return false;
	if (!ck_reap(c, 2 * pair + 1, &u))
		return ck_error(c, "a frame that was sent is not returned within %u ms",
				c->tp->timeout_ms);
	return true;
}

bool nk_send(struct ck *c, struct nk *k, const struct virtio_net_hdr_v1 *hdr, u32 len)
{
	return nk_send_on(c, k, 0, hdr, len);
}

bool nk_send_packet(struct ck *c, struct nk *k, const struct net_packet *t, struct net_layout *at)
{
	struct net_layout here = net_build(nk_out(k), t);
	struct virtio_net_hdr_v1 hdr = { 0 };

	if (t->partial)
		hdr = (struct virtio_net_hdr_v1){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						  .csum_start = le16((u16)here.l4),
						  .csum_offset = le16(here.csum_offset) };
	if (at)
		*at = here;
	return nk_send(c, k, &hdr, here.len);
}

/* The next used receive buffer of any pair, waiting for it up to the deadline. */
static bool reap(struct ck *c, struct nk *k, unsigned *pair, struct ck_used *u, unsigned ms)
{
	u64 end = tp_deadline(c->tp, ms);

	for (;;) {
		for (*pair = 0; *pair < k->pairs; ++*pair)
			if (vq_used_pending(&c->q[2 * *pair].vq))
				return ck_reap(c, 2 * *pair, u);
		if (tp_waited(c->tp, end, ms))
			return false;
		c->tp->ops->relax(c->tp);
	}
}

/* Copy one buffer out, and give it back to the device. */
static bool take(struct ck *c, struct nk *k, unsigned pair, const struct ck_used *u, u32 *at)
{
	if (u->head < 0)
		return ck_error(c, "a receive buffer that is not outstanding came back");
	if (u->len > k->rx_size || *at + u->len > k->in.len)
		return ck_error(c, "a receive buffer of %u bytes came back with length %u",
				k->rx_size, u->len);
	memcpy(k->in.hva + *at, u->token, u->len);
	*at += u->len;
	return nk_post(c, k, pair, (unsigned)((u8 *)u->token - k->rx[pair].hva) / k->rx_size);
}

int nk_receive(struct ck *c, struct nk *k, struct nk_frame *f)
{
	struct ck_used u;
	u32 at = 0;

	*f = (struct nk_frame){ 0 };
	if (!reap(c, k, &f->pair, &u, c->tp->timeout_ms))
		return 0;
	f->used = u.len;
	if (!take(c, k, f->pair, &u, &at))
		return -1;
	memcpy(&f->hdr, k->in.hva, k->hdr);
	f->hdr.hdr.num_buffers = le16(f->hdr.hdr.num_buffers);
	f->buffers = 1;
	if (ck_has(c, VIRTIO_NET_F_MRG_RXBUF)) {
		/* Whatever it says: nobody has posted more. */
		const u16 most = MIN(f->hdr.hdr.num_buffers, CK_FLOOD);

		for (; f->buffers < most; f->buffers++) {
			unsigned pair;

			f->short_buffer |= u.len != k->rx_size;
			if (!reap(c, k, &pair, &u, c->tp->timeout_ms))
				break;
			if (!take(c, k, pair, &u, &at))
				return -1;
		}
	}
	f->hdr.hdr.hdr_len = le16(f->hdr.hdr.hdr_len);
	f->hdr.hdr.gso_size = le16(f->hdr.hdr.gso_size);
	f->hdr.hdr.csum_start = le16(f->hdr.hdr.csum_start);
	f->hdr.hdr.csum_offset = le16(f->hdr.hdr.csum_offset);
	f->hdr.hash_value = le32(f->hdr.hash_value);
	f->hdr.hash_report = le16(f->hdr.hash_report);
	f->data = k->in.hva + k->hdr;
	f->len = at > k->hdr ? at - k->hdr : 0;
	ck_log(c, "  received %u bytes in %u buffers: flags %#x gso %#x/%u headers %u csum %u+%u",
	       f->len, f->buffers, f->hdr.hdr.flags, f->hdr.hdr.gso_type, f->hdr.hdr.gso_size,
	       f->hdr.hdr.hdr_len, f->hdr.hdr.csum_start, f->hdr.hdr.csum_offset);
	return ck_publish(c, 2 * f->pair) ? 1 : -1;
}

bool nk_expect(struct ck *c, struct nk *k, struct nk_frame *f)
{
	int got = nk_receive(c, k, f);

	if (got == 0)
		return ck_error(c, "a frame does not come back within %u ms", c->tp->timeout_ms);
	return got > 0;
}

bool nk_same(const struct nk *k, const struct nk_frame *f, u32 len)
{
	return f->len == len && memcmp(f->data, k->tx.hva + NET_HDR_HASH, len) == 0;
}

bool nk_only_marker(struct ck *c, struct nk *k, struct nk_frame *f, bool *only)
{
	struct net_layout at;

	if (!nk_send_packet(c, k,
			    &(struct net_packet){ .payload = 77, .seed = MARKER, .raw = true },
			    &at) ||
	    !nk_expect(c, k, f))
		return false;
	*only = nk_same(k, f, at.len);
	return true;
}

bool nk_command(struct ck *c, struct nk *k, u8 class, u8 cmd, const void *data, u32 len, u8 *ack)
{
	const u32 ack_at = NK_COMMAND + 16;
	const struct vq_sg sg[] = { { k->ctl.gpa, 2 + len }, { gpa_add(k->ctl.gpa, ack_at), 8 } };
	struct ck_used u;

	if (!k->ctl.hva)
		return ck_error(c, "there is no control queue");
	k->ctl.hva[0] = class;
	k->ctl.hva[1] = cmd;
	memcpy(k->ctl.hva + 2, data, len);
	memset(k->ctl.hva + ack_at, NK_UNSET, 16);
	if (vq_add(&c->q[k->control].vq, sg, 1, 1, k) < 0)
		return ck_error(c, "the control queue is full");
	if (!ck_publish(c, k->control))
		return false;
	if (!ck_reap(c, k->control, &u))
		return ck_error(c, "command %u/%u is not returned within %u ms", class, cmd,
				c->tp->timeout_ms);
	*ack = k->ctl.hva[ack_at];
	ck_log(c, "  command %u/%u: ack %u, length %u", class, cmd, *ack, u.len);
	return true;
}

bool nk_obeyed(struct ck *c, struct nk *k, u8 class, u8 cmd, const void *data, u32 len)
{
	u8 ack;

	return nk_command(c, k, class, cmd, data, len, &ack) &&
	       (ack == VIRTIO_NET_OK ||
		ck_error(c, "command %u/%u is answered with %u", class, cmd, ack));
}

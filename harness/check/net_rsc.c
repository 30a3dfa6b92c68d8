// SPDX-License-Identifier: BSD-3-Clause
/* Network device: segments that the device coalesces (RSC_EXT, 5.1.9.4.1). */
#include <string.h>

#include "harness/check/net_kit.h"

#define RX(n)	 "v14.net.rx.dev." #n
#define SEGMENTS 6u
#define DATA	 400u
#define ACKS	 2u
#define PLACE	 2048u /* of each frame in the buffer, its header before it */

/* Of what was sent, what has come. */
struct seen {
	u32 bytes, acks;
	bool coalesced;
};

/* Segment `i` of a connection; those behind the data are acknowledgements of what was acknowledged before. */
static u32 segment(u8 *p, u32 i, bool v6)
{
	const struct net_packet t = {
		.tcp = true, .v6 = v6, .partial = true, .payload = i < SEGMENTS ? DATA : 0
	};
	const struct net_layout at = net_build(p, &t);
	const u32 seq = 1000 + MIN(i, SEGMENTS) * DATA;

	for (u32 b = 0; b < t.payload; b++)
		p[at.data + b] = net_payload_byte(7, i * DATA + b);
	for (unsigned b = 0; b < 4; b++)
		p[at.l4 + 4 + b] = (u8)(seq >> (24 - 8 * b));
	net_finish_checksum(p, at.len, (u16)at.l4, at.csum_offset);
	return at.len;
}

/* All at once, so that one is there when the next comes. */
static bool burst(struct ck *c, struct nk *k, bool v6)
{
	const u32 n = SEGMENTS + ACKS;
	struct ck_used u;

	memset(k->tx.hva, 0, n * PLACE);
	for (u32 i = 0; i < n; i++) {
		const u32 at = i * PLACE, frame = at + NET_HDR_HASH;
		const struct vq_sg sg[] = { { gpa_add(k->tx.gpa, at), k->hdr },
					    { gpa_add(k->tx.gpa, frame),
					      segment(k->tx.hva + frame, i, v6) } };

		if (vq_add(&c->q[1].vq, sg, 2, 0, k->tx.hva + at) < 0)
			return ck_error(c, "the transmit queue is full");
	}
	if (!ck_publish(c, 1))
		return false;
	for (u32 i = 0; i < n; i++)
		if (!ck_reap(c, 1, &u))
			return ck_error(c, "a frame that was sent is not returned within %u ms",
					c->tp->timeout_ms);
	return true;
}

static bool look(struct ck *c, const struct nk_frame *f, bool v6, struct seen *s)
{
	const struct virtio_net_hdr_v1 *h = &f->hdr.hdr;
	const u32 headers = 14 + (v6 ? 40 : 20) + 20;
	u32 bytes;

	/* Padding behind a packet is none of its bytes. */
	if (f->len < headers)
		return ck_error(c, "a frame of %u bytes came", f->len);
	bytes = v6 ? net_be16(f->data + 18) - 20u : net_be16(f->data + 16) - 40u;
	if (bytes > f->len - headers || bytes > SEGMENTS * DATA - s->bytes)
		return ck_error(c, "a packet of %u bytes came behind %u of %u", bytes, s->bytes,
				SEGMENTS * DATA);
	for (u32 i = 0; i < bytes; i++)
		if (f->data[headers + i] != net_payload_byte(7, s->bytes + i))
			return ck_error(c, "byte %u of the stream is not what was sent",
					s->bytes + i);
	s->bytes += bytes;
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		s->acks += !bytes;
		return true;
	}
	s->coalesced = true;
	if (!(h->flags & VIRTIO_NET_HDR_F_RSC_INFO))
		return ck_fail(c, RX(29a), "RSC_INFO",
			       "%u bytes of segments of %u come as one packet, with flags %#x",
			       bytes, DATA, h->flags);
	if (h->csum_start * DATA != bytes)
		return ck_fail(c, RX(29b), "how many segments",
			       "csum_start is %u, for %u bytes of segments of %u", h->csum_start,
			       bytes, DATA);
	s->acks += h->csum_offset;
	return true;
}

static void coalesced(struct ck *c)
{
	const u64 want = NK_F(CSUM) | NK_F(GUEST_CSUM) | NK_F(HOST_TSO4) | NK_F(HOST_TSO6) |
			 NK_F(GUEST_TSO4) | NK_F(GUEST_TSO6) | NK_F(MRG_RXBUF) | NK_F(RSC_EXT);
	bool any = false;
	struct nk k;

	if (!nk_up(c, &k, want))
		return;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct seen s = { 0 };

		if (!ck_has(c, v6 ? VIRTIO_NET_F_GUEST_TSO6 : VIRTIO_NET_F_GUEST_TSO4))
			continue;
		if (!burst(c, &k, v6))
			return;
		while (s.bytes < SEGMENTS * DATA || s.acks < ACKS) {
			struct nk_frame f;
			int rc = nk_receive(c, &k, &f);

			if (rc < 0)
				return;
			if (rc == 0)
				break;
			if (!look(c, &f, v6, &s))
				return;
		}
		if (s.bytes < SEGMENTS * DATA) {
			ck_error(c, "%u of %u bytes came", s.bytes, SEGMENTS * DATA);
			return;
		}
		if (s.coalesced && s.acks != ACKS) {
			ck_fail(c, RX(29c), "how many duplicate acknowledgements",
				"%u were sent, and headers and frames together have %u", ACKS,
				s.acks);
			return;
		}
		any |= s.coalesced;
	}
	if (!any)
		ck_skip(c, "it coalesces nothing of what is sent at once");
}

CHECK(coalesced, .id = "net.rx.coalesced", .clauses = { RX(29a), RX(29b), RX(29c) },
      .stimulus = "six segments of a connection and two duplicate acknowledgements, at once",
      .oracle = "where they come as one packet that has RSC_INFO, and says how many of each it was",
      .device = VIRTIO_ID_NET, .features = NK_F(CSUM) | NK_F(GUEST_CSUM) | NK_F(RSC_EXT),
      .run = coalesced);

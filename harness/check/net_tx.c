// SPDX-License-Identifier: BSD-3-Clause
/* Network device: what it makes of the header of a frame that is sent (5.1.9.2.2). */
#include <string.h>

#include "harness/check/net_kit.h"

#define TX(n)	    "v14.net.tx.dev." #n
#define BAD_REQUEST "ROB.live.bad-request"
#define USED_LEN    "v14.split-ring.used-ring.dev.2"
#define LEN	    200

/* Does a frame with this header arrive as it was sent? */
static bool unchanged(struct ck *c, struct nk *k, const struct virtio_net_hdr_v1 *hdr,
		      const char *clause, const char *what)
{
	struct net_layout at = net_build(nk_out(k), &(struct net_packet){ .payload = LEN });
	struct nk_frame f;
	int rc;

	if (!nk_send(c, k, hdr, at.len))
		return false;
	rc = nk_receive(c, k, &f);
	if (rc < 0)
		return false;
	if (rc == 0)
		return ck_fail(c, clause, "passed on", "with %s it does not come back", what);
	return nk_same(k, &f, at.len) ||
	       ck_fail(c, clause, "passed on unchanged", "with %s it is not what was sent", what);
}

static void unknown_flags(struct ck *c)
{
	struct virtio_net_hdr_v1 hdr = { .flags = 0x80 };
	struct nk k;

	if (!nk_up(c, &k, NK_F(CSUM)) || !unchanged(c, &k, &hdr, TX(1), "flag 0x80"))
		return;
	hdr.flags = 0x80 | VIRTIO_NET_HDR_F_DATA_VALID | VIRTIO_NET_HDR_F_RSC_INFO;
	unchanged(c, &k, &hdr, TX(1), "flags 0x86");
}

CHECK(unknown_flags, .id = "net.tx.unknown-flags", .clauses = { TX(1) },
      .stimulus = "frames with flags that mean nothing", .oracle = "they come back unchanged",
      .device = VIRTIO_ID_NET, .run = unknown_flags);

static void no_checksum(struct ck *c)
{
	static const u16 at[] = { 0, 20, 34, 100, 0xffff };
	struct nk k;

	if (!nk_up(c, &k, NK_F(CSUM)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		const struct virtio_net_hdr_v1 hdr = { .csum_start = le16(at[i]),
						       .csum_offset = le16(16) };

		if (!unchanged(c, &k, &hdr, TX(2), "csum_start and no NEEDS_CSUM"))
			return;
	}
}

CHECK(no_checksum, .id = "net.tx.no-checksum", .clauses = { TX(2) },
      .stimulus = "frames with csum_start and csum_offset, and without NEEDS_CSUM",
      .oracle = "they come back unchanged", .device = VIRTIO_ID_NET, .run = no_checksum);

static void lengths(struct ck *c)
{
	struct vq_sg sg[2];
	struct net_layout at;
	struct ck_used u;
	struct nk k;

	/* Whether it comes back or not. */
	if (!nk_up_with(c, &k, 0, 1, NK_RX_USUAL, NK_RX_MAX))
		return;
	/* With a device-writable piece behind it, which is not for the device to write. */
	at = net_build(nk_out(&k), &(struct net_packet){ .payload = LEN });
	memset(k.tx.hva, 0, NET_HDR_HASH);
	memset(k.in.hva, NK_UNSET, 256);
	sg[0] = (struct vq_sg){ gpa_add(k.tx.gpa, NET_HDR_HASH - k.hdr), k.hdr + at.len };
	sg[1] = (struct vq_sg){ k.in.gpa, 256 };
	for (unsigned in = 0; in < 2; in++) {
		if (vq_add(&c->q[1].vq, sg, 1, in, &k) < 0) {
			ck_error(c, "the transmit queue is full");
			return;
		}
		if (!ck_publish(c, 1))
			return;
		if (!ck_reap(c, 1, &u)) {
			ck_error(c, "a frame is not returned");
			return;
		}
		if (u.len) {
			ck_fail(c, USED_LEN, "0: nothing was written", "length %u", u.len);
			return;
		}
		if (ck_not_value(k.in.hva, 256, NK_UNSET) < 256) {
			ck_fail(c, USED_LEN, "nothing written", "the piece was written to");
			return;
		}
	}
}

CHECK(lengths, .id = "net.tx.used-len", .clauses = { USED_LEN },
      .stimulus = "frames, one with a device-writable piece behind it",
      .oracle = "they are returned with length 0", .device = VIRTIO_ID_NET, .run = lengths);

/* --- in as many descriptors as the driver likes ---------------------------------------------------------- */

#define FRAMING "v14.split-ring.message-framing.dev.1"

static const struct cut {
	const char *what;
	u32 header, frame; /* bytes of a piece; 0: the rest */
} cuts[] = {
	{ "one descriptor for each", 0, 0 },
	{ "a header in two", 7, 0 },
	{ "a frame in two", 0, 100 },
	{ "a frame in seven", 0, 40 },
	{ "a header in twelve and a frame in twelve", 1, 21 },
};

static unsigned cut_up(struct vq_sg *sg, unsigned n, struct gpa at, u32 len, u32 piece)
{
	for (u32 done = 0; done < len; done += sg[n++].len)
		sg[n] = (struct vq_sg){ gpa_add(at, done),
					piece ? MIN(piece, len - done) : len - done };
	return n;
}

static void framing(struct ck *c)
{
	struct vq_sg sg[NET_HDR_HASH + LEN];
	bool loops = false;
	struct nk k;

	if (!nk_up_with(c, &k, 0, 1, NK_RX_USUAL, NK_RX_MAX))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		const struct cut *cut = &cuts[i];
		const struct net_layout at = net_build(
			nk_out(&k), &(struct net_packet){ .payload = LEN, .seed = (u32)i });
		unsigned n;
		struct nk_frame f;
		struct ck_used u;
		int rc;

		memset(k.tx.hva, 0, NET_HDR_HASH);
		n = cut_up(sg, 0, gpa_add(k.tx.gpa, NET_HDR_HASH - k.hdr), k.hdr, cut->header);
		n = cut_up(sg, n, gpa_add(k.tx.gpa, NET_HDR_HASH), at.len, cut->frame);
		ck_log(c, "  %s: %u descriptors", cut->what, n);
		if (vq_add(&c->q[1].vq, sg, n, 0, &k) < 0) {
			ck_error(c, "the transmit queue is full");
			return;
		}
		if (!ck_publish(c, 1))
			return;
		if (!ck_reap(c, 1, &u)) {
			if (i == 0)
				ck_error(c, "a frame is not returned");
			else
				ck_fail(c, FRAMING, "the frame is returned", "with %s it is not",
					cut->what);
			return;
		}
		/* A target that sends the usual one back does so with each. */
		if (i && !loops)
			continue;
		rc = nk_receive(c, &k, &f);
		if (rc < 0)
			return;
		if (i && (rc == 0 || !nk_same(&k, &f, at.len))) {
			ck_fail(c, FRAMING, "passed on as it was sent",
				rc ? "with %s it is not what was sent" : "with %s it is lost",
				cut->what);
			return;
		}
		loops = rc == 1 && nk_same(&k, &f, at.len);
	}
}

CHECK(framing, .id = "net.tx.framing", .clauses = { FRAMING, "ROB.packed.framing" },
      .stimulus = "frames in 2 to 24 descriptors, the header among them or in pieces",
      .oracle = "each is returned, and comes back where the first does", .device = VIRTIO_ID_NET,
      .run = framing);

/* --- what no driver sends ------------------------------------------------------------------------------- */

static const struct hostile {
	const char *what;
	u32 header, frame; /* bytes of each; 0: as usual */
	struct virtio_net_hdr_v1 hdr;
} hostiles[] = {
	{ .what = "no frame", .frame = 1 },
	{ .what = "half a header", .header = 5, .frame = 1 },
	{ .what = "13 bytes", .frame = 13 },
	{ .what = "csum_start 0xffff", .hdr = { .flags = 1, .csum_start = 0xffff } },
	{ .what = "csum_start at the last byte", .hdr = { .flags = 1, .csum_start = LEN - 1 } },
	{ .what = "csum_offset 0xffff",
	  .hdr = { .flags = 1, .csum_start = 34, .csum_offset = 0xffff } },
	{ .what = "csum_start + csum_offset over 16 bits",
	  .hdr = { .flags = 1, .csum_start = 0xff00, .csum_offset = 0x0200 } },
	{ .what = "gso_size 0",
	  .hdr = { .flags = 1, .gso_type = 1, .csum_start = 34, .csum_offset = 16 } },
	{ .what = "gso_size 1",
	  .hdr = { .flags = 1,
		   .gso_type = 1,
		   .gso_size = 1,
		   .csum_start = 34,
		   .csum_offset = 16 } },
	{ .what = "TSO of what is no TCP",
	  .hdr = { .flags = 1,
		   .gso_type = 4,
		   .gso_size = 100,
		   .csum_start = 34,
		   .csum_offset = 16 } },
	{ .what = "TSO without NEEDS_CSUM", .hdr = { .gso_type = 1, .gso_size = 100 } },
	{ .what = "GSO type 0x7f", .hdr = { .flags = 1, .gso_type = 0x7f, .gso_size = 100 } },
	{ .what = "GSO type UDP", .hdr = { .flags = 1, .gso_type = 3, .gso_size = 8 } },
	{ .what = "hdr_len 0xffff", .hdr = { .hdr_len = 0xffff } },
	{ .what = "num_buffers 0xffff", .hdr = { .num_buffers = 0xffff } },
	{ .what = "65000 bytes", .frame = 65000 },
};

/* Send it, without waiting for what comes of it. */
static bool send_hostile(struct ck *c, struct nk *k, const struct hostile *h)
{
	const u32 header = h->header ? h->header : k->hdr, frame = h->frame ? h->frame : LEN;
	const u32 from = NET_HDR_HASH - header;
	const struct vq_sg sg = { gpa_add(k->tx.gpa, from), header + (frame > 1 ? frame : 0) };
	struct virtio_net_hdr_v1 hdr = h->hdr;
	struct ck_used u;

	net_build(nk_out(k), &(struct net_packet){ .payload = frame > 100 ? frame - 42 : 60 });
	hdr.hdr_len = le16(hdr.hdr_len);
	hdr.gso_size = le16(hdr.gso_size);
	hdr.csum_start = le16(hdr.csum_start);
	hdr.csum_offset = le16(hdr.csum_offset);
	memcpy(k->tx.hva + from, &hdr, MIN(header, (u32)sizeof(hdr)));
	if (vq_add(&c->q[1].vq, &sg, 1, 0, k) < 0)
		return ck_error(c, "the transmit queue is full");
	if (!ck_publish(c, 1))
		return false;
	return ck_reap(c, 1, &u) ||
	       ck_fail(c, BAD_REQUEST, "the chain is returned", "with %s it is not", h->what);
}

/* Whatever came of that: a frame like any other goes round. */
static bool alive(struct ck *c, struct nk *k, const char *what)
{
	struct net_layout at;

	if (!nk_send_packet(c, k, &(struct net_packet){ .payload = 301, .raw = true, .seed = 99 },
			    &at))
		return ck_fail(c, BAD_REQUEST, "frames are sent", "after %s none is", what);
	for (unsigned i = 0; i < CK_FLOOD; i++) {
		struct nk_frame f;
		int rc = nk_receive(c, k, &f);

		if (rc < 0)
			return false;
		if (rc == 0)
			return ck_fail(c, BAD_REQUEST, "frames go round", "after %s none does",
				       what);
		if (nk_same(k, &f, at.len))
			return true;
	}
	return ck_fail(c, BAD_REQUEST, "frames go round", "after %s other frames come", what);
}

static void hostile(struct ck *c)
{
	struct nk k;

	if (!nk_up(c, &k,
		   NK_F(CSUM) | NK_F(HOST_TSO4) | NK_F(HOST_TSO6) | NK_F(HOST_USO) |
			   NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hostiles); i++)
		if (!send_hostile(c, &k, &hostiles[i]) || !alive(c, &k, hostiles[i].what))
			return;
}

CHECK(hostile, .id = "net.hostile.headers", .clauses = { BAD_REQUEST },
      .stimulus = "frames that are too short, and headers that ask for what cannot be",
      .oracle = "each is returned, and a frame like any other goes round behind it",
      .device = VIRTIO_ID_NET, .disturbs = true, .run = hostile);

static void small_buffers(struct ck *c)
{
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!nk_up(c, &k, 0))
		return;
	if (!ck_open(c) || !nk_up_with(c, &k, 0, 1, 40, 8) ||
	    !nk_send_packet(c, &k, &(struct net_packet){ .payload = 200, .raw = true }, &at))
		return;
	ck_quiet(c);
	/* What fits does come, in the first buffer that is left or, if they were used up, in a new one. */
	if (!nk_send_packet(c, &k, &(struct net_packet){ .payload = 6, .raw = true }, &at))
		return;
	for (unsigned i = 0; i < CK_FLOOD; i++) {
		int rc = nk_receive(c, &k, &f);

		if (rc == 0)
			ck_fail(c, BAD_REQUEST, "a frame that fits is received",
				"after one that did not none is");
		if (rc <= 0 || nk_same(&k, &f, at.len))
			return;
	}
	ck_fail(c, BAD_REQUEST, "a frame that fits is received",
		"after one that did not others come");
}

CHECK(small_buffers, .id = "net.hostile.small-buffers", .clauses = { BAD_REQUEST },
      .stimulus = "a frame of 214 bytes for receive buffers of 40, then one that fits",
      .oracle = "the second comes", .device = VIRTIO_ID_NET, .disturbs = true,
      .run = small_buffers);

// SPDX-License-Identifier: BSD-3-Clause
/* Console: what is sent and received on a port (5.3.6). */
#include <string.h>

#include "harness/check/console_kit.h"

#define USED_LEN "v14.split-ring.used-ring.dev.2"
#define ONCE	 "ROB.chain.once"
#define FRAMING	 "v14.split-ring.message-framing.dev.1"

static void round_trip(struct ck *c)
{
	static const u32 sizes[] = { 1,	   2,	 3,    7,    64,   255,	 256,  700,
				     1023, 1024, 4095, 4096, 4097, 9999, 65521 };
	struct tk k;

	if (!tk_loop(c, &k, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_fill(k.tx.hva, sizes[i], i + 1);
		if (!tk_send(c, &k, k.first, sizes[i], 1) ||
		    !tk_comes_back(c, &k, k.first, sizes[i], TK_DATA, "a buffer") ||
		    !tk_sent(c, &k, k.first, NULL))
			return;
	}
}

CHECK(round_trip, .id = "console.data.round-trip", .clauses = { TK_DATA },
      .stimulus = "buffers of 1 to 65521 bytes are sent on a port in loop-back, whose receive "
		  "buffers have 777 bytes",
      .oracle = "the same bytes come back, and no others", .device = VIRTIO_ID_CONSOLE,
      .run = round_trip);

#define TEXT 300u

/* What a person types is letters, and several of them may come at once. Nothing is posted again meanwhile. */
static bool each_once(struct ck *c, struct tk *k, u32 len, bool first)
{
	u32 have = 0;

	while (have < len) {
		struct ck_used u;

		if (!ck_reap(c, console_in(k->first), &u))
			return first && !have
				       ? ck_skip(c, "what is sent does not come back: the port is "
						    "not in loop-back")
				       : ck_fail(c, TK_DATA, "all that was sent comes back",
						 "%u of %u letters come within %u ms", have, len,
						 c->tp->timeout_ms);
		if (u.head < 0)
			return ck_fail(c, ONCE, "a buffer is returned once",
				       "%u of %u letters came, and a buffer that was returned "
				       "before is, with length %u",
				       have, len, u.len);
		if (u.len > TK_IN || u.len > len - have)
			return ck_fail(c, TK_DATA, "nothing else comes",
				       "%u letters were sent, and %u come", len, have + u.len);
		if (memcmp(u.token, k->tx.hva + have, u.len) != 0)
			return ck_fail(c, TK_DATA, "what was sent comes back",
				       "a buffer of %u letters, behind %u of %u, has others", u.len,
				       have, len);
		have += u.len;
	}
	return true;
}

/* Letters on the first port there is, with receive buffers on it. */
static bool letters(struct ck *c, struct tk *k, u64 want)
{
	if (!tk_up(c, k, want) || (k->multi && !tk_talk(c, k)) || !tk_post(c, k, k->first, TK_IN))
		return false;
	for (u32 i = 0; i < TEXT; i++)
		k->tx.hva[i] = (u8)('a' + i % 23);
	return true;
}

static bool type(struct ck *c, struct tk *k, u32 len, bool first)
{
	return tk_send(c, k, k->first, len, 1) && tk_sent(c, k, k->first, NULL) &&
	       each_once(c, k, len, first);
}

static void text(struct ck *c)
{
	static const u32 sizes[] = { 10, 1, 2, TEXT };
	struct tk k;

	if (!letters(c, &k, BIT_ULL(VIRTIO_RING_F_EVENT_IDX)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!type(c, &k, sizes[i], i == 0))
			return;
}

CHECK(text, .id = "console.data.text", .clauses = { TK_DATA, ONCE },
      .stimulus = "10, 1, 2 and 300 letters are sent at once on a port in loop-back",
      .oracle = "they come back, and each receive buffer once", .device = VIRTIO_ID_CONSOLE,
      .run = text);

static void one_by_one(struct ck *c)
{
	struct tk k;

	if (!letters(c, &k, BIT_ULL(VIRTIO_RING_F_EVENT_IDX)) || !type(c, &k, 1, true) ||
	    !ck_open(c) || !letters(c, &k, 0))
		return;
	for (unsigned i = 0; i < TK_INS / 2; i++)
		if (!type(c, &k, 1, false))
			return;
}

CHECK(one_by_one, .id = "console.data.one-by-one", .clauses = { TK_DATA, ONCE },
      .stimulus =
	      "a letter is sent on a port in loop-back; then, in a session without EVENT_IDX, one after "
	      "the other",
      .oracle = "each comes back, there as well", .device = VIRTIO_ID_CONSOLE,
      .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .run = one_by_one);

static void waits(struct ck *c)
{
	const u32 each = 5003, n = 8;
	struct tk k;

	if (!tk_loop(c, &k, 0) || !ck_open(c) || !tk_up(c, &k, 0))
		return;
	ck_fill(k.tx.hva, each * n, 77);
	for (u32 i = 0; i < n; i++) {
		const struct vq_sg sg = { gpa_add(k.tx.gpa, i * each), each };

		if (vq_add(&c->q[console_out(0)].vq, &sg, 1, 0, k.tx.hva) < 0) {
			ck_error(c, "the transmit queue is full");
			return;
		}
		if (!ck_publish(c, console_out(0)))
			return;
	}
	/* There is nowhere for it to go. */
	ck_quiet(c);
	ck_log(c, "  %u of %u buffers are returned before one is received",
	       ck_used(c, console_out(0)), n);
	if (!tk_post(c, &k, 0, 1000) ||
	    !tk_comes_back(c, &k, 0, each * n, TK_DATA, "what had to wait"))
		return;
	for (u32 i = 0; i < n; i++)
		if (!tk_sent(c, &k, 0, NULL))
			return;
}

CHECK(waits, .id = "console.data.waits", .clauses = { TK_DATA },
      .stimulus = "40024 bytes are sent in 8 buffers on a port in loop-back that has no receive "
		  "buffers; then it gets some",
      .oracle = "all bytes come back", .device = VIRTIO_ID_CONSOLE, .run = waits);

static void framing(struct ck *c)
{
	static const unsigned pieces[] = { 1, 2, 3, 5, 8 };
	struct tk k;

	if (!tk_loop(c, &k, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		const u32 len = 100 + 3 * i;

		ck_fill(k.tx.hva, len, i + 40);
		if (!tk_send(c, &k, k.first, len, pieces[i]) ||
		    !tk_comes_back(c, &k, k.first, len, FRAMING, "a buffer in pieces") ||
		    !tk_sent(c, &k, k.first, NULL))
			return;
	}
}

CHECK(framing, .id = "console.data.framing", .clauses = { FRAMING, "ROB.packed.framing" },
      .stimulus = "buffers are sent in 1, 2, 3, 5 and 8 descriptors on a port in loop-back, and "
		  "received in two",
      .oracle = "the same bytes come back", .device = VIRTIO_ID_CONSOLE, .run = framing);

static void used_len(struct ck *c)
{
	struct vq_sg sg[2];
	struct ck_used u;
	struct tk k;

	if (!tk_up(c, &k, 0) || !tk_post(c, &k, 0, TK_IN))
		return;
	ck_fill(k.tx.hva, 100, 5);
	memset(k.tx.hva + 100, TK_UNSET, 100);
	sg[0] = (struct vq_sg){ k.tx.gpa, 100 };
	sg[1] = (struct vq_sg){ gpa_add(k.tx.gpa, 100), 100 };
	for (unsigned writable = 0; writable < 2; writable++) {
		if (vq_add(&c->q[1].vq, sg, 1, writable, k.tx.hva) < 0) {
			ck_error(c, "the transmit queue is full");
			return;
		}
		if (!ck_publish(c, 1) || !tk_sent(c, &k, 0, &u))
			return;
		if (u.len) {
			ck_fail(c, USED_LEN, "0: nothing was written",
				"a buffer that was sent is returned with length %u", u.len);
			return;
		}
		if (ck_not_value(k.tx.hva + 100, 100, TK_UNSET) < 100) {
			ck_fail(c, USED_LEN, "nothing written",
				"the writable piece was written to");
			return;
		}
	}
}

CHECK(used_len, .id = "console.data.used-len", .clauses = { USED_LEN, "ROB.packed.used-len" },
      .stimulus = "buffers are sent, one with a device-writable piece behind it",
      .oracle = "they are returned with length 0", .device = VIRTIO_ID_CONSOLE, .run = used_len);

static bool second_loops(struct ck *c, struct tk *k)
{
	const int rc = tk_marker(c, k, k->second);

	if (rc)
		return rc > 0;
	return vq_used_pending(&c->q[console_in(k->first)].vq)
		       ? ck_fail(c, TK_DATA, "what was sent comes back on its port",
				 "what was sent on port %u comes on port %u", k->second, k->first)
		       : ck_skip(c, "the second port is not in loop-back");
}

static void separate(struct ck *c)
{
	struct tk k;

	if (!tk_loop(c, &k, TK_MULTI))
		return;
	if (k.second == TK_KNOWN) {
		ck_skip(c, "there is no second port that can be looked at");
		return;
	}
	if (!tk_post(c, &k, k.second, TK_IN) || !second_loops(c, &k))
		return;
	for (unsigned i = 0; i < 6; i++) {
		const u32 port = i & 1 ? k.first : k.second, other = i & 1 ? k.second : k.first;

		ck_fill(k.tx.hva, 500, 90 + i);
		if (!tk_send(c, &k, port, 500, 1) || !tk_sent(c, &k, port, NULL))
			return;
		if (vq_used_pending(&c->q[console_in(other)].vq)) {
			ck_fail(c, TK_DATA, "what was sent comes back on its port",
				"what was sent on port %u comes on port %u", port, other);
			return;
		}
		if (!tk_comes_back(c, &k, port, 500, TK_DATA, "one of two ports"))
			return;
	}
}

CHECK(separate, .id = "console.ports.separate", .clauses = { TK_DATA },
      .stimulus = "buffers are sent on two ports in loop-back, in turns",
      .oracle = "each comes back on its own", .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG,
      .features = TK_MULTI, .queues = 6, .run = separate);

// SPDX-License-Identifier: BSD-3-Clause
/* Network device: statistics (5.1.9.6.8). */
#include <string.h>

#include "harness/check/net_kit.h"

#define STATS(n)  "v14.net.stats.dev." #n
#define NEEDS	  (NK_F(CTRL_VQ) | NK_F(DEVICE_STATS))
#define ANSWER_AT 256u /* in the memory of commands */
#define ROOM	  256u
#define UNKNOWN	  63 /* a type that there is none of */
#define ALL_RX                                                                                     \
	(BIT_ULL(VNET_STATS_RX_BASIC) | BIT_ULL(VNET_STATS_RX_CSUM) | BIT_ULL(VNET_STATS_RX_GSO) | \
	 BIT_ULL(VNET_STATS_RX_SPEED))
#define ALL_TX (ALL_RX << VNET_STATS_TX_BASIC)

struct asked {
	u8 ack;
	u32 used;
	const u8 *answer; /* behind the ack */
};

/* A command with `room` bytes for what it answers, the ack included. */
static bool ask(struct ck *c, struct nk *k, u8 cmd, const void *data, u32 len, u32 room,
		struct asked *a)
{
	const struct vq_sg sg[] = { { k->ctl.gpa, 2 + len },
				    { gpa_add(k->ctl.gpa, ANSWER_AT), room } };
	struct ck_used u;

	k->ctl.hva[0] = VNET_CTRL_STATS;
	k->ctl.hva[1] = cmd;
	memcpy(k->ctl.hva + 2, data, len);
	memset(k->ctl.hva + ANSWER_AT, NK_UNSET, ROOM + 16);
	if (vq_add(&c->q[k->control].vq, sg, 1, 1, k) < 0)
		return ck_error(c, "the control queue is full");
	if (!ck_publish(c, k->control))
		return false;
	if (!ck_reap(c, k->control, &u))
		return ck_error(c, "a command for statistics is not returned within %u ms",
				c->tp->timeout_ms);
	*a = (struct asked){ k->ctl.hva[ANSWER_AT], u.len, k->ctl.hva + ANSWER_AT + 1 };
	ck_log(c, "  statistics, command %u: ack %u, length %u", cmd, a->ack, a->used);
	return true;
}

static struct vnet_stats_ask entry(unsigned queue, u64 types)
{
	return (struct vnet_stats_ask){ .queue = le16((u16)queue), .types = le64(types) };
}

static bool query(struct ck *c, struct nk *k, u64 *types)
{
	struct asked a;

	if (!ask(c, k, VNET_CTRL_STATS_QUERY, "", 0, 1 + 8, &a))
		return false;
	if (a.ack != VIRTIO_NET_OK || ck_not_value(a.answer, 8, NK_UNSET) == 8)
		return ck_fail(c, STATS(1), "OK, and 8 bytes", "ack %u, length %u", a.ack, a.used);
	memcpy(types, a.answer, 8);
	*types = le64(*types);
	return true;
}

static bool up(struct ck *c, struct nk *k, u64 more, u64 *types)
{
	return nk_up_with(c, k, NEEDS | more, 1, NK_RX_USUAL, 8) && query(c, k, types);
}

/* A queue with something to tell, and what. */
static bool pick(struct ck *c, const struct nk *k, u64 types, unsigned *queue, u64 *of_it)
{
	const u64 each[] = { types & ALL_RX, types & ALL_TX, types & BIT_ULL(VNET_STATS_CVQ) };
	const unsigned queues[] = { 0, 1, k->control };

	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		*queue = queues[i];
		*of_it = each[i];
		if (each[i])
			return true;
	}
	return ck_skip(c, "no statistics are supported");
}

static void refused(struct ck *c)
{
	u64 types = 0, of_it = 0, absent;
	unsigned queue = 0;
	struct nk k;

	if (!up(c, &k, NK_F(CSUM) | NK_F(GUEST_CSUM), &types) ||
	    !pick(c, &k, types, &queue, &of_it))
		return;
	/* Of no feature that was negotiated: those of segmentation, without any. */
	absent = (queue == 0   ? BIT_ULL(VNET_STATS_RX_GSO)
		  : queue == 1 ? BIT_ULL(VNET_STATS_TX_GSO)
			       : 0);
	{
		const struct {
			const char *clause, *what;
			struct vnet_stats_ask entries[2];
			unsigned n;
		} cases[] = {
			{ STATS(2a), "a queue that is not there", { entry(0xffff, of_it) }, 1 },
			{ STATS(2b),
			  "a type that is unknown",
			  { entry(queue, BIT_ULL(UNKNOWN)) },
			  1 },
			{ STATS(2c),
			  "a type of other queues",
			  { entry(queue, queue == 0 ? BIT_ULL(VNET_STATS_TX_BASIC)
						    : BIT_ULL(VNET_STATS_RX_BASIC)) },
			  1 },
			{ STATS(2d),
			  "a type whose feature was not negotiated",
			  { entry(queue, absent) },
			  absent ? 1 : 0 },
			{ STATS(3),
			  "a good entry, and one that is not",
			  { entry(queue, of_it), entry(0xffff, of_it) },
			  2 },
		};
		struct asked a;

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			if (!cases[i].n)
				continue;
			if (!ask(c, &k, VNET_CTRL_STATS_GET, cases[i].entries,
				 cases[i].n * (u32)sizeof(cases[i].entries[0]), ROOM, &a))
				return;
			if (a.ack == VIRTIO_NET_OK) {
				ck_fail(c, cases[i].clause, "ERR", "%s is OK", cases[i].what);
				return;
			}
		}
	}
}

CHECK(refused, .id = "net.stats.refused",
      .clauses = { STATS(1), STATS(2a), STATS(2b), STATS(2c), STATS(2d), STATS(3) },
      .stimulus = "statistics of a queue that is not there, of a type that is unknown, of other "
		  "queues or of no feature negotiated, and one such behind a good one",
      .oracle = "ERR", .device = VIRTIO_ID_NET, .features = NEEDS, .run = refused);

/* Replies, one behind the other, until the end of what was written. */
static void walk(struct ck *c, const struct asked *a, unsigned queue, u64 types)
{
	u32 at = 0;

	for (u8 type = 0; type < 64; type++) {
		struct vnet_stats_head h;

		if (!(types >> type & 1))
			continue;
		if (a->used - 1 - at < sizeof(h)) {
			ck_fail(c, STATS(4), "a reply for each type",
				"%u bytes are left for that of type %u", a->used - 1 - at, type);
			return;
		}
		memcpy(&h, a->answer + at, sizeof(h));
		if (h.type != type) {
			ck_fail(c, STATS(5a), "the type that was asked for", "%u and not %u",
				h.type, type);
			return;
		}
		if (le16(h.queue) != queue) {
			ck_fail(c, STATS(5b), "the queue that was asked for", "%u and not %u",
				le16(h.queue), queue);
			return;
		}
		if (le16(h.size) < sizeof(h) || le16(h.size) > a->used - 1 - at ||
		    (le16(h.size) - sizeof(h)) % 8) {
			ck_fail(c, STATS(4), "its bytes", "size %u with %u left", le16(h.size),
				a->used - 1 - at);
			return;
		}
		at += le16(h.size);
	}
	if (at != a->used - 1)
		ck_fail(c, STATS(4), "sizes up to the end", "%u of %u bytes", at, a->used - 1);
}

static void told(struct ck *c)
{
	struct vnet_stats_ask e;
	u64 types = 0, of_it = 0;
	unsigned queue = 0;
	struct asked a;
	struct nk k;

	if (!up(c, &k, NK_F(CSUM) | NK_F(GUEST_CSUM), &types) ||
	    !pick(c, &k, types, &queue, &of_it))
		return;
	e = entry(queue, of_it);
	if (!ask(c, &k, VNET_CTRL_STATS_GET, &e, sizeof(e), ROOM, &a))
		return;
	if (a.ack != VIRTIO_NET_OK || a.used < 1 + sizeof(struct vnet_stats_head)) {
		ck_error(c, "statistics of queue %u, types %#llx: ack %u, length %u", queue,
			 (unsigned long long)of_it, a.ack, a.used);
		return;
	}
	if (a.used > ROOM) {
		ck_fail(c, STATS(6), "no more than there is room for", "length %u of %u", a.used,
			ROOM);
		return;
	}
	walk(c, &a, queue, of_it);
}

CHECK(told, .id = "net.stats.replies", .clauses = { STATS(4), STATS(5a), STATS(5b) },
      .stimulus = "all statistics of a queue",
      .oracle = "a reply for each type, with that, the queue and its size", .device = VIRTIO_ID_NET,
      .features = NEEDS, .run = told);

static void room(struct ck *c)
{
	static const u32 rooms[] = { 1, 2, 8, 9, 20, ROOM };
	struct vnet_stats_ask e;
	u64 types = 0, of_it = 0;
	unsigned queue = 0;
	struct nk k;

	if (!up(c, &k, NK_F(CSUM) | NK_F(GUEST_CSUM), &types) ||
	    !pick(c, &k, types, &queue, &of_it))
		return;
	e = entry(queue, of_it);
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		struct asked a;
		u32 valid;

		if (!ask(c, &k, VNET_CTRL_STATS_GET, &e, sizeof(e), rooms[i], &a))
			return;
		valid = MIN(a.used, rooms[i]);
		if (a.used > rooms[i] ||
		    ck_not_value(k.ctl.hva + ANSWER_AT + valid, ROOM + 16 - valid, NK_UNSET) <
			    ROOM + 16 - valid) {
			ck_fail(c, STATS(6), "nothing behind what is valid",
				"of %u bytes %u are valid, and others were written to", rooms[i],
				a.used);
			return;
		}
	}
}

CHECK(room, .id = "net.stats.room", .clauses = { STATS(6) },
      .stimulus = "statistics, with 1 to 256 bytes for them",
      .oracle = "nothing is written behind what the length tells", .device = VIRTIO_ID_NET,
      .features = NEEDS, .run = room);

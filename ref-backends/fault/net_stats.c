// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the network device: statistics. */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/fault/fault.h"

#define NET(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(net_##ident, .name = "net-stats-" name_, .clause = "v14.net.stats.dev." clause_,     \
	      .summary = summary_, __VA_ARGS__)

/* The entries of a command, as far as they lie in its first piece. How many there are; the first is *e. */
static u32 asked(const struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		 struct vnet_stats_ask *e)
{
	const struct dvq_seg *seg = &req->chain.segs[0];

	if (hdr->class != VNET_CTRL_STATS || hdr->cmd != VNET_CTRL_STATS_GET ||
	    seg->len < sizeof(*hdr) + sizeof(*e))
		return 0;
	memcpy(e, (const u8 *)seg->base + sizeof(*hdr), sizeof(*e));
	return (u32)((seg->len - sizeof(*hdr)) / sizeof(*e));
}

static void no_query(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		     u8 *answer)
{
	if (hdr->class == VNET_CTRL_STATS && hdr->cmd == VNET_CTRL_STATS_QUERY)
		answer[0] = VIRTIO_NET_ERR;
}

NET(no_query, "no-query", "1", "what is supported is not told", .net_ctrl = no_query);

/* One entry that is wrong in one way is OK. */
#define OBLIGING(ident, name, clause, summary, entries, when)                                      \
	static void ident(struct rnet *n, struct rdev_req *req,                                    \
			  const struct virtio_net_ctrl_hdr *hdr, u8 *answer)                       \
	{                                                                                          \
		struct vnet_stats_ask e = { 0 };                                                   \
		const u32 count = asked(req, hdr, &e);                                             \
		const u16 queue = le16(e.queue);                                                   \
		const u64 types = le64(e.types);                                                   \
                                                                                                   \
		(void)queue;                                                                       \
		(void)types;                                                                       \
		if (count == (entries) && (when))                                                  \
			answer[0] = VIRTIO_NET_OK;                                                 \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_ctrl = ident)

OBLIGING(any_queue, "any-queue", "2a", "a queue that is not there is OK", 1, queue > 100);
OBLIGING(any_type, "any-type", "2b", "a type that is unknown is OK", 1, types >> 60);
OBLIGING(other_queues, "other-queues", "2c", "a type of other queues is OK", 1,
	 types == BIT_ULL(VNET_STATS_TX_BASIC) || types == BIT_ULL(VNET_STATS_RX_BASIC));
OBLIGING(no_feature, "no-feature", "2d", "a type without its feature is OK", 1,
	 types == BIT_ULL(VNET_STATS_RX_GSO) || types == BIT_ULL(VNET_STATS_TX_GSO));
OBLIGING(second_bad, "second-bad", "3", "a bad entry behind a good one is OK", 2, true);

#define REPLY(ident, name, clause, summary, code)                                                  \
	static void ident(struct rnet *n, struct rdev_req *req,                                    \
			  const struct virtio_net_ctrl_hdr *hdr, u8 *answer)                       \
	{                                                                                          \
		struct vnet_stats_head *h = (struct vnet_stats_head *)(answer + 1);                \
		struct vnet_stats_ask e;                                                           \
                                                                                                   \
		if (asked(req, hdr, &e) && answer[0] == VIRTIO_NET_OK) {                           \
			struct vnet_stats_head head;                                               \
                                                                                                   \
			memcpy(&head, h, sizeof(head));                                            \
			code;                                                                      \
			memcpy(h, &head, sizeof(head));                                            \
		}                                                                                  \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_ctrl = ident)

REPLY(size, "size", "4", "a reply's size is that without its header",
      head.size = le16((u16)(le16(head.size) - sizeof(head))));
REPLY(type, "type", "5a", "a reply's type is the next one", head.type++);
REPLY(queue, "queue", "5b", "a reply's queue is the next one",
      head.queue = le16((u16)(le16(head.queue) + 1)));

static void fills(struct rnet *n, struct rdev_req *req)
{
	const struct dvq_seg *seg = req->chain.segs + req->chain.n_readable;
	const struct dvq_seg *first = &req->chain.segs[0];

	if (req->chain.n_writable && first->len > 2 &&
	    *(const u8 *)first->base == VNET_CTRL_STATS && seg->len > req->used_len)
		((u8 *)seg->base)[seg->len - 1] = 0;
}

NET(fills, "fills", "6", "the last byte of the room for an answer is written to",
    .net_ctrl_done = fills);

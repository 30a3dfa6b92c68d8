// SPDX-License-Identifier: BSD-3-Clause
/*
 * Statistics (5.1.9.6.8): what of checksums was left to the driver and by it, and how many commands there were.
 * How often a queue was notified a device does not see, so the basic ones are not offered.
 */
#include <string.h>

#include "ref-backends/device/net.h"

#define BIT_OF(name) BIT_ULL(VNET_STATS_##name)

struct count {
	struct vnet_stats_head head;
	u64 values[4];
};

u64 net_stats_supported(const struct rnet *n)
{
	return BIT_OF(CVQ) | (net_has(n, VIRTIO_NET_F_GUEST_CSUM) ? BIT_OF(RX_CSUM) : 0) |
	       (net_has(n, VIRTIO_NET_F_CSUM) ? BIT_OF(TX_CSUM) : 0);
}

bool net_stats_query(struct rnet *n, u8 cmd, struct net_command_data *d,
		     struct net_command_result *r)
{
	const u64 types = le64(net_stats_supported(n));

	if (d->f.len != d->at)
		return false;
	memcpy(r->bytes, &types, sizeof(types));
	r->len = sizeof(types);
	return true;
}

u64 net_stats_of(const struct rnet *n, u16 queue)
{
	const u64 receive = BIT_OF(RX_BASIC) | BIT_OF(RX_CSUM) | BIT_OF(RX_GSO) | BIT_OF(RX_SPEED);

	if (queue == net_control_queue(n))
		return BIT_OF(CVQ);
	if (queue >= 2 * n->pairs)
		return 0;
	return queue & 1 ? receive << VNET_STATS_TX_BASIC : receive;
}

u32 net_stats_values(u8 type)
{
	return type == VNET_STATS_RX_CSUM ? 4 : 2;
}

static void values_of(const struct rnet *n, u8 type, u16 queue, u64 values[4])
{
	const u16 pair = queue / 2;

	switch (type) {
	case VNET_STATS_RX_CSUM:
		/* Valid: nobody has looked. Bad: nor has anybody seen one. */
		values[1] = n->rx[pair].csum_needed;
		values[2] = n->rx[pair].csum_none;
		break;
	case VNET_STATS_TX_CSUM:
		values[0] = n->tx_csum_none[pair];
		values[1] = n->tx_csum_needed[pair];
		break;
	default:
		values[0] = n->commands;
		values[1] = n->commands_ok;
	}
}

static bool put(const struct rnet *n, struct net_command_result *r, u8 type, u16 queue)
{
	struct count c = { { .type = type, .queue = le16(queue) }, { 0 } };
	const u32 values = net_stats_values(type);
	const u32 size = (u32)(sizeof(c.head) + values * sizeof(c.values[0]));

	if (sizeof(r->bytes) - r->len < size)
		return false;
	values_of(n, type, queue, c.values);
	c.head.size = le16((u16)size);
	for (u32 i = 0; i < values; i++)
		c.values[i] = le64(c.values[i]);
	memcpy(r->bytes + r->len, &c, size);
	r->len += size;
	return true;
}

bool net_stats_get(struct rnet *n, u8 cmd, struct net_command_data *d, struct net_command_result *r)
{
	struct vnet_stats_ask ask;

	if (d->f.len == d->at)
		return false;
	while (d->f.len != d->at) {
		if (!net_command_take(d, &ask, sizeof(ask)) ||
		    le64(ask.types) & ~(net_stats_of(n, le16(ask.queue)) & net_stats_supported(n)))
			return false;
		for (u8 type = 0; type < 64; type++)
			if (le64(ask.types) >> type & 1 && !put(n, r, type, le16(ask.queue)))
				return false;
	}
	return true;
}

void net_stats_reset(struct rnet *n)
{
	for (u16 i = 0; i < n->pairs; i++)
		n->rx[i].csum_needed = n->rx[i].csum_none = 0;
	memset(n->tx_csum_needed, 0, sizeof(n->tx_csum_needed));
	memset(n->tx_csum_none, 0, sizeof(n->tx_csum_none));
	n->commands = n->commands_ok = 0;
}

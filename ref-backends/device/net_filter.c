// SPDX-License-Identifier: BSD-3-Clause
/* Which frames the driver wants (5.1.9.5.1, 5.1.9.5.2, 5.1.9.5.3). */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"

static bool in_table(const u8 table[][6], u32 n, const u8 *mac)
{
	for (u32 i = 0; i < n; i++)
		if (memcmp(table[i], mac, 6) == 0)
			return true;
	return false;
}

static bool address_wanted(const struct rnet *n, const u8 *mac)
{
	static const u8 broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct net_control *c = &n->ctl;

	if (c->mode[VIRTIO_NET_CTRL_RX_PROMISC])
		return true;
	if (memcmp(mac, broadcast, 6) == 0)
		return !c->mode[VIRTIO_NET_CTRL_RX_NOBCAST];
	if (mac[0] & 1)
		return !c->mode[VIRTIO_NET_CTRL_RX_NOMULTI] &&
		       (c->mode[VIRTIO_NET_CTRL_RX_ALLMULTI] || c->all_multicast ||
			in_table(c->multicast, c->n_multicast, mac));
	return !c->mode[VIRTIO_NET_CTRL_RX_NOUNI] &&
	       (c->mode[VIRTIO_NET_CTRL_RX_ALLUNI] || c->all_unicast ||
		net_mac_pack(mac) == __atomic_load_n(&n->mac_now, __ATOMIC_RELAXED) ||
		in_table(c->unicast, c->n_unicast, mac));
}

static bool vlan_wanted(const struct rnet *n, const u8 *head, u32 len)
{
	u16 vid;

	if (!net_has(n, VIRTIO_NET_F_CTRL_VLAN) || len < VNET_ETH_HEADER + VNET_VLAN_TAG ||
	    net_get16(head + 12) != VNET_ETHERTYPE_VLAN)
		return true;
	vid = net_get16(head + 14) & 0xfff;
	return n->ctl.vlans[vid / 8] >> vid % 8 & 1;
}

bool net_wanted(const struct rnet *n, const u8 *head, u32 len)
{
	bool wanted = vlan_wanted(n, head, len);

	/* Without the commands there is no way to ask for anything: all of it is for the driver. */
	if (net_has(n, VIRTIO_NET_F_CTRL_RX))
		wanted = wanted && address_wanted(n, head);
	if (fault_active && fault_active->net_wanted)
		wanted = fault_active->net_wanted(n, head, len, wanted);
	return wanted;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/net_loop.h"

static void loop_send(struct net_port *p, const struct net_frame *f)
{
	net_deliver(p->net, f);
}

static const struct net_port_ops loop_ops = { .name = "loopback", .send = loop_send };

void net_loop_init(struct net_port *p)
{
	*p = (struct net_port){ .ops = &loop_ops, .offloads = true };
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A port that gives back what it is sent: the plug that testers put on a cable. Freestanding. */
#ifndef REF_BACKENDS_DEVICE_NET_LOOP_H
#define REF_BACKENDS_DEVICE_NET_LOOP_H

#include "ref-backends/device/net.h"

void net_loop_init(struct net_port *p);

#endif

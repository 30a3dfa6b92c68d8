/* SPDX-License-Identifier: BSD-3-Clause */
/* Of the console device: between its messages and its data. Freestanding. */
#ifndef REF_BACKENDS_DEVICE_CONSOLE_DATA_H
#define REF_BACKENDS_DEVICE_CONSOLE_DATA_H

#include "ref-backends/device/console.h"
#include "ref-backends/virtqueue/seg.h"

/* The receive queue of a port; its transmit queue is the next. */
static inline u16 con_rx_of(u16 port)
{
	return port ? 2 * port + 2 : 0;
}

/* What is due, or what the active fault makes of it. */
bool con_is(struct rcon *c, u16 port, enum con_what what, bool due);

/* A buffer goes back with `len` bytes written, or stays where it was. */
void con_finish(struct rcon *c, struct rdev_req *req, u32 len);
void con_leave(struct rdev_req *req);

/* A buffer of a receive or transmit queue; `p` is NULL where the driver may not use the port. */
void con_serve_rx(struct rcon *c, struct rdev_req *req, struct con_port *p);
void con_serve_tx(struct rcon *c, struct rdev_req *req, struct con_port *p);

#endif

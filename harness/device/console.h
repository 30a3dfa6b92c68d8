/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a console (VIRTIO 1.4, 5.3): which queues are a port's, and what goes over the control
 * queues.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_CONSOLE_H
#define HARNESS_DEVICE_CONSOLE_H

#include <linux/virtio_console.h>

#include "harness/transport/transport.h"

#define CONSOLE_CONTROL_IN  2u /* the control receive queue */
#define CONSOLE_CONTROL_OUT 3u
#define CONSOLE_MESSAGE	    8u /* bytes of a control message without what may follow it */
#define CONSOLE_EMERGENCY   8u /* where emerg_wr is */

/* A port's receive queue; its transmit queue is the next one. */
static inline unsigned console_in(u32 port)
{
	return port ? 2 + 2 * port : 0;
}

static inline unsigned console_out(u32 port)
{
	return console_in(port) + 1;
}

/* What a control message of the device's says. */
struct console_said {
	u32 port;
	u16 event, value;
	const u8 *more; /* behind it: a name, a size */
	u32 more_len;
};

/* One of the driver's into `to`, of CONSOLE_MESSAGE bytes. */
void console_message(u8 *to, u32 port, u16 event, u16 value);
/* False when that is none. */
bool console_read(const u8 *at, u32 len, struct console_said *said);
/* The columns and rows of a RESIZE message; false when there are none in it. */
bool console_read_size(const struct console_said *said, u16 *cols, u16 *rows);

#endif

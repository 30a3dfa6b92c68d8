/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console device (VIRTIO 1.4, 5.3): one port, or with VIRTIO_CONSOLE_F_MULTIPORT several and two control
 * queues; the size of a terminal; a character at a time before there is anything else.
 *
 * What a port is attached to is behind struct con_end: a terminal, a socket, files, or the port itself. What comes
 * from there waits in a small fifo of the port's, and from there on outside; what the driver sends waits in the
 * ring, for the rest of a buffer, too. What the driver is to be told is no list of messages, but follows from
 * what is and what it was told: a port that comes and goes while no buffer is there costs nothing.
 *
 * Decisions where the text leaves a choice:
 *  - what is sent to an end where nobody is, or to a port that is not there, is returned as if it had gone out:
 *    a console does not stop a guest that nobody listens to;
 *  - with MULTIPORT a port's input waits until the driver has opened it; its output does not;
 *  - a control message goes into one buffer whole: one that is too small comes back with nothing in it, and the
 *    message waits for the next;
 *  - what is told of a port after PORT_READY is told once, and its state whenever it is another one;
 *  - messages that are too short, of ports that are not there, or of events that only a device sends are ignored;
 *  - a write to the configuration that changes nothing but emerg_wr is one to emerg_wr.
 *
 * A buffer of which a part went out is taken again when there is room, and that part is left out then: if it is
 * the same one, which head and length tell.
 *
 * Freestanding; all of it belongs to one thread, but the size.
 */
#ifndef REF_BACKENDS_DEVICE_CONSOLE_H
#define REF_BACKENDS_DEVICE_CONSOLE_H

#include <linux/virtio_console.h>

#include "ref-backends/device/device.h"

#define CON_PORTS_MAX 16
#define CON_NAME_MAX  32
#define CON_FIFO      4096u /* a power of two */

#define CON_CONTROL_RX 2
#define CON_CONTROL_TX 3

struct con_end;

struct con_end_ops {
	/*
	 * Bytes of the driver's: how many it took. When that is not all of them and somebody is there still, it
	 * says con_end_room() later.
	 */
	u32 (*write)(struct con_end *e, const u8 *bytes, u32 len);
	/* A character that is not to wait. */
	void (*emergency)(struct con_end *e, u8 character);
	/* There is room in the port's fifo again. May be NULL. */
	void (*wanted)(struct con_end *e);
	/* Its size, when it is a terminal; else false, and both as they were. Any thread. May be NULL. */
	bool (*size)(struct con_end *e, u16 *cols, u16 *rows);
	/* The device's first queue is opened, its last closed. May be NULL. */
	int (*open)(struct con_end *e, struct reactor *reactor);
	void (*close)(struct con_end *e);
	void (*free)(struct con_end *e);
};

struct rcon;

struct con_end {
	const struct con_end_ops *ops;
	struct rcon *con;
	u16 port;
	bool there; /* somebody is at it */
	bool full;  /* it did not take all */
};

struct con_port {
	struct con_end *end;
	char name[CON_NAME_MAX]; /* without a zero it is not; empty: none */
	bool console;

	bool present;  /* it is there */
	bool replaced; /* it went, and came again, before the driver was told */
	bool turns; /* it goes, or comes, each time the device's outside is said to have changed … */
	bool turn; /* … as it was now; atomic */

	/* What the driver was told, and said. */
	bool announced, ready, opened;
	u8 due; /* enum con_due */
	bool told_there;
	u32 told_size;

	/* From the end, for the driver. */
	u8 in[CON_FIFO];
	u32 in_at, in_count;
	/* Of the first buffer in the transmit queue: what went out already, and which one that is. */
	u32 sent;
	u64 sent_of;
};

/* What is told once, behind PORT_READY. */
enum con_due {
	CON_DUE_CONSOLE = 1,
	CON_DUE_NAME = 2,
};

/* A control message to the driver. */
struct con_message {
	struct virtio_console_control hdr; /* little endian, as it goes out */
	u8 more[CON_NAME_MAX];
	u32 more_len;
};

/* For faults: what can be otherwise. */
enum con_what {
	CON_MAY_TELL, /* control messages may be sent to the driver */
	CON_EMITTED,  /* the character written to emerg_wr */
	CON_WRITABLE, /* emerg_wr */
	CON_GOES_OUT, /* what is in a buffer of the port's transmit queue */
};

struct rcon {
	struct rdev dev;
	u16 ports;	       /* max_nr_ports */
	u64 offered, features; /* of the device type; negotiated */
	u16 open;	       /* queues */
	u32 size,
		next_size; /* cols << 16 | rows; atomic. The second, if not 0: from the next resized() on */
	bool driver_ready; /* DEVICE_READY was sent */
	struct con_port port[CON_PORTS_MAX];
};

struct con_opts {
	u16 ports; /* from 1 to CON_PORTS_MAX */
	u16 cols, rows;
	u64 hidden; /* features not to offer: without MULTIPORT it has one port and two queues */
};

void rcon_init(struct rcon *c, const struct con_opts *o);
/* Port `port` is attached to `end`, and there. False: the name is too long. */
bool rcon_attach(struct rcon *c, u16 port, struct con_end *end, const char *name, bool console);

/* A port that has an end goes, or comes again. On the device's thread. */
void rcon_plug(struct rcon *c, u16 port, bool present);

/* The console's size, for the configuration that is read next. Whether it was another. Any thread. */
bool rcon_set_size(struct rcon *c, u16 cols, u16 rows);
/* The size that the device's next resized() finds. Any thread. */
void rcon_next_size(struct rcon *c, u16 cols, u16 rows);

/* --- for ends; on the device's thread ------------------------------------------------------------------ */

/* Bytes for the driver; how many there was room for. */
u32 con_end_input(struct con_end *e, const u8 *bytes, u32 len);
u32 con_end_space(const struct con_end *e);
/* It takes more. */
void con_end_room(struct con_end *e);
/* Somebody came, or has gone. */
void con_end_there(struct con_end *e, bool there);

/* An end that sends back what it is sent. What it has not sent back yet is as far outside as with any other. */
void con_loop_init(struct con_end *e);

static inline bool con_multiport(const struct rcon *c)
{
	return c->features & BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT);
}

#endif

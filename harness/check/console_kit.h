/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of the console share. What is outside of a port they cannot see: for data they need one whose
 * other end sends back what it gets, and are skipped without.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_CONSOLE_KIT_H
#define HARNESS_CHECK_CONSOLE_KIT_H

#include "harness/check/check.h"
#include "harness/device/console.h"

#define TK_MULTI BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT)
#define TK_SIZE	 BIT_ULL(VIRTIO_CONSOLE_F_SIZE)
#define TK_EMERG BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE)
#define TK_DATA	 "ROB.console.data"
#define TK_ALIVE "ROB.live.bad-request"
#define TK_PORTS ((CK_QUEUES - 2) / 2) /* whose queues a check can have */
#define TK_KNOWN 64u		       /* ports that are kept in mind */
#define TK_UNSET 0xa5
#define TK_IN	 777u	    /* bytes of a receive buffer, when not told */
#define TK_INS	 16u	    /* receive buffers of a port */
#define TK_TX	 (1u << 16) /* bytes that are sent at once, at most */
#define TK_CTL	 96u	    /* bytes of a control receive buffer, and as many that nobody writes */
#define TK_CTLS	 16u

struct tk_port {
	bool added, told_open, console;
};

struct tk {
	bool multi;
	u32 max_ports;	/* 1 without MULTIPORT */
	unsigned ports; /* whose queues are there */
	u32 in_size, in_count;
	struct tp_buf tx, out, in[TK_PORTS], ctl;
	struct tp_buf got; /* what was received … */
	u32 have;	   /* … of so many bytes */
	struct tk_port port[TK_KNOWN];
	u32 first,
		second; /* ports that were added, after tk_talk(); second may be none: TK_KNOWN */
	unsigned adds, removes;
	u8 said[TK_CTL]; /* the message heard last */
};

/* Negotiate and start the queues, with several ports where `multi`. No buffer is posted, and nothing said. */
bool tk_up(struct ck *c, struct tk *k, u64 want);
/* Post receive buffers of `size` bytes on a port's queue, TK_INS of them. */
bool tk_post(struct ck *c, struct tk *k, u32 port, u32 size);
/* Post control receive buffers. */
bool tk_post_control(struct ck *c, struct tk *k);

/* Send a control message, of any bytes; and wait for it to be returned. */
bool tk_say(struct ck *c, struct tk *k, u32 port, u16 event, u16 value);
bool tk_say_bytes(struct ck *c, struct tk *k, const u8 *bytes, u32 len);
/* The next of the device's, waiting for it: 1, 0 when there is none, or -1: it is over. It is kept in mind. */
int tk_hear(struct ck *c, struct tk *k, struct console_said *said);
/* The same of what comes while nothing is due. */
int tk_overhear(struct ck *c, struct tk *k, struct console_said *said);

/* Post buffers, say DEVICE_READY, set up the ports that are added, and open them. Without any: skipped. */
bool tk_talk(struct ck *c, struct tk *k);

/*
 * Send something on a port, and see it come back: 1, 0 if it does not, -1. What was still under way to the driver
 * is read before.
 */
int tk_marker(struct ck *c, struct tk *k, u32 port);
/* tk_up(), and tk_talk() with several ports; then port k->first, which sends back what it gets, or skipped. */
bool tk_loop(struct ck *c, struct tk *k, u64 want);

/* Queue the first `len` bytes of k->tx on a port in so many pieces. */
bool tk_send(struct ck *c, struct tk *k, u32 port, u32 len, unsigned pieces);
/* It has been returned. */
bool tk_sent(struct ck *c, struct tk *k, u32 port, struct ck_used *u);
/* Receive at least `len` bytes into k->got, if they come in time: k->have tells. False: it is over. */
bool tk_receive(struct ck *c, struct tk *k, u32 port, u32 len);
/* The other way round of tk_send(): these bytes come back, or `clause` is broken. */
bool tk_comes_back(struct ck *c, struct tk *k, u32 port, u32 len, const char *clause,
		   const char *what);

#endif

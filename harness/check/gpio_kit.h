/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of the GPIO device share. They take the lines as they find them. What has to do with edges
 * needs two lines that are connected, which are looked for: without such a pair these checks are skipped.
 * Lines are made outputs: nothing that minds is to hang on them.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_GPIO_KIT_H
#define HARNESS_CHECK_GPIO_KIT_H

#include "harness/check/check.h"
#include "harness/device/gpio.h"

#define GK_IRQ	   BIT_ULL(VIRTIO_GPIO_F_IRQ)
#define GK_REQ(n)  "v14.gpio.requestq.dev." n
#define GK_EV(n)   "v14.gpio.eventq.dev." n
#define GK_ALIVE   "ROB.live.bad-request"
#define GK_UNSET   0xa5
#define GK_SLOTS   16	     /* messages in flight */
#define GK_NAMES   (1 << 18) /* bytes of names that are looked at */
#define GK_LOOK_AT 16u	     /* lines that a pair is looked for among */

struct gk_msg {
	u16 type, line;
	u32 value;
	u8 unset; /* what the answer holds before; 0: GK_UNSET */

	u8 status, out; /* the answer */
	u32 used_len;
	unsigned turn; /* the how-many-th came back */
};

struct gk {
	u16 lines;
	u32 names_size;
	u8 padding[2];
	struct tp_buf area, events;
	u16 from, to; /* connected, after gk_pair() */
};

/* Negotiate, with VIRTIO_GPIO_F_IRQ where `irq`, start the queues, and read the configuration. */
bool gk_up(struct ck *c, struct gk *k, bool irq);

/* Up to GK_SLOTS messages, made available at once; waits for all. An error when they do not come back. */
bool gk_run(struct ck *c, struct gk *k, struct gk_msg *m, unsigned n);
/* One that must be obeyed, or the check could not run; *out is its value, where that is wanted. */
bool gk_do(struct ck *c, struct gk *k, u16 type, u16 line, u32 value, u8 *out);

/* An output and an input that is connected to it, both low: else skipped. */
bool gk_pair(struct ck *c, struct gk *k);
/* The output goes high or low. */
bool gk_drive(struct ck *c, struct gk *k, bool high);
/* It goes high and low again; both low is how it begins. */
bool gk_pulse(struct ck *c, struct gk *k);

/*
 * A line is an output from now on; its value is `high` only where it is refused without one: some devices want to be told
 * first, as all drivers do, and not of an input.
 */
bool gk_output(struct ck *c, struct gk *k, u16 line, bool high);

/* A line is an input from now on, with this interrupt: 1, 0 the interrupt is refused, -1 it is over. */
int gk_try_irq(struct ck *c, struct gk *k, u16 line, u8 type);
/* The same; a level that a device does not watch for is skipped. */
bool gk_irq(struct ck *c, struct gk *k, u16 line, u8 type);
/* Queue the buffer of a line: its interrupt is unmasked. */
bool gk_unmask(struct ck *c, struct gk *k, u16 line);
/* The next buffer that comes back, waiting for it: 1 with its line and status, 0 none, -1 it is over. */
int gk_event(struct ck *c, struct gk *k, u16 *line, u8 *status);
/*
 * The buffer of `line` must come back with this status, or must not come back VALID: else `clause` is broken.
 * `when` says after what.
 */
bool gk_must_come(struct ck *c, struct gk *k, u16 line, u8 status, const char *clause,
		  const char *when);
bool gk_must_not_come(struct ck *c, struct gk *k, const char *clause, const char *when);

/* A good message is obeyed, or `clause` is broken. */
bool gk_alive(struct ck *c, struct gk *k, const char *clause, const char *after);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of the SCMI device share. They take the platform as they find it: clocks and sensors are looked
 * for, and a check that needs one of a kind is skipped where there is none. Clocks are set to rates that they say
 * they have; nothing that minds is to hang on them. Nothing is reset.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_SCMI_KIT_H
#define HARNESS_CHECK_SCMI_KIT_H

#include "harness/check/check.h"
#include "harness/device/scmi.h"

#define SCK_HEAD	(SCMI_HEADER + SCMI_STATUS) /* of a response */
#define SCK_P2A		BIT_ULL(SCMI_P2A)
#define SCK_CMD(n)	"v14.scmi.cmdq.dev." #n
#define SCK_EV(n)	"v14.scmi.eventq.dev." #n
#define SCK_ALIVE	"ROB.live.bad-request"
#define SCK_NEEDS	.device = VIRTIO_ID_SCMI
#define SCK_NEEDS_P2A	.device = VIRTIO_ID_SCMI, .features = SCK_P2A, .queues = 2
#define SCK_UNSET	0xa5
#define SCK_SLOTS	64  /* commands in flight */
#define SCK_ROOM	160 /* bytes for a response, when nothing else is said */
#define SCK_EVENTS	16  /* buffers on the event queue */
#define SCK_EVENT	128 /* bytes of one */
#define SCK_LOOK_AT	8u  /* clocks, sensors and reset domains that are looked at */
#define SCK_LOOK_FOR	64u /* descriptions of sensors */
#define SCK_ANSWER(msg) ((msg)->at + SCMI_HEADER + SCMI_STATUS)

struct sck_msg {
	u8 protocol, message, type;
	u8 n; /* parameters */
	u32 param[SCMI_PARAMS_MAX];
	u32 token;
	u32 reserved;	 /* bits of the header that are */
	bool whole_room; /* `room` is meant, and not SCK_ROOM for 0 */
	u32 room;

	const u8 *at; /* the response, SCK_UNSET where nothing was written */
	u32 header;
	int status; /* of a response that has one */
	u32 used_len;
	unsigned turn; /* the how-many-th came back */
};

struct sck {
	struct tp_buf area, events;
	u32 next_token;
	unsigned fed; /* buffers that were put into the event queue */
	u32 event_size;
};

struct sck_event {
	u32 header, len;
	const u8 *at; /* the message */
};

/* Negotiate, with VIRTIO_SCMI_F_P2A_CHANNELS where `events`, and start the queues. */
bool sck_up(struct ck *c, struct sck *k, bool events);

/* How many of `want` commands there is room for at once. */
unsigned sck_room(const struct ck *c, unsigned want);
/* Up to SCK_SLOTS commands, made available at once; waits for all. An error when they do not come back. */
bool sck_run(struct ck *c, struct sck *k, struct sck_msg *m, unsigned n);
/* The same in two parts; they come back by sck_reap(), which says whether one did. */
bool sck_add(struct ck *c, struct sck *k, struct sck_msg *m, unsigned slot);
bool sck_reap(struct ck *c, struct sck *k, struct sck_msg *m, unsigned n, struct sck_msg **back);
/* A response as it came back is looked at: false when bytes outside of it were written. */
bool sck_take(struct ck *c, struct sck_msg *m);

/* One command with a status, or the check could not run. */
bool sck_ask(struct ck *c, struct sck *k, struct sck_msg *m);
/* One that must be obeyed, with `bytes` behind the status, or the check could not run. */
bool sck_do(struct ck *c, struct sck *k, struct sck_msg *m, u32 bytes);

/* --- the event queue ---------------------------------------------------------------------------------------- */

/* Put `n` buffers of `size` bytes into it. */
bool sck_feed(struct ck *c, struct sck *k, unsigned n, u32 size);
/* The next message, waiting for it: 1, 0 there is none, -1 it is over. Its buffer does not go back. */
int sck_event(struct ck *c, struct sck *k, struct sck_event *e);
/* The delayed response to a command, whatever else comes: 1, 0, -1. */
int sck_delayed(struct ck *c, struct sck *k, const struct sck_msg *m, struct sck_event *e);

/* --- what there is -------------------------------------------------------------------------------------------- */

/* Does the base protocol list it? 1, 0, or -1: it is over. */
int sck_has(struct ck *c, struct sck *k, u8 protocol);
/* How many clocks, sensors or reset domains there are; false: it is over. 0 where there is no such protocol. */
bool sck_count(struct ck *c, struct sck *k, u8 protocol, u32 *n);
/* Says MESSAGE_ATTRIBUTES that there is such a message? 1, 0, -1. */
int sck_says(struct ck *c, struct sck *k, u8 protocol, u8 message);
/* A sensor's lower attributes; false: it is over, or there is none such and it is skipped. */
bool sck_sensor(struct ck *c, struct sck *k, u32 id, u32 *low);

/* The first and the last rate of a clock: false, it is over. *last is 0 where it has one or none. */
bool sck_rates(struct ck *c, struct sck *k, u32 clock, u64 *first, u64 *last);
struct sck_msg sck_set_rate(u32 flags, u32 clock, u64 rate);

/* A command that is answered later: of a sensor, or else of a clock. 1, 0 there is none, -1 it is over. */
int sck_async(struct ck *c, struct sck *k, struct sck_msg *m);

/* A good command is obeyed, or `clause` is broken. */
bool sck_alive(struct ck *c, struct sck *k, const char *clause, const char *after);

#endif

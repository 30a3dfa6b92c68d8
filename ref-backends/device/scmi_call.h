/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the core of the SCMI device and its protocols: a command that is being obeyed. Freestanding. */
#ifndef REF_BACKENDS_DEVICE_SCMI_CALL_H
#define REF_BACKENDS_DEVICE_SCMI_CALL_H

#include <string.h>

#include "ref-backends/device/scmi.h"
#include "ref-backends/virtqueue/seg.h"

#define SCMI_PARAMS_MAX 20

struct scmi_call {
	struct rscmi *s;
	u32 header;
	u8 params[SCMI_PARAMS_MAX]; /* zero where there are none */
	u32 len;		    /* of them */
	u32 room;		    /* for what is behind the status */
	u8 out[SCMI_ANSWER_MAX];
	u32 out_len;
};

/* A message of a protocol. A word of its parameters is told by its number, counted from 1; 0: none. */
struct scmi_command {
	int (*run)(struct scmi_call *c); /* its status; NULL: there is no such message */
	u8 params;			 /* bytes that it takes at least */
	u8 answer;			 /* bytes that are behind the status at least */
	u8 notify;			 /* the word whose bit 0 asks for a notification */
	u8 async;			 /* the word that has `async_bit`, for a delayed response */
	u8 async_bit;
	u8 at_once; /* bytes more than `answer`, when none is asked for */
};

struct scmi_protocol {
	u8 id, num; /* of messages */
	u32 version;
	const struct scmi_command *commands;
	u32 answer; /* bytes of its attributes */
	void (*attributes)(struct scmi_call *c);
	/* What it has to tell: the payload of a notification and its number; 0 when there is none. */
	u32 (*event)(struct rscmi *s, u8 *payload, u8 *message);
	u32 event_max; /* bytes */
};

extern const struct scmi_protocol scmi_base_protocol, scmi_clock_protocol, scmi_sensor_protocol,
	scmi_reset_protocol;

/* The base protocol, and those that it lists. */
#define SCMI_PROTOCOLS 4
extern const struct scmi_protocol *const scmi_protocols[SCMI_PROTOCOLS];

static inline u32 scmi_get(const u8 *at)
{
	return at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

static inline void scmi_put(u8 *at, u32 word)
{
	const u32 le = le32(word);

	memcpy(at, &le, 4);
}

static inline void scmi_put64(u8 *at, u64 v)
{
	scmi_put(at, (u32)v);
	scmi_put(at + 4, (u32)(v >> 32));
}

/* Parameter `i`. */
static inline u32 scmi_param(const struct scmi_call *c, u32 i)
{
	return scmi_get(c->params + 4 * i);
}

/* A word more in the answer; room was asked for before. */
static inline void scmi_word(struct scmi_call *c, u32 word)
{
	scmi_put(c->out + c->out_len, word);
	c->out_len += 4;
}

static inline void scmi_word64(struct scmi_call *c, u64 v)
{
	scmi_word(c, (u32)v);
	scmi_word(c, (u32)(v >> 32));
}

/* A name of SCMI_NAME bytes, which is cut, or of SCMI_NAME_LONG. */
void scmi_text(struct scmi_call *c, const char *name, u32 size);
bool scmi_is_long(const char *name);
/* CLOCK_NAME_GET and the like: flags and the whole name. */
int scmi_whole_name(struct scmi_call *c, const char *name);

static inline bool scmi_room(const struct scmi_call *c, u32 more)
{
	return c->out_len + more <= MIN(c->room, (u32)SCMI_ANSWER_MAX);
}

/* What a fault makes of something that is `due` to be so. */
bool scmi_is(struct rscmi *s, enum scmi_what what, bool due);

/* May this agent use it? `bits` is a device's list of them: offsetof(struct scmi_device, clocks) and so on. */
bool scmi_allowed(struct rscmi *s, u8 protocol, size_t bits, u32 id);

/* Does the agent see notifications and delayed responses? */
bool scmi_says_events(struct rscmi *s);

/* --- scmi_event.c ------------------------------------------------------------------------------------------- */

/* Room for a delayed response to this command; NULL: there is none, BUSY. It comes `us` from now. */
struct scmi_pending *scmi_delay(struct scmi_call *c, u32 id, u32 us);
/* A command was not obeyed and nobody gets to know it by a response. */
void scmi_error(struct rscmi *s, u32 header, int status);

/* There may be more to tell, and at another time. */
void scmi_look(struct rscmi *s);

bool scmi_event_ready(struct rscmi *s);
void scmi_serve_event(struct rscmi *s, struct rdev_req *req);

/* What is due of each protocol's own. */
void scmi_clock_done(struct rscmi *s, struct scmi_pending *p);
void scmi_reset_done(struct rscmi *s, struct scmi_pending *p);
void scmi_sensor_done(struct rscmi *s, struct scmi_pending *p);
/* Sensors that are to be sampled are; when the next is: SCMI_NEVER. */
u64 scmi_sensor_tick(struct rscmi *s, u64 now);

/* All of it as at first, for an agent: what BASE_RESET_AGENT_CONFIGURATION does, and a reset of the device. */
void scmi_clock_init(struct rscmi *s);
void scmi_reset_init(struct rscmi *s);
void scmi_sensor_init(struct rscmi *s);

#endif

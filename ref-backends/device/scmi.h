/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SCMI device (VIRTIO 1.4, 5.17): the platform's side of Arm's System Control and Management Interface 3.2, for
 * one agent of it. Protocols: base, clock, sensor, reset domain; delayed responses and notifications on the event
 * queue.
 *
 * What there is, clocks and sensors and who may have them, stands in a table that does not change; what they do is
 * behind struct scmi_hw. The core has what agents may know and want.
 *
 * Decisions where the texts leave a choice:
 *  - a command is answered where there is room for the header and a status; without room for what it is to return
 *    nothing is done, and the status is PROTOCOL_ERROR. Where there is less room than that nothing is written;
 *  - so is a command without all of its parameters; more bytes than it has are not looked at;
 *  - what is no command (type 1 to 3), and reserved bits of the header: PROTOCOL_ERROR;
 *  - notifications wait for a buffer, one of each kind and source, with what is true when they are sent; base errors
 *    are collected. Delayed responses wait without limit of time: there are SCMI_PENDING, and then BUSY;
 *  - a buffer that is too small for a notification stays in the queue, and the notification is left out; one that is
 *    too small for a delayed response gets a failed one (PROTOCOL_ERROR), and is returned empty when it has no room
 *    for that either;
 *  - an agent is told of changes of its own making, too;
 *  - who has no permission for a device may see what belongs to it, and neither use nor change it;
 *  - an entry of BASE_ERROR_EVENT is the command's header, and its status in the upper half.
 *
 * Freestanding; all of it belongs to one thread.
 */
#ifndef REF_BACKENDS_DEVICE_SCMI_H
#define REF_BACKENDS_DEVICE_SCMI_H

#include <linux/virtio_scmi.h>

#include "harness/spec/scmi.h"
#include "ref-backends/device/device.h"

#define SCMI_CMDQ   VIRTIO_SCMI_VQ_TX
#define SCMI_EVENTQ VIRTIO_SCMI_VQ_RX

#define SCMI_MAX	   32 /* clocks; so many reset domains, and sensors */
#define SCMI_AGENTS_MAX	   8
#define SCMI_DEVICES_MAX   16
#define SCMI_RATES_MAX	   16
#define SCMI_INTERVALS_MAX 4
#define SCMI_TRIPS_MAX	   4
#define SCMI_PENDING	   24  /* delayed responses that are due, or wait */
#define SCMI_PENDING_OF	   8   /* of one protocol */
#define SCMI_ANSWER_MAX	   512 /* bytes behind the status: lists come in parts */
#define SCMI_ERRORS	   8   /* base errors that are collected */

/* --- the table ------------------------------------------------------------------------------------------- */

struct scmi_agent {
	char name[SCMI_NAME];
	bool trusted;		     /* it may say what others may have */
	u8 denied[SCMI_DEVICES_MAX]; /* protocols, SCMI_DENY() */
};

/* A bit for each protocol that has resources. */
#define SCMI_DENY(protocol) ((u8)(1u << ((protocol)-SCMI_CLOCK)))
#define SCMI_DENY_ALL	    (SCMI_DENY(SCMI_CLOCK) | SCMI_DENY(SCMI_SENSOR) | SCMI_DENY(SCMI_RESET))

/* What belongs together; what belongs to no device is everybody's. */
struct scmi_device {
	char name[SCMI_NAME_LONG];
	u32 clocks, resets, sensors; /* bits */
};

struct scmi_clock {
	char name[SCMI_NAME_LONG];
	u64 rates[SCMI_RATES_MAX]; /* ascending; of a range: lowest, highest, step */
	u8 num_rates;
	bool range;
	u64 rate; /* at first */
	bool enabled;
	u32 latency_us; /* until it runs at another rate */
	bool stuck;	/* it never does */
};

struct scmi_reset {
	char name[SCMI_NAME_LONG];
	u32 latency_us;
	bool stuck;
};

enum scmi_wave {
	SCMI_WAVE_STILL,    /* low */
	SCMI_WAVE_RAMP,	    /* from low to high, and again */
	SCMI_WAVE_TRIANGLE, /* and back */
	SCMI_WAVE_SQUARE,
	SCMI_WAVE_NOISE,   /* anything between, a new one each `period` / 64 */
	SCMI_WAVE_FOLLOWS, /* what `clock` takes: low when it is disabled, high at its highest rate */
};

struct scmi_sensor {
	char name[SCMI_NAME_LONG];
	u8 type;
	int8_t scale; /* of ten: readings are in 10^scale of what `type` says */
	enum scmi_wave wave;
	int32_t low, high;
	u32 period_ms;
	u8 clock;
	u8 trips;
	u32 intervals_ms[SCMI_INTERVALS_MAX]; /* ascending; the first is the usual one */
	u8 num_intervals;
	u32 latency_us; /* of a reading that is delayed */
};

struct scmi_platform {
	char vendor[SCMI_NAME], sub_vendor[SCMI_NAME];
	u32 version;
	struct scmi_agent agents[SCMI_AGENTS_MAX]; /* their ids are one more: 0 is the platform */
	struct scmi_device devices[SCMI_DEVICES_MAX];
	struct scmi_clock clocks[SCMI_MAX];
	struct scmi_reset resets[SCMI_MAX];
	struct scmi_sensor sensors[SCMI_MAX];
	u8 num_agents, num_devices, num_clocks, num_resets, num_sensors;
};

/* --- what it works on ---------------------------------------------------------------------------------------- */

struct scmi_hw;
struct rscmi;

/* Those that may fail return a status, SCMI_SUCCESS or another. */
struct scmi_hw_ops {
	/* The device's first queue is opened, its last closed. May be NULL. */
	int (*open)(struct scmi_hw *hw, struct reactor *reactor);
	void (*close)(struct scmi_hw *hw);
	u64 (*now)(struct scmi_hw *hw); /* nanoseconds, never less than before */
	/* Call rscmi_alarm() at that time, or later; never: SCMI_NEVER. Each call replaces the one before. */
	void (*alarm)(struct scmi_hw *hw, u64 at);
	/* Where the alarm and a reset of the device come from different threads: only one of them. Else NULL. */
	void (*guard)(struct scmi_hw *hw, bool enter);
	void (*reset)(struct scmi_hw *hw); /* all is as at first */
	int (*clock_rate)(struct scmi_hw *hw, u32 clock, u64 rate);
	int (*clock_enable)(struct scmi_hw *hw, u32 clock, bool enable);
	/* Into reset, out of it; `pulse`: both. */
	int (*reset_domain)(struct scmi_hw *hw, u32 domain, bool assert, bool pulse);
	int (*read)(struct scmi_hw *hw, u32 sensor, int64_t *value);
};

#define SCMI_NEVER (~0ull)

struct scmi_hw {
	const struct scmi_hw_ops *ops;
	struct rscmi *scmi;
};

/* --- the device ------------------------------------------------------------------------------------------------ */

/* For faults: what can be otherwise. */
enum scmi_what {
	SCMI_HAS_EVENTS,  /* notifications and delayed responses, as far as commands are answered */
	SCMI_SAYS_EVENTS, /* and as far as is told of them */
	SCMI_WAITS,	  /* a delayed response, for a buffer */
	SCMI_ALLOWED,	  /* to use a resource */
	SCMI_READ,	  /* of a sensor's readings, as it asked */
	SCMI_TOLD,	  /* of a clock's change that it asked to be told of */
};

/* A delayed response: it comes at `due`, and waits for a buffer from then on. */
struct scmi_pending {
	bool used, done;
	bool silent; /* nobody wants to know, unless it fails */
	u32 header;  /* of the command */
	u32 id;
	u64 due;
	u64 order; /* in which they were asked for; of those that are done, in which they were */
	u64 rate, stamp; /* of a clock; when a sensor was read */
	int64_t value;
	int status;
	u32 flags, state; /* of RESET */
};

struct scmi_of_clock {
	u64 rate; /* that was set last */
	bool enabled;
	bool notify, notify_asked; /* the agent wants to know */
	bool changed, asked;	   /* it is to be told */
};

struct scmi_of_reset {
	bool notify, issued;
	u32 state;
};

struct scmi_trip {
	u8 at; /* SCMI_TRIP_UP, SCMI_TRIP_DOWN */
	u8 due;
	int64_t value;
};

struct scmi_of_sensor {
	bool enabled, stamps, updates, trips_told;
	bool updated; /* it is to be told of */
	u32 interval_ms;
	u64 next; /* sample; SCMI_NEVER: none is needed */
	bool sampled;
	int64_t value; /* of the last one */
	u64 stamp;
	struct scmi_trip trips[SCMI_TRIPS_MAX];
};

struct rscmi {
	struct rdev dev;
	const struct scmi_platform *p;
	struct scmi_hw *hw;
	u32 agent; /* the id of the one that this is the device of */
	u64 features;
	u16 open; /* queues */
	u8 denied[SCMI_AGENTS_MAX][SCMI_DEVICES_MAX];

	bool tell_errors;
	u64 errors[SCMI_ERRORS];
	u32 num_errors;
	u64 order;
	struct scmi_pending pending[SCMI_PENDING];
	struct scmi_of_clock clocks[SCMI_MAX];
	struct scmi_of_reset resets[SCMI_MAX];
	struct scmi_of_sensor sensors[SCMI_MAX];
};

/* `agent` counts from 1; the table stays the caller's. */
void rscmi_init(struct rscmi *s, const struct scmi_platform *p, struct scmi_hw *hw, u32 agent);

/* It is later: what is due happens. On the device's thread. */
void rscmi_alarm(struct rscmi *s);

/*
 * For who watches commands: how many bytes its response takes at least, header and status included; and whether it
 * asks for a notification or a delayed response. `params` are those that the chain has, up to 16 bytes.
 */
u32 rscmi_response_size(u32 header, const u8 *params, u32 len);
bool rscmi_wants_event(u32 header, const u8 *params, u32 len);

#endif

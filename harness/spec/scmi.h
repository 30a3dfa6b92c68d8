/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of the Arm System Control and Management Interface, version 3.2 (DEN0056E): protocols, messages, status
 * codes and bits. What messages look like each half has for itself. A message is a header and words, all little
 * endian.
 */
#ifndef HARNESS_SPEC_SCMI_H
#define HARNESS_SPEC_SCMI_H

#include "harness/spec/types.h"

/* --- the header ------------------------------------------------------------------------------------------ */

#define SCMI_BIT(n) (1u << (n))

#define SCMI_HEADER 4 /* bytes */
#define SCMI_STATUS 4

#define SCMI_TOKENS 1024 /* there are so many */

enum scmi_message_type {
	SCMI_COMMAND = 0, /* and its response */
	SCMI_DELAYED = 2,
	SCMI_NOTIFICATION = 3,
};

/* [27:18] token, [17:10] protocol, [9:8] type, [7:0] message; what is above is reserved. */
static inline u32 scmi_header(u32 token, u32 protocol, u32 type, u32 message)
{
	return (token % SCMI_TOKENS) << 18 | (protocol & 0xff) << 10 | (type & 3) << 8 |
	       (message & 0xff);
}

static inline u32 scmi_token_of(u32 header)
{
	return header >> 18 & (SCMI_TOKENS - 1);
}

static inline u8 scmi_protocol_of(u32 header)
{
	return (u8)(header >> 10);
}

static inline u8 scmi_type_of(u32 header)
{
	return header >> 8 & 3;
}

static inline u8 scmi_message_of(u32 header)
{
	return (u8)header;
}

/* --- status codes ------------------------------------------------------------------------------------------ */

#define SCMI_SUCCESS		0
#define SCMI_NOT_SUPPORTED	(-1)
#define SCMI_INVALID_PARAMETERS (-2)
#define SCMI_DENIED		(-3)
#define SCMI_NOT_FOUND		(-4)
#define SCMI_OUT_OF_RANGE	(-5)
#define SCMI_BUSY		(-6)
#define SCMI_COMMS_ERROR	(-7)
#define SCMI_GENERIC_ERROR	(-8)
#define SCMI_HARDWARE_ERROR	(-9)
#define SCMI_PROTOCOL_ERROR	(-10)

/* --- protocols --------------------------------------------------------------------------------------------- */

#define SCMI_BASE    0x10
#define SCMI_POWER   0x11
#define SCMI_SYSTEM  0x12
#define SCMI_PERF    0x13
#define SCMI_CLOCK   0x14
#define SCMI_SENSOR  0x15
#define SCMI_RESET   0x16
#define SCMI_VOLTAGE 0x17
#define SCMI_CAPPING 0x18
#define SCMI_PINCTRL 0x19
#define SCMI_VENDOR  0x80 /* from there on */

#define SCMI_NAME      16 /* bytes of a name, with its zero */
#define SCMI_NAME_LONG 64

/* Messages that each protocol has. */
enum {
	SCMI_VERSION = 0x0,
	SCMI_ATTRIBUTES = 0x1,
	SCMI_MESSAGE_ATTRIBUTES = 0x2,
	SCMI_NEGOTIATE_VERSION = 0x10,
};

enum {
	SCMI_BASE_VENDOR = 0x3,
	SCMI_BASE_SUB_VENDOR = 0x4,
	SCMI_BASE_IMPLEMENTATION = 0x5,
	SCMI_BASE_PROTOCOLS = 0x6,
	SCMI_BASE_AGENT = 0x7,
	SCMI_BASE_NOTIFY_ERRORS = 0x8,
	SCMI_BASE_DEVICE_PERMISSIONS = 0x9,
	SCMI_BASE_PROTOCOL_PERMISSIONS = 0xa,
	SCMI_BASE_RESET_AGENT = 0xb,
};

#define SCMI_AGENT_PLATFORM 0
#define SCMI_AGENT_SELF	    0xffffffffu /* who asks, in BASE_DISCOVER_AGENT */
#define SCMI_ALLOW	    SCMI_BIT(0) /* of permissions */
#define SCMI_RESET_ALLOWED  SCMI_BIT(0) /* of RESET_AGENT_CONFIGURATION: permissions, too */

enum {
	SCMI_CLOCK_ATTRIBUTES = 0x3,
	SCMI_CLOCK_RATES = 0x4,
	SCMI_CLOCK_RATE_SET = 0x5,
	SCMI_CLOCK_RATE_GET = 0x6,
	SCMI_CLOCK_CONFIG_SET = 0x7,
	SCMI_CLOCK_NAME = 0x8,
	SCMI_CLOCK_RATE_NOTIFY = 0x9,
	SCMI_CLOCK_REQUEST_NOTIFY = 0xa,
	SCMI_CLOCK_CONFIG_GET = 0xb,
};

/* Attributes of a clock. */
#define SCMI_CLOCK_ENABLED	  SCMI_BIT(0)
#define SCMI_CLOCK_HAS_NAME	  SCMI_BIT(29) /* a longer one */
#define SCMI_CLOCK_NOTIFIES_ASKED SCMI_BIT(30)
#define SCMI_CLOCK_NOTIFIES	  SCMI_BIT(31)
/* Number of rates. */
#define SCMI_RATES_TRIPLET SCMI_BIT(12) /* lowest, highest, step */
/* Flags of CLOCK_RATE_SET. */
#define SCMI_RATE_ASYNC	  SCMI_BIT(0)
#define SCMI_RATE_SILENT  SCMI_BIT(1) /* no delayed response */
#define SCMI_RATE_UP	  SCMI_BIT(2)
#define SCMI_RATE_CLOSEST SCMI_BIT(3)

enum {
	SCMI_RESET_ATTRIBUTES = 0x3,
	SCMI_RESET_RESET = 0x4,
	SCMI_RESET_NOTIFY = 0x5,
	SCMI_RESET_NAME = 0x6,
};

#define SCMI_RESET_HAS_NAME   SCMI_BIT(29)
#define SCMI_RESET_NOTIFIES   SCMI_BIT(30)
#define SCMI_RESET_HAS_ASYNC  SCMI_BIT(31)
#define SCMI_RESET_AUTONOMOUS SCMI_BIT(0) /* flags of RESET */
#define SCMI_RESET_ASSERT     SCMI_BIT(1)
#define SCMI_RESET_ASYNC      SCMI_BIT(2)
#define SCMI_RESET_ARCH	      SCMI_BIT(31) /* of a reset state */

enum {
	SCMI_SENSOR_DESCRIPTION = 0x3,
	SCMI_SENSOR_TRIP_NOTIFY = 0x4,
	SCMI_SENSOR_TRIP_CONFIG = 0x5,
	SCMI_SENSOR_READING = 0x6,
	SCMI_SENSOR_AXIS = 0x7,
	SCMI_SENSOR_INTERVALS = 0x8,
	SCMI_SENSOR_CONFIG_GET = 0x9,
	SCMI_SENSOR_CONFIG_SET = 0xa,
	SCMI_SENSOR_UPDATE_NOTIFY = 0xb,
	SCMI_SENSOR_NAME = 0xc,
};

/* Of a sensor's description: the lower attributes, the higher ones. */
#define SCMI_SENSOR_TRIPS      0xffu
#define SCMI_SENSOR_EXTENDED   SCMI_BIT(8)
#define SCMI_SENSOR_STAMPS     SCMI_BIT(9)
#define SCMI_SENSOR_STAMP_EXP  10 /* five bits */
#define SCMI_SENSOR_HAS_NAME   SCMI_BIT(29)
#define SCMI_SENSOR_UPDATES    SCMI_BIT(30)
#define SCMI_SENSOR_HAS_ASYNC  SCMI_BIT(31)
#define SCMI_SENSOR_SCALE      11 /* five bits */
#define SCMI_READ_ASYNC	       SCMI_BIT(0)
#define SCMI_SENSOR_ENABLED    SCMI_BIT(0) /* of a configuration */
#define SCMI_SENSOR_STAMPED    SCMI_BIT(1)
#define SCMI_SENSOR_ROUND      9  /* two bits: down, up, as it likes */
#define SCMI_SENSOR_INTERVAL   11 /* five bits of exponent, and sixteen above */
#define SCMI_INTERVALS_SEGMENT SCMI_BIT(12)
#define SCMI_TRIP_UP	       SCMI_BIT(0)
#define SCMI_TRIP_DOWN	       SCMI_BIT(1)
#define SCMI_TRIP_ID	       4	    /* eight bits */
#define SCMI_TRIP_WAS_UP       SCMI_BIT(16) /* of a trip point's description */

/* Types of sensors. */
#define SCMI_SENSOR_CELSIUS 2
#define SCMI_SENSOR_VOLTS   5
#define SCMI_SENSOR_AMPS    6
#define SCMI_SENSOR_WATTS   7
#define SCMI_SENSOR_HERTZ   13

/* Notifications; the numbers are a protocol's own. */
enum {
	SCMI_BASE_ERROR = 0x0,
	SCMI_CLOCK_CHANGED = 0x0,
	SCMI_CLOCK_CHANGE_ASKED = 0x1,
	SCMI_RESET_ISSUED = 0x0,
	SCMI_SENSOR_TRIPPED = 0x0,
	SCMI_SENSOR_UPDATED = 0x1,
};

#define SCMI_NOTIFY_ENABLE SCMI_BIT(0)
#define SCMI_ERROR_FATAL   SCMI_BIT(31)

#endif

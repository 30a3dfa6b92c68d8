// SPDX-License-Identifier: BSD-3-Clause
/* SCMI device: what its protocols say of themselves, and what an agent may do. */
#include "harness/check/scmi_kit.h"

#define DISCOVERY  "ROB.scmi.discovery"
#define RATE	   "ROB.scmi.clock"
#define PERMISSION "ROB.scmi.permission"

/* --- what there is ---------------------------------------------------------------------------------------------- */

static void protocols(struct ck *c)
{
	struct sck_msg attributes = { .protocol = SCMI_BASE, .message = SCMI_ATTRIBUTES };
	u32 counted, listed = 0;
	struct sck k;

	if (!sck_up(c, &k, false) || !sck_do(c, &k, &attributes, 4))
		return;
	counted = scmi_word(SCK_ANSWER(&attributes), 0) & 0xff;
	for (u32 p = SCMI_BASE; p < 0x100; p = p == SCMI_PINCTRL ? SCMI_VENDOR : p + 1) {
		struct sck_msg version = { .protocol = (u8)p, .message = SCMI_VERSION };
		struct sck_msg its = { .protocol = (u8)p, .message = SCMI_ATTRIBUTES };
		const int has = p == SCMI_BASE ? 1 : sck_has(c, &k, (u8)p);

		if (has < 0)
			return;
		listed += has && p != SCMI_BASE;
		if (!has)
			continue;
		if (!sck_ask(c, &k, &version) || !sck_ask(c, &k, &its))
			return;
		if (version.status || its.status || version.used_len != SCK_HEAD + 4) {
			ck_fail(c, DISCOVERY, "each protocol that is listed answers",
				"protocol 0x%02x: status %d and %u bytes of VERSION, %d of "
				"ATTRIBUTES",
				p, version.status, version.used_len, its.status);
			return;
		}
		for (u32 m = SCMI_VERSION; m <= SCMI_MESSAGE_ATTRIBUTES; m++) {
			const int says = sck_says(c, &k, (u8)p, (u8)m);

			if (says < 0)
				return;
			if (!says) {
				ck_fail(c, DISCOVERY, "what it answers it says it has",
					"message %u of protocol 0x%02x is not there", m, p);
				return;
			}
		}
	}
	if (listed != counted)
		ck_fail(c, DISCOVERY, "as many protocols as are counted are listed",
			"%u are counted, and %u are listed", counted, listed);
}

CHECK(protocols, .id = "scmi.protocols.listed", .clauses = { DISCOVERY },
      .stimulus = "what the base protocol counts and lists, and each protocol's version and "
		  "attributes",
      .oracle = "they are as many, and each answers", SCK_NEEDS, .run = protocols);

static u32 description_size(u32 low)
{
	return 12 + SCMI_NAME + (low & SCMI_SENSOR_EXTENDED ? 24 : 0);
}

static void sensors(struct ck *c)
{
	u64 seen = 0;
	u32 n, i = 0;
	struct sck k;

	if (!sck_up(c, &k, false) || !sck_count(c, &k, SCMI_SENSOR, &n))
		return;
	if (!n) {
		ck_skip(c, "there are no sensors");
		return;
	}
	n = MIN(n, SCK_LOOK_FOR);
	while (i < n) {
		struct sck_msg m = { .protocol = SCMI_SENSOR,
				     .message = SCMI_SENSOR_DESCRIPTION,
				     .n = 1,
				     .param = { i } };
		u32 some, left, at = 4;

		if (!sck_do(c, &k, &m, 4))
			return;
		some = scmi_word(SCK_ANSWER(&m), 0) & 0xfff;
		left = MIN(m.used_len, m.room) - SCK_HEAD - 4;
		for (u32 d = 0; d < some && i < n; d++, i++) {
			const u8 *its = SCK_ANSWER(&m) + at;
			u32 id, size;

			size = left < 28 ? 28 : description_size(scmi_word(its, 1));
			/* Of sensors of several axes the length is not said here. */
			if (size > left) {
				ck_fail(c, DISCOVERY, "descriptions are whole",
					"%u are said to come, and number %u is cut", some, d);
				return;
			}
			id = scmi_word(its, 0);
			if (id >= SCK_LOOK_FOR || seen >> id & 1) {
				ck_fail(c, DISCOVERY, "each sensor is described once",
					"sensor %u is described %s", id,
					id >= SCK_LOOK_FOR ? "where there are not so many"
							   : "twice");
				return;
			}
			seen |= BIT_ULL(id);
			at += size;
			left -= size;
		}
		if (!some) {
			ck_fail(c, DISCOVERY, "all sensors are described",
				"%u are counted, and behind %u none comes", n, i);
			return;
		}
	}
}

CHECK(sensors, .id = "scmi.sensors.described", .clauses = { DISCOVERY },
      .stimulus = "the number of sensors, and the descriptions of all",
      .oracle = "each is described once", SCK_NEEDS, .run = sensors);

/* --- clocks ------------------------------------------------------------------------------------------------------ */

/* Set and got: 1, 0 it may not be set, -1 it is over. */
static int rate_stays(struct ck *c, struct sck *k, u32 clock, u64 rate)
{
	struct sck_msg set = sck_set_rate(0, clock, rate);
	struct sck_msg get = {
		.protocol = SCMI_CLOCK, .message = SCMI_CLOCK_RATE_GET, .n = 1, .param = { clock }
	};
	u64 got;

	if (!sck_ask(c, k, &set))
		return -1;
	if (set.status)
		return 0;
	if (!sck_do(c, k, &get, 8))
		return -1;
	got = scmi_word64(SCK_ANSWER(&get), 0);
	if (got == rate)
		return 1;
	ck_fail(c, RATE, "a rate that was set is got",
		"clock %u is set to %llu Hz, which it says it has, and then has %llu Hz", clock,
		(unsigned long long)rate, (unsigned long long)got);
	return -1;
}

static void clocks(struct ck *c)
{
	unsigned stayed = 0;
	struct sck k;
	u32 n;

	if (!sck_up(c, &k, false) || !sck_count(c, &k, SCMI_CLOCK, &n))
		return;
	for (u32 i = 0; i < MIN(n, SCK_LOOK_AT); i++) {
		u64 rates[2];

		if (!sck_rates(c, &k, i, &rates[0], &rates[1]))
			return;
		for (unsigned r = 0; r < 2; r++) {
			const int rc = rates[r] ? rate_stays(c, &k, i, rates[r]) : 0;

			if (rc < 0)
				return;
			stayed += (unsigned)rc;
		}
	}
	if (!stayed)
		ck_skip(c, n ? "no clock can be set" : "there are no clocks");
}

CHECK(clocks, .id = "scmi.clocks.rate", .clauses = { RATE },
      .stimulus = "clocks are set to the first and to the last rate that they say they have",
      .oracle = "that is the rate that is got then", SCK_NEEDS, .run = clocks);

/* --- permissions ------------------------------------------------------------------------------------------------- */

/* Who this is; 0: it is over. */
static u32 own_agent(struct ck *c, struct sck *k)
{
	struct sck_msg m = {
		.protocol = SCMI_BASE, .message = SCMI_BASE_AGENT, .n = 1, .param = { ~0u }
	};

	if (!sck_ask(c, k, &m))
		return 0;
	if (m.status || MIN(m.used_len, m.room) < SCK_HEAD + 4 || !scmi_word(SCK_ANSWER(&m), 0)) {
		ck_skip(c, "the platform does not say which agent this is");
		return 0;
	}
	return scmi_word(SCK_ANSWER(&m), 0);
}

static bool allow(struct ck *c, struct sck *k, u32 agent, u32 device, u32 flags, int *status)
{
	struct sck_msg m = { .protocol = SCMI_BASE,
			     .message = SCMI_BASE_DEVICE_PERMISSIONS,
			     .n = 3,
			     .param = { agent, device, flags } };

	if (!sck_ask(c, k, &m))
		return false;
	*status = m.status;
	return true;
}

/* Clocks that can be read, a bit each. */
static bool readable(struct ck *c, struct sck *k, u32 n, u32 *bits, u32 *denied)
{
	*bits = *denied = 0;
	for (u32 i = 0; i < n; i++) {
		struct sck_msg m = { .protocol = SCMI_CLOCK,
				     .message = SCMI_CLOCK_RATE_GET,
				     .n = 1,
				     .param = { i } };

		if (!sck_ask(c, k, &m))
			return false;
		*bits |= (u32)(m.status == SCMI_SUCCESS) << i;
		*denied |= (u32)(m.status == SCMI_DENIED) << i;
	}
	return true;
}

static void permissions(struct ck *c)
{
	u32 agent, n, before, after, denied, lost = 0;
	struct sck k;

	if (!sck_up(c, &k, false) || !sck_count(c, &k, SCMI_CLOCK, &n))
		return;
	agent = own_agent(c, &k);
	n = MIN(n, SCK_LOOK_AT);
	if (!agent || !readable(c, &k, n, &before, &denied))
		return;
	/* Which clock is of which device nobody tells. */
	for (u32 device = 0; device < SCK_LOOK_AT; device++) {
		int status, again;

		if (!allow(c, &k, agent, device, 0, &status))
			return;
		if (status == SCMI_NOT_SUPPORTED || status == SCMI_DENIED) {
			ck_skip(c, "this agent may not set permissions");
			return;
		}
		if (status)
			break;
		if (!readable(c, &k, n, &after, &denied) ||
		    !allow(c, &k, agent, device, SCMI_ALLOW, &again))
			return;
		lost |= before & ~after;
		if (before & ~after & ~denied) {
			ck_fail(c, PERMISSION, "DENIED (-3)",
				"what belongs to device %u is refused, but not with that status",
				device);
			return;
		}
		if (!readable(c, &k, n, &after, &denied))
			return;
		if (again || before & ~after) {
			ck_fail(c, PERMISSION, "what was allowed again can be used again",
				"device %u was denied and allowed again (status %d), and is still "
				"refused",
				device, again);
			return;
		}
	}
	if (before && !lost)
		ck_fail(c, PERMISSION, "what belongs to a device that is denied is DENIED",
			"the agent was denied each device, and could read each clock");
}

CHECK(permissions, .id = "scmi.permissions.denied", .clauses = { PERMISSION },
      .stimulus = "the agent takes each device from itself, reads its clocks, and allows it again",
      .oracle = "some clock is DENIED then, and no longer", SCK_NEEDS, .run = permissions);

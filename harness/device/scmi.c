// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/scmi.h"

#include <string.h>

const struct scmi_notify scmi_notifies[SCMI_NOTIFIES] = {
	{ SCMI_BASE, SCMI_BASE_NOTIFY_ERRORS, 1, false },
	{ SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, true },
	{ SCMI_CLOCK, SCMI_CLOCK_REQUEST_NOTIFY, 2, true },
	{ SCMI_SENSOR, SCMI_SENSOR_TRIP_NOTIFY, 2, true },
	{ SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, 2, true },
	{ SCMI_RESET, SCMI_RESET_NOTIFY, 2, true },
};

static void put(u8 *to, u32 word)
{
	const u32 le = le32(word);

	memcpy(to, &le, sizeof(le));
}

u32 scmi_command(u8 *to, u32 header, const u32 *params, u32 n)
{
	put(to, header);
	for (u32 i = 0; i < n; i++)
		put(to + SCMI_HEADER + 4 * i, params[i]);
	return SCMI_HEADER + 4 * n;
}

u32 scmi_word(const u8 *message, u32 i)
{
	u32 le;

	memcpy(&le, message + (size_t)4 * i, sizeof(le));
	return le32(le);
}

u64 scmi_word64(const u8 *message, u32 i)
{
	return scmi_word(message, i) | (u64)scmi_word(message, i + 1) << 32;
}

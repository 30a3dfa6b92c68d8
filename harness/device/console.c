// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/console.h"

static u32 get(const u8 *at, unsigned bytes)
{
	u32 v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (u32)at[i] << 8 * i;
	return v;
}

static void put(u8 *at, unsigned bytes, u32 v)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (u8)(v >> 8 * i);
}

void console_message(u8 *to, u32 port, u16 event, u16 value)
{
	put(to, 4, port);
	put(to + 4, 2, event);
	put(to + 6, 2, value);
}

bool console_read(const u8 *at, u32 len, struct console_said *said)
{
	if (len < CONSOLE_MESSAGE)
		return false;
	*said = (struct console_said){
		.port = get(at, 4),
		.event = (u16)get(at + 4, 2),
		.value = (u16)get(at + 6, 2),
		.more = at + CONSOLE_MESSAGE,
		.more_len = len - CONSOLE_MESSAGE,
	};
	return true;
}

bool console_read_size(const struct console_said *said, u16 *cols, u16 *rows)
{
	if (said->more_len < 4)
		return false;
	*cols = (u16)get(said->more, 2);
	*rows = (u16)get(said->more + 2, 2);
	return true;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/guest/out.h"

#include <string.h>

#include "harness/run/core/text.h"

/* Several frames: a check that passes says less than 200 bytes. */
#define ROOM (4 * FRAME_LINE_MAX)

static struct channel *channel;
static struct frame frame;
static struct wire wire;
static u32 next_seq;
static char buffer[ROOM];
static size_t used;

bool out_open(const char *spec)
{
	const size_t name = strcspn(spec, ":");

	for (struct channel *ch = arch_channels; ch->name; ch++) {
		if (strlen(ch->name) != name || strncmp(ch->name, spec, name) != 0)
			continue;
		if (!ch->open(ch, spec[name] ? spec + name + 1 : ""))
			return false;
		channel = ch;
		return true;
	}
	return false;
}

struct wire *out_begin(enum wire_kind kind)
{
	wire_write(&wire, &frame, kind);
	frame.seq = next_seq;
	return &wire;
}

void out_flush(void)
{
	if (channel && used)
		channel->write(channel, buffer, used);
	used = 0;
}

void out_end(bool whole)
{
	/* A message that does not fit is a mistake of ours: its frame is missed by its number. */
	next_seq++;
	if (!whole)
		return;
	if (used + FRAME_LINE_MAX > sizeof(buffer))
		out_flush();
	used += frame_encode(&frame, buffer + used);
}

u32 out_frames(void)
{
	return next_seq;
}

void out_text(enum wire_kind kind, const char *fmt, ...)
{
	static char text[1024];
	struct wire_text m = { text };
	va_list ap;

	va_start(ap, fmt);
	text_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_end(wire_text(out_begin(kind), &m));
}

void out_mark(const char *what, u64 ticks)
{
	struct wire_mark m = { what, ticks };

	out_end(wire_mark(out_begin(WIRE_MARK), &m));
}

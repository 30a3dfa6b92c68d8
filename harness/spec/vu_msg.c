// SPDX-License-Identifier: BSD-3-Clause
#include "harness/spec/vu_msg.h"

#include <stdio.h>

const struct vu_msg_spec *vu_msg_find(enum vu_chan chan, u32 id)
{
	for_each_vu_msg (m)
		if (m->chan == chan && m->id == id)
			return m;
	return NULL;
}

const char *vu_msg_name(enum vu_chan chan, u32 id)
{
	/* A few at a time, so that one line of output can name several. */
	static _Thread_local char unknown[4][24];
	static _Thread_local unsigned turn;
	const struct vu_msg_spec *m = vu_msg_find(chan, id);
	char *name;

	if (m)
		return m->name;
	name = unknown[turn++ % ARRAY_SIZE(unknown)];
	snprintf(name, sizeof(unknown[0]), "request-%u", id);
	return name;
}

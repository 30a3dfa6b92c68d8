// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "harness/probe/guest/guest.h"

/* SIZE@BASE:LINE[:ID], of which the size is not needed: all of it is a window's registers. */
static bool parse(const char *s, size_t len, struct window *w)
{
	char part[32], *colon;
	u64 line;

	for (; len && *s != '@'; len--)
		s++;
	if (len < 2 || len > sizeof(part))
		return false;
	memcpy(part, s + 1, len - 1);
	part[len - 1] = '\0';
	colon = strchr(part, ':');
	w->line = -1;
	if (colon) {
		*colon++ = '\0';
		colon[strcspn(colon, ":")] = '\0';
		if (!guest_number(colon, &line) || line > 1023)
			return false;
		w->line = (int)line;
	}
	return guest_number(part, &w->base) && w->base;
}

void windows_of_text(const char *text)
{
	static const char key[] = "virtio_mmio.device=";

	for (const char *at = text; (at = strstr(at, key));) {
		size_t len;

		at += sizeof(key) - 1;
		len = strcspn(at, " \t\r\n");
		if (machine.windows < MACHINE_WINDOWS &&
		    parse(at, len, &machine.window[machine.windows]))
			machine.windows++;
		at += len;
	}
}

// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "harness/probe/guest/guest.h"

bool guest_told(const char *key, u64 *value)
{
	const char *at = strstr(machine.text, key);
	char number[24];
	size_t len;

	if (!at)
		return false;
	at += strlen(key);
	len = strcspn(at, " \t\r\n");
	if (len >= sizeof(number))
		return false;
	memcpy(number, at, len);
	number[len] = '\0';
	return guest_number(number, value);
}

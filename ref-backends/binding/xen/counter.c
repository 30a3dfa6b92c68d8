// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/counter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_MAX (1u << 20)

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: the guest's counter: %s\n", what);
	return -1;
}

/* The last dump of this domain in the console's text. */
static const char *last_dump(const char *text, u32 domain)
{
	const char *found = NULL;
	char head[32];

	snprintf(head, sizeof(head), ">>> Domain %u <<<", domain);
	for (const char *at = text; (at = strstr(at, head)); at++)
		found = at;
	return found;
}

static bool parse(const char *text, u32 domain, u64 *offset)
{
	/* Of AMD's control block, and of Intel's. */
	static const char *const keys[] = { "tsc_offset = ", "TSC Offset = " };
	const char *at = last_dump(text, domain);

	for (size_t i = 0; at && i < ARRAY_SIZE(keys); i++) {
		const char *key = strstr(at, keys[i]);

		if (!key)
			continue;
		*offset = strtoull(key + strlen(keys[i]), NULL, 16);
		return true;
	}
	return false;
}

int xen_counter_offset(const struct xen_domain *d, u64 *offset)
{
	char key[] = "v";
	unsigned n = RING_MAX - 1;
	char *text = calloc(1, RING_MAX);
	u64 own = 0;
	bool found;

	if (!text || xc_send_debug_keys(d->xch, key) ||
	    xc_readconsolering(d->xch, text, &n, 0, 0, NULL)) {
		free(text);
		return failed(strerror(errno));
	}
	found = parse(text, d->id, offset);
	/* A dom0 that is a guest itself has an offset, too. */
	if (found && parse(text, 0, &own))
		*offset -= own;
	free(text);
	return found ? 0 : failed("the hypervisor's console does not tell");
}

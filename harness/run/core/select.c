// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/vehicle.h"
#include "harness/run/core/core.h"
#include "harness/run/core/glob.h"
#include "harness/run/core/text.h"

static bool clause_selected(const struct check *k, const char *glob)
{
	if (!glob)
		return true;
	for (unsigned i = 0; i < CHECK_CLAUSES && k->clauses[i]; i++)
		if (glob_match(glob, k->clauses[i]))
			return true;
	return false;
}

bool runner_goes_over(const struct check *k, const char *transport)
{
	if (!k->transport || !transport)
		return true;
	if (text_same(k->transport, CHECK_REGISTERS))
		return text_same(transport, "pci") || text_same(transport, "mmio");
	return text_same(k->transport, transport);
}

static const char *const ring_names[] = {
	[CHECK_RING_ANY] = "both",
	[CHECK_RING_SPLIT] = "split",
	[CHECK_RING_PACKED] = "packed",
};

bool core_parse_ring(const char *text, enum check_ring *ring)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ring_names); i++) {
		if (!text_same(text, ring_names[i]))
			continue;
		*ring = (enum check_ring)i;
		return true;
	}
	return false;
}

const char *core_ring_name(enum check_ring ring)
{
	return ring_names[ring];
}

bool core_is_about(const struct check *k, u32 device)
{
	if (!device)
		return true;
	return k->vehicle ? vehicle_of(device) != NULL : !k->device || k->device == device;
}

static bool selected(const struct core_choice *c, const struct check *k)
{
	return core_is_about(k, c->device) && runner_goes_over(k, c->transport) &&
	       (!c->ring || !k->ring || c->ring == k->ring) && glob_match(c->check_glob, k->id) &&
	       clause_selected(k, c->clause_glob);
}

static bool before(const struct check *a, const struct check *b)
{
	const char *p = a->id, *q = b->id;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	return (unsigned char)*p < (unsigned char)*q;
}

unsigned core_select(const struct core_choice *c, const struct check **out, unsigned room)
{
	unsigned n = 0;

	for_each_check (k) {
		unsigned at = n;

		if (!selected(c, *k))
			continue;
		n++;
		if (!out || at >= room)
			continue;
		/* A few hundred at most: putting each in its place is sorting enough. */
		for (; at > 0 && before(*k, out[at - 1]); at--)
			out[at] = out[at - 1];
		out[at] = *k;
	}
	return n;
}

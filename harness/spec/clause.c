// SPDX-License-Identifier: BSD-3-Clause
#include "harness/spec/clause.h"

#include <string.h>

#include "harness/spec/clause_id.h"

const struct clause *clause_find(const char *id)
{
	size_t from = 0, to = clause_count;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int cmp = clause_id_cmp(id, clause_table[mid].id);

		if (cmp == 0)
			return &clause_table[mid];
		if (cmp < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

const char *clause_level_name(enum clause_level level)
{
	static const char *const names[] = {
		[CLAUSE_MUST] = "MUST",	    [CLAUSE_MUST_NOT] = "MUST NOT",
		[CLAUSE_SHOULD] = "SHOULD", [CLAUSE_SHOULD_NOT] = "SHOULD NOT",
		[CLAUSE_MAY] = "MAY",
	};

	return names[level];
}

const char *clause_actor_name(enum clause_actor actor)
{
	return actor == CLAUSE_DEVICE ? "device" : "driver";
}

const char *clause_doc_name(enum clause_doc doc)
{
	static const char *const names[] = {
		[CLAUSE_DOC_VIRTIO] = "VIRTIO 1.4",
		[CLAUSE_DOC_VHOST_USER] = "vhost-user protocol",
		[CLAUSE_DOC_ROBUSTNESS] = "Ringside's robustness rules",
	};

	return names[doc];
}

const char *clause_where_name(enum clause_where bit)
{
	switch (bit) {
	case CLAUSE_AT_VHOST_USER:
		return "vhost-user";
	case CLAUSE_AT_MMIO:
		return "mmio";
	case CLAUSE_AT_PCI:
		return "pci";
	case CLAUSE_AT_GUEST:
		return "guest";
	case CLAUSE_AT_CCW:
		return "ccw";
	case CLAUSE_AT_DRIVER_SIDE:
		return "driver-side";
	}
	return "?";
}

const char *clause_device(const struct clause *c, size_t *len)
{
	const char *s;

	/* Device types are chapter 5 of VIRTIO; elsewhere a row says so in its feature column. */
	if (c->doc == CLAUSE_DOC_VIRTIO) {
		if (strncmp(c->number, "5.", 2) != 0)
			return NULL;
		s = strchr(c->id, '.') + 1;
		*len = strcspn(s, ".");
		return s;
	}
	s = strstr(c->feature, "device:");
	if (!s)
		return NULL;
	s += strlen("device:");
	*len = strcspn(s, ", ");
	return s;
}

bool clause_testable(const struct clause *c, unsigned where)
{
	unsigned seen = c->where & ~(unsigned)CLAUSE_AT_DRIVER_SIDE;

	return c->actor == CLAUSE_DEVICE && c->level != CLAUSE_MAY &&
	       !(c->flags & (CLAUSE_LEGACY | CLAUSE_NON_NORMATIVE)) &&
	       (where ? seen & where : seen);
}

/* Three parts (v14, area, topic); a ROB id has no more than its area before the topic. */
size_t clause_section_len(const char *id)
{
	unsigned dots = strncmp(id, "ROB.", 4) == 0 ? 2 : 3;
	size_t n;

	for (n = 0; id[n]; n++)
		if (id[n] == '.' && --dots == 0)
			break;
	return n;
}

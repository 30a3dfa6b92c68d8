// SPDX-License-Identifier: BSD-3-Clause
/* Faults of guest memory in several regions. */
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/vub_ring.h"

/* The memory that a front-end has who has not come to test tables. */
static bool usual_memory(const struct vub_session *s)
{
	return s->mem->n == 3 && s->mem->regions[0].size == 8 << 20;
}

static void *third_region_missing(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	const struct vub_region *r = &s->mem->regions[2];

	return usual_memory(s) && gpa >= r->gpa && gpa - r->gpa < r->size ? NULL : hva;
}

FAULT(region_third_missing, .name = "region-third-missing", .clause = "VU.mem.table.be.1",
      .summary = "does not find buffers in the last of three regions",
      .translate = third_region_missing);

/* `len` is what is contiguous from gpa on, at most what was asked for. */
static void *last_byte_missing(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	for (u32 i = 0; i < s->mem->n && usual_memory(s); i++) {
		const struct vub_region *r = &s->mem->regions[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size && gpa - r->gpa + len == r->size)
			return NULL;
	}
	return hva;
}

FAULT(region_last_byte_missing, .name = "region-last-byte-missing", .clause = "VU.mem.table.be.1",
      .summary = "refuses a buffer that ends with its region", .translate = last_byte_missing);

static const struct vub_region *region_of(const struct vub_session *s, u64 uva)
{
	for (u32 i = 0; i < s->mem->n; i++)
		if (uva - s->mem->regions[i].uva < s->mem->regions[i].size)
			return &s->mem->regions[i];
	return NULL;
}

/* Completions go where no driver looks. */
static enum fault_action used_elsewhere(struct dvq_split *vq, u32 *id, u32 *len)
{
	const struct vub_ring *r = fault_vub_ring(vq);

	return !r || vq->num > 8 || region_of(r->s, r->addr.used) == region_of(r->s, r->addr.desc)
		       ? FAULT_PASS
		       : FAULT_DONE;
}

FAULT(ring_one_region_only, .name = "ring-one-region-only", .clause = "VU.vring.addr.be.1",
      .summary = "loses a small used ring that is in another region than its descriptor table",
      .used = used_elsewhere);

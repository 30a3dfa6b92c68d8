/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory for a front-end: regions in memfds, each at a chosen guest address, a chosen user
 * address and a chosen offset into its file, with inaccessible pages around every mapping of ours.
 *
 * Guest, user and our own addresses are unlike each other on purpose: a back-end that mixes them up
 * does not get away with it.
 */
#ifndef HARNESS_TRANSPORT_VHOST_USER_MEMORY_H
#define HARNESS_TRANSPORT_VHOST_USER_MEMORY_H

#include "harness/spec/vu_proto.h"

struct vu_region {
	int fd; /* -1: not there */
	struct gpa gpa;
	struct uva uva;
	u64 size;
	u64 mmap_offset; /* of the region in its file */
	u8 *hva;	 /* our mapping of it */
};

/* What a region shall be. Sizes and offsets are multiples of the page size. */
struct vu_region_spec {
	u64 gpa, uva, size, mmap_offset;
};

/* 0, or -1 with errno set. */
int vu_region_create(struct vu_region *r, const struct vu_region_spec *spec);
void vu_region_destroy(struct vu_region *r);

static inline struct vu_mem_region vu_region_wire(const struct vu_region *r)
{
	return (struct vu_mem_region){ r->gpa.v, r->size, r->uva.v, r->mmap_offset };
}

#endif

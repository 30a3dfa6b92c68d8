/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front-end's memory: regions mapped from its descriptors, and translation of the two kinds of
 * address it uses. The table changes only while no ring is running; rings read it without locks.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_MEM_H
#define REF_BACKENDS_BINDING_VHOST_USER_MEM_H

#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/vhost_user/map.h"
#include "ref-backends/virtqueue/split.h"

/* Memory slots; what QEMU's and rust-vmm's sides of the protocol use as limit, too. */
#define VUB_MEM_SLOTS 509

struct vub_region {
	u64 gpa, uva, size;
	struct vub_map map; /* `at` is the region's first byte */
};

struct vub_mem {
	struct vub_region regions[VUB_MEM_SLOTS]; /* sorted by gpa */
	u32 n;
};

/*
 * Map one region from fd, which stays the caller's. NULL, or why it was refused: an empty or
 * wrapping range, more than the file holds (that would be a SIGBUS later), a descriptor that
 * cannot be mapped, an overlap, no free slot.
 */
const char *vub_mem_add(struct vub_mem *m, const struct vu_mem_region *r, int fd);
/* The same where the message says how: its descriptor may be a device of Xen's. */
const char *vub_mem_add_xen(struct vub_mem *m, const struct vu_mem_region_xen *r, int fd);

/* Unmap the region with these addresses and this size. False when there is none. */
bool vub_mem_remove(struct vub_mem *m, const struct vu_mem_region *r);

void vub_mem_clear(struct vub_mem *m);

/* Guest physical: *len is shortened to what is contiguous here. NULL when gpa is not in memory. */
void *vub_mem_gpa(const struct vub_mem *m, u64 gpa, u64 *len);

/* The region that gpa is in; left alone when there is none. */
void vub_mem_region(const struct vub_mem *m, u64 gpa, struct dvq_window *w);

/* User address: all `len` bytes must be in one region. */
void *vub_mem_uva(const struct vub_mem *m, u64 uva, u64 len);

/* The other way round, for the dirty log: guest address of a byte that was translated before. */
bool vub_mem_gpa_of(const struct vub_mem *m, const void *hva, u64 *gpa);

#endif

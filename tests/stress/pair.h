/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both halves of one virtqueue, so that a model can stand beside them: a thin layer that makes the split
 * and the packed ring look alike. What it is given is always legal.
 *
 * What the driver's functions touch and what the device's touch are apart, but for the ring itself: each
 * side may have a thread of its own.
 */
#ifndef TESTS_STRESS_PAIR_H
#define TESTS_STRESS_PAIR_H

#include "harness/virtqueue/vq.h"
#include "ref-backends/virtqueue/ring.h"

#define PAIR_SEGS 8 /* most pieces of a buffer */
/* Buffers are from here on; nobody touches them. */
#define PAIR_DATA 0x800000000000ull

struct pair_shape {
	bool packed;
	u16 size;
	bool event_idx, in_order;
	u16 start; /* free running index (split) or offset (packed) at which both sides begin */
	/* Data in [near, near + near_bytes) is where the device has what it takes the short way. */
	u64 near, near_bytes;
};

/* What the device has fetched and not yet returned. */
struct pair_chain {
	u32 id, slots;
	unsigned out, in;	    /* pieces */
	struct vq_sg sg[PAIR_SEGS]; /* as the device sees them */
};

struct pair {
	struct pair_shape shape;
	u8 *driver_ram, *device_ram; /* the same memory as each side sees it */
	u64 bytes;		     /* of it: the ring, then a table for each of its entries */
	u64 second, third, tables;   /* offsets; the descriptors are at 0 */
	/* The driver's. */
	struct vq vq;
	/* The device's. */
	struct dvq dvq;
};

/* Bytes of shared memory. */
u64 pair_bytes(const struct pair_shape *shape);
/* In memory of the caller's. The two views may be the same; `slots` has shape->size entries. */
void pair_init(struct pair *p, const struct pair_shape *shape, u8 *driver_ram, u8 *device_ram,
	       struct vq_slot *slots);
/* The queue is reset: what was outstanding is forgotten, and both sides begin anew. */
void pair_reset(struct pair *p);
/* What lies at this offset of shared memory: "avail.idx"; NULL when nothing may be there. */
const char *pair_place(const struct pair *p, u64 off, char *text, size_t room);

/* In memory of its own. */
struct pair *pair_make(const struct pair_shape *shape);
void pair_free(struct pair *p);

/* The driver's side; as the functions of the same names in virtqueue/split.h and packed.h. */
int pair_add(struct pair *p, const struct vq_sg *sg, unsigned out, unsigned in, bool indirect,
	     void *token);
void pair_publish(struct pair *p);
bool pair_kick_due(struct pair *p);
int pair_reap(struct pair *p, u32 *len, void **token);
bool pair_enable_calls(struct pair *p);
void pair_disable_calls(struct pair *p);

/* The device's. pair_fetch(): 1, 0 when nothing is available, -1 when the ring or chain is broken. */
int pair_fetch(struct pair *p, struct pair_chain *c);
void pair_push(struct pair *p, const struct pair_chain *c, u32 len);
/* The same in two steps: what was staged is seen by the driver at the flush. */
void pair_stage(struct pair *p, const struct pair_chain *c, u32 len);
void pair_flush(struct pair *p);
/* In order only: `n` chains, the oldest first, by one used element or descriptor. `len` is the last one's. */
void pair_stage_batch(struct pair *p, const struct pair_chain *c, unsigned n, u32 len);
bool pair_notify_due(struct pair *p);
bool pair_kick_enable(struct pair *p);
void pair_kick_disable(struct pair *p);

/* The same addresses and lengths. Not as bytes: there are some between the members. */
bool pair_same_pieces(const struct vq_sg *a, const struct vq_sg *b, unsigned count);

#endif

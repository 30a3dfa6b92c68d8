/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In-flight tracking ("Inflight I/O tracking"): what was taken from a ring and not yet returned stands in
 * memory that outlives this process, so that the next one can go on.
 *
 * The order of stores is what makes it work; each function names its step. Between any two of them
 * the process may be killed. A chain is marked before its request is carried out and cleared after
 * the used ring covers it, so that
 *
 *     chains fetched = chains used + chains in flight
 *
 * holds at any time for who knows the last batch (a split ring's used_idx, a packed ring's flags tell
 * whether it was interrupted). The contents are the front-end's: nothing in them is trusted to be an index.
 *
 * An entry stands for a chain: of a split ring it is the head, of a packed one it comes from a list of free
 * entries, one for each descriptor, which are copied since the ring does not keep them.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_INFLIGHT_H
#define REF_BACKENDS_BINDING_VHOST_USER_INFLIGHT_H

#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/vhost_user/map.h"
#include "ref-backends/virtqueue/packed.h"

struct vub_inflight {
	struct vub_map map;
	u64 size; /* bytes of it */
	u16 num_queues, queue_size;
};

#define VUB_INFLIGHT_ALIGN   64
#define VUB_INFLIGHT_VERSION 1

/* The front-end can look at any time, and this process can die at any time: no store is torn,
 * merged or moved over another. */
#define VUB_INFLIGHT_LOAD(field)	 __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define VUB_INFLIGHT_STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELEASE)

/* One queue's part. */
struct vub_inflight_queue {
	struct vu_inflight_split *shared;  /* NULL: no tracking, or a packed ring's */
	struct vu_inflight_packed *packed; /* likewise */
	u16 size;			   /* entries */
	bool recovered; /* it was in use before: by an earlier start, or process */
	u64 counter;	/* of the next request */
};

static inline bool vub_inflight_on(const struct vub_inflight_queue *q)
{
	return q->shared || q->packed;
}

/* Bytes for one queue, and for all. */
u64 vub_inflight_stride(bool packed, u16 queue_size);
u64 vub_inflight_bytes(bool packed, u16 num_queues, u16 queue_size);

/* Use this buffer from now on. NULL, or why it was refused (the old one stays). */
const char *vub_inflight_set(struct vub_inflight *f, bool packed, int fd,
			     const struct vu_inflight *desc);
void vub_inflight_clear(struct vub_inflight *f);

/* Is the buffer made for another layout, or are its queues smaller than `num`? NULL, or what is wrong. */
const char *vub_inflight_fits(const struct vub_inflight *f, bool packed, u16 queue, u32 num);

/*
 * A queue of `num` entries starts, whose used ring stands at `used_idx`. Finishes the batch that
 * was interrupted and writes the heads to be submitted again, in their order, to `heads` (num
 * places). Returns how many there are.
 */
u32 vub_inflight_open(struct vub_inflight *f, struct vub_inflight_queue *q, u16 queue, u32 num,
		      u16 used_idx, u16 *heads);

/* A head was taken from the available ring. */
void vub_inflight_get(struct vub_inflight_queue *q, u16 head);
/* Its used element is about to be published … */
void vub_inflight_put(struct vub_inflight_queue *q, u16 head);
/* … and was, with this used index. */
void vub_inflight_done(struct vub_inflight_queue *q, u16 head, u16 used_idx);
/* It went back to the available ring. */
void vub_inflight_undo(struct vub_inflight_queue *q, u16 head);

/*
 * The same for a packed ring (inflight_packed.c). Where it stands is in the buffer: a queue that was in use
 * before has vq->avail and vq->used moved there. Entries to be submitted again are written to `entries`.
 */
u32 vub_inflight_packed_open(struct vub_inflight *f, struct vub_inflight_queue *q, u16 queue,
			     struct dvq_packed *vq, u16 *entries);
/* Walk the chain of an entry that is to be submitted again. */
enum dvq_error vub_inflight_packed_walk(const struct vub_inflight_queue *q, u16 entry,
					struct dvq_packed *vq, struct dvq_chain *c);
/* The chain that vq has just taken; returns its entry. */
u16 vub_inflight_packed_get(struct vub_inflight_queue *q, const struct dvq_packed *vq,
			    const struct dvq_chain *c);
void vub_inflight_packed_put(struct vub_inflight_queue *q, u16 entry, const struct dvq_packed *vq);
void vub_inflight_packed_done(struct vub_inflight_queue *q, u16 entry);
void vub_inflight_packed_undo(struct vub_inflight_queue *q, u16 entry);

#endif

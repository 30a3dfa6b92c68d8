/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In-flight tracking ("Inflight I/O tracking", split virtqueues): which heads were taken and not
 * yet returned stands in memory that outlives this process, so that the next one can go on.
 *
 * The order of stores is what makes it work; each function names its step. Between any two of them
 * the process may be killed. A head is marked before its request is carried out and cleared after
 * the used index covers it, so that
 *
 *     heads fetched = used index + heads in flight
 *
 * holds at any time for who knows the last batch (used_idx tells whether it was interrupted). The
 * contents are the front-end's: nothing in them is trusted to be an index.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_INFLIGHT_H
#define REF_BACKENDS_BINDING_VHOST_USER_INFLIGHT_H

#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/vhost_user/map.h"

struct vub_inflight {
	struct vub_map map;
	u16 num_queues, queue_size;
};

/* One queue's part. */
struct vub_inflight_queue {
	struct vu_inflight_split *shared; /* NULL: no tracking */
	u16 size;			  /* entries */
	bool recovered; /* it was in use before: by an earlier start, or process */
	u64 counter;	/* of the next request */
};

/* Bytes for one queue, and for all. */
u64 vub_inflight_stride(u16 queue_size);
u64 vub_inflight_bytes(u16 num_queues, u16 queue_size);

/* Use this buffer from now on. NULL, or why it was refused (the old one stays). */
const char *vub_inflight_set(struct vub_inflight *f, int fd, const struct vu_inflight *desc);
void vub_inflight_clear(struct vub_inflight *f);

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

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* In-flight buffers for checks: got, made, given, and looked into ("Inflight I/O tracking"). */
#ifndef HARNESS_CHECK_VHOST_USER_INFLIGHT_IO_H
#define HARNESS_CHECK_VHOST_USER_INFLIGHT_IO_H

#include "harness/check/vhost_user/ring_io.h"

struct cki {
	int fd;			 /* -1: none */
	u8 *map;		 /* of a buffer that is ours */
	struct vu_inflight desc; /* as it goes into SET_INFLIGHT_FD */
};

/*
 * GET_INFLIGHT_FD as set-up. The buffer is the back-end's, which can cut it short at any time: it
 * is read and written through its descriptor, never mapped.
 */
bool cki_get(struct ck *c, struct cki *i, u16 queues, u16 size);
/* A buffer of our own, all zeroes, of the size that the back-end gives for these dimensions. */
bool cki_make(struct ck *c, struct cki *i, u16 queues, u16 size);
/* SET_INFLIGHT_FD as set-up. */
bool cki_send(struct ck *c, const struct cki *i);
void cki_free(struct cki *i);

/* The region of queue 0. */
static inline struct vu_inflight_split *cki_queue(const struct cki *i)
{
	return (struct vu_inflight_split *)i->map;
}

/*
 * Does the back-end keep its books as the text suggests? Only then can a check write into them.
 * Skips otherwise. A session of its own.
 */
bool cki_format_known(struct ck *c);

/*
 * Session, a zeroed buffer of ours for one queue of `size` entries, and ring 0 laid out with both
 * indices at `base`; neither told to the back-end yet.
 */
bool cki_prepare(struct ck *c, struct cki *i, u16 size, u32 base);

/* As after a crash: `head` was taken with this counter, and not returned. */
void cki_mark(struct cki *i, u16 head, u64 counter);

/* A read as a chain at `head` of ring 0's table (three descriptors), behind the driver's back. */
bool cki_chain(struct ck *c, struct blk_req *r, u16 head);

#define CKI_NEEDS                                                                                  \
	.pf = BIT_ULL(VU_PF_INFLIGHT_SHMFD), .device = VIRTIO_ID_BLOCK, .own_session = true

#endif

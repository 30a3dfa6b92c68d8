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

/* The books of a back-end that has returned `used` requests. */
void cki_books(struct cki *i, u16 used);
/* As after a crash: `head` was taken with this counter, and not returned. */
void cki_mark(struct cki *i, u16 head, u64 counter);

/*
 * A read as a chain at `head` of ring 0's table (three descriptors), behind the driver's back. Its addresses
 * are as much higher as those of the ring (ckv_elsewhere()).
 */
bool cki_chain(struct ck *c, struct blk_req *r, u16 head);

/* `n` heads were made available in ring 0 from index `at` on; the driver has seen none of them used. */
void cki_available(struct ck *c, const u16 *heads, unsigned n, u16 at);

/*
 * Ring 0 of 16 entries is laid out with both indices at `used`, and its buffer is all zeroes: now heads 6 and
 * 3 are in flight, and one more is available behind them. The back-end gets both, and starts at `base`. All
 * three are carried out and returned, each once; otherwise `clause` is broken.
 */
bool cki_resubmits(struct ck *c, struct cki *i, u16 used, u16 base, const char *when,
		   const char *clause);

#define CKI_NEEDS                                                                                  \
	.pf = BIT_ULL(VU_PF_INFLIGHT_SHMFD), .device = VIRTIO_ID_BLOCK, .own_session = true

#endif

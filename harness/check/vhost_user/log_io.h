/* SPDX-License-Identifier: BSD-3-Clause */
/* A dirty log for checks: the bitmap in a memfd, told to the back-end, and looked at ("Migration"). */
#ifndef HARNESS_CHECK_VHOST_USER_LOG_IO_H
#define HARNESS_CHECK_VHOST_USER_LOG_IO_H

#include "harness/check/vhost_user/ring_io.h"

#define CKL_PAGE 4096

struct ckl {
	int fd; /* -1: none */
	u8 *map;
	u64 map_len;
	u64 offset, size; /* of the bitmap in the file, in bytes */
};

/* Bytes of a bitmap that covers all guest memory. */
u64 ckl_bytes(const struct ck *c);

/* A bitmap of `size` bytes, all clear, `offset` bytes into a file with `behind` bytes after it. */
bool ckl_make(struct ck *c, struct ckl *l, u64 size, u64 offset, u64 behind);
void ckl_free(struct ckl *l);

/* SET_LOG_BASE, and its reply, as set-up. */
bool ckl_send(struct ck *c, const struct ckl *l);
/* SET_FEATURES with or without VHOST_F_LOG_ALL, as set-up. */
bool ckl_all(struct ck *c, bool on);
/* SET_VRING_ADDR of ring `q` with or without VHOST_VRING_F_LOG, as set-up. */
bool ckl_ring(struct ck *c, unsigned q, bool on, u64 log);

/* Session, log of all memory, LOG_ALL, ring 0 in service without VHOST_VRING_F_LOG. */
bool ckl_run(struct ck *c, struct ckl *l);

void ckl_clear(struct ckl *l);
bool ckl_bit(const struct ckl *l, u64 page);
u32 ckl_count(const struct ckl *l);
/* Are the pages of these bytes marked? The first that is not goes to *page. */
bool ckl_covers(const struct ckl *l, struct gpa gpa, u32 len, u64 *page);
/* The first marked page that is not one of `n` buffers', or -1. */
u64 ckl_stray(const struct ckl *l, const struct tp_buf *bufs, unsigned n);

/* A protocol feature and a feature that every check of the log needs. */
#define CKL_NEEDS                                                                                  \
	.features = BIT_ULL(VU_F_LOG_ALL), .pf = BIT_ULL(VU_PF_LOG_SHMFD),                         \
	.device = VIRTIO_ID_BLOCK, .own_session = true

#endif

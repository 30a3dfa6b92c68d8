/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a block device (VIRTIO 1.4, 5.2): build a request, read a reply.
 *
 * A request is a header and outgoing data (device-readable), incoming data and a status byte
 * (device-writable). The specification leaves to the driver how those bytes are cut into
 * descriptors (2.7.4), so cutting is a separate step: blk_frame().
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_BLK_H
#define HARNESS_DEVICE_BLK_H

#include "harness/spec/virtio14.h"
#include "harness/transport/transport.h"
#include "harness/virtqueue/split.h"

/* What the status byte holds until the device writes it: no status of the specification. */
#define BLK_STATUS_UNSET 0xee

struct blk_req {
	u32 type;
	u64 sector;
	struct tp_buf hdr;    /* 16 bytes */
	struct tp_buf data;   /* len 0: none */
	struct tp_buf status; /* 1 byte */
};

enum blk_layout {
	BLK_LAYOUT_USUAL,	 /* header | data | status: what Linux sends */
	BLK_LAYOUT_HEADER_SPLIT, /* header cut after the type word */
	BLK_LAYOUT_HEADER_BYTES, /* header as 16 one-byte descriptors */
	BLK_LAYOUT_DATA_SPLIT,	 /* data cut at odd places */
	BLK_LAYOUT_DATA_BYTES,	 /* the first 16 bytes of data one by one */
	BLK_LAYOUT_MERGED,	 /* header + outgoing data in one, incoming data + status in one */
	BLK_LAYOUT_TAIL_MERGED,	 /* last byte of incoming data together with the status */
	BLK_LAYOUTS,
};

/* Longest chain blk_frame() makes. */
#define BLK_FRAME_MAX 48

static inline bool blk_type_is_in(u32 type)
{
	return type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID ||
	       type == VIRTIO_BLK_T_GET_LIFETIME || type == VIRTIO_BLK_T_ZONE_REPORT;
}

/* Write the header, and BLK_STATUS_UNSET into the status byte. */
void blk_prepare(const struct blk_req *r);

/*
 * Cut a request into descriptors. The merged layouts need the parts to be adjacent in memory, as
 * blk_carve() lays them. Returns the number of device-readable and device-writable pieces.
 */
void blk_frame(const struct blk_req *r, enum blk_layout layout, struct vq_sg sg[BLK_FRAME_MAX],
	       unsigned *out, unsigned *in);

/*
 * Lay a request of `data_len` bytes out in `area` so that every layout is possible: header, data
 * and status adjacent. Needs 17 + data_len bytes.
 */
void blk_carve(struct blk_req *r, struct tp_buf area, u32 type, u64 sector, u32 data_len);

static inline u8 blk_status(const struct blk_req *r)
{
	return __atomic_load_n(r->status.hva, __ATOMIC_RELAXED);
}

/* Bytes that a correct device writes on success: what `len` of the used element must not exceed. */
static inline u32 blk_written_on_success(const struct blk_req *r)
{
	return (blk_type_is_in(r->type) ? r->data.len : 0) + 1;
}

const char *blk_layout_name(enum blk_layout layout);
const char *blk_status_name(u8 status);
const char *blk_type_name(u32 type);

#endif

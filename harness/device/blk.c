// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/blk.h"

#include <string.h>

struct cutter {
	struct vq_sg *sg;
	unsigned n;
};

static void cut(struct cutter *c, struct gpa addr, u32 len)
{
	if (len)
		c->sg[c->n++] = (struct vq_sg){ addr, len };
}

/* A part in pieces that end at the given offsets, the rest in one. */
static void cut_at(struct cutter *c, const struct tp_buf *b, const u32 *ends, unsigned n)
{
	u32 at = 0;

	for (unsigned i = 0; i < n; i++) {
		u32 end = MIN(ends[i], b->len);

		cut(c, gpa_add(b->gpa, at), end - at);
		at = end;
	}
	cut(c, gpa_add(b->gpa, at), b->len - at);
}

static void cut_bytes(struct cutter *c, const struct tp_buf *b, u32 count)
{
	u32 n = MIN(count, b->len);

	for (u32 i = 0; i < n; i++)
		cut(c, gpa_add(b->gpa, i), 1);
	cut(c, gpa_add(b->gpa, n), b->len - n);
}

static void cut_header(struct cutter *c, const struct blk_req *r, enum blk_layout layout)
{
	static const u32 after_type[] = { 4 };

	if (layout == BLK_LAYOUT_HEADER_SPLIT)
		cut_at(c, &r->hdr, after_type, ARRAY_SIZE(after_type));
	else if (layout == BLK_LAYOUT_HEADER_BYTES)
		cut_bytes(c, &r->hdr, r->hdr.len);
	else
		cut(c, r->hdr.gpa, r->hdr.len);
}

static void cut_data(struct cutter *c, const struct blk_req *r, enum blk_layout layout)
{
	static const u32 odd_ends[] = { 1, 3, 256, 511, 513 };

	if (layout == BLK_LAYOUT_DATA_SPLIT)
		cut_at(c, &r->data, odd_ends, ARRAY_SIZE(odd_ends));
	else if (layout == BLK_LAYOUT_DATA_BYTES)
		cut_bytes(c, &r->data, 16);
	else
		cut(c, r->data.gpa, r->data.len);
}

void blk_prepare(const struct blk_req *r)
{
	struct virtio_blk_outhdr h = {
		.type = le32(r->type),
		.ioprio = 0,
		.sector = le64(r->sector),
	};

	memcpy(r->hdr.hva, &h, sizeof(h));
	*r->status.hva = BLK_STATUS_UNSET;
}

void blk_frame(const struct blk_req *r, enum blk_layout layout, struct vq_sg sg[BLK_FRAME_MAX],
	       unsigned *out, unsigned *in)
{
	struct cutter c = { sg, 0 };
	bool incoming = blk_type_is_in(r->type);

	if (layout == BLK_LAYOUT_MERGED) {
		cut(&c, r->hdr.gpa, r->hdr.len + (incoming ? 0 : r->data.len));
		*out = c.n;
		cut(&c, incoming ? r->data.gpa : r->status.gpa,
		    (incoming ? r->data.len : 0) + r->status.len);
		*in = c.n - *out;
		return;
	}
	cut_header(&c, r, layout);
	if (!incoming)
		cut_data(&c, r, layout);
	*out = c.n;
	if (incoming && layout == BLK_LAYOUT_TAIL_MERGED && r->data.len) {
		cut(&c, r->data.gpa, r->data.len - 1);
		cut(&c, gpa_add(r->data.gpa, r->data.len - 1), 1 + r->status.len);
	} else {
		if (incoming)
			cut_data(&c, r, layout);
		cut(&c, r->status.gpa, r->status.len);
	}
	*in = c.n - *out;
}

static struct tp_buf part(struct tp_buf area, u32 offset, u32 len)
{
	return (struct tp_buf){ area.hva + offset, gpa_add(area.gpa, offset), len };
}

void blk_carve(struct blk_req *r, struct tp_buf area, u32 type, u64 sector, u32 data_len)
{
	r->type = type;
	r->sector = sector;
	r->hdr = part(area, 0, sizeof(struct virtio_blk_outhdr));
	r->data = part(area, r->hdr.len, data_len);
	r->status = part(area, r->hdr.len + data_len, 1);
}

const char *blk_layout_name(enum blk_layout layout)
{
	static const char *const names[BLK_LAYOUTS] = {
		[BLK_LAYOUT_USUAL] = "header|data|status",
		[BLK_LAYOUT_HEADER_SPLIT] = "header in two",
		[BLK_LAYOUT_HEADER_BYTES] = "header in 16 bytes",
		[BLK_LAYOUT_DATA_SPLIT] = "data cut at odd places",
		[BLK_LAYOUT_DATA_BYTES] = "data in single bytes",
		[BLK_LAYOUT_MERGED] = "all merged",
		[BLK_LAYOUT_TAIL_MERGED] = "data tail with status",
	};

	return names[layout];
}

const char *blk_status_name(u8 status)
{
	switch (status) {
	case VIRTIO_BLK_S_OK:
		return "OK";
	case VIRTIO_BLK_S_IOERR:
		return "IOERR";
	case VIRTIO_BLK_S_UNSUPP:
		return "UNSUPP";
	case BLK_STATUS_UNSET:
		return "not written";
	default:
		return "undefined";
	}
}

const char *blk_type_name(u32 type)
{
	static const char *const names[] = {
		[VIRTIO_BLK_T_IN] = "IN",
		[VIRTIO_BLK_T_OUT] = "OUT",
		[VIRTIO_BLK_T_FLUSH] = "FLUSH",
		[VIRTIO_BLK_T_GET_ID] = "GET_ID",
		[VIRTIO_BLK_T_GET_LIFETIME] = "GET_LIFETIME",
		[VIRTIO_BLK_T_DISCARD] = "DISCARD",
		[VIRTIO_BLK_T_WRITE_ZEROES] = "WRITE_ZEROES",
		[VIRTIO_BLK_T_SECURE_ERASE] = "SECURE_ERASE",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "unknown type";
}

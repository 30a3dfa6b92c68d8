// SPDX-License-Identifier: BSD-3-Clause
/*
 * harness/device/blk.c: however a request is cut, the descriptors cover exactly its bytes, in order,
 * and what the device may write stands behind what it may read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/device/blk.h"

#define GPA	 0x123456789000ull
#define MAX_DATA 70000
#define HDR_LEN	 16u

static u8 memory[HDR_LEN + MAX_DATA + 1];

static const u32 types[] = {
	VIRTIO_BLK_T_IN,	   VIRTIO_BLK_T_OUT,
	VIRTIO_BLK_T_FLUSH,	   VIRTIO_BLK_T_GET_ID,
	VIRTIO_BLK_T_GET_LIFETIME, VIRTIO_BLK_T_DISCARD,
	VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_T_SECURE_ERASE,
	VIRTIO_BLK_T_ZONE_REPORT,  0xffffffff,
};

static const u32 lengths[] = {
	0,   1,	  2,   3,   4,	 15,  16,  17,	 20,   255,  256,   257,
	510, 511, 512, 513, 514, 515, 528, 4095, 4096, 4097, 65536, MAX_DATA
};

/* The guest addresses of a run of pieces, byte by byte. */
static u32 walk(const struct vq_sg *sg, unsigned n, u64 *addrs, u32 room)
{
	u32 at = 0;

	for (unsigned i = 0; i < n; i++) {
		assert_true(sg[i].len > 0);
		for (u32 b = 0; b < sg[i].len; b++) {
			assert_true(at < room);
			addrs[at++] = sg[i].addr.v + b;
		}
	}
	return at;
}

static void assert_covers(const u64 *addrs, const struct tp_buf *b)
{
	for (u32 i = 0; i < b->len; i++)
		assert_int_equal(addrs[i], b->gpa.v + i);
}

static void check_frame(const struct blk_req *r, enum blk_layout layout)
{
	static u64 addrs[sizeof(memory)];
	bool incoming = blk_type_is_in(r->type);
	struct vq_sg sg[BLK_FRAME_MAX + 1];
	unsigned out = 99, in = 99;
	u32 readable, writable;

	memset(sg, 0, sizeof(sg));
	blk_frame(r, layout, sg, &out, &in);
	assert_true(out >= 1 && in >= 1);
	assert_true(out + in <= BLK_FRAME_MAX);
	assert_int_equal(sg[BLK_FRAME_MAX].len, 0);

	readable = walk(sg, out, addrs, ARRAY_SIZE(addrs));
	assert_int_equal(readable, HDR_LEN + (incoming ? 0 : r->data.len));
	assert_covers(addrs, &r->hdr);
	if (!incoming)
		assert_covers(addrs + HDR_LEN, &r->data);

	writable = walk(sg + out, in, addrs, ARRAY_SIZE(addrs));
	assert_int_equal(writable, blk_written_on_success(r));
	if (incoming)
		assert_covers(addrs, &r->data);
	assert_covers(addrs + writable - 1, &r->status);
}

static void every_layout_covers_the_same_bytes(void **state)
{
	for (unsigned t = 0; t < ARRAY_SIZE(types); t++) {
		for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++) {
			const struct tp_buf area = { memory, { GPA }, sizeof(memory) };
			struct blk_req r;

			blk_carve(&r, area, types[t], 7, lengths[l]);
			for (unsigned layout = 0; layout < BLK_LAYOUTS; layout++)
				check_frame(&r, layout);
		}
	}
}

/* Parts that are not adjacent: every layout but the two that merge. */
static void parts_may_lie_apart(void **state)
{
	struct blk_req r = {
		.hdr = { memory, { 0x1000 }, HDR_LEN },
		.data = { memory + 64, { 0x900000000 }, 1000 },
		.status = { memory + 2000, { 0x40 }, 1 },
	};

	for (unsigned t = 0; t < ARRAY_SIZE(types); t++) {
		r.type = types[t];
		for (unsigned layout = 0; layout < BLK_LAYOUTS; layout++)
			if (layout != BLK_LAYOUT_MERGED && layout != BLK_LAYOUT_TAIL_MERGED)
				check_frame(&r, layout);
	}
}

static unsigned pieces(u32 type, u32 len, enum blk_layout layout, unsigned *out)
{
	const struct tp_buf area = { memory, { GPA }, sizeof(memory) };
	struct vq_sg sg[BLK_FRAME_MAX];
	struct blk_req r;
	unsigned in;

	blk_carve(&r, area, type, 0, len);
	blk_frame(&r, layout, sg, out, &in);
	return in;
}

static void layouts_are_what_they_say(void **state)
{
	static const struct {
		enum blk_layout layout;
		u32 type, len;
		unsigned out, in;
	} rows[] = {
		{ BLK_LAYOUT_USUAL, VIRTIO_BLK_T_IN, 512, 1, 2 },
		{ BLK_LAYOUT_USUAL, VIRTIO_BLK_T_OUT, 512, 2, 1 },
		{ BLK_LAYOUT_USUAL, VIRTIO_BLK_T_FLUSH, 0, 1, 1 },
		{ BLK_LAYOUT_HEADER_SPLIT, VIRTIO_BLK_T_IN, 512, 2, 2 },
		{ BLK_LAYOUT_HEADER_BYTES, VIRTIO_BLK_T_IN, 512, 16, 2 },
		{ BLK_LAYOUT_HEADER_BYTES, VIRTIO_BLK_T_OUT, 512, 17, 1 },
		{ BLK_LAYOUT_DATA_SPLIT, VIRTIO_BLK_T_IN, 1024, 1, 7 },
		{ BLK_LAYOUT_DATA_SPLIT, VIRTIO_BLK_T_OUT, 512, 6, 1 },
		{ BLK_LAYOUT_DATA_BYTES, VIRTIO_BLK_T_IN, 512, 1, 18 },
		{ BLK_LAYOUT_DATA_BYTES, VIRTIO_BLK_T_OUT, 16, 17, 1 },
		{ BLK_LAYOUT_MERGED, VIRTIO_BLK_T_IN, 512, 1, 1 },
		{ BLK_LAYOUT_MERGED, VIRTIO_BLK_T_OUT, 512, 1, 1 },
		{ BLK_LAYOUT_TAIL_MERGED, VIRTIO_BLK_T_IN, 512, 1, 2 },
		{ BLK_LAYOUT_TAIL_MERGED, VIRTIO_BLK_T_IN, 1, 1, 1 },
		{ BLK_LAYOUT_TAIL_MERGED, VIRTIO_BLK_T_OUT, 512, 2, 1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned out, in = pieces(rows[i].type, rows[i].len, rows[i].layout, &out);

		if (out != rows[i].out || in != rows[i].in)
			fail_msg("%s of %u bytes, %s: %u + %u pieces, not %u + %u",
				 blk_type_name(rows[i].type), rows[i].len,
				 blk_layout_name(rows[i].layout), out, in, rows[i].out, rows[i].in);
	}
}

static void prepare_writes_header_and_status(void **state)
{
	const struct tp_buf area = { memory, { GPA }, sizeof(memory) };
	struct virtio_blk_outhdr h;
	struct blk_req r;

	memset(memory, 0x77, sizeof(memory));
	blk_carve(&r, area, VIRTIO_BLK_T_OUT, 0x1122334455667788ull, 512);
	blk_prepare(&r);
	memcpy(&h, memory, sizeof(h));
	assert_int_equal(le32(h.type), VIRTIO_BLK_T_OUT);
	assert_int_equal(h.ioprio, 0);
	assert_int_equal(le64(h.sector), 0x1122334455667788ull);
	assert_int_equal(memory[HDR_LEN], 0x77);
	assert_int_equal(memory[HDR_LEN + 511], 0x77);
	assert_int_equal(memory[HDR_LEN + 512], BLK_STATUS_UNSET);
	assert_int_equal(blk_status(&r), BLK_STATUS_UNSET);
	assert_int_equal(memory[HDR_LEN + 513], 0x77);
}

static void written_counts_incoming_data(void **state)
{
	struct blk_req r = { .type = VIRTIO_BLK_T_IN, .data = { .len = 4096 } };

	assert_int_equal(blk_written_on_success(&r), 4097);
	r.type = VIRTIO_BLK_T_OUT;
	assert_int_equal(blk_written_on_success(&r), 1);
	r.type = VIRTIO_BLK_T_DISCARD;
	assert_int_equal(blk_written_on_success(&r), 1);
	r.type = VIRTIO_BLK_T_GET_ID;
	r.data.len = VIRTIO_BLK_ID_LEN;
	assert_int_equal(blk_written_on_success(&r), 21);
}

static void every_layout_has_a_name(void **state)
{
	for (unsigned layout = 0; layout < BLK_LAYOUTS; layout++)
		assert_non_null(blk_layout_name(layout));
	assert_string_equal(blk_type_name(VIRTIO_BLK_T_WRITE_ZEROES), "WRITE_ZEROES");
	assert_string_equal(blk_type_name(0xffffffff), "unknown type");
	assert_string_equal(blk_status_name(VIRTIO_BLK_S_UNSUPP), "UNSUPP");
	assert_string_equal(blk_status_name(BLK_STATUS_UNSET), "not written");
	assert_string_equal(blk_status_name(3), "undefined");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_covers_the_same_bytes),
		cmocka_unit_test(parts_may_lie_apart),
		cmocka_unit_test(layouts_are_what_they_say),
		cmocka_unit_test(prepare_writes_header_and_status),
		cmocka_unit_test(written_counts_incoming_data),
		cmocka_unit_test(every_layout_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

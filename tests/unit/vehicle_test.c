// SPDX-License-Identifier: BSD-3-Clause
/* Vehicles: what each of them writes stays where it belongs, and what is no answer is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/device/fs.h"
#include "harness/spec/virtio14.h"

static const u32 types[] = { VIRTIO_ID_BLOCK, VIRTIO_ID_FS,  VIRTIO_ID_SOUND, VIRTIO_ID_GPU,
			     VIRTIO_ID_INPUT, VIRTIO_ID_CAN, VIRTIO_ID_SPI,   VIRTIO_ID_SCSI };

static void bounds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct vehicle *v = vehicle_of(types[i]);
		u8 buf[VEHICLE_BYTES_MAX + 1];

		assert_non_null(v);
		assert_true(v->readable <= VEHICLE_BYTES_MAX && v->writable <= VEHICLE_BYTES_MAX);
		assert_true(v->readable || v->writable);
		for (u64 n = 0; n < 3; n++) {
			memset(buf, 0, v->readable);
			memset(buf + v->readable, 0x77, sizeof(buf) - v->readable);
			v->fill(buf, n);
			for (size_t k = v->readable; k < sizeof(buf); k++)
				assert_int_equal(buf[k], 0x77);
		}
	}
	assert_null(vehicle_of(VIRTIO_ID_NET));
}

/* Buffers that come back as they went are no answer, where there is one to look at. */
static void unanswered(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct vehicle *v = vehicle_of(types[i]);
		u8 in[VEHICLE_BYTES_MAX] = { 0 }, out[VEHICLE_BYTES_MAX];

		memset(out, VEHICLE_UNSET, sizeof(out));
		v->fill(in, 1);
		assert_int_equal(vehicle_answered(v, in, out), v->writable == 0);
	}
}

static void fuse(void **state)
{
	const struct vehicle *v = vehicle_of(VIRTIO_ID_FS);
	u8 request[VEHICLE_BYTES_MAX] = { 0 }, answer[VEHICLE_BYTES_MAX] = { 16 };

	/* The first of a session says which version is spoken. */
	v->fill(request, 0);
	assert_int_equal(vehicle_u32(request + 4), FUSE_INIT);
	v->fill(request, 1);
	assert_int_equal(vehicle_u32(request + 4), FUSE_GETATTR);
	assert_int_equal(vehicle_u32(request), v->readable);
	memcpy(answer + 8, request + 8, 8);
	assert_true(vehicle_answered(v, request, answer));
	assert_int_equal(vehicle_length(v, answer), 16);
	answer[8] ^= 1;
	assert_false(vehicle_answered(v, request, answer));
	/* A length that no answer has. */
	answer[8] ^= 1;
	answer[3] = 1;
	assert_false(vehicle_answered(v, request, answer));
}

static void queues(void **state)
{
	assert_int_equal(vehicle_queues(vehicle_of(VIRTIO_ID_FS), 5), 4);
	/* Who cannot say how many there are says one. */
	assert_int_equal(vehicle_queues(vehicle_of(VIRTIO_ID_FS), 1), 1);
	assert_int_equal(vehicle_queues(vehicle_of(VIRTIO_ID_SOUND), 4), 1);
	assert_int_equal(vehicle_queues(vehicle_of(VIRTIO_ID_BLOCK), 4), 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(unanswered),
		cmocka_unit_test(fuse),
		cmocka_unit_test(queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

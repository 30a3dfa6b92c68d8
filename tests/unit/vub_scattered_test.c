// SPDX-License-Identifier: BSD-3-Clause
/* A ring that is in several pieces of memory where addresses are translated: the driver of each is told. */
#include "tests/unit/vub_front.h"

#include "ref-backends/device/rng.h"

enum {
	NUM = 8,
	DESC = 0x1000,
	AVAIL = 0x2000,
	USED = 0x3000,
};

static struct rrng rng;

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, 0x5a, len);
}

static void map(u32 iova, u32 size, u32 at)
{
	const struct vu_iotlb m = { .iova = FRONT_UVA + iova,
				    .size = size,
				    .uva = FRONT_UVA + at,
				    .perm = VU_IOTLB_READ | VU_IOTLB_WRITE,
				    .type = VU_IOTLB_UPDATE };
	struct vu_reply r;

	front_send(VU_IOTLB_MSG, &m, sizeof(m), NULL, 0);
	front_reply(VU_IOTLB_MSG, &r);
	assert_int_equal(r.msg.u64, 0);
	vu_reply_release(&r);
}

/* `second`: where the second half of the descriptor table is. */
static u64 status_with(u32 second)
{
	map(DESC, 64, DESC);
	map(DESC + 64, 64, second);
	map(AVAIL, 0x1000, AVAIL);
	map(USED, 0x1000, USED);
	front_ring(0, NUM, 0, DESC, AVAIL, USED);
	return front_get_u64(VU_GET_STATUS);
}

static const u64 features = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES) |
			    BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);

static void connect_front(void)
{
	front_connect(features);
	front_u64(VU_SET_PROTOCOL_FEATURES, BIT_ULL(VU_PF_STATUS));
}

static void one_piece(void **state)
{
	connect_front();
	assert_int_equal(status_with(DESC + 64), 0);
	front_disconnect();
}

static void each_driver_is_told(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		connect_front();
		assert_int_equal(status_with(0x5000), VIRTIO_CONFIG_S_NEEDS_RESET);
		front_u64(VU_SET_STATUS, 0);
		front_u64(VU_SET_FEATURES, features);
		assert_int_equal(front_get_u64(VU_GET_STATUS), 0);
		assert_int_equal(status_with(0x5000), VIRTIO_CONFIG_S_NEEDS_RESET);
		front_disconnect();
	}
}

static int setup(void **state)
{
	rrng_init(&rng, fill, NULL);
	return front_open(&rng.dev);
}

static int teardown(void **state)
{
	front_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_piece, setup, teardown),
		cmocka_unit_test_setup_teardown(each_driver_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
